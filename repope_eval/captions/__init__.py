"""What a caption mentions, and what is annotated in an image: the two halves that CHAIR compares."""
