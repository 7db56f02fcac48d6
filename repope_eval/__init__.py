"""Evaluates vision-language models for object hallucination on POPE and RePOPE."""

__version__ = "0.1.0"
