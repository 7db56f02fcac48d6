"""A drawn world and a tiny model trained on it, so that everything can be tried without downloads."""
