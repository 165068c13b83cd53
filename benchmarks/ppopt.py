"""How well PPOpt's policy reads what validation users let be known.

    python benchmarks/ppopt.py                          the adapter in the package
    python benchmarks/ppopt.py --checkpoint DIR
    python benchmarks/ppopt.py --chats DIR              one chat each of validation users of the release DIR, instead of drills
    python benchmarks/ppopt.py --held DIR               whole histories of validation users of the release DIR, put together, two items each

Drills are made of validation phrasings (persona_atlas/ppopt/drills.py), in the form in which the adapter was trained. The policy never saw these
phrasings; it may have seen the frames around them, which are PPOpt's own, as those of changes, exceptions, moods, ends and other people always are.
What chats show (`--chats`) is all unseen. For each sentence that matters, counts whether the policy quoted it and read it correctly (`right`), as
another value of the same dimension (`dimension`) or as something else (`wrong`), or did not quote it (`passed over`).

With `--held`, counts of the values that matter to the items (gold), clean and with history noise, how many PPOpt holds after all chats, as they are
(`right`) and as another value (`wrong`).
"""

from collections import Counter, defaultdict
from pathlib import Path

import click
from rapidfuzz import fuzz, process

from eval_harness.conditions import show
from eval_harness.errors import guarded
from eval_harness.runner import choose_items
from persona_atlas.data import Release, load_dataset, messages
from persona_atlas.models import Generation, LanguageModel, Sampling
from persona_atlas.ppopt.answers import OWN, SURE, believed
from persona_atlas.ppopt.base import Settings, read_settings
from persona_atlas.ppopt.cases import Mix
from persona_atlas.ppopt.certainty import weighed
from persona_atlas.ppopt.chat_cases import verdict
from persona_atlas.ppopt.chats import MOST, in_force, parse_read, read_asked, shortened, wanted
from persona_atlas.ppopt.drills import PASSING, drill, drilled_chat
from persona_atlas.ppopt.examples import pick
from persona_atlas.ppopt.optimizer import load_policy, shipped
from persona_atlas.ppopt.text import Finding, parse
from persona_atlas.randomness import generator
from persona_atlas.records import Conversation

ALIKE = 80
CLEAN_AND_DIRTY = ("clean", "history_noise_25", "history_noise_50")
SEED = 1_000_000
"""The seed of the drills: far from those that adapters are trained with, whose drills draw the same wishes in the same ways."""


Drill = tuple[str, dict[Finding, str]]
"""What the policy reads, and the findings that it should make there, each with how the user lets it be known."""


def drilled(settings: Settings, number: int, split: str) -> list[Drill]:
    """Return `number` drills in the policy's form."""
    made: list[Drill] = []
    for i in range(number):
        if settings.one_reply:
            case, said = drill(Mix(0, 0, 0, 0, settings.history_tokens), i, SEED, split)
            ways = {one.quote: one.way for one in said}
            made.append((case.reads, {finding: ways[finding.evidence] for finding in parse(case.writes).findings}))
        else:
            chat, said = drilled_chat(i, SEED, split)
            made.append((read_asked(chat), {Finding(one.quote, verdict(one.meaning, one.way, one.area)): one.way for one in said}))
    return made


def answered(policy: LanguageModel, texts: list[str], settings: Settings) -> dict[int, Generation]:
    """Return the policy's reply to each text. Raises click.ClickException where one did not come: that is no reading of nothing."""
    replies = dict(policy.generate(texts, Sampling(settings.new_tokens)))
    failed = next((reply.error for reply in replies.values() if reply.error is not None), None)
    if failed is not None:
        raise click.ClickException(f"a reply did not come: {failed}")
    return replies


def read(due: Finding, found: list[Finding]) -> str:
    """Say how a finding that is `due` was read, given those that the policy wrote."""
    near = process.extractOne(due.evidence, [one.evidence for one in found], scorer=fuzz.partial_ratio, score_cutoff=ALIKE)
    if near is None:
        return "passed over"
    said = found[near[2]].verdict
    if said == due.verdict:
        return "right"
    one, other = wanted(said), wanted(due.verdict)
    if one is None or other is None:
        return "wrong"
    return "right" if one[0] == other[0] else "dimension" if one[0][0] == other[0][0] else "wrong"


