"""Conditions: labelled changes to what an item shows. `clean` is the item's own query and its whole history.

    surface, incomplete, ambiguous          the query's noisy twin of that layer, in medium intensity; also surface_light, surface_heavy and so on
    history_0, 1, 2, 4                      only the newest 0, 1, 2 or 4 conversations
    history_reveals_50, history_reveals_25  only 50 % (25 %) of the turns that reveal something are left; a conversation ends before a removed turn
    history_noise_25, history_noise_50      conversations that mislead or are beside the point are mixed in, to make up 25 % (50 %) of all

An item is not asked under a condition that it does not have: a twin of that layer and intensity, or conversations to mix in, may be missing. Items of
imported releases have no `history_reveals`, since their turns are not labelled.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from eval_harness.errors import nearest
from persona_atlas.data import Release, history, noisy_history, thinned_history
from persona_atlas.protocol import Message
from persona_atlas.records import Conversation, Item, Twin

History = tuple[Conversation, ...]
LAYERS = ("surface", "incomplete", "ambiguous")


@dataclass(frozen=True)
class Shown:
    """What is shown of an item under a condition: the query and the conversations, oldest first. `twin`: the noisy twin, if one is shown."""

    query: str
    history: History
    twin: Twin | None = None

    def texts(self) -> list[str]:
        """Every text that the request holds."""
        return [self.query, *(turn.content for conversation in self.history for turn in conversation.turns)]

    def messages(self) -> tuple[tuple[Message, ...], ...]:
        return tuple(tuple(Message(turn.role, turn.content) for turn in conversation.turns) for conversation in self.history)


def _clean(item: Item, release: Release) -> Shown:
    return Shown(item.query, history(item, release))


def _twin(layer: str, intensity: str, item: Item, release: Release) -> Shown | None:
    twin = next((twin for twin in item.twins if (twin.layer, twin.intensity) == (layer, intensity)), None)
    return None if twin is None else Shown(twin.query, history(item, release), twin)


def _latest(count: int, item: Item, release: Release) -> Shown:
    return Shown(item.query, history(item, release)[-count:] if count else ())


def _thinned(share: float, item: Item, release: Release) -> Shown | None:
    return None if release.imported else Shown(item.query, thinned_history(item, release, share))


def _dirty(share: float, item: Item, release: Release) -> Shown | None:
    return Shown(item.query, noisy_history(item, release, share)) if item.history_noise else None


CONDITIONS: Mapping[str, Callable[[Item, Release], Shown | None]] = {
    "clean": _clean,
    **{layer: partial(_twin, layer, "medium") for layer in LAYERS},
    **{f"{layer}_{intensity}": partial(_twin, layer, intensity) for layer in LAYERS for intensity in ("light", "heavy")},
    **{f"history_{count}": partial(_latest, count) for count in (0, 1, 2, 4)},
    "history_reveals_50": partial(_thinned, 0.5),
    "history_reveals_25": partial(_thinned, 0.25),
    "history_noise_25": partial(_dirty, 0.25),
    "history_noise_50": partial(_dirty, 0.5),
}
ALIASES = {"history_all": "clean"}


def parse_conditions(text: str) -> tuple[str, ...]:
    """The conditions named in `a,b,c`, each once; `clean` is always first, since differences are taken against it. Raises EvalError."""
    names = [ALIASES.get(name.strip(), name.strip()) for name in text.split(",") if name.strip()]
    for name in names:
        if name not in CONDITIONS:
            raise nearest("condition", name, [*CONDITIONS, *ALIASES])
    return tuple(dict.fromkeys(["clean", *names]))


def show(condition: str, item: Item, release: Release) -> Shown | None:
    """What `condition` shows of the item; None if the item does not have the condition."""
    return CONDITIONS[condition](item, release)
