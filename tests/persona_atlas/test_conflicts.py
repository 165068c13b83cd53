"""The conflict table: what one user may have together."""

from typing import Any

import pytest

from persona_atlas.content import CatalogError
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.preferences.conflicts import NEEDS, load_conflicts, read_conflicts
from persona_atlas.render import applicable_dimensions
from persona_atlas.tasks.templates import load_templates


def table(**changes: Any) -> dict[str, Any]:
    return {"at_most": [], "excludes": {}, "one_of": [], "needs": {}, **changes}


CROWDED = [{"with": "length", "of": ["opening", "closing", "headings"], "at_most": 2}]


@pytest.mark.parametrize(
    ("dimensions", "allowed"),
    [
        ({"length", "opening", "closing"}, True),
        ({"length", "opening", "closing", "headings"}, False),
        ({"opening", "closing", "headings"}, True),
        (set(), True),
    ],
)
def test_whoever_has_a_dimension_has_few_of_the_others(dimensions: set[str], allowed: bool) -> None:
    assert read_conflicts(table(at_most=CROWDED), load_catalog()).allow(dimensions) is allowed


def test_a_hard_constraint_shuts_out_the_dimensions_that_it_leaves_no_choice_in() -> None:
    found = read_conflicts(table(excludes={"screen_reader": ["emoji"]}), load_catalog())
    assert not found.allow({"emoji", "length"}, {"screen_reader"})
    assert found.allow({"emoji", "length"}, {"vegan"})
    assert found.allow({"length"}, {"screen_reader"})


def test_of_a_group_of_hard_constraints_a_user_has_one_at_most() -> None:
    found = read_conflicts(table(one_of=[["vegan", "vegetarian"], ["vegan", "pork_free"]]), load_catalog())
    assert found.allow(set(), {"vegetarian", "pork_free"})
    assert not found.allow(set(), {"vegan", "vegetarian"})
    assert not found.allow(set(), {"vegan", "pork_free"})


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"at_most": [{"with": "lenght", "of": [], "at_most": 1}]}, "there is no dimension 'lenght'"),
        ({"at_most": [{"with": "length", "of": ["openings"], "at_most": 1}]}, "there is no dimension 'openings'"),
        ({"excludes": {"screenreader": ["emoji"]}}, "there is no hard constraint 'screenreader'"),
        ({"excludes": {"screen_reader": ["emojis"]}}, "there is no dimension 'emojis'"),
        ({"one_of": [["vegan", "fruitarian"]]}, "there is no hard constraint 'fruitarian'"),
        ({"needs": {"unit": "quantity"}}, "there is no dimension 'unit'"),
        ({"needs": {"units": "quantities"}}, "there is no need 'quantities'"),
        ({"at_most": [{"with": "length", "of": []}]}, "at_most: the key 'at_most' is missing"),
        ({"at_least": []}, "unknown key 'at_least'"),
    ],
)
def test_a_table_that_names_what_there_is_not_is_refused(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(CatalogError, match=r"conflicts\.yaml") as refused:
        read_conflicts(table(**changes), load_catalog())
    assert sentence in str(refused.value)


def test_a_refusal_names_what_is_known() -> None:
    with pytest.raises(CatalogError, match="known are quantity, time_of_day"):
        read_conflicts(table(needs={"units": "weight"}), load_catalog())


def test_the_table_that_ships_holds_every_kind_of_rule() -> None:
    found = load_conflicts()
    assert found.at_most
    assert found.excludes
    assert found.one_of
    assert set(found.needs.values()) == set(NEEDS)


def test_every_dimension_can_be_had_alone_and_every_hard_constraint() -> None:
    assert all(load_conflicts().allow({dimension}) for dimension in load_catalog().dimensions)
    assert all(load_conflicts().allow(set(), {constraint}) for constraint in load_catalog().hard)


@pytest.mark.parametrize("dimension", ["units", "clock", "dates", "currency"])
def test_a_dimension_that_needs_something_applies_to_some_tasks_and_not_to_all(dimension: str) -> None:
    """Tried on the split with the fewest tasks; it has every dimension but that of code."""
    templates = [template.template_id for template in load_templates().values() if template.split == "test_ood"]
    assert 0 < sum(dimension in applicable_dimensions(template) for template in templates) < len(templates)
