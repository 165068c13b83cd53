"""A talk: a generator that yields requests for utterances, and is sent what a language model says.

    def talk() -> Talk[str]:
        generation = yield Ask("user", "Say hello.", Sampling(40))
        return generation.text

`perform` runs many talks at once, each as fast as its own answers come, so that no talk waits for another.
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
"""The sampling temperatures of the first try and of the retries. There are as many tries as entries."""
PAUSE = 0.005
"""Seconds to wait before polling several streams again when none of them had an answer."""
SENT = 3
"""How often a prompt is sent at most if its answer gets lost on the way."""
KEYS = {"style": dict, "keep": str, "user": dict, "distractor": dict, "assistant": dict, "reasons": dict}
Result = TypeVar("Result")
Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True)
class Ask:
    """A prompt for one of the agents: `user`, `distractor`, `assistant 0`, `assistant 1` …"""

    agent: str
    prompt: str
    sampling: Sampling


Talk = Generator[Ask, Generation, Result]


@dataclass(frozen=True)
class Outcome:
    """What came of asking: the utterance (None if no try was taken), the number of tries, and why each failed one failed."""

    text: str | None
    tries: int
    failures: tuple[str, ...]


@dataclass(frozen=True)
class Part:
    """A piece of an utterance that is asked for by itself: a sentence of a message, or a whole answer. `judge`: what is wrong with a try, or None."""

    prompt: str
    judge: Callable[[Generation], Fault | None]


@dataclass(frozen=True)
class Wanted:
    """An utterance wanted of an agent, in parts.

    `again`: the template of the prompt after a failed try; `longest`: the largest number of tokens of a part; `seed`: the key of the sampling seeds;
    `judge`: what is wrong with the parts put together; `bare`: strips from a part what is not to be said.
    """

    agent: str
    parts: tuple[Part, ...]
    again: str
    longest: int
    seed: tuple[Hashable, ...]
    judge: Callable[[str], Fault | None] = lambda text: None
    bare: Callable[[str], str] = str.strip


def asked(wanted: Wanted) -> Talk[Outcome]:
    """Ask for an utterance, once for each of TEMPERATURES. Retries ask only for the parts that failed, and say why they did.

    If the parts are fit but not together, all of them are asked for again. A prompt that is too long for the model is not retried, since the reason
    would only make it longer.
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
    """The answer to `ask`, which is sent again, up to SENT times, if the answer gets lost on the way."""
    for _ in range(SENT):
        generation = yield ask
        if generation.finish_reason != "error":
            break
    return generation


def _again(prompt: str, again: str, fault: Fault) -> str:
    """The prompt together with what was wrong with the last try. An answer that got lost had nothing wrong with it."""
    if fault.reason == "error":
        return prompt
    reason = agents()["reasons"][fault.reason].format(detail=fault.detail)
    return again.format(prompt=prompt, reason=reason)


def perform(talks: Iterable[tuple[Name, Talk[Result]]], streams: Mapping[str, Stream], at_once: int) -> Iterator[tuple[Name, Result]]:
    """Run the talks, up to `at_once` at a time, and yield the name and result of each as it ends.

    `streams`: agent -> the stream that takes its prompts; agents may share one. Raises ModelError if a model cannot answer at all.
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
    """The answers that have finished. With several streams none is waited for, so that one never holds up another."""
    if len(streams) == 1:
        return streams[0].finished()
    found = [answer for stream in streams for answer in stream.finished(wait=False)]
    if not found:
        time.sleep(PAUSE)
    return found


def _go_on(
    number: int, name: Any, talk: Any, generation: Generation | None, streams: Mapping[str, Stream], running: dict[int, Any]
) -> Iterator[tuple[Any, Any]]:
    """Send the talk its answer (None starts it). Submits its next request, or yields its name and result if it has ended."""
    try:
        ask = next(talk) if generation is None else talk.send(generation)
    except StopIteration as end:
        yield name, end.value
        return
    running[number] = name, talk, ask
    streams[ask.agent].submit(number, ask.prompt, ask.sampling)


@lru_cache(maxsize=1)
def agents() -> dict[str, Any]:
    """Read agents.yaml, what the agents are told. Raises CatalogError."""
    data = read_yaml(files("generation.spoken").joinpath("agents.yaml"))
    need(data, KEYS, "agents.yaml")
    return dict(data)
