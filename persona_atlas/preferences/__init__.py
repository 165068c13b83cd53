"""Preferences: a catalogue of dimensions and values (data) and the checkers that decide whether an answer meets them."""

from persona_atlas.preferences.catalog import Catalog, Dimension, HardConstraint, Value, load_catalog
from persona_atlas.preferences.registry import check, checker, get_checker

__all__ = ["Catalog", "Dimension", "HardConstraint", "Value", "check", "checker", "get_checker", "load_catalog"]
