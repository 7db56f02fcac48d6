"""Answer files of other programs, joined to a benchmark's questions; nothing here reads or scores an answer."""
