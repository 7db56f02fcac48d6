"""Settings: what can be set, how words and files become settings, and what is wrong with them; nothing of runs."""
