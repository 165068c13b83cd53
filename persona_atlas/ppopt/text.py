"""What PPOpt reads and writes, as text. In the form `whole`, the policy reads

    Earlier chats of one user, the oldest first. ...

    [1]
    User: how long do I boil penne? I'm a bullet point person, please always answer that way.
    Assistant: Boil penne for 11 minutes in salted water, and ...

    New question: How much rice for 6?

and writes

    <profile>
    - "I'm a bullet point person, please always answer that way." so this user wants bullet points.
    </profile>
    <prompt>
    How much rice for 6?

    Answer it like this:
    - Use bullet points.
    </prompt>

The history is cut to a budget of tokens: the newest chats that fit are kept, each of them whole. Where not even the newest fits, it alone is shown,
and of it the newest messages that fit: the user's last in any case, if need be only its two ends. Training and use cut alike (budget.py). Of the
assistant's answers only the first words are shown, since what is known of a user is what the user says.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import regex

from persona_atlas.ppopt.wishes import meant
from persona_atlas.protocol import Message, ProfileEntry

FRAME = (
    "Earlier chats of one user, the oldest first. Say what they show of how this user wants to be answered now, then rewrite the new question "
    "so that it asks for it.\n\n{history}\n\nNew question: {query}"
)
NOBODY = "No earlier chats."
NOTHING = "Nothing is known of this user that matters here."
WANTS = "so this user wants"
MARK = 4
"""The tokens of a chat's number and the blank line before it."""
ASSISTANT_WORDS = 12
"""How many words of an assistant's answer are shown."""
LINE = regex.compile(r'^-?\s*"(?P<evidence>.*)"\s*(?P<verdict>(?:so|but) .*)$')
PROFILE = regex.compile(r"<profile>\s*(.*?)\s*(?:</profile>|(?=<prompt>)|\Z)", regex.S)
PROMPT = regex.compile(r"<prompt>\s*(.*?)\s*(?:</prompt>|\Z)", regex.S)
TAG = regex.compile(r"</?(?:profile|prompt)>")
THOUGHT = regex.compile(r"\A\s*<think>.*?</think>\s*", regex.S)
"""What some bases put before a reply, empty or not."""
NUMBER = regex.compile(r"\d+(?:[.,:/]\d+)*")
WORD = regex.compile(r"[\p{L}\p{N}]+")
LOSABLE = 10
"""A prompt may lose one in so many of the query's words."""


@dataclass(frozen=True)
class Finding:
    """A line of the profile: words of the user, and what follows from them. `verdict` ends the sentence.

    `own`: the policy's probability, given the quote, that the verdict begins as it does (*so this user wants*); `sure`: that of what is wanted, given
    both (certainty.py). 1 if the engine reports none. Ignored in comparisons.
    """

    evidence: str
    verdict: str
    own: float = field(default=1.0, compare=False)
    sure: float = field(default=1.0, compare=False)

    def __str__(self) -> str:
        return f'- "{self.evidence}" {self.verdict}'


@dataclass(frozen=True)
class Reply:
    """A parsed reply. `prompt` is None where there is none; `flaw` says what is wrong with the form, None where nothing is."""

    text: str
    findings: tuple[Finding, ...]
    prompt: str | None
    flaw: str | None

    def profile(self) -> tuple[ProfileEntry, ...]:
        """Return the typed entries: the wishes of the profile that are values of the catalogue."""
        found = []
        for finding in self.findings:
            if finding.verdict.startswith(WANTS) and (meaning := meant(finding.verdict.removeprefix(WANTS))) and meaning[0] != "hard":
                found.append(ProfileEntry(*meaning, evidence=finding.evidence))
        return tuple(found)


def fitting(history: Sequence[Sequence[Message]], count: Callable[[str], int], budget: int) -> int:
    """Return how many of the newest chats fit a budget of tokens; `count` counts the tokens of a text."""
    for number, conversation in enumerate(reversed(history)):
        budget -= count(chat_text(conversation)) + MARK
        if budget < 0:
            return number
    return len(history)


def asked(history: Sequence[Sequence[Message]], query: str) -> str:
    """Return what the policy reads for a history and a query."""
    shown = "\n\n".join(f"[{number}]\n{chat_text(conversation)}" for number, conversation in enumerate(history, 1))
    return FRAME.format(history=shown or NOBODY, query=query)


def chat_text(chat: Sequence[Message]) -> str:
    """Return a chat as the policy sees it: both sides marked, and only the first words of the assistant's answers."""
    return "\n".join(_line(message) for message in chat)


def _line(message: Message) -> str:
    if message.role == "user":
        return f"User: {_flat(message.content)}"
    words = _flat(message.content).split()
    return f"Assistant: {' '.join(words[:ASSISTANT_WORDS])}{' ...' if len(words) > ASSISTANT_WORDS else ''}"


def by_user(reads: str) -> str:
    """Return what the user says in a text that the policy reads."""
    return "\n".join(line.removeprefix("User: ") for line in reads.splitlines() if line.startswith("User: "))


def _flat(text: str) -> str:
    return " ".join(text.split())


def written(findings: Iterable[Finding] | None, prompt: str) -> str:
    """Return what the policy should write; without a profile where `findings` is None."""
    wanted = f"<prompt>\n{prompt}\n</prompt>"
    if findings is None:
        return wanted
    lines = "\n".join(map(str, findings)) or NOTHING
    return f"<profile>\n{lines}\n</profile>\n{wanted}"


def parse(text: str, profile: bool = True) -> Reply:
    """Parse a reply leniently: tags may be left open, and lines in another form are skipped. `profile`: whether it should hold a profile."""
    text = without_thought(text)
    said, prompt = PROFILE.search(text), PROMPT.search(text)
    findings, well_formed = parse_findings(said[1] if said else "", NOTHING)
    wanted = TAG.sub("", prompt[1]).strip() if prompt else ""
    return Reply(text, findings, wanted or None, _flaw(text.strip(), wanted, profile, well_formed))


def without_thought(text: str) -> str:
    """Return a reply without what the policy thought before it, between `<think>` and `</think>`."""
    return THOUGHT.sub("", text, count=1)


def parse_findings(text: str, nothing: str) -> tuple[tuple[Finding, ...], bool]:
    """Return the lines of a profile that can be read, and whether all can; `nothing`: the line that stands for an empty profile."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    matches = [LINE.match(line) for line in lines]
    findings = tuple(Finding(match["evidence"], match["verdict"]) for match in matches if match)
    return findings, len(findings) == len(lines) or lines == [nothing]


def _flaw(text: str, prompt: str, profile: bool, well_formed: bool) -> str | None:
    if not prompt:
        return "no prompt"
    tags = ["<profile>", "</profile>", "<prompt>", "</prompt>"][0 if profile else 2 :]
    if TAG.findall(text) != tags:
        return "tags"
    around = [part.strip() for part in TAG.split(text)[::2]]
    if any(around):
        return "words outside the tags"
    return None if well_formed else "a line of the profile"


def lost(query: str, prompt: str) -> str | None:
    """Return what of the query the prompt lacks: a number, or more than a tenth of its words; None where it keeps the query."""
    missing = Counter(NUMBER.findall(query)) - Counter(NUMBER.findall(prompt))
    if missing:
        return f"the number {next(iter(missing))}"
    words, kept = (Counter(WORD.findall(text.lower())) for text in (query, prompt))
    gone = sum((words - kept).values())
    return f"{gone} of {sum(words.values())} words" if gone * LOSABLE > sum(words.values()) else None
