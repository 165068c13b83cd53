"""Verifies submissions from their samples. Everything is parsed and computed again; nothing of a submission is imported or run."""
