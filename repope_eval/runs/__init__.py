"""Run folders: their files, their answers, what they came from, who may write.

No model is loaded, nothing is scored.
"""
