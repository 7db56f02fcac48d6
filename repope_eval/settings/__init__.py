"""Settings: what can be set, how words and files become settings, and every mistake in them. Runs are not known here."""
