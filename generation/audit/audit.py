"""Runs every part of the audit on a release and returns the results as plain data, the content of audit.json."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from generation.audit import (
    coherence,
    difficulty,
    diversity,
    duplicates,
    evenness,
    fidelity,
    identifiability,
    isolation,
    nearness,
    privacy,
    soundness,
)
from generation.audit.corpus import Corpus, read, user_turns
from generation.audit.references import Reference, name_of, read_reference
from generation.audit.thresholds import FAILED, judged
from generation.errors import GenerateError
from persona_atlas.data import Release
from persona_atlas.records import SPLITS

AUDIT_VERSION = 1
NEEDED = {"datasketch": "datasketch", "sklearn": "scikit-learn"}
Progress = Callable[[int, int], None]


class AuditError(GenerateError):
    """An audit cannot start. The message says what is missing and what to type next."""


def audit(release: Release, references: Sequence[Path], seed: int = 0, progress: Progress = lambda done, total: None) -> dict[str, Any]:
    """Compute the figures of a release, compare it with references, and check the figures against the thresholds.

    `progress(done, total)` counts questions. Raises AuditError, ReferenceFileError, DataError or CatalogError.
    """
    for module, package in NEEDED.items():
        if find_spec(module) is None:
            raise AuditError(f'the audit needs {package}, which is not installed; type: pip install "persona-atlas[audit]"')
    names = [name_of(path) for path in references]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise AuditError(f"two references are named {twice}, by which their figures are told apart; rename one, or give the folder that holds both")
    others = [read_reference(path, seed) for path in references]
    with one_thread():
        return _audited(release, others, seed, progress)


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit linear algebra to one thread.

    The matrices are small, so threads that wait for each other would only take longer, and the figures are the same on every machine.
    """
    import scipy.linalg  # noqa: F401  (so that its libraries are there to be limited)
    import sklearn  # noqa: F401
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        yield


def _audited(release: Release, others: Sequence[Reference], seed: int, progress: Progress) -> dict[str, Any]:
    corpus = read(release)
    found: dict[str, Any] = {"audit_version": AUDIT_VERSION, "seed": seed, "release": described(release, corpus)}
    questions: dict[str, Callable[[], Any]] = {
        "diversity": lambda: diversity.by_split(columns(corpus, others), seed),
        "duplicates": lambda: duplicates.figures(corpus, seed),
        "isolation": lambda: isolation.figures(corpus),
        "soundness": lambda: soundness.figures(corpus),
        "coherence": lambda: coherence.figures(corpus),
        "evenness": lambda: evenness.figures(corpus, seed),
        "identifiability": lambda: identifiability.figures(corpus),
        "difficulty": lambda: difficulty.figures(corpus),
        "privacy": lambda: privacy.figures(corpus, release.path),
        "references": lambda: {reference.name: beside(corpus, reference, seed) for reference in others},
    }
    for number, (name, ask) in enumerate(questions.items()):
        progress(number, len(questions))
        found[name] = ask()
    progress(len(questions), len(questions))
    found["nearest_reference"] = nearest(found["references"])
    checks = judged(found, release.imported)
    found["checks"] = [check.described() for check in checks]
    found["passed"] = not any(check.state == FAILED for check in checks)
    return found


def described(release: Release, corpus: Corpus) -> dict[str, Any]:
    """What was audited: the release's name, content digest and sizes."""
    return {
        "path": name_of(release.path),
        "content_digest": release.manifest["content_digest"],
        "imported": release.imported,
        "users": len(corpus.users),
        "conversations": len(corpus.own),
        "noise_conversations": len(corpus.chats) - len(corpus.own),
        "items": len(corpus.items),
        "users_by_split": {split: sum(user.split == split for user in corpus.users) for split in SPLITS},
    }


def columns(corpus: Corpus, others: Sequence[Reference]) -> dict[str, dict[str, list[str]]]:
    """role -> name of a split or reference -> the texts of its turns."""
    chats = {**{split: corpus.of(split) for split in SPLITS}, **{f"reference: {other.name}": list(other.chats) for other in others}}
    answers = {name: [text for chat in mine for text in chat.said("assistant")] for name, mine in chats.items()}
    return {"user": {name: user_turns(mine) for name, mine in chats.items()}, "assistant": answers}


def beside(corpus: Corpus, reference: Reference, seed: int) -> dict[str, Any]:
    """Compare the release with one reference: nearness of every user turn and query, fidelity of the turns in the users' own chats."""
    said = [(f"{chat.id}, turn {place}", turn.text) for chat, place, turn in corpus.turns() if turn.role == "user"]
    said += [(item.item_id, item.query) for item in corpus.items]
    return {
        "chats": len(reference.chats),
        "chats_found": reference.found,
        "left_out": reference.left_out,
        "users": len({chat.user for chat in reference.chats}),
        "nearness": nearness.figures(said, reference.texts(), seed),
        "fidelity": fidelity.figures(corpus.own, reference.chats, seed),
    }


def nearest(references: dict[str, Any]) -> dict[str, Any]:
    """The worst figures over all references, which the thresholds look at."""
    rows = [row["nearness"] for row in references.values()]
    aucs = [row["fidelity"]["auc"] for row in references.values() if row["fidelity"]["auc"] is not None]
    return {
        "references": len(rows),
        "most_similar": max((row["most_similar"] for row in rows), default=None),
        "longest_run": max((row["longest_run"] for row in rows), default=None),
        "auc": max(aucs, default=None),
    }
