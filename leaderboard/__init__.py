"""Verifies submissions from their samples, and builds the site. All is parsed and computed again; nothing of a submission is imported or run."""
