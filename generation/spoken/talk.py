"""A talk: a generator that asks for utterances one after another, and is sent what a language model says.

    def talk() -> Talk[str]:
        generation = yield Ask("user", "Say hello.", Sampling(40))
        return generation.text

`perform` runs as many talks at once as it is given room for, each as fast as its own answers come, so that no talk waits for another.
"""

from collections.abc import Callable, Generator, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, TypeVar

from generation.spoken.conveys import Fault
from persona_atlas.content import need, read_yaml
from persona_atlas.models.protocol import Generation, Sampling
from persona_atlas.models.stream import Stream
from persona_atlas.randomness import generator

TRIES = 3
TEMPERATURE = 0.7
KEYS = {"style": dict, "user": dict, "distractor": dict, "assistant": dict, "reasons": dict}
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
class Told:
    """What came of asking: the utterance, or None where no try was fit; how many tries there were, and why each of the others failed."""

    text: str | None
    tries: int
    failures: tuple[str, ...]


@dataclass(frozen=True)
class Wanted:
    """An utterance that is wanted: of whom, what they are told, what they are told again, how long it may be (tokens), and what is wrong with one."""

    agent: str
    prompt: str
    again: str
    longest: int
    judge: Callable[[Generation], Fault | None]
    seed: tuple[Hashable, ...]


def asked(wanted: Wanted) -> Talk[Told]:
    """Ask up to TRIES times, from the second on with the last try and the reason why it will not do."""
    failures: list[str] = []
    prompt = wanted.prompt
    for number in range(TRIES):
        seed = int(generator(*wanted.seed, number).integers(2**31))  # type: ignore[arg-type]
        generation = yield Ask(wanted.agent, prompt, Sampling(wanted.longest, TEMPERATURE, seed))
        fault = wanted.judge(generation)
        if fault is None:
            return Told(generation.text.strip(), number + 1, tuple(failures))
        failures.append(fault.reason)
        attempt, reason = generation.text.strip(), agents()["reasons"][fault.reason].format(detail=fault.detail)
        prompt = f"{wanted.prompt}\n\n{wanted.again.format(attempt=attempt, reason=reason)}" if attempt else wanted.prompt
    return Told(None, TRIES, tuple(failures))


def perform(talks: Iterable[tuple[Name, Talk[Result]]], streams: Mapping[str, Stream], at_once: int) -> Iterator[tuple[Name, Result]]:
    """Run the talks, up to `at_once` of them side by side, and yield each as it ends. `streams`: agent -> where its prompts go; agents may share one.

    Raises ModelError where a model as a whole cannot answer.
    """
    coming, running = iter(talks), dict[int, tuple[Name, Talk[Result], Ask]]()
    number, more = 0, True
    while more or running:
        while more and len(running) < at_once:
            begun = next(coming, None)
            more = begun is not None
            if begun is not None:
                number += 1
                yield from _go_on(number, *begun, None, streams, running)
        for stream in {id(stream): stream for stream in streams.values()}.values():
            for who, generation in stream.finished():
                name, talk, _ = running.pop(who)
                yield from _go_on(who, name, talk, generation, streams, running)


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
