"""Verifies submissions from their samples and builds the static site.

Not written yet: the package holds its place, so that the import rules already cover it.
"""
