"""This process among others: signals, ranks, times, what it runs on, what it says.

Nothing of benchmarks or models.
"""
