"""Semantic-aware noise: labelled edits of a clean query, verified, with the clean twin kept."""

from generation.noise.surface import surface_twin

__all__ = ["surface_twin"]
