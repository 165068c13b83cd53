"""The mapping from the published dimensions to the catalogue."""

from typing import Any

import pytest

from generation.imported.mapping import load_mapping, read_mapping
from persona_atlas.content import CatalogError


def test_every_published_dimension_is_there_with_a_reason_for_what_is_not_mapped() -> None:
    assert len(load_mapping()) == 33
    assert all(entry.rest for entry in load_mapping().values())


def test_what_is_of_the_conversation_is_no_preference() -> None:
    assert {entry.id for entry in load_mapping().values() if entry.about == "conversation"} == {"domain", "scenario"}


def entry(dimension: str = "length", value: str = "brief", **changes: Any) -> dict[str, Any]:
    return {"id": "length_pref", "about": "user", "rest": "why", "values": {"terse": {"dimension": dimension, "value": value}}, **changes}


def test_a_mapping_in_the_right_form_is_read() -> None:
    assert read_mapping({"dimensions": [entry()]})["length_pref"].values["terse"].value == "brief"


@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        ([entry(dimension="lenght")], "the catalogue has no dimension lenght; known are "),
        ([entry(value="tiny")], "length has no value tiny; known are brief, medium, long"),
        ([entry("emphasis", "bold")], "emphasis is not a dimension of all of train, validation, test; map to another, or to none"),
        ([entry("units", "metric")], "units does not apply to every question; map to another, or to none"),
        ([entry(about="them")], "about is 'them', wanted one of user, conversation"),
        ([entry(about="conversation")], "only users have preferences"),
        ([entry(), entry(id="verbosity")], "verbosity and length_pref are both mapped to length; a user might get two of its values"),
        ([entry(), entry()], "the id 'length_pref' is defined twice; rename one"),
        ([entry(vales={})], "unknown key 'vales', did you mean 'values'?"),
    ],
)
def test_a_mapping_that_cannot_be_meant_is_refused(entries: list[dict[str, Any]], sentence: str) -> None:
    with pytest.raises(CatalogError) as error:
        read_mapping({"dimensions": entries})
    assert sentence in str(error.value)
