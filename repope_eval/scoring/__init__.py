"""Scoring: how answers are read, the counts and figures they come to, and how sure these are; pure functions alone."""
