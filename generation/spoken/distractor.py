"""The distractor agent: speaks the user's side of conversations that dirty a history (a mood, another person, a contradiction, small talk)."""

from generation.spoken.entailment import Entails
from generation.spoken.talk import Wanted, agents
from generation.spoken.user import reworded
from persona_atlas.records import Turn, User
from persona_atlas.tasks.templates import Filling


def distraction(user: User, turn: Turn, noise: str, filling: Filling | None, seed: int, place: str, entails: Entails | None = None) -> Wanted:
    """What is to be said in place of a scripted turn of a conversation of that kind of noise."""
    return reworded("distractor", {"mood": agents()["distractor"]["moods"][noise]}, user, turn, filling, (seed, place), entails)
