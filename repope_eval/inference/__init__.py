"""Asking: who is asked, the loop over the questions, and the two engines of transformers' models.

Nothing is scored here.
"""
