"""Verifiers: programs that say how far an answer solves a task."""

from typing import Any

import pytest

from persona_atlas.answer import Answer
from persona_atlas.preferences.catalog import CatalogError
from persona_atlas.tasks import Filling, Plan, Template, fill, load_templates, verify
from persona_atlas.tasks.verifiers import check_specification, key_terms, solves

PLAN = Plan("", "", ("", ""), (), "", "", "", "", ())


def filled(verifier: dict[str, Any], domain: str = "cooking", **slots: Any) -> Filling:
    return fill(Template("t", domain, "train", ("?",), {}, {}, (), verifier, PLAN), slots)


NUMERIC = {"kind": "numeric", "value": "{grams * people}", "unit": "g", "tolerance": 0.02}
POINTS = {"kind": "key_points", "points": [["rinse", "wash*"], ["{grain.name}"]]}
EXACT = {"kind": "exact", "answer": "{right}", "others": ["Bus", "car"]}
CONSTRAINT = {"kind": "constraint", "require": [["tofu", "bean*"], ["rice"]], "forbid": ["peanut*"]}


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("Cook 400 g.", 1.0),
        ("Cook 14.1 oz.", 1.0),
        ("Cook 0.4 kg.", 1.0),
        ("Cook 407 grams.", 1.0),
        ("Cook 409 grams.", 0.0),
        ("Cook 400 pieces.", 0.0),
        ("Not 100 g but 400 g.", 1.0),
        ("", 0.0),
    ],
)
def test_numeric_finds_the_number_in_its_unit_or_the_other_systems(text: str, score: float) -> None:
    assert verify(filled(NUMERIC, grams=100, people=4), Answer(text)) == score


@pytest.mark.parametrize("text", ["5:25 pm", "5:25pm", "5:25PM", "5:25 p.m.", "5:25p.m.", "17:25"])
def test_a_clock_time_is_found_however_its_half_of_the_day_is_written(text: str) -> None:
    points = {"kind": "key_points", "points": [["17:25", "5:25"]]}
    assert verify(filled(points), Answer(f"Start at {text}, and stir.")) == 1.0


@pytest.mark.parametrize(
    ("spellings", "right", "wrong"),
    [
        (["16:00", "4:00"], ["4 pm", "4pm", "4 p.m.", "4 PM", "4:00pm", "16:00"], ["4 am", "4", "14 pm", "16 pm"]),
        (["22:00", "10:00"], ["10 pm"], ["10 am", "22 pm"]),
        (["09:00", "9:00"], ["9 am"], ["9 pm"]),
        (["00:00", "12:00"], ["12 am"], ["12 pm"]),
        (["12:00", "12:00"], ["12 pm"], ["12 am"]),
        (["16:30", "4:30"], [], ["4 pm"]),
    ],
)
def test_a_full_hour_may_be_said_without_its_minutes(spellings: list[str], right: list[str], wrong: list[str]) -> None:
    points = {"kind": "key_points", "points": [spellings]}
    for texts, score in ((right, 1.0), (wrong, 0.0)):
        assert {text: verify(filled(points), Answer(f"Start at {text}, and stir.")) for text in texts} == dict.fromkeys(texts, score)


@pytest.mark.parametrize(("text", "score"), [("Wash the RICE.", 1.0), ("Washing helps.", 0.5), ("Rinses and prices.", 0.0), ("", 0.0)])
def test_key_points_gives_the_share_of_points_found(text: str, score: float) -> None:
    assert verify(filled(POINTS, grain={"name": "rice"}), Answer(text)) == score


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("The train is best; a bus is slower.", 1.0),
        ("A bus is slower; take the train, the train wins.", 1.0),
        ("The bus, the bus, not the train.", 0.0),
        ("The car.", 0.0),
        ("Training.", 0.0),
    ],
)
def test_exact_wants_the_right_option_first_or_most_often(text: str, score: float) -> None:
    assert verify(filled(EXACT, right="train"), Answer(text)) == score


def test_exact_reads_either_apostrophe() -> None:
    task = filled({"kind": "exact", "answer": "{right}", "others": ["Simpson's rule"]}, right="Heron's formula")
    assert verify(task, Answer("Use Heron’s formula.")) == 1.0


