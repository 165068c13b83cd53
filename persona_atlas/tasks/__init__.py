"""Tasks: question templates with slots, programs that verify an answer, and content plans that say what a right answer holds."""

from persona_atlas.tasks.templates import Filling, Plan, Template, fill, load_templates
from persona_atlas.tasks.verifiers import verify

__all__ = ["Filling", "Plan", "Template", "fill", "load_templates", "verify"]
