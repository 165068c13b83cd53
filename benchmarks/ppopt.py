"""How well PPOpt's policy reads what validation users let be known, in phrasings that it never saw.

    python benchmarks/ppopt.py                          the adapter in the package
    python benchmarks/ppopt.py --checkpoint DIR

Drills of validation phrasings (persona_atlas/ppopt/drills.py): for each sentence that matters, whether the policy quoted it and said of it what is
so (`right`), named another value of the same dimension (`dimension`), or did not quote it (`passed over`).
"""

from collections import Counter, defaultdict
from pathlib import Path

import click
from rapidfuzz import fuzz, process

from persona_atlas.models import Sampling
from persona_atlas.ppopt.base import read_settings
from persona_atlas.ppopt.cases import Mix
from persona_atlas.ppopt.drills import drill
from persona_atlas.ppopt.optimizer import load_policy, shipped
from persona_atlas.ppopt.text import WANTS, Finding, parse
from persona_atlas.ppopt.wishes import meant

ALIKE = 80


def read(wanted: Finding, found: list[Finding]) -> str:
    """How one finding was read, among those that the policy wrote."""
    near = process.extractOne(wanted.evidence, [one.evidence for one in found], scorer=fuzz.partial_ratio, score_cutoff=ALIKE)
    if near is None:
        return "passed over"
    verdict = found[near[2]].verdict
    if verdict == wanted.verdict:
        return "right"
    one, other = (meant(text.removeprefix(WANTS)) for text in (verdict, wanted.verdict))
    if one is None or other is None:
        return "wrong"
    return "right" if one == other else "dimension" if one[0] == other[0] else "wrong"


@click.command()
@click.option("--checkpoint", type=click.Path(path_type=Path, exists=True), default=None, help="A folder of atlas-train.  [default: the package's]")
@click.option("--drills", "number", default=40, show_default=True)
@click.option("--split", default="validation", show_default=True)
def main(checkpoint: Path | None, number: int, split: str) -> None:
    folder = checkpoint or shipped()
    settings = read_settings(folder)
    policy = load_policy(folder, "openvino", settings.base)
    made = [drill(Mix(0, 0, 0, 0, settings.history_tokens), i, 1, split) for i in range(number)]
    replies = dict(policy.generate([case.reads for case, _ in made], Sampling(settings.new_tokens)))
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    flaws = Counter[str]()
    for i, (case, said) in enumerate(made):
        reply, ways = parse(replies[i].text), {one.quote: one.way for one in said}
        flaws[reply.flaw or "well-formed"] += 1
        for wanted in parse(case.writes).findings:
            how = read(wanted, list(reply.findings))
            counts[ways[wanted.evidence]][how] += 1
            counts["all"][how] += 1
    for way, found in sorted(counts.items(), key=lambda pair: -pair[1].total()):
        shares = ", ".join(f"{how} {found[how] / found.total():.2f}" for how in ("right", "dimension", "wrong", "passed over"))
        print(f"{way:<13} {found.total():>4} sentences: {shares}")
    print(f"{number} replies: {', '.join(f'{flaw} {count}' for flaw, count in flaws.most_common())}")


if __name__ == "__main__":
    main()
