"""What models need and what this machine has, and whether its device answers as it should."""
