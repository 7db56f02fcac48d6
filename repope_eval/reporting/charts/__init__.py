"""Charts, one kind a file: each makes a `Chart` of records of scoring.

Importing any of them imports matplotlib.
"""
