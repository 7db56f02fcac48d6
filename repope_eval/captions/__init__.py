"""What a caption mentions, and what COCO says is in an image: the two halves that CHAIR compares."""
