"""A machine's own test: the embedded model is asked on this device in several ways, and held against stored answers."""
