"""Scored runs passed on to experiment trackers, one file each: what a run's manifest has, and its figures."""
