"""The assistant agent: answers a message, knowing about the user what the scripted turn knows."""

from collections.abc import Mapping, Sequence

from generation.spoken.conveys import Fault
from generation.spoken.form import unfit
from generation.spoken.talk import Part, Wanted, agents
from generation.wording import stems_of
from persona_atlas.answer import Answer
from persona_atlas.models.protocol import Generation
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.protocol import Message, as_text
from persona_atlas.records import Turn
from persona_atlas.render import applicable_dimensions, instruct
from persona_atlas.scoring import responsive
from persona_atlas.tasks.templates import Filling
from persona_atlas.tasks.verifiers import verify

LONGEST = 320
WORDING = 1
"""Which of the four instruction wordings is used: the best on Qwen2.5-Coder-0.5B-Instruct (validation users, an early dataset version)."""


def answer(agent: str, turns: Sequence[Turn], number: int, filling: Filling | None, seed: int, place: str) -> Wanted:
    """The utterance wanted of the assistant for turn `number`. `turns`: the turns before it as spoken, and those from there on as scripted."""
    before, turn, told = turns[:number], turns[number], agents()["assistant"]
    must, must_not = needed(turns, number)
    known = {held.dimension: held.value for held in turn.known if held.dimension != "hard"}
    shown = {shown.dimension: shown.value for shown in turn.shows}
    follows = {dimension: value for dimension, value in known.items() if filling and shown.get(dimension) == value and _applies(dimension, filling)}
    against = {dimension: shown[dimension] for dimension in must_not if shown.get(dimension)}
    hard = [held.value for held in turn.known if held.dimension == "hard" and filling and held.value in filling.template.hard]
    said = tuple(Message(one.role, one.content) for one in before)
    asked = " ".join(message.content for message in said)
    text = told["first"].format(message=said[0].content) if len(said) == 1 else told["later"].format(conversation=as_text([said]).split("\n", 1)[1])
    values: dict[str, str] = {**follows, **against, **must}  # type: ignore[dict-item]
    if "length" not in values:
        text = f"{text} {told['brief']}"
    prompt = instruct(text, values.items(), hard, WORDING)

    def fault(generation: Generation) -> Fault | None:
        if any(line in generation.text for line in _instructions(values, hard)):
            return Fault("echo")
        return unfit(generation) or (_fault(Answer(generation.text), filling, asked, must, must_not, hard) if filling else None)

    return Wanted(agent, (Part(prompt, fault),), told["again"], LONGEST, (seed, "utterance", place))


def needed(turns: Sequence[Turn], number: int) -> tuple[dict[str, str], dict[str, str]]:
    """The values that answer `number` must show, and those that it must not, as dimension -> value.

    They make what the user says about it next true, and have a second answer heed the user, or not, as the scripted one does.
    """
    must: dict[str, str] = {}
    must_not: dict[str, str] = {}
    after = turns[number + 1] if number + 1 < len(turns) else None
    for reveal in after.reveals if after and after.act == "feedback" else ():
        if reveal.dimension != "hard":
            (must if reveal.how == "praise" else must_not)[reveal.dimension] = reveal.value
    if turns[number].act == "revise":
        shown = {shown.dimension: shown.value for shown in turns[number].shows}
        for reveal in turns[number - 1].reveals:
            if reveal.dimension != "hard" and reveal.how != "fact":
                (must if shown.get(reveal.dimension) == reveal.value else must_not)[reveal.dimension] = reveal.value
    return must, must_not


def _instructions(values: Mapping[str, str], hard: Sequence[str]) -> list[str]:
    catalog = load_catalog()
    lines = [catalog.value(dimension, value).instructions for dimension, value in values.items()]
    return [line[WORDING] for line in [*lines, *(catalog.hard[constraint].instructions for constraint in hard)]]


def _fault(answer: Answer, filling: Filling, asked: str, must: Mapping[str, str], must_not: Mapping[str, str], hard: Sequence[str]) -> Fault | None:
    """What is wrong with the content of an answer, or None. The detail is an instruction from the catalogue."""
    catalog = load_catalog()
    if not responsive(answer, filling, verify(filling, answer)) and not set(stems_of(answer.visible)) & set(stems_of(asked)):
        return Fault("off the subject")
    for dimension, value in must.items():
        if catalog.dimensions[dimension].met_by(answer) != value:
            return Fault("does not show", catalog.value(dimension, value).instructions[0])
    for dimension, value in must_not.items():
        if catalog.dimensions[dimension].met_by(answer) == value:
            other = catalog.dimensions[dimension].others(value)[0]
            return Fault("shows too much", other.instructions[0])
    for constraint in hard:
        if not catalog.hard[constraint].met(answer):
            return Fault("does not show", catalog.hard[constraint].instructions[0])
    return None


def _applies(dimension: str, filling: Filling) -> bool:
    return dimension in applicable_dimensions(filling.template.template_id)
