"""Charts of many models, one kind a file. Importing any of them imports matplotlib."""
