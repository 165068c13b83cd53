"""Checkers for how an answer opens and closes."""

from collections.abc import Sequence

import regex

from persona_atlas.answer import EMOJI, Answer, Block, count_words
from persona_atlas.preferences.registry import checker

SUMMARY = regex.compile(
    r"(?:in (?:short|brief|a nutshell|essence|one (?:line|sentence|word))|tl;?\s?dr|"
    r"(?:quick |short |brief |one-line |executive )?summary|(?:the )?(?:short|quick) (?:answer|version)|"
    r"(?:the |my )?(?:conclusion|verdict|abstract|upshot|nutshell)|"
    r"(?:the )?bottom line|(?:the )?gist|(?:the )?(?:key |main |one-line )?takeaway|(?:the )?(?:main|key) (?:point|message))\s*[:,–—-]"
)
SUMMARY_HEADING = regex.compile(
    r"(?:tl;?\s?dr|(?:quick |short |brief )?summary|in short|in brief|bottom line|(?:short|quick) (?:answer|version)|key takeaway)\W*$"
)
GREETING = regex.compile(r"(?:hi|hello|hey|hiya|howdy|greetings|welcome|dear|good (?:morning|afternoon|evening|day))\b(?!-)")
FILLER = regex.compile(
    r"(?:(?:sure(?: thing)?|certainly|of course|absolutely|definitely|great|good|okay|ok|alright|all right|right|"
    r"got it|understood|noted|no problem|will do|gladly|with pleasure|very well|fair enough|thanks|thank you)(?=\s*[,.!:;–—]|\s+-\s|$)|"
    r"(?:sure|certainly|of course|okay|ok),? here\b|"
    r"(?:a |that's a |that is a |what a )?(?:really |very )?(?:good|great|excellent|nice|fair|interesting|lovely) (?:question|point|idea|one)\b|"
    r"(?:i'm |i am |i'd be |i would be )?(?:happy|glad) to\b|i can help|thanks for|thank you for)"
)
_ACTION = r"(?:next (?:steps?|actions?|moves?|tasks?)|first (?:action|step)|to-?do|task|move|action)"
NEXT_STEP = regex.compile(
    rf"(?:(?:(?:your |the |a |possible )?{_ACTION}|what to do next|do this next|next up)(?: for you| now| item)?)"
    r"\W{0,3}(?:[:–—-]|\bis\b|\bare\b|$)"
)

OFFER = regex.compile(
    r"\b(?:let me know (?:if|how|what|whether|which|should)|let me know when(?:ever)? you|feel free to|"
    r"(?:i'm|i am|i'll be|always|still) (?:here|happy|glad|available|at your)|(?:happy|glad) to (?:help|explain|go|walk|answer|assist)|"
    r"at your disposal|don't hesitate|do not hesitate|just (?:ask|let me know|shout|say (?:so|the word))|ask away|"
    r"if you (?:need|want|have|would like|'d like) (?:any )?(?:more|further|other|additional|questions|help|anything)|"
    r"(?:any|more|further|other) questions\b|reach out(?: (?:any ?time|if|to me|with|whenever)|[.!])|"
    r"(?:you are|you're|always) welcome to (?:ask|come|write|return)|"
    r"(?:please |do |always )?ask (?:me )?(?:if|for|again|when) (?:you|more|any|need)|"
    r"i can also (?:help|explain|draw|write|show|make|give|walk|go|list|work|suggest))"
)
NEXT_LABEL = regex.compile(
    r"(?:(?:your |the |a |possible )?next (?:steps?|actions?|moves?|tasks?)|what to do next|do this next|next up)(?: for you| now)? ?[:–—]"
)
"""A label at the start of the last block. Its first sentence is not the last one, so that `First step: …` may as well be the content."""
RECAP = regex.compile(
    r"(?:to (?:sum (?:it )?(?:all )?up|summari[sz]e|recap|conclude|wrap up)|"
    r"in (?:sum|summary|conclusion|short|brief|a nutshell)|summing up|recap|conclusion|wrap-?up|(?:key |main )?takeaways?|"
    r"the bottom line|bottom line|all in all|overall)\b\s*[:,–—-]|in conclusion\b|to (?:conclude|recap|summari[sz]e)\b"
)
RECAP_HEADING = regex.compile(
    r"(?:(?:quick |brief |short )?(?:summary|recap)|conclusion|in (?:summary|conclusion|short|brief)|to (?:sum up|summari[sz]e|recap|conclude)|"
    r"(?:key |main )?takeaways?|final (?:thoughts|words)|wrap(?:ping)?[ -]?up)\W*$"
)


