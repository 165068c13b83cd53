"""A talk: a generator that asks for utterances one after another, and is sent what a language model says.

    def talk() -> Talk[str]:
        generation = yield Ask("user", "Say hello.", Sampling(40))
        return generation.text

`perform` runs as many talks at once as it is given room for, each as fast as its own answers come, so that no talk waits for another.
"""

import time
from collections.abc import Callable, Generator, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from typing import Any, TypeVar

from generation.spoken.conveys import Fault
from persona_atlas.content import need, read_yaml
from persona_atlas.models.protocol import Generation, Sampling
from persona_atlas.models.stream import Answers, Stream
from persona_atlas.randomness import generator

TEMPERATURES = (0.5, 0.8, 0.8)
"""Of the first try, and of each that follows one that would not do."""
PAUSE = 0.005
"""Seconds until several streams, none of which had anything, are looked at again."""
SENT = 3
"""How often a prompt is sent whose answer gets lost on the way."""
KEYS = {"style": dict, "keep": str, "user": dict, "distractor": dict, "assistant": dict, "reasons": dict}
Result = TypeVar("Result")
Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True)
class Ask:
    """What one of the agents (`user`, `distractor`, or an assistant of the pool) is asked to say."""

    agent: str
    prompt: str
    sampling: Sampling


Talk = Generator[Ask, Generation, Result]


@dataclass(frozen=True)
class Outcome:
    """What came of asking: the utterance, or None where no try was fit; how many tries there were, and why each of the others failed."""

    text: str | None
    tries: int
    failures: tuple[str, ...]


@dataclass(frozen=True)
class Part:
    """A piece of an utterance that is asked for by itself (a sentence of a message, or all of an answer), and what is wrong with a try."""

    prompt: str
    judge: Callable[[Generation], Fault | None]


@dataclass(frozen=True)
class Wanted:
    """An utterance that is wanted: of whom, in which parts, and how they are told again that one would not do.

    `longest`: tokens of a part; `judge`: what is wrong with the parts together; `bare` takes off a part what is not to be said.
    """

    agent: str
    parts: tuple[Part, ...]
    again: str
    longest: int
    seed: tuple[Hashable, ...]
    judge: Callable[[str], Fault | None] = lambda text: None
    bare: Callable[[str], str] = str.strip


def asked(wanted: Wanted) -> Talk[Outcome]:
    """Ask as often as there are TEMPERATURES, from the second time on for the parts that were not fit, and with the reason why they were not.

    What is too long for the model is not asked again, since it would only get longer.
    """
    failures: list[str] = []
    said: dict[int, str] = {}
    wrong: dict[int, Fault] = {}
    for number, temperature in enumerate(TEMPERATURES):
        for place, part in enumerate(wanted.parts):
            if place in said:
                continue
            seed = int(generator(*wanted.seed, number, place).integers(2**31))  # type: ignore[arg-type]
            prompt = _again(part.prompt, wanted.again, wrong[place]) if place in wrong else part.prompt
            generation = yield from _answered(Ask(wanted.agent, prompt, Sampling(wanted.longest, temperature, seed)))
            if generation.finish_reason == "context_overflow":
                return Outcome(None, number + 1, (*failures, "overflow"))
            text = wanted.bare(generation.text)
            fault = Fault("error") if generation.finish_reason == "error" else part.judge(replace(generation, text=text))
            if fault is None:
                said[place] = text
            else:
                wrong[place] = fault
        if len(said) == len(wanted.parts):
            text = " ".join(said[place] for place in sorted(said))
            fault = wanted.judge(text)
            if fault is None:
                return Outcome(text, number + 1, tuple(failures))
            wrong = dict.fromkeys(said, fault)
            said = {}
        failures.append(next(fault.reason for place, fault in sorted(wrong.items()) if place not in said))
    return Outcome(None, len(TEMPERATURES), tuple(failures))


def _answered(ask: Ask) -> Talk[Generation]:
    """The answer; where it gets lost on the way, the same is asked again."""
    for _ in range(SENT):
        generation = yield ask
        if generation.finish_reason != "error":
            break
    return generation


def _again(prompt: str, again: str, fault: Fault) -> str:
    """The prompt with what was wrong with the last try; an answer that got lost had nothing wrong with it."""
    if fault.reason == "error":
        return prompt
    reason = agents()["reasons"][fault.reason].format(detail=fault.detail)
    return again.format(prompt=prompt, reason=reason)


def perform(talks: Iterable[tuple[Name, Talk[Result]]], streams: Mapping[str, Stream], at_once: int) -> Iterator[tuple[Name, Result]]:
    """Run the talks, up to `at_once` of them side by side, and yield each as it ends. `streams`: agent -> where its prompts go; agents may share one.

    Raises ModelError where a model as a whole cannot answer.
    """
    coming, running = iter(talks), dict[int, tuple[Name, Talk[Result], Ask]]()
    apart = list({id(stream): stream for stream in streams.values()}.values())
    number, more = 0, True
    while more or running:
        while more and len(running) < at_once:
            begun = next(coming, None)
            more = begun is not None
            if begun is not None:
                number += 1
                yield from _go_on(number, *begun, None, streams, running)
        for who, generation in _finished(apart) if running else ():
            name, talk, _ = running.pop(who)
            yield from _go_on(who, name, talk, generation, streams, running)


def _finished(streams: Sequence[Stream]) -> Answers:
    """What has finished of any; of several streams none is waited for while another has something."""
    if len(streams) == 1:
        return streams[0].finished()
    found = [answer for stream in streams for answer in stream.finished(wait=False)]
    if not found:
        time.sleep(PAUSE)
    return found


def _go_on(
    number: int, name: Any, talk: Any, generation: Generation | None, streams: Mapping[str, Stream], running: dict[int, Any]
) -> Iterator[tuple[Any, Any]]:
    """Send the talk its answer; its next question goes to the stream, its end is yielded."""
    try:
        ask = next(talk) if generation is None else talk.send(generation)
    except StopIteration as end:
        yield name, end.value
        return
    running[number] = name, talk, ask
    streams[ask.agent].submit(number, ask.prompt, ask.sampling)


@lru_cache(maxsize=1)
def agents() -> dict[str, Any]:
    """agents.yaml: what the agents are told. Raises CatalogError."""
    data = read_yaml(files("generation.spoken").joinpath("agents.yaml"))
    need(data, KEYS, "agents.yaml")
    return dict(data)
