"""Settings: what can be set, how words and files become it, and every mistake in them. No run is known here."""
