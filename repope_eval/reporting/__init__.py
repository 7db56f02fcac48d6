"""Showing: console tables, the run folder's documents, and the page. No torch."""
