"""Semantic-aware noise: labelled edits of a clean text, verified, with the clean twin kept; and conversations that dirty a history."""
