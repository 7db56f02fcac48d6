"""Files of any kind, read within bounds and written whole. What a file is for is known elsewhere."""
