"""One run shown: console, documents, page.

Figures come from scoring; nothing is computed here, and no torch imported.
"""