@pytest.mark.parametrize(("text", "score"), [("Tofu with rice.", 1.0), ("Black beans.", 0.5), ("Tofu, rice and peanuts.", 0.0)])
def test_constraint_wants_all_groups_and_nothing_forbidden(text: str, score: float) -> None:
    assert verify(filled(CONSTRAINT), Answer(text)) == score


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("It is on March 4, 2027.", 1.0),
        ("On 4 March.", 1.0),
        ("On the 4th of March 2027.", 1.0),
        ("By 2027-03-04.", 1.0),
        ("On March 5, 2027.", 0.0),
        ("On March 4, 2028.", 0.0),
        ("On the 4th of March, whatever the year.", 1.0),
        ("In March.", 0.0),
        ("", 0.0),
    ],
)
def test_date_finds_the_day_in_any_usual_form(text: str, score: float) -> None:
    assert verify(filled({"kind": "date", "value": "{day}"}, day="2027-03-04"), Answer(text)) == score


CODE = {"kind": "code", "function": "double", "cases": [{"args": [1], "result": 2}, {"args": ["{number}"], "result": "{number * 2}"}]}


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("Like this:\n\n```python\ndef double(x):\n    return 2 * x\n```\n\nThat is all.", 1.0),
        ("```\nFACTOR = 2\n```\n\nand then\n\n```\ndef double(x):\n    return FACTOR * x\n```", 1.0),
        ("```\ndef double(x):\n    return 2\n```", 0.5),
        ("```\ndef twice(x):\n    return 2 * x\n```", 0.0),
        ("def double(x): return 2 * x", 0.0),
        ("", 0.0),
    ],
)
def test_code_gives_the_share_of_cases_that_the_answers_code_blocks_pass(text: str, score: float) -> None:
    assert verify(filled(CODE, number=7), Answer(text)) == score


def test_a_prompt_with_the_code_solves_a_code_task_and_the_bare_question_does_not() -> None:
    task = filled(CODE, number=7)
    assert solves(task, "Say this:\n\n```\ndef double(x):\n    return 2 * x\n```")
    assert not solves(task, "Write a function double(x) that doubles a number.")


def test_the_cases_of_a_code_task_are_no_key_terms() -> None:
    assert key_terms(filled(CODE, number=7)) == ("7", "double")


def test_all_is_the_mean_of_its_parts() -> None:
    both = {"kind": "all", "of": [NUMERIC, POINTS]}
    slots: dict[str, Any] = {"grams": 100, "people": 4, "grain": {"name": "rice"}}
    assert verify(filled(both, **slots), Answer("Cook 400 g of rice.")) == 0.75


def test_code_does_not_solve_a_task_but_plain_text_does() -> None:
    task = filled(NUMERIC, grams=100, people=4)
    assert verify(task, Answer("```\n400 g\n```")) == 0.0
    assert solves(task, "the answer is 400 g")


GIT = {
    "kind": "all",
    "of": [{"kind": "exact", "answer": "soft", "others": ["soft", "mixed", "hard"]}, {"kind": "key_points", "points": [["head~2"]]}],
}


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("Use this:\n\n```bash\ngit reset --soft HEAD~2\n```", 1.0),
        ("Use `git reset --soft HEAD~2`.", 1.0),
        ("Use this:\n\n```bash\ngit reset --hard HEAD~2\n```", 0.5),
        ("Pick one:\n\n```python\nmodes = ['soft', 'mixed', 'hard']\n```", 0.0),
    ],
)
def test_the_answer_to_a_question_about_code_may_stand_in_a_code_block(text: str, score: float) -> None:
    assert verify(filled(GIT, "coding"), Answer(text)) == score


def test_numbers_in_the_code_of_an_answer_are_no_results() -> None:
    assert verify(filled(NUMERIC | {"unit": "count"}, "coding", grams=100, people=4), Answer("Like this:\n\n```python\nprint(400)\n```")) == 0.0


