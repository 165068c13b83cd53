"""Corrections for many tests (MEASUREMENT 8), by hand and against statsmodels."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from persona_atlas.corrections import benjamini_hochberg, holm

Correction = Callable[[dict[str, float]], dict[str, float]]
METHODS = {"holm": holm, "fdr_bh": benjamini_hochberg}


def test_holm_by_hand() -> None:
    assert holm({"a": 0.04, "b": 0.01, "c": 0.03}) == pytest.approx({"a": 0.06, "b": 0.03, "c": 0.06})


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_corrections_are_those_of_statsmodels(p_values: list[float]) -> None:
    named = {str(i): p for i, p in enumerate(p_values)}
    for method, correction in METHODS.items():
        adjusted = correction(named)
        assert list(adjusted) == list(named)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("gc.collect", lambda: 0)  # statsmodels collects garbage in every call: 0.1 s each
            wanted = multipletests(p_values, method=method)[1]
        assert list(adjusted.values()) == pytest.approx(list(wanted))


@pytest.mark.parametrize("correction", METHODS.values())
def test_a_family_can_be_empty(correction: Correction) -> None:
    assert correction({}) == {}


@pytest.mark.parametrize("correction", METHODS.values())
@pytest.mark.parametrize("wrong", [1.5, float("nan")])
def test_corrections_refuse_what_is_no_p_value(correction: Correction, wrong: float) -> None:
    with pytest.raises(ValueError, match="not p-values"):
        correction({"a": wrong})
