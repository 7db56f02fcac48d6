"""Asking: who is asked, and one start of a run; transformers' native models, any chat checkpoint, and servers."""
