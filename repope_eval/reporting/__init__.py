"""Shows one run: on the console, as a document, and as a page with figures.

Figures come from scoring; nothing is computed here, and no torch imported.
"""
