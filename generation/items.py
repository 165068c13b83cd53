"""Items: a query after the user's last conversation, the gold that applies to it, a noisy twin, and a witness that the ceiling exists."""

from generation.noise import surface_twin
from generation.storyline import Storyline
from generation.typing_style import settled
from persona_atlas.randomness import generator
from persona_atlas.records import Conversation, Gold, Item, User
from persona_atlas.render import applicable_dimensions, joint_witness
from persona_atlas.tasks.templates import draw as draw_filling


def items_of(seed: int, user: User, storyline: Storyline, conversations: list[Conversation]) -> list[Item]:
    """The user's items, one for each template that the storyline kept for them. Raises ValueError where a witness or a twin cannot be made."""
    first = _first_reveals(conversations)
    items = []
    for number, template in enumerate(storyline.item_templates):
        item_id = f"{user.persona_id}-i{number:02d}"
        draw = generator(seed, "item", item_id)
        filling = draw_filling(template, draw)
        query = settled(filling.query(int(draw.integers(len(template.queries)))), user.style)
        applicable = applicable_dimensions(template.template_id)
        gold = {p.dimension: p.value for p in user.preferences if p.dimension in applicable}
        hard = tuple(limit.constraint for limit in user.hard if limit.constraint in template.hard)
        items.append(
            Item(
                item_id=item_id,
                persona_id=user.persona_id,
                split=user.split,
                session=len(conversations),
                template_id=template.template_id,
                domain=template.domain,
                slots=dict(filling.slots),
                query=query,
                history=tuple(conversation.conversation_id for conversation in conversations),
                gold=tuple(Gold(dimension, value, first.get(dimension)) for dimension, value in gold.items()),
                hard=hard,
                twins=(surface_twin(seed, item_id, query, filling),),
                witness=joint_witness(filling, gold, frozenset(hard)),
                slices=("hard",) if hard else (),
            )
        )
    return items


def _first_reveals(conversations: list[Conversation]) -> dict[str, int]:
    """dimension -> the first session that reveals it."""
    first: dict[str, int] = {}
    for conversation in conversations:
        for turn in conversation.turns:
            for reveal in turn.reveals:
                first.setdefault(reveal.dimension, conversation.session)
    return first
