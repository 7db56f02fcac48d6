"""The stages of `perf/gpu.py`: each is a function that takes a device and yields rows of the table."""
