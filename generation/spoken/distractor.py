"""The distractor agent: speaks the user's side of conversations that dirty a history (a mood, another person, a contradiction, small talk)."""

from generation.spoken.talk import Wanted, agents
from generation.spoken.user import Scene, reworded
from persona_atlas.records import Turn


def distraction(turn: Turn, noise: str, scene: Scene) -> Wanted:
    """What is to be said in place of a scripted turn of a conversation of that kind of noise."""
    return reworded("distractor", {"mood": agents()["distractor"]["moods"][noise]}, turn, scene)
