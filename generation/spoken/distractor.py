"""The distractor agent: says the user's turns in noise conversations (a mood, another person, a contradiction, small talk)."""

from generation.spoken.talk import Wanted, agents
from generation.spoken.user import Scene, reworded
from persona_atlas.records import Turn


def distraction(turn: Turn, noise: str, scene: Scene) -> Wanted:
    """The utterance wanted in place of a scripted user turn. `noise`: the conversation's kind of noise."""
    return reworded("distractor", {"mood": agents()["distractor"]["moods"][noise]}, turn, scene)
