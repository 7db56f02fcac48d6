"""Makes the embedded demo: a drawn world, its benchmark, and a tiny model trained on it.

For developers; no part of the wheel.
"""