@pytest.mark.parametrize(
    ("template_id", "point", "text"),
    [
        ("photography.star_trail_session", "star", "Start early."),
        ("science.boiling_at_altitude", "thin", "I think things are fine."),
        ("science.pea_cross", "gene", "In general."),
        ("travel.hotel_checkin_gap", "bag", "Eat a bagel."),
        ("travel.train_picnic", "chill", "Add chilli and pearls, all wrapped."),
        ("work_writing.reschedule_request", "reason", "A reasonable plan."),
        ("home_repair.wallpaper_rolls", "strip", "A stripe or two."),
        ("health_fitness.step_goal_gap", "depart", "The department."),
        ("daily_life.noisy_neighbor", "neighbor", "The neighborhood."),
        ("work_writing.progress_status_update", "issue", "It was issued."),
    ],
)
def test_a_key_point_of_the_bank_is_not_met_by_another_word(template_id: str, point: str, text: str) -> None:
    verifier = load_templates()[template_id].verifier
    parts = verifier.get("of", [verifier])
    points = [spellings for part in parts for spellings in part.get("points", part.get("require", [])) if point in spellings]
    task = filled({"kind": "key_points", "points": [[spelling for spelling in spellings if "{" not in spelling] for spellings in points]})
    assert verify(task, Answer(text)) == 0.0
    assert verify(task, Answer(f"About the {point}.")) == 1.0


def test_key_terms_are_slots_and_the_verifiers_own_spellings() -> None:
    assert key_terms(filled(POINTS, grain={"name": "Rice"}, people=4)) == ("4", "rice", "rinse", "wash*")


def test_forbidden_words_are_no_key_terms() -> None:
    assert "peanut*" not in key_terms(filled(CONSTRAINT))


@pytest.mark.parametrize(
    ("specification", "message"),
    [
        ({"kind": "guess"}, "pasta, verifier: kind is 'guess', wanted one of numeric, key_points, exact, constraint, date, code, all"),
        ("400 g", "pasta, verifier: kind is None"),
        ({"kind": "numeric"}, "pasta, verifier numeric: has no fields, wanted tolerance, unit, value"),
        ({"kind": "exact", "answer": "a", "other": ["b"]}, "pasta, verifier exact: has answer, other, wanted answer, others"),
        ({"kind": "numeric", "value": 1, "unit": "stone"}, "pasta, verifier numeric: unit is 'stone', wanted one of g, kg"),
        ({"kind": "all", "of": [{"kind": "numeric"}]}, "pasta, verifier numeric: has no fields"),
        ({"kind": "all", "of": []}, r"pasta, verifier all: of is \[\], wanted a list that has something in it"),
        ({"kind": "all", "of": [CODE]}, "pasta, verifier all: code is no part of others; make a task of its own"),
        ({"kind": "key_points", "points": []}, r"pasta, verifier key_points: points is \[\], wanted a list"),
        ({"kind": "key_points", "points": [["a"], []]}, "pasta, verifier key_points: points is .*, wanted a list"),
        ({"kind": "constraint", "require": "rice"}, "pasta, verifier constraint: require is 'rice', wanted a list"),
        ({"kind": "code", "function": "f"}, "pasta, verifier code: has function, wanted cases, function"),
        ({"kind": "code", "cases": []}, "pasta, verifier code: has cases, wanted cases, function"),
        ({"kind": "code", "function": "f", "cases": [], "timeout": 1}, "pasta, verifier code: has cases, function, timeout, wanted cases, function"),
    ],
)
def test_a_wrong_specification_is_refused(specification: Any, message: str) -> None:
    with pytest.raises(CatalogError, match=message):
        check_specification(specification, "pasta")


@pytest.mark.parametrize("cases", [5, [], [{"args": [1]}], [{"args": 1, "result": 1}], [{"args": [1], "result": 1, "note": "x"}]])
def test_cases_of_a_code_verifier_are_looked_at_when_loaded(cases: object) -> None:
    with pytest.raises(CatalogError, match=r"here, verifier code: .*wanted|here, verifier code: .*give both"):
        check_specification({"kind": "code", "function": "f", "cases": cases}, "here")
