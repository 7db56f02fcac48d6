"""Asking: the shared-prefix engine, the sequential reference engine, and the store of answers."""
