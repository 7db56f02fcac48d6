"""Benchmarks: their questions, label sets and images, and how such benchmarks are made; no model and no answer."""
