"""What models need and what this machine has: sizes, memory, operations. No model is asked anything here."""
