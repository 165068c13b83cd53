"""Renders a content plan and values as an answer (`render`), words values as instructions (`instruct`), and proves that answers exist (`witness`)."""

from persona_atlas.render.applicable import applicable_dimensions
from persona_atlas.render.compose import render, render_more
from persona_atlas.render.instructions import instruct
from persona_atlas.render.witness import NoWitnessError, joint_witness, shown_values

__all__ = ["NoWitnessError", "applicable_dimensions", "instruct", "joint_witness", "render", "render_more", "shown_values"]
