"""Charts, each kind in a file. Each function makes a `Chart` from records of scoring.

Importing any of them imports matplotlib.
"""
