"""From content plan and values to an answer (`render`), from values to instruction wording (`instruct`), and the proof that both fit (`witness`)."""

from persona_atlas.render.compose import render
from persona_atlas.render.instructions import instruct
from persona_atlas.render.witness import applicable_dimensions, joint_witness, shown_values

__all__ = ["applicable_dimensions", "instruct", "joint_witness", "render", "shown_values"]