def of_chats(policy: LanguageModel, settings: Settings, release: Release, number: int, split: str, *, sure: float, own: float, answers: bool) -> None:
    """Read one random chat of each of the first `number` users. Print how their reveals were read, and where the wishes that were read come from."""
    chats: dict[str, list[Conversation]] = defaultdict(list)
    for conversation in release.conversations(split):
        chats[conversation.persona_id].append(conversation)
    draw = generator(1, "ppopt benchmark")
    drawn = [pick(draw, mine) for mine in list(chats.values())[:number]]
    whole = messages(drawn)
    shown = [shortened(chat, policy.count_tokens, settings.history_tokens) for chat in whole]
    replies = answered(policy, [read_asked(chat) for chat in shown], settings)
    known: dict[str, Counter[str]] = defaultdict(Counter)
    said = Counter[str]()
    for i, chat in enumerate(drawn):
        reveals = {(one.dimension, one.value): chat.noise or one.how for turn in chat.turns for one in turn.reveals}
        findings = believed(whole[i], weighed(parse_read(replies[i].text)[0], replies[i].tokens), sure, own, answers)
        found = {told[0] for finding in findings if (told := wanted(finding.verdict))}
        for meaning, way in reveals.items():
            right = meaning in found if way not in PASSING else meaning not in found
            other = any(one[0] == meaning[0] for one in found)
            known[way]["right" if right else "dimension" if other and way not in PASSING else "wrong"] += 1
        spoken_of = {dimension for dimension, _ in reveals}
        said.update(f"from {reveals[one]}" if one in reveals else "another value" if one[0] in spoken_of else "from nothing" for one in found)
    for way, counts in sorted(known.items(), key=lambda pair: -pair[1].total()):
        shares = ", ".join(f"{how} {counts[how] / counts.total():.2f}" for how in ("right", "dimension", "wrong"))
        print(f"{way:<13} {counts.total():>4} reveals: {shares}")
    print(f"{said.total()} wishes read: {', '.join(f'{how} {count}' for how, count in said.most_common())}")


def of_histories(policy: LanguageModel, settings: Settings, release: Release, users: int, split: str, *, sure: float, own: float) -> None:
    """Read the whole histories of the first `users` users, two items each. Print how many gold values are held, right and wrong."""
    items = {item.item_id: item for item in choose_items(release, split, users, 2)}
    shown = {
        (name, item_id): one.messages()[-MOST:] for name in CLEAN_AND_DIRTY for item_id, item in items.items() if (one := show(name, item, release))
    }
    chats = list(dict.fromkeys(chat for history in shown.values() for chat in history))
    replies = answered(policy, [read_asked(shortened(chat, policy.count_tokens, settings.history_tokens)) for chat in chats], settings)
    known = {chat: believed(chat, weighed(parse_read(replies[i].text)[0], replies[i].tokens), sure, own) for i, chat in enumerate(chats)}
    for name in CLEAN_AND_DIRTY:
        counts = Counter[str]()
        for item_id in [item_id for condition, item_id in shown if condition == name]:
            held = {told[0] for finding in in_force(known[chat] for chat in shown[name, item_id]) if (told := wanted(finding.verdict))}
            values = dict(meaning for meaning in held if meaning[0] != "hard")
            for gold in items[item_id].gold:
                counts["gold"] += 1
                counts["right"] += values.get(gold.dimension) == gold.value
                counts["wrong"] += values.get(gold.dimension, gold.value) != gold.value
        print(f"{name:<18} of {counts['gold']} values, right {counts['right']}, wrong {counts['wrong']}")


@click.command()
@click.option("--checkpoint", type=click.Path(path_type=Path, exists=True), default=None, help="A folder of atlas-train.  [default: the package's]")
@click.option("--drills", "number", default=100, show_default=True)
@click.option("--chats", type=click.Path(path_type=Path, exists=True), default=None, help="A release, whose chats are read.")
@click.option("--held", type=click.Path(path_type=Path, exists=True), default=None, help="A release, whose histories are read and put together.")
@click.option("--split", default="validation", show_default=True)
@click.option("--sure", default=SURE, show_default=True, help="How probable a reading has to be; with --chats.")
@click.option("--own", default=OWN, show_default=True, help="How probable it has to be that a wish is the user's own; with --chats.")
@click.option("--answers/--no-answers", default=True, show_default=True, help="Hold readings against the assistant's answers; with --chats.")
def main(checkpoint: Path | None, number: int, chats: Path | None, held: Path | None, split: str, sure: float, own: float, answers: bool) -> None:
    folder = checkpoint or shipped()
    settings = read_settings(folder)
    policy = load_policy(folder, "openvino", settings.base)
    if (chats or held) and settings.one_reply:
        raise click.UsageError(f"{folder} reads whole histories, not one chat; leave out --chats and --held")
    if held:
        of_histories(policy, settings, load_dataset(str(held)), number, split, sure=sure, own=own)
        return
    if chats:
        of_chats(policy, settings, load_dataset(str(chats)), number, split, sure=sure, own=own, answers=answers)
        return
    made = drilled(settings, number, split)
    replies = answered(policy, [reads for reads, _ in made], settings)
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    flaws = Counter[str]()
    beside = 0
    for i, (_, due) in enumerate(made):
        if settings.one_reply:
            reply = parse(replies[i].text)
            found, flaw = list(reply.findings), reply.flaw
        else:
            lines, flaw = parse_read(replies[i].text)
            found = list(lines)
        flaws[flaw or "well-formed"] += 1
        beside += max(0, len(found) - len(due))
        for finding, way in due.items():
            how = read(finding, found)
            counts[way][how] += 1
            counts["all"][how] += 1
    for way, found in sorted(counts.items(), key=lambda pair: -pair[1].total()):
        shares = ", ".join(f"{how} {found[how] / found.total():.2f}" for how in ("right", "dimension", "wrong", "passed over"))
        print(f"{way:<13} {found.total():>4} sentences: {shares}")
    print(f"{beside} lines more than there were sentences")
    print(f"{number} replies: {', '.join(f'{flaw} {count}' for flaw, count in flaws.most_common())}")


if __name__ == "__main__":
    guarded(main)
