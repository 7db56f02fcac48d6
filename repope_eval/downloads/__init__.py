"""Files from servers: over HTTP, and from the Hugging Face Hub. What they hold is known elsewhere."""
