"""Two results compared: reading them, what differs in how they came about, and bringing them to common ground."""