def _opening(answer: Answer) -> str:
    return _plain(answer.content[0].text) if answer.content else ""


def _closing(answer: Answer) -> str:
    """The last sentence that has a word in it, so that an emoji after it does not count."""
    return next((_plain(sentence) for sentence in reversed(answer.sentences) if count_words(sentence)), "")


@checker("summary_first")
def summary_first(answer: Answer) -> float:
    """1 if the answer begins with a labelled summary (`In short: …`), or with a heading or a bold label that announces one."""
    first = answer.blocks[0] if answer.blocks else None
    if first and first.kind == "heading" and SUMMARY_HEADING.match(first.text.lower().strip()):
        return 1.0
    label = _plain(answer.strong[0]) if answer.strong else ""
    if label and _opening(answer).startswith(label) and SUMMARY_HEADING.match(label):
        return 1.0
    return 1.0 if SUMMARY.match(_opening(answer)) else 0.0


@checker("greeting_first")
def greeting_first(answer: Answer) -> float:
    """1 if the first block that is not a heading greets the reader, and no heading before it announces a summary."""
    return 1.0 if GREETING.match(_opening(answer)) and not summary_first(answer) else 0.0


@checker("acknowledged_opening")
def acknowledged_opening(answer: Answer) -> float:
    """1 if the answer begins by acknowledging the request (`Sure, …`, `Good question.`), and not with a greeting or a labelled summary."""
    return 1.0 if FILLER.match(_opening(answer)) and not greeting_first(answer) and not summary_first(answer) else 0.0


@checker("direct_opening")
def direct_opening(answer: Answer) -> float:
    """1 if the answer begins with its content: no greeting, no labelled summary, no acknowledgment."""
    return 0.0 if summary_first(answer) or greeting_first(answer) or acknowledged_opening(answer) else 1.0


def ending(answer: Answer) -> str:
    """How the answer ends: `question`, `next_step`, `offer`, `recap` or `plain`.

    The last sentence decides, then the start of the last block, then the label or heading over the last block or list.
    """
    last = _closing(answer)
    if last.rstrip(" \ufe0f\"'”’)*_").endswith("?"):
        return "question"
    if OFFER.search(last):
        return "offer"
    start = _plain(answer.content[-1].text) if answer.content else ""
    if NEXT_STEP.match(last) or (len(answer.content) > 1 and NEXT_LABEL.match(start)):
        return "next_step"
    if RECAP.match(last) or RECAP.match(start):
        return "recap"
    return _announced(answer.blocks)


def _announced(blocks: Sequence[Block]) -> str:
    """What the label or heading over the last block or list says: `next_step`, `recap` or nothing (`plain`)."""
    for place in reversed(range(len(blocks))):
        block = blocks[place]
        if block.kind == "item":
            continue
        label = _plain(block.text)
        over_list = 0 < place < len(blocks) - 1 and blocks[place + 1].kind == "item" and blocks[-1].kind == "item"
        if (block.kind == "heading" or over_list) and RECAP_HEADING.match(label):
            return "recap"
        if len(label.split()) <= 8 and NEXT_STEP.match(label):
            return "next_step"
        if block.kind == "heading" or place < len(blocks) - 1:
            return "plain"
    return "plain"


@checker("closing_question")
def closing_question(answer: Answer) -> float:
    """1 if the last sentence is a question."""
    return float(ending(answer) == "question")


@checker("closing_next_step")
def closing_next_step(answer: Answer) -> float:
    """1 if the last sentence, the start of the last block, or the label over the closing list names a next step."""
    return float(ending(answer) == "next_step")


@checker("closing_offer")
def closing_offer(answer: Answer) -> float:
    """1 if the last sentence offers more help (`Feel free to ask for more.`)."""
    return float(ending(answer) == "offer")


@checker("closing_recap")
def closing_recap(answer: Answer) -> float:
    """1 if the last sentence or block is labelled as a recap (`To sum up: …`), or stands under a heading or label that says so."""
    return float(ending(answer) == "recap")


@checker("plain_ending")
def plain_ending(answer: Answer) -> float:
    """1 if the answer ends with its content: no question, next step, offer or recap."""
    return float(ending(answer) == "plain")


def _plain(text: str) -> str:
    return EMOJI.sub("", text).lower().replace("’", "'").strip()
