"""Charts of many models, each kind in a file. Importing any of them imports matplotlib."""
