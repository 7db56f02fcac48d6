"""Scoring: how answers are read, counts and figures, how sure they are.

Pure functions; no torch, no user's files.
"""
