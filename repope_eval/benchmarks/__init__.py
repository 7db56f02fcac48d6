"""Benchmarks: questions and label sets, where images come from, and how such benchmarks are made."""
