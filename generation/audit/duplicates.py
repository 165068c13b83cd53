"""What is repeated: turns, conversations and users, exactly (the same words) or nearly.

Two sets of three-word runs are nearly the same if their Jaccard similarity is at least 0.8, as estimated by MinHash (Broder 1997; 128 permutations).
Pairs are found by locality-sensitive hashing (Leskovec, Rajaraman and Ullman 2014, chapter 3). The set of a conversation is the union over its turns,
that of a user the union over what they said in all their conversations.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from zlib import crc32

from generation.audit.corpus import Chat, Corpus, normal, sample
from persona_atlas.records import User, canonical_json

SIMILAR = 0.8
PERMUTATIONS = 128
RUN = 3
LONG = 6
"""Turns of fewer words ("thanks, that helps") are bound to recur, and are left out."""
MOST_TURNS = 20_000
MOST_CHATS = 8_000
SHOWN = 5
Digest = Any
"""A datasketch.MinHash."""


def repeats(keys: Iterable[Hashable]) -> int:
    """How many keys repeat an earlier one: the number of keys minus the number of distinct ones."""
    counts = Counter(keys)
    return counts.total() - len(counts)


def digest(texts: Iterable[str]) -> Digest:
    """The MinHash of the three-word runs of some texts. Runs do not cross texts; a text of fewer words is one run."""
    from datasketch import MinHash

    found = MinHash(num_perm=PERMUTATIONS, hashfunc=crc32)
    runs = set[str]()
    for text in texts:
        said = text.split()
        runs.update(" ".join(said[i : i + RUN]) for i in range(max(len(said) - RUN + 1, 1)))
    found.update_batch([run.encode() for run in runs])
    return found


def near(digests: Mapping[str, Digest]) -> list[tuple[str, str]]:
    """Each key whose digest is nearly that of an earlier one, with the least such key in the order of strings."""
    from datasketch import MinHashLSH

    index, found = MinHashLSH(threshold=SIMILAR, num_perm=PERMUTATIONS), []
    for key, mine in digests.items():
        others = [other for other in index.query(mine) if digests[other].jaccard(mine) >= SIMILAR]
        if others:
            found.append((key, min(others)))
        index.insert(key, mine)
    return found


def turns(corpus: Corpus, seed: int) -> dict[str, Any]:
    """User turns of at least LONG words: those that repeat an earlier one, and those of a test split that also occur in train."""
    said = [(chat.split, normal(turn.text)) for chat in corpus.own for turn in chat.turns if turn.role == "user"]
    said = [(split, text) for split, text in said if text.count(" ") >= LONG - 1]
    train = {text for split, text in said if split == "train"}
    tested = [text for split, text in said if split.startswith("test")]
    exact = repeats(text for _, text in said)
    some = sample(said, MOST_TURNS, seed, "near turns")
    digests = {str(number): digest([text]) for number, (_, text) in enumerate(some)}
    return {
        "turns": len(said),
        "exact": exact,
        "exact_share": exact / max(len(said), 1),
        "near_turns": len(some),
        "near_share": len(near(digests)) / max(len(some), 1),
        "test_turns": len(tested),
        "across": sum(text in train for text in tested),
        "across_share": sum(text in train for text in tested) / max(len(tested), 1),
        "commonest": [{"text": text, "times": times} for text, times in Counter(t for _, t in said).most_common(SHOWN) if times > 1],
    }


def chats(corpus: Corpus, seed: int) -> dict[str, Any]:
    """Conversations that repeat another one: exactly, among all but small talk, or nearly, in a sample of the users' own."""
    whole = {chat.id: "\n".join(normal(turn.text) for turn in chat.turns) for chat in corpus.chats}
    by_text: dict[str, list[Chat]] = defaultdict(list)
    for chat in corpus.chats:
        if chat.noise != "off_topic":  # small talk is drawn from a short list
            by_text[whole[chat.id]].append(chat)
    same = [group for group in by_text.values() if len(group) > 1]
    some = sample(corpus.own, MOST_CHATS, seed, "near chats")
    alike = near({chat.id: digest(whole[chat.id].split("\n")) for chat in some})
    return {
        "conversations": len(corpus.chats),
        "exact": sum(len(group) - 1 for group in same),
        "across": sum(len({chat.split for chat in group}) > 1 for group in same),
        "near_conversations": len(some),
        "near_share": len(alike) / max(len(some), 1),
        "pairs": [[chat.id for chat in group] for group in same][:SHOWN] + [list(pair) for pair in alike][:SHOWN],
    }


def users(corpus: Corpus) -> dict[str, Any]:
    """Users who equal another but for id and split, users who say nearly the same in all their conversations, and ids that occur twice."""
    records = {user.persona_id: bare(user) for user in corpus.users}
    said = {id_: [normal(text) for chat in chats for text in chat.said("user")] for id_, chats in corpus.histories.items()}
    alike = near({id_: digest(texts) for id_, texts in said.items() if texts})
    splits: dict[str, set[str]] = defaultdict(set)
    for user in corpus.users:
        splits[user.persona_id].add(user.split)
    for item in corpus.items:
        splits[item.persona_id].add(item.split)
    for chat in corpus.chats:
        splits[chat.user].add(chat.split)
    return {
        "users": len(corpus.users),
        "exact": repeats(records.values()),
        "near": len(alike),
        "ids_twice": repeats(user.persona_id for user in corpus.users),
        "in_two_splits": sorted(id_ for id_, found in splits.items() if len(found) > 1),
        "pairs": [list(pair) for pair in alike][:SHOWN] + _same(records)[:SHOWN],
    }


def bare(user: User) -> str:
    """A user as canonical JSON, without id and split."""
    return canonical_json(replace(user, persona_id="", split=""))


def _same(records: Mapping[str, str]) -> list[Sequence[str]]:
    groups: dict[str, list[str]] = defaultdict(list)
    for id_, record in records.items():
        groups[record].append(id_)
    return [group for group in groups.values() if len(group) > 1]


def figures(corpus: Corpus, seed: int) -> dict[str, Any]:
    """All of the above."""
    return {"turns": turns(corpus, seed), "conversations": chats(corpus, seed), "users": users(corpus)}
