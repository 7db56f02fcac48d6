"""Answer files of other programs, joined to a benchmark's questions.

How answers are read and scored is not known here.
"""
