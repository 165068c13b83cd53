"""What the banks hold, counted.

python benchmarks/counts.py
"""

from collections import Counter

from persona_atlas.preferences import load_catalog
from persona_atlas.tasks import load_templates


def main() -> None:
    catalog, templates = load_catalog(), load_templates().values()
    values = list(catalog.values())
    sources = [*values, *catalog.hard.values()]
    phrasings = sum(len(bank) for source in sources for banks in source.phrasings.values() for bank in banks.values())
    examples = sum(len(bank) for source in sources for bank in source.examples.values())
    held_out = [dimension.id for dimension in catalog.dimensions.values() if dimension.splits == {"test_ood"}]
    splits = Counter(template.split for template in templates)
    print(f"{len(values)} values in {len(catalog.dimensions)} dimensions ({', '.join(held_out)} held out), {len(catalog.hard)} hard constraints")
    print(f"{phrasings:,} phrasings, no two splits share one; {examples} held examples for the checkers")
    domains = {template.domain for template in templates}
    print(f"{len(templates)} task templates in {len(domains)} domains: " + ", ".join(f"{count} {split}" for split, count in splits.items()))
    print(f"{sum(template.fillings for template in templates):,} different fillings of their slots")


if __name__ == "__main__":
    main()
