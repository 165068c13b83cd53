"""Baselines that show the target some of the user's earlier conversations before the query, oldest first.

history     the newest conversations
last_k      the last `k`
retrieval   the `k` nearest to the query by BM25
profile     the target sums up the newest conversations and rewrites the query accordingly (profile_baseline.py)

Each takes the newest of these that fit in `max_tokens` of the target's tokens.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from eval_harness.conditions import Shown
from eval_harness.errors import EvalError
from eval_harness.gold import CONVERSATIONS, HISTORY_TOKENS, Control, Gold
from persona_atlas.protocol import Message, as_text
from persona_atlas.records import Item

ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "history": ("max_tokens",),
    "last_k": ("k", "max_tokens"),
    "retrieval": ("k", "max_tokens"),
    "profile": ("max_tokens",),
}
"""Control -> the arguments it takes (`--optimizer_args`), whole numbers of at least 1."""
FRAME = "These are my earlier conversations with you:\n\n{history}\n\nAnswer my new question the way I like answers:\n{query}"


def check_control_arguments(control: str, arguments: dict[str, Any]) -> None:
    """Raise EvalError unless the control takes these arguments and they are whole numbers of at least 1."""
    known = ARGUMENTS.get(control, ())
    for key, value in arguments.items():
        if key not in known:
            wanted = f"it takes {', '.join(known)}" if known else "leave it out"
            raise EvalError(f"the control {control} takes no --optimizer_args {key}; {wanted}")
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise EvalError(f"--optimizer_args has {key}={value}, wanted a whole number from 1 on")


def shown_by_controls(optimizer: str, arguments: Mapping[str, Any]) -> tuple[int, int]:
    """How many tokens of earlier conversations, and how many conversations, the controls of a run show at most.

    The arguments apply to all controls of the run if the optimizer is itself a control that takes them; otherwise the defaults do.
    """
    own = arguments if optimizer in ARGUMENTS else {}
    return own.get("max_tokens", HISTORY_TOKENS), own.get("k", CONVERSATIONS)


def history(item: Item, shown: Shown, gold: Gold) -> str:
    return _with(shown.messages(), shown.query, gold)


def last_k(item: Item, shown: Shown, gold: Gold) -> str:
    return _with(shown.messages()[-gold.conversations :], shown.query, gold)


def retrieval(item: Item, shown: Shown, gold: Gold) -> str:
    """The conversations nearest to the query, in chronological order. Of equally near ones the newer is taken."""
    conversations = shown.messages()
    nearness = _bm25(shown.query, [as_text([conversation]) for conversation in conversations])
    nearest = sorted(range(len(conversations)), key=lambda i: (nearness[i], i))[-gold.conversations :]
    return _with([conversations[i] for i in sorted(nearest)], shown.query, gold)


def _bm25(query: str, texts: Sequence[str]) -> list[float]:
    """The BM25 score of each text for the query; all 0 if no text shares a word with it."""
    import bm25s

    if not texts:
        return []
    index = bm25s.BM25()
    index.index(bm25s.tokenize(list(texts), stopwords="en", show_progress=False), show_progress=False)
    words = bm25s.tokenize([query], stopwords="en", show_progress=False, return_ids=False)[0]
    return [float(score) for score in index.get_scores(words)] if words else [0.0] * len(texts)


def _with(conversations: Sequence[Sequence[Message]], query: str, gold: Gold) -> str:
    history = newest(conversations, gold)
    return FRAME.format(history=history, query=query) if history else query


def newest(conversations: Sequence[Sequence[Message]], gold: Gold) -> str:
    """The newest conversations that together fit in `history_tokens`, in order, as text; empty if the newest alone does not fit."""
    kept: list[str] = []
    left = gold.history_tokens
    for conversation in reversed(conversations):
        text = as_text([conversation]).split("\n", 1)[1]
        left -= gold.count_tokens(text)
        if left < 0:
            break
        kept.insert(0, text)
    return "\n\n".join(kept)


BASELINES: Mapping[str, Control] = {"history": history, "last_k": last_k, "retrieval": retrieval}
