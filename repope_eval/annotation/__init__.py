"""A page on which people label questions about images, each in a file of their own."""
