"""Verifies an imported user: checks the labels that there are, and counts what no program can check.

Without labelled reveals and tasks from the bank, little can be checked: that assistant turns show what their labels say, that edits turn the clean
text into the noisy one, that gold is the user's preferences, and that histories are earlier conversations of the user.
"""

from collections.abc import Callable, Iterator, Sequence

from generation.imported.read import MASK
from generation.noise.edits import problems as edit_problems
from persona_atlas.records import IMPORTED, Conversation, Gold, Held, Item, Turn, User
from persona_atlas.render import shown_values

MASKED = "answers that were not published"
REVEALS = "user turns: what they reveal is not marked"
RIGHT = "questions without a task: no right answer, witness or leak"
Count = Callable[[str], None]


def imported_problems(user: User, conversations: Sequence[Conversation], items: Sequence[Item], count: Count, skip: Count) -> Iterator[str]:
    """What is wrong with the user, one sentence per problem. `count` is called with what was checked, `skip` with what could not be."""
    if user.sessions != len(conversations):
        yield f"{user.persona_id}: {user.sessions} conversations are said to be there, {len(conversations)} are"
    for number, conversation in enumerate(conversations):
        for problem in _conversation(user, conversation, number, count, skip):
            yield f"{conversation.conversation_id}: {problem}"
    for item in items:
        skip(RIGHT)
        for problem in _item(user, item, conversations):
            yield f"{item.item_id}: {problem}"


def _conversation(user: User, conversation: Conversation, number: int, count: Count, skip: Count) -> Iterator[str]:
    if (conversation.engine, conversation.noise, conversation.session) != (IMPORTED, "", number):
        kind = conversation.noise or "no noise"
        yield f"engine {conversation.engine}, session {conversation.session}, {kind}, at place {number} of an imported history"
    if conversation.template_id:
        yield f"template {conversation.template_id} in an imported release"
    if conversation.in_force != _held(user, conversation.session, conversation.domain):
        yield "in_force does not say what the user's preferences are in this session"
    for index, turn in enumerate(conversation.turns):
        for problem in _turn(user, turn, count, skip):
            yield f"turn {index}: {problem}"


def _turn(user: User, turn: Turn, count: Count, skip: Count) -> Iterator[str]:
    if turn.reveals or turn.known or turn.contradicted:
        yield "it says what is revealed, which nobody has marked in imported conversations"
    if (turn.clean or turn.edits) and (found := edit_problems(turn.clean, turn.content, turn.edits)):
        yield found
    if turn.role == "user":
        skip(REVEALS)
    elif turn.content == MASK:
        skip(MASKED)
    else:
        count("assistant turns against the checkers")
        labels = {shown.dimension: shown.value for shown in turn.shows}
        if shown_values(turn.content, (p.dimension for p in user.preferences)) != labels:
            yield "the labels do not say what the checkers see"


def _item(user: User, item: Item, conversations: Sequence[Conversation]) -> Iterator[str]:
    earlier = [conversation.conversation_id for conversation in conversations if conversation.session < item.session]
    if not item.history or list(item.history) != [name for name in earlier if name in item.history]:
        yield "its history is not conversations of the user before it, in order"
    held = _held(user, item.session, item.domain)
    if not held or item.gold != tuple(Gold(entry.dimension, entry.value, None, "unlabelled") for entry in held):
        yield "its gold is not the user's preferences"
    if item.has_task or item.witness or item.slots:
        yield "it has a task or a witness, which imported questions have not"
    if item.twins or item.lures or item.hard or item.slices or item.history_noise:
        yield "it has twins, lures, hard constraints, slices or history noise, which imported questions have not"


def _held(user: User, session: int, domain: str) -> tuple[Held, ...]:
    return tuple(Held(*entry) for entry in user.in_force(session, domain).items())
