"""Files of any kind: read within bounds, written whole. What a file is for is not known here."""
