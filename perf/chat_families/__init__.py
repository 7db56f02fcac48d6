"""Tiny checkpoints of many chat families, of random weights, each with its real classes of transformers."""
