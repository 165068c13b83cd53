"""Why an answer ended, in our words: from the reason that the backend gives, or else from the answer's length.

    reason_of("eos_token")                              # "stop"
    reason_by_count(320, 320)                           # "length"
    reason_by_text("Then we could", 315, 320)           # "length"
    reason_by_text("Then we could go.", 315, 320)       # "stop"

What `reason_by_count` and `reason_by_text` say is inferred: there nobody knows whether the model ended the answer.
"""

import math
import re

from persona_atlas.models.protocol import FinishReason

_CUT = {"length", "max_tokens", "model_length"}
"""What servers say of an answer that reached its limit: those that speak as OpenAI's do, as Anthropic's, as Mistral's."""
_BROKEN_OFF = {"abort", "error", "insufficient_system_resource"}
"""Reasons by which servers report that a fault of theirs ended the answer."""
_FILTERED = {"content_filter", "refusal", "sensitive"}
"""What servers say of an answer that a content filter withheld: those that speak as OpenAI's do, as Anthropic's, as Zhipu's."""
_SPARED = 0.02
_LEAST_SPARED = 2
_CLOSED = re.compile(r"""(?:[.!?\u2026\u3002\uff01\uff1f\u2600-\u27bf\U0001f300-\U0001faff]\ufe0f?["'\u201d\u2019\xbb)\]*_]*|\n```)\s*\Z""")
"""The end of a sentence (its mark or an emoji, then quotes, brackets and emphasis that close), or of a code block."""


def broken_off(said: str | None) -> bool:
    """Whether the backend's reason means that a fault of the server ended the answer."""
    return said in _BROKEN_OFF


def withheld(said: str | None) -> bool:
    """Whether the backend's reason means that a content filter ended the answer."""
    return said in _FILTERED


def reason_of(said: str) -> FinishReason:
    """The finish reason in a server's words as ours. What no known server says of a cut is taken for a stop: `eos_token`, `end_turn`, ..."""
    return "length" if said in _CUT else "stop"


def reason_by_count(tokens: int, limit: int) -> FinishReason:
    """The likely reason where the number of tokens that were generated is known, and nothing else."""
    return "length" if tokens >= limit else "stop"


def reason_by_text(text: str, tokens: int, limit: int) -> FinishReason:
    """The likely reason where only the text is known, which has `tokens` tokens if it is encoded again.

    That is often fewer than were generated. So an answer that lacks at most 2 % of the limit (or 2 tokens, if that is more) was cut off, too, if it
    does not end as a sentence or a code block does.
    """
    near = tokens >= limit - max(_LEAST_SPARED, math.ceil(_SPARED * limit))
    return "length" if tokens >= limit or (near and not _CLOSED.search(text)) else "stop"
