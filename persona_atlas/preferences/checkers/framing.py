"""Checkers for how an answer opens and closes."""

import regex

from persona_atlas.answer import EMOJI, Answer, count_words
from persona_atlas.preferences.registry import checker

SUMMARY = regex.compile(
    r"(?:in (?:short|brief|a nutshell|one (?:line|sentence))|tl;?\s?dr|"
    r"(?:quick |short |brief |one-line )?summary|(?:the )?(?:short|quick) (?:answer|version)|"
    r"(?:the )?bottom line|(?:the )?gist|key takeaway)\s*[:,–—-]"
)
SUMMARY_HEADING = regex.compile(
    r"(?:tl;?\s?dr|(?:quick |short |brief )?summary|in short|in brief|bottom line|(?:short|quick) (?:answer|version)|key takeaway)\W*$"
)
GREETING = regex.compile(r"(?:hi|hello|hey|hiya|howdy|greetings|welcome|dear|good (?:morning|afternoon|evening|day))\b(?!-)")
FILLER = regex.compile(
    r"(?:sure|certainly|of course|absolutely|definitely|great|good question|excellent question|what a|that's a (?:great|good)|happy to|glad to|"
    r"i'd be happy|i would be happy|i'm happy|i can help|no problem|thanks for|thank you for|okay|ok|alright|got it)\b"
)
NEXT_STEP = regex.compile(
    r"(?:(?:your |the |a |possible )?next steps?|what to do next|do this next|next up|next action)"
    r"(?: for you| now)?\W{0,3}(?:[:–—-]|\bis\b|\bare\b|$)"
)


def _opening(answer: Answer) -> str:
    return _plain(answer.content[0].text) if answer.content else ""


def _closing(answer: Answer) -> str:
    """The last sentence that holds a word: an emoji after it closes nothing."""
    return next((_plain(sentence) for sentence in reversed(answer.sentences) if count_words(sentence)), "")


@checker("summary_first")
def summary_first(answer: Answer) -> float:
    """1 if the answer begins with a labelled summary (`In short: …`), or with a heading that says so."""
    first = answer.blocks[0] if answer.blocks else None
    if first and first.kind == "heading" and SUMMARY_HEADING.match(first.text.lower().strip()):
        return 1.0
    return 1.0 if SUMMARY.match(_opening(answer)) else 0.0


@checker("greeting_first")
def greeting_first(answer: Answer) -> float:
    """1 if the first line that is no heading greets the reader, and no heading over it calls it a summary."""
    return 1.0 if GREETING.match(_opening(answer)) and not summary_first(answer) else 0.0


@checker("direct_opening")
def direct_opening(answer: Answer) -> float:
    """1 if the answer begins with its content: no greeting, no labelled summary, no filler (`Sure, …`)."""
    if summary_first(answer) or greeting_first(answer):
        return 0.0
    return 0.0 if FILLER.match(_opening(answer)) else 1.0


@checker("closing_question")
def closing_question(answer: Answer) -> float:
    """1 if the last sentence is a question."""
    return 1.0 if _closing(answer).rstrip(" \ufe0f\"'”’)*_").endswith("?") else 0.0


@checker("closing_next_step")
def closing_next_step(answer: Answer) -> float:
    """1 if the last sentence, or the label over the closing list, names a next step, and no question follows it."""
    if closing_question(answer):
        return 0.0
    if NEXT_STEP.match(_closing(answer)):
        return 1.0
    for block in reversed(answer.blocks):
        if block.kind == "item":
            continue
        label = _plain(block.text)
        return 1.0 if len(label.split()) <= 8 and NEXT_STEP.match(label) else 0.0
    return 0.0


@checker("plain_ending")
def plain_ending(answer: Answer) -> float:
    """1 if the answer ends when its content ends: neither a question nor a labelled next step."""
    return 0.0 if closing_question(answer) or closing_next_step(answer) else 1.0


def _plain(text: str) -> str:
    return EMOJI.sub("", text).lower().replace("’", "'").strip()
