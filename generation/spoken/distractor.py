"""The distractor agent: speaks the user's side of conversations that dirty a history (a mood, another person, a contradiction, small talk)."""

from dataclasses import replace

from generation.spoken.talk import Wanted, agents
from generation.spoken.user import message
from persona_atlas.records import Turn, User
from persona_atlas.tasks.templates import Filling


def distraction(user: User, turn: Turn, noise: str, filling: Filling | None, seed: int, place: str) -> Wanted:
    """What is to be said in place of a scripted turn of a conversation of that kind of noise."""
    told = agents()["distractor"]
    prompt = told["reword"].format(message=turn.clean or turn.content, mood=told["moods"][noise])
    return replace(message(user, turn, filling, seed, place), agent="distractor", prompt=prompt)
