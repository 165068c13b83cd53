"""Baselines that show the target some of the user's earlier conversations before the query, the newest last.

history     all that fit `max_tokens` of the target's tokens, the newest first to be kept
last_k      the last `k`
retrieval   the `k` nearest to the query by BM25
profile     the target sums them up and rewrites the query by that (profile_baseline.py)
"""

from collections.abc import Mapping, Sequence
from typing import Any

from eval_harness.conditions import Shown
from eval_harness.errors import EvalError
from eval_harness.gold import CONVERSATIONS, HISTORY_TOKENS, Control, Gold
from persona_atlas.protocol import Message, as_text
from persona_atlas.records import Item

ARGUMENTS: Mapping[str, Mapping[str, int]] = {
    "history": {"max_tokens": HISTORY_TOKENS},
    "last_k": {"k": CONVERSATIONS, "max_tokens": HISTORY_TOKENS},
    "retrieval": {"k": CONVERSATIONS, "max_tokens": HISTORY_TOKENS},
    "profile": {"max_tokens": HISTORY_TOKENS},
}
"""The arguments that controls take (`--optimizer_args`), whole numbers from 1 on, with their defaults."""
FRAME = "These are my earlier conversations with you:\n\n{history}\n\nAnswer my new question the way I like answers:\n{query}"


def check_control_arguments(control: str, arguments: dict[str, Any]) -> None:
    """Raise EvalError unless the control takes these arguments, and they are whole numbers from 1 on."""
    known = ARGUMENTS.get(control, {})
    for key, value in arguments.items():
        if key not in known:
            wanted = f"it takes {', '.join(known)}" if known else "leave it out"
            raise EvalError(f"the control {control} takes no --optimizer_args {key}; {wanted}")
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise EvalError(f"--optimizer_args has {key}={value}, wanted a whole number from 1 on")


def shown_by_controls(optimizer: str, arguments: Mapping[str, Any]) -> tuple[int, int]:
    """How many tokens of earlier conversations, and how many of these, all controls of a run show: the arguments count where the optimizer is itself
    a control that takes them.
    """
    own = arguments if optimizer in ARGUMENTS else {}
    return own.get("max_tokens", HISTORY_TOKENS), own.get("k", CONVERSATIONS)


def history(item: Item, shown: Shown, gold: Gold) -> str:
    return _with(shown.messages(), shown.query, gold)


def last_k(item: Item, shown: Shown, gold: Gold) -> str:
    return _with(shown.messages()[-gold.conversations :], shown.query, gold)


def retrieval(item: Item, shown: Shown, gold: Gold) -> str:
    """Of equally near conversations the newer; they are shown in their order."""
    conversations = shown.messages()
    nearness = _bm25(shown.query, [as_text([conversation]) for conversation in conversations])
    nearest = sorted(range(len(conversations)), key=lambda i: (nearness[i], i))[-gold.conversations :]
    return _with([conversations[i] for i in sorted(nearest)], shown.query, gold)


def _bm25(query: str, texts: Sequence[str]) -> list[float]:
    """How near each text is to the query; all alike where they share no word."""
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
    """The newest of the conversations that fit `history_tokens`, in order, as text; empty where none does."""
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
