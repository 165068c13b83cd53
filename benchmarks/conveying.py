"""How accurate the rules are that say whether a message conveys the wish that it should (generation/spoken/conveys.py).

    python benchmarks/conveying.py

Compares the rules with the labels in tests/generation/spoken/utterances.jsonl: what a model of half a billion parameters wrote in place of scripted
messages, labelled by two readers who knew neither the rules nor each other's labels, where they agreed. The rules were chosen on these labels, so the
figures are development figures.
"""

import json
from collections import Counter
from pathlib import Path

from generation.spoken.conveys import Fault, Wish, changed_matter, misconveyed
from persona_atlas.records import Reveal

LABELLED = Path(__file__).parent.parent / "tests" / "generation" / "spoken" / "utterances.jsonl"


def main() -> None:
    counts: Counter[tuple[bool, bool]] = Counter()
    reasons: Counter[str] = Counter()
    for row in map(json.loads, LABELLED.read_text(encoding="utf-8").splitlines()):
        wish = Wish(Reveal(row["dimension"], row["value"], row["how"]), row["phrase"])
        fault: Fault | None = changed_matter(row["text"], row["scripted"], []) or misconveyed(row["text"], wish, row["scripted"])
        counts[row["conveys"], fault is None] += 1
        reasons.update([fault.reason] if fault else [])
    conveying, others = counts[True, True] + counts[True, False], counts[False, True] + counts[False, False]
    taken = counts[True, True] + counts[False, True]
    print(f"{conveying + others} utterances, {conveying} of which convey their wish")
    print(f"of the {taken} that the rules take {counts[True, True] / taken:.1%} convey it")
    print(f"of those that convey it the rules take {counts[True, True] / conveying:.1%}, of the others {counts[False, True] / others:.1%}")
    print("refused: " + ", ".join(f"{reason} {count}" for reason, count in reasons.most_common()))


if __name__ == "__main__":
    main()
