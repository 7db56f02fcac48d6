"""What any program needs: files within bounds, this process among others, downloads; nothing of models."""
