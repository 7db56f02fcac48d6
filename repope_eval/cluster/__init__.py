"""A sweep on a cluster: its models, what each needs, what is submitted, and how far its runs are.

Nothing is asked here.
"""
