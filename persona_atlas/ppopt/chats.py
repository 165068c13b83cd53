"""The form `chats`: a history is read one chat at a time. Each chat is read by itself, once for all questions of its user:

    An earlier chat of one user. Say what it shows of how this user wants to be answered.

    User: how long do i boil penne? when we talk about cooking, bullet points please
    Assistant: Boil penne for 11 minutes in salted water, and ...

    <profile>
    - "when we talk about cooking, bullet points please" so this user wants bullet points, only for cooking.
    </profile>

What the chats show is put together: a later chat replaces what an earlier one says on the same matter, and what held once, in a mood or for
somebody else is left out. From the result the policy writes a prompt:

    What one user wants:
    - bullet points, only for cooking

    Rewrite the new question so that it asks for what matters to it.

    New question: How much rice for 6?

    <prompt>
    How much rice for 6?

    Answer it like this:
    - Use bullet points.
    </prompt>

In the form of text.py, one reply reads a whole history and rewrites the question. Compared with that, a small policy reads short texts better, a long
history costs no more than the sum of its chats, and no chat is read twice.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence

import regex

from persona_atlas.ppopt.text import PROFILE, WANTS, Finding, chat_text, parse_findings, without_thought
from persona_atlas.ppopt.wishes import Meaning, asking, asks_in, meant, subject, wishes
from persona_atlas.protocol import Message, ProfileEntry

READ = "An earlier chat of one user. Say what it shows of how this user wants to be answered.\n\n{chat}"
WRITE = "What one user wants:\n{lines}\n\nRewrite the new question so that it asks for what matters to it.\n\nNew question: {query}"
TOLD = regex.compile(regex.escape(WRITE).replace(r"\{lines\}", "(?P<lines>.*?)").replace(r"\{query\}", ".*"), regex.S)
NOTHING = "Nothing."
NO_LONGER = "but no longer wants"
ONLY = ", only for "
MOST = 40
"""How many chats are read at most: the newest."""
VERDICT = regex.compile(rf"^(?P<way>{WANTS}|{NO_LONGER}) (?P<wish>.*?)(?:{ONLY}(?P<area>.*?))?\.?$")


def read_asked(chat: Sequence[Message]) -> str:
    """Return the text that asks the policy to read a chat."""
    return READ.format(chat=chat_text(chat))


def read_written(findings: Sequence[Finding]) -> str:
    """Return what the policy should write about the chat."""
    return f"<profile>\n{_lines(findings)}\n</profile>"


def write_asked(findings: Sequence[Finding], query: str) -> str:
    """Return the text that asks the policy to rewrite the question. Of `findings`, what is in force, it tells the wishes, in PPOpt's own words."""
    told = [known for finding in findings if (known := wanted(finding.verdict))]
    return WRITE.format(lines="\n".join(f"- {wish(*one)}" for one in told) or NOTHING, query=query)


def told_in(reads: str) -> tuple[Finding, ...]:
    """Return the wishes that a text of `write_asked` tells, as findings without evidence."""
    told = TOLD.match(reads)
    lines = told["lines"].splitlines() if told else []
    return tuple(Finding("", f"{WANTS} {line.removeprefix('- ')}.") for line in lines if line.startswith("- "))


def wish(meaning: Meaning, area: str = "") -> str:
    """Return a wish in PPOpt's own words, with the areas that it is bound to."""
    return f"{wishes()[meaning].wants[0]}{ONLY if area else ''}{area}"


def reworded(verdict: str, meaning: Meaning) -> str:
    """Return a verdict that the user wants `meaning`, in the areas that the given verdict names."""
    told = wanted(verdict)
    return f"{WANTS} {wish(meaning, told[1] if told else '')}."


def _lines(findings: Sequence[Finding]) -> str:
    return "\n".join(map(str, findings)) or NOTHING


def parse_read(text: str) -> tuple[tuple[Finding, ...], str | None]:
    """Return what a reply says about a chat, and what is wrong with its form: None where nothing is."""
    text = without_thought(text)
    said = PROFILE.search(text)
    if said is None:
        return (), "no profile"
    findings, well_formed = parse_findings(said[1], NOTHING)
    if text.strip() != said[0].strip() or not text.strip().endswith("</profile>"):
        return findings, "words outside the tags"
    return findings, None if well_formed else "a line of the profile"


def wanted(verdict: str) -> tuple[Meaning, str] | None:
    """Return the wish that a verdict states, and the areas that it is bound to, in words. None where it states no wish that PPOpt knows."""
    return _meant(verdict, WANTS)


def _meant(verdict: str, way: str) -> tuple[Meaning, str] | None:
    match = VERDICT.match(verdict)
    meaning = meant(match["wish"]) if match and match["way"] == way else None
    return (meaning, match["area"] or "") if match and meaning else None


def in_force(chats: Iterable[Sequence[Finding]]) -> tuple[Finding, ...]:
    """Return what holds after all chats, given oldest first. A wish that is said again without its areas keeps them.

    A user has one wish on a matter: one for cooking alone replaces another for travel.
    """
    found: dict[str, tuple[Meaning, str, Finding]] = {}
    for finding in (finding for chat in chats for finding in chat):
        if over := _meant(finding.verdict, NO_LONGER):
            if (held := found.get(subject(over[0]))) and held[0] == over[0]:
                del found[subject(over[0])]
        elif told := wanted(finding.verdict):
            meaning, area = told
            before = found.pop(subject(meaning), None)
            if before and before[0] == meaning and before[1] and not area:
                area, finding = before[1:]
            found[subject(meaning)] = (meaning, area, finding)
    return tuple(finding for _, _, finding in found.values())


def typed(findings: Iterable[Finding], asks: Callable[[Meaning], bool]) -> tuple[ProfileEntry, ...]:
    """Return the profile: the wishes that are values of the catalogue, those bound to an area only where the prompt asks for them (`asks`)."""
    entries = []
    for finding in findings:
        told = wanted(finding.verdict)
        if told and told[0][0] != "hard" and (not told[1] or asks(told[0])):
            entries.append(ProfileEntry(*told[0], evidence=finding.evidence))
    return tuple(entries)


def faithful(query: str, prompt: str, findings: Iterable[Finding]) -> str:
    """Return the query verbatim, followed by the prompt's wishes that the findings support, each once, in PPOpt's first wording.

    So a policy that copies a question badly loses nothing of it, and what it asks for is what it was told.
    """
    open_wishes = {told[0] for finding in findings if (told := wanted(finding.verdict))}
    asked = dict.fromkeys(meaning for meaning in asks_in(query, prompt) if meaning in open_wishes)
    return asking(query, [wishes()[meaning].ask[0] for meaning in asked])


def shortened(chat: Sequence[Message], count: Callable[[str], int], budget: int) -> Sequence[Message]:
    """Return the newest messages of a chat that fit a budget of tokens. The user's last message is always kept, if need be only its two ends."""
    newest = max((number for number, message in enumerate(chat) if message.role == "user"), default=0)
    first = next((first for first in range(newest) if count(chat_text(chat[first:])) <= budget), newest)
    kept = chat[first:]
    if not kept or count(chat_text(kept)) <= budget:
        return kept
    said = kept[0].content.split()
    most = bisect_right(range(1, len(said)), budget, key=lambda words: count(chat_text([_ends(kept[0], words), *kept[1:]])))
    return [_ends(kept[0], max(most, 1)), *kept[1:]]


def _ends(message: Message, words: int) -> Message:
    """Cut a message to so many words, half from each end."""
    said = message.content.split()
    return Message(message.role, " ".join([*said[: words // 2], "...", *said[len(said) - (words - words // 2) :]]))
