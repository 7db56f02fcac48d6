"""Relabelling by people: which labels are doubtful, the page on which people label, the rule, and what it changes."""
