"""Counts of what the banks hold: catalogue, task bank, phrasings, noise. `atlas-generate catalog` prints them."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from rich.console import Console, Group
from rich.table import Table

from generation.noise.semantic import LAYERS
from generation.noise.surface import STRATEGIES
from persona_atlas.preferences.catalog import Catalog, Phrasings, load_catalog
from persona_atlas.records import SPLITS
from persona_atlas.tasks.templates import load_templates


def counts() -> dict[str, Any]:
    """Counts of everything, as plain data."""
    catalog, templates = load_catalog(), load_templates().values()
    return {
        "dimensions": len(catalog.dimensions),
        "values": sum(1 for _ in catalog.values()),
        "hard_constraints": len(catalog.hard),
        "held_out_dimensions": [d.id for d in catalog.dimensions.values() if d.splits == {"test_ood"}],
        "phrasings": sum(_lines(owner.phrasings) for owner in _owners(catalog)),
        "domains": len({template.domain for template in templates}),
        "templates": len(templates),
        "templates_by_split": dict(Counter(template.split for template in templates)),
        "verifiers": dict(Counter(template.verifier["kind"] for template in templates)),
        "distinct_queries": sum(template.fillings * len(template.queries) for template in templates),
        "noise_strategies": len(STRATEGIES) + sum(len(strategies) for strategies in LAYERS.values()),
        "by_dimension": [_dimension(catalog, name) for name in catalog.dimensions],
        "by_domain": {domain: _domain(domain) for domain in sorted({template.domain for template in templates})},
    }


def _owners(catalog: Catalog) -> list[Any]:
    return [*catalog.values(), *catalog.hard.values()]


def _lines(phrasings: Phrasings, split: str | None = None) -> int:
    return sum(len(bank) for name, banks in phrasings.items() if split in (None, name) for bank in banks.values())


def _dimension(catalog: Catalog, name: str) -> dict[str, Any]:
    dimension = catalog.dimensions[name]
    fewest = {split: min(_lines(value.phrasings, split) for value in dimension.values.values()) for split in SPLITS if split in dimension.splits}
    return {"id": name, "family": dimension.family, "values": list(dimension.values), "fewest_phrasings": fewest}


def _domain(domain: str) -> dict[str, int]:
    mine = [template for template in load_templates().values() if template.domain == domain]
    return {split: sum(template.split == split for template in mine) for split in SPLITS}


def print_counts(console: Console, found: Mapping[str, Any]) -> None:
    """Print the counts for people, as two tables and a few sentences."""
    console.print(Group(_dimensions(found), "", _domains(found), ""))
    console.print(
        f"{found['values']} values in {found['dimensions']} dimensions, {found['hard_constraints']} hard constraints; "
        f"{found['phrasings']:,} phrasings, disjoint between splits.\n"
        f"{found['templates']} task templates in {found['domains']} domains, {found['distinct_queries']:,} different queries.\n"
        f"{found['noise_strategies']} noise strategies in three layers and three intensities.",
        highlight=False,
        soft_wrap=True,
    )


def plain_table(*columns: str, left: int = 2) -> Table:
    """A table without lines. The first `left` columns are aligned to the left, the others, which hold numbers, to the right."""
    table = Table(header_style="bold", show_edge=False, pad_edge=False, box=None, padding=(0, 2, 0, 0))
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if index < left else "right", overflow="fold")
    return table


def _dimensions(found: Mapping[str, Any]) -> Table:
    table = plain_table("dimension", "values", *SPLITS)
    for row in found["by_dimension"]:
        table.add_row(row["id"], ", ".join(row["values"]), *(str(row["fewest_phrasings"].get(split, "–")) for split in SPLITS))
    table.caption = "phrasings of the value that has the fewest, by split; – is held out"
    table.caption_justify = "left"
    return table


def _domains(found: Mapping[str, Any]) -> Table:
    table = plain_table("domain", "", *SPLITS)
    for domain, row in found["by_domain"].items():
        table.add_row(domain, "", *(str(row[split] or "–") for split in SPLITS))
    table.caption = "task templates, by split"
    table.caption_justify = "left"
    return table
