"""What models need and what this machine has: sizes, memory, operations. Nothing is asked here."""
