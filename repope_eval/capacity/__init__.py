"""What models need and what this machine has: sizes, memory, operations. No model answers anything here."""
