"""Finds and reads many runs, ranks them, and shows them as a page, tables and a document. It makes no run."""
