"""Scoring: how answers are read, confusion counts and figures. Pure functions; no torch, no files."""
