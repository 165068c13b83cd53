"""The site: what stands on its pages, in its feed and its CSV, and that nothing of a submission can be more than text."""

import copy
import csv
import io
import json
import re
import shlex
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from eval_harness import statistics, wordings
from eval_harness.controls import KNOWN
from eval_harness.suites import LONG_ANSWERS
from leaderboard import plots
from leaderboard.board import words
from leaderboard.entry import Board, Entry
from leaderboard.errors import SubmissionError
from leaderboard.escape import passage
from leaderboard.feed import NOT_REPRODUCED, REPRODUCED, SELF_REPORTED
from leaderboard.site import ALSO_HELD_OUT, NOTHING, Pages, place, view
from persona_atlas.data import Release
from persona_atlas.scoring import SCORER_VERSION

Like = Callable[..., Entry]
HOSTILE = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7*7 }}{% raw %}\u202e\u200b\x07\ud7ff&lt;"
TAGS = """
html head meta title link style body a header main footer nav p h1 h2 h3 dl dt dd div ul li details summary form label select option input button
table caption thead tbody tr th td span template script figure figcaption svg path circle text g polyline code pre b
"""


class Reader(HTMLParser):
    """The tags and attributes of a page, and the text outside of scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._silent = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._silent = tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._silent = False

    def handle_data(self, data: str) -> None:
        self.text += "" if self._silent else data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_the_table_has_entries_and_each_control_once_a_target(like: Like, build: Any) -> None:
    (standing,), _ = build([like(1), like(2, 0.1), like(3, model="other")])
    assert standing.targets == ("scripted (simulated)", "other")
    rows = [(row.target, row.kind, row.arm) for row in standing.rows]
    assert rows.count(("scripted (simulated)", "entry", "history")) == 2
    for target in standing.targets:
        assert {(kind, arm) for at, kind, arm in rows if at == target and kind != "entry"} == {
            ("blind", "identity"),
            ("blind", "placebo"),
            ("end", "oracle"),
        }
    assert [row.place for row in standing.rows if row.entry is None] == [None] * 6


def test_a_target_is_called_as_most_of_its_entries_call_it(like: Like, build: Any) -> None:
    """Its name is free text, and a run's id can be chosen."""

    def called(number: int, name: str) -> Entry:
        entry = like(number)
        return replace(entry, config={**entry.config, "model_args": f"name={name}"})

    for names, wanted in ((("bad", "good", "good"), "good"), (("first", "second"), "first")):
        (standing,), _ = build([called(number, name) for number, name in enumerate(names)])
        assert standing.targets == (f"scripted (simulated) name={wanted}",)
        assert standing.rows[0].target == standing.targets[0]
    (standing,), _ = build([called(9, "first"), called(1, "second")])
    assert standing.targets == ("scripted (simulated) name=first",)


def test_a_target_with_longer_answers_is_one_of_its_own_and_says_so(like: Like, build: Any) -> None:
    longer = like(2)
    longer = replace(longer, config={**longer.config, "max_gen_toks": LONG_ANSWERS})
    (standing,), _ = build([like(1), longer])
    assert set(standing.targets) == {"scripted (simulated)", "scripted (simulated) answers of 1,024 tokens"}
    assert [row.place for row in standing.rows if row.entry is not None] == [1, 1]


def test_a_control_s_row_is_of_a_reproduced_run_and_else_of_the_one_accepted_first(like: Like, build: Any) -> None:
    """Whatever its run's id."""

    def with_oracle(number: int, mean: float) -> Entry:
        entry = like(number)
        clean = entry.results["arms"]["oracle"]["clean"]
        oracle = {"clean": {**clean, "personalization": {**clean["personalization"], "mean": mean}}}
        return replace(entry, results={**entry.results, "arms": {**entry.results["arms"], "oracle": oracle}})

    entries = [with_oracle(5, 0.5), with_oracle(3, 0.3), with_oracle(1, 0.1)]
    for trusted, wanted in (((), 0.5), ((entries[1].run_id,), 0.3), ((entries[2].run_id, entries[1].run_id), 0.3)):
        (standing,), _ = build(entries, trusted=trusted)
        (row,) = [row for row in standing.rows if row.arm == "oracle"]
        assert row.g["mean"] == wanted
    (standing,), _ = build(entries, doubted=(entries[0].run_id,))
    assert next(row for row in standing.rows if row.arm == "oracle").g["mean"] == 0.3


FAILED = {"accepted": False, "fraction": 0.1, "asked": 240, "agreed": 3, "begun": 20}
AGREED = {"accepted": True, "fraction": 0.1, "asked": 240, "agreed": 228}


def in_csv(pages: Pages) -> dict[str, dict[str, str]]:
    """The rows of entries in leaderboard.csv, by run."""
    return {row["run_id"]: row for row in csv.DictReader(io.StringIO(pages["leaderboard.csv"])) if row["run_id"]}


def in_feed(pages: Pages) -> dict[str, dict[str, Any]]:
    """The entries in feed.json, by run."""
    rows = json.loads(pages["feed.json"])["boards"][0]["rows"]
    return {row["entry"]["run_id"]: row["entry"] for row in rows if row["entry"]}


def tags(pages: Pages, name: str) -> list[str]:
    """The tags in the table of the row of that name."""
    (row,) = [row for row in re.findall(r"<tr .*?</tr>", pages["index.html"], re.DOTALL) if f">{name}<" in row]
    return re.findall(r'class="tag [a-z-]*">([^<]*)<', row)


@pytest.mark.parametrize("decided", ["self-reported", "reproduced", "held-out"])
def test_an_entry_whose_reproduction_failed_says_so_whatever_the_maintainers_decided(decided: str, like: Like, build: Any) -> None:
    entry = like(1)
    _, pages = build([entry], {entry.run_id: (decided, FAILED)})
    page = Reader(pages[f"submissions/history/{entry.run_id}.html"])
    assert "its answers were further from these than" in page.text
    assert "Asked again: 240 prompts, of whose answers 3 were the same and 20 began alike." in page.text
    assert "Without a place, since it was not reproduced." in page.text
    assert "was not checked" not in page.text
    assert tags(pages, "Optimizer 1")[0] == "not reproduced"
    assert in_csv(pages)[entry.run_id]["tier"] == in_feed(pages)[entry.run_id]["tier"] == "not reproduced"
    assert tags(build([entry])[1], "Optimizer 1")[0] == "self-reported"


def test_an_entry_whose_reproduction_failed_has_no_place_and_widens_no_tie(like: Like, build: Any) -> None:
    doubted, entries = like(9, 0.5), [like(1, 0.2), like(2), like(3)]
    tiers = {entry.run_id: ("self-reported", FAILED if entry is doubted else None) for entry in [doubted, *entries]}
    (standing,), pages = build([doubted, *entries], tiers)
    assert [(row.entry.run_id[-1], place(row)) for row in standing.entries] == [("9", ""), ("1", "1"), ("2", "2="), ("3", "2=")]
    assert standing.entries[0].kind == "entry"
    assert "<dt>Entries</dt><dd>4</dd>" in pages["index.html"]
    assert "Place 1 of 3 on this target" in Reader(pages[entries[0].page]).text
    assert in_csv(pages)[doubted.run_id]["place"] == ""
    assert in_feed(pages)[doubted.run_id]["place"] is None
    assert doubted.told["name"] not in [line.name for line in plots.best_lines(standing.rows)]
    assert doubted.run_id not in [point["row"].entry.run_id for point in plots.scatter(standing.rows)["points"] if point["row"].entry]
    assert "Entries that were not reproduced are left out." in Reader(pages["index.html"]).text


def test_a_control_s_row_says_so_if_it_is_only_in_runs_that_were_not_reproduced(like: Like, build: Any) -> None:
    (standing,), _ = build([like(1)], {f"{1:016x}": ("self-reported", FAILED)})
    assert {row.settings for row in standing.rows if row.entry is None} == {"of a run that was not reproduced"}


def test_a_submitted_control_that_was_not_reproduced_does_not_stand_for_the_control(like: Like, build: Any) -> None:
    oracle = replace(like(2, 0.4), config={**like(2).config, "optimizer": "oracle"}, results={**like(2, 0.4).results, "optimizer": "oracle"})
    (standing,), _ = build([like(1), oracle], {f"{1:016x}": ("self-reported", None), oracle.run_id: ("self-reported", FAILED)})
    assert {(row.entry is not None, row.doubted) for row in standing.rows if row.arm == "oracle"} == {(True, True), (False, False)}
    assert [line.name for line in plots.best_lines(standing.rows)] == ["Optimizer 1", "oracle", "identity"]


@pytest.mark.parametrize(("record", "of_its_numbers"), [(None, "self-reported"), (AGREED, "reproduced")])
def test_held_out_says_that_the_numbers_are_those_of_the_public_run(record: Any, of_its_numbers: str, like: Like, build: Any) -> None:
    entry = like(1)
    _, pages = build([entry], {entry.run_id: ("held-out", record)})
    assert tags(pages, "Optimizer 1") == [of_its_numbers, "also held-out", "compact"]
    text = Reader(pages[entry.page]).text
    for key in (of_its_numbers, "also held-out"):
        assert words()["tiers"][key] in text
    assert "The numbers here are those of the public run" in text
    assert (in_csv(pages)[entry.run_id]["tier"], in_csv(pages)[entry.run_id]["held_out"]) == (of_its_numbers, "true")
    assert (in_feed(pages)[entry.run_id]["tier"], in_feed(pages)[entry.run_id]["held_out"]) == (of_its_numbers, True)


def test_no_target_can_take_the_name_of_another(like: Like, build: Any) -> None:
    entries = [like(number) for number in (1, 2, 3)]
    entries = [replace(e, config={**e.config, "model_fingerprint": f"print-{n}", "model": "smol"}) for n, e in enumerate(entries)]
    (standing,), _ = build(entries[:2])
    taken = standing.targets[0]
    entries[2] = replace(entries[2], config={**entries[2].config, "model": taken})
    (standing,), _ = build(entries)
    assert len(set(standing.targets)) == 3
    assert taken not in standing.targets


def with_config(entry: Entry, **changes: Any) -> Entry:
    return replace(entry, config={**entry.config, **changes})


def test_a_control_s_row_is_of_a_run_with_the_usual_settings_if_there_is_one(like: Like, build: Any) -> None:
    other, usual = with_config(like(1), oracle_wording=3), like(2)
    (standing,), _ = build([other, usual], trusted=[other.run_id])
    assert {row.settings for row in standing.rows} == {""}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"oracle_wording": 3, "seed": 7}, "told what the user wants (--oracle_wording 3, --seed 7)"),
        ({"optimizer_args": {"max_tokens": 500}}, "told what the user wants (histories of 500 tokens and 2 conversations)"),
    ],
)
def test_a_control_s_row_says_which_settings_its_run_had_if_not_the_usual_ones(changes: dict[str, Any], said: str, like: Like, build: Any) -> None:
    (standing,), pages = build([with_config(like(1), **changes)])
    (row,) = [row for row in standing.rows if row.arm == "oracle"]
    assert view(row, {})["sub"] == said
    assert said in Reader(pages["index.html"]).text


def test_the_usual_wording_is_the_one_that_was_chosen_for_the_target(like: Like, build: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = with_config(like(1), oracle_wording=3)
    monkeypatch.setattr(wordings, "CHOSEN", {chosen.config["model_fingerprint"]: 3})
    (standing,), _ = build([chosen])
    assert {row.settings for row in standing.rows} == {""}


def test_entries_that_cannot_be_told_apart_share_a_place(like: Like, build: Any) -> None:
    (standing,), _ = build([like(1), like(2, 0.5), like(3), like(4, -0.5)])
    assert [(row.entry.run_id[-1], place(row)) for row in standing.entries] == [("2", "1"), ("1", "2="), ("3", "2="), ("4", "4")]


def test_an_entry_is_held_against_the_best_of_the_last_group_alone() -> None:
    """As docs/leaderboard.md says: C can be told apart from neither A nor B, and stands with B."""
    draw = np.random.default_rng(0)
    user, template = np.repeat(np.arange(40), 2), np.tile(np.arange(20), 4)
    steady = draw.normal(0, 0.05, 80)
    noise = draw.normal(0, 1.2, 80)
    columns = {"A": 0.221 + steady, "B": 0.096 + steady + draw.normal(0, 0.02, 80), "C": 0.080 + steady + noise - noise.mean()}
    weights = statistics.draw_weights(40, 20, 300)
    tied = {(one.first, one.second): one.tied for one in statistics.compare_all(user, template, columns, weights)}
    assert tied == {("A", "B"): False, ("A", "C"): True, ("B", "C"): True}
    assert statistics.tied_groups(user, template, columns, weights) == [["A"], ["B", "C"]]


def test_lost_answers_of_some_take_no_items_out_of_the_comparison_of_others(like: Like, build: Any) -> None:
    entries = [like(1), like(2, 0.5), like(3, -0.5)]
    names = sorted(name for name, gain in entries[0].gains.items() if gain is not None)
    losing = [replace(like(4 + i), gains=dict(entries[0].gains) | dict.fromkeys(names[2 * i : 2 * i + 2])) for i in range(len(names) // 2)]
    (standing,), _ = build([*entries, *losing])
    places = {row.entry.run_id: place(row) for row in standing.entries}
    assert places[entries[1].run_id] == "1"
    assert places[entries[2].run_id] == str(len(entries) + len(losing))


def test_places_are_those_of_atlas_eval_compare() -> None:
    draw = np.random.default_rng(0)
    user, template = np.repeat(np.arange(30), 2), draw.integers(0, 25, 60)
    weights = statistics.draw_weights(30, 25, 300)
    for spread in (0.0, 0.05, 0.2):
        columns = {f"entrant {i}": spread * i + draw.normal(0, 0.3, 60) for i in range(6)}
        columns["the same"] = columns["entrant 2"].copy()
        columns["entrant 1"][3] = np.nan
        there = {name: np.where(np.isnan(columns["entrant 1"]), np.nan, column) for name, column in columns.items()}
        means = {name: statistics.estimate(user, template, column, weights).mean for name, column in there.items()}
        known = {name: mean for name, mean in means.items() if mean is not None}
        wanted = statistics.tie_groups(known, statistics.compare_all(user, template, columns, weights))
        assert statistics.tied_groups(user, template, columns, weights) == wanted


def test_one_entrant_alone_and_one_user_alone() -> None:
    weights = statistics.draw_weights(3, 3, 100)
    assert statistics.tied_groups([0, 1, 2], [0, 1, 2], {"a": [0.1, 0.2, 0.4]}, weights) == [["a"]]
    assert statistics.tied_groups([0, 0], [0, 1], {"a": [0, 0], "b": [1, 1]}, weights) == [["b", "a"]]


def test_releases_suites_and_scorers_never_share_a_table(like: Like, build: Any, small: Release) -> None:
    digest = small.manifest["content_digest"]
    boards = [Board(digest, SCORER_VERSION, "tiny"), Board("0" * 64, SCORER_VERSION, "tiny")]
    found, pages = build([like(1)], boards=boards)
    assert [len(standing.entries) for standing in found] == [1, 0]
    other = f"boards/000000000000-tiny-{SCORER_VERSION}.html"
    assert "No submission has been accepted" in pages[other]
    for page, root in (("index.html", ""), (other, "../")):
        links = {attributes.get("href"): attributes for attributes in Reader(pages[page]).all("a")}
        assert {f"{root}index.html", f"{root}{other}"} <= set(links)
        assert links[f"{root}{page}"]["aria-current"] == "page"


def test_the_first_page_says_what_its_words_mean(like: Like, build: Any) -> None:
    _, pages = build([like(1)])
    text = Reader(pages["index.html"]).text
    for said in (*words()["tiers"].values(), *(column["says"] for column in words()["columns"].values())):
        assert said in text
    for said in ("Intervals are at 95 %", "users and task templates as crossed clusters", "The users are simulated", "is no language model"):
        assert said in text
    assert set(words()["tiers"]) == {SELF_REPORTED, REPRODUCED, NOT_REPRODUCED, ALSO_HELD_OUT}


def test_every_control_has_its_words() -> None:
    assert set(words()["controls"]) == set(KNOWN)
    assert {control["kind"] for control in words()["controls"].values()} <= set(words()["kinds"])


def test_an_entrys_page_has_what_a_reader_needs(like: Like, build: Any) -> None:
    entry = like(1)
    _, pages = build([entry], {entry.run_id: ("reproduced", {"accepted": True, "fraction": 0.1, "asked": 240, "agreed": 228})})
    page = Reader(pages[f"submissions/history/{entry.run_id}.html"])
    for said in ("Robustness", "Slices", "Cost", "fare worse", "How it was run", "Checks", "Samples", entry.told["training"], "228 were the same"):
        assert said in page.text
    assert "atlas-eval --optimizer history" in page.text
    assert "--controls identity,oracle,placebo --model scripted" in page.text
    assert all(f"{name}: {well}" in page.text for name, well in entry.checks)
    assert len(page.all("details")) == len(entry.samples) == 20
    assert "✓ met:" in page.text
    assert "✗ missed:" in page.text


def test_an_entrys_page_and_the_feed_have_d_for_each_level(like: Like, build: Any) -> None:
    entry = like(1)
    _, pages = build([entry])
    page = Reader(pages[f"submissions/history/{entry.run_id}.html"]).text
    (row,) = [row for row in json.loads(pages["feed.json"])["boards"][0]["rows"] if row["entry"]]
    assert set(row["entry"]["D"]) == set(row["entry"]["A"]) == {"surface", "thinner history"}
    for family, found in entry.results["robustness"].items():
        curve = found["curves"]["history"]
        assert list(row["entry"]["D"][family]) == list(curve)[1:]
        for condition, lost in found["lost"].items():
            assert row["entry"]["D"][family][condition] == {"mean": lost["mean"], "ci": lost["ci"]}
            assert f"{condition}{told(lost)}{told(curve[condition])}" in page


def told(interval: dict[str, Any]) -> str:
    low, high = interval["ci"]
    return f"{interval['mean']:z.2f} [{low:z.2f}, {high:z.2f}]".replace("-", "−")


def test_an_entrys_page_says_with_what_it_was_not_compared(like: Like, build: Any) -> None:
    entry = like(1)
    page = f"submissions/history/{entry.run_id}.html"
    said = "Not compared with best_constant (the best values to give everybody), which did not run beside it"
    text = Reader(build([entry])[1][page]).text
    assert said in text
    assert text.count("Not compared with") == 1


def hostile(entry: Entry) -> Entry:
    """The entry with hostile text in every field that a submission could put text into."""
    told = {
        **entry.told, "name": HOSTILE, "link": "javascript:alert(1)", "contact": HOSTILE, "training": HOSTILE,
        "versions": {**entry.told["versions"], "persona_atlas": HOSTILE, "suite": HOSTILE},
        "environment": {"python": HOSTILE, "platform": HOSTILE, "packages": {HOSTILE: HOSTILE}},
    }  # fmt: skip
    keys = ("model", "model_args", "model_fingerprint", "optimizer_digest")
    config = {**entry.config, **dict.fromkeys(keys, HOSTILE), "optimizer_args": {HOSTILE: HOSTILE}}
    results = copy.deepcopy(dict(entry.results))
    results["notes"], results["failures"], results["split"] = [HOSTILE], {HOSTILE: 1}, HOSTILE
    results["slices"] = {HOSTILE: next(iter(results["slices"].values()))}
    results["headroom"] = {"value": None, "ci": None, "note": HOSTILE}
    results["robustness"] = {f"{family}{HOSTILE}": found for family, found in results["robustness"].items()}
    samples = [
        {**s, "prompt": HOSTILE, "answer": HOSTILE, "ended": HOSTILE, "query": HOSTILE, "said": [HOSTILE], "id": HOSTILE} for s in entry.samples
    ]
    return replace(entry, told=told, config=config, results=results, checks=[[HOSTILE, HOSTILE]], samples=samples)


@pytest.fixture(scope="module")
def attacked(like: Like, build: Any) -> Pages:
    entry = hostile(like(1))
    return dict(build([entry], boards=[entry.board])[1])


def test_hostile_text_is_text(attacked: Pages) -> None:
    for name, page in attacked.items():
        assert not re.search("[\u202e\u200b\x07\ud7ff]", page), name
        if name.endswith(".html"):
            read = Reader(page)
            assert {tag for tag, _ in read.tags} <= set(TAGS.split()), name
            assert [key for _, attributes in read.tags for key in attributes if key.startswith("on") or key == "style"] == []
            assert "<script>alert(1)" in read.text
            assert "\\u202e" in read.text
            assert "{{ 7*7 }}" in read.text
            assert len(read.all("script")) == (2 if name == "index.html" else 0)


def test_a_passage_keeps_its_lines_and_the_marks_that_languages_need() -> None:
    assert passage("one\ntwo\n") == "one\ntwo\n"
    assert passage("e\u0301 \u0939\u093f\u0928\u094d\u0926\u0940") == "e\u0301 \u0939\u093f\u0928\u094d\u0926\u0940"
    assert passage("a" + 5 * "\u0301") == "a\u0301\u0301" + 3 * "\\u0301"
    assert passage("❤\ufe0f 1\ufe0f\u20e3") == "❤\ufe0f 1\ufe0f\u20e3"
    assert passage("\u202e\x1b[2J\r\t\U000e0001") == "\\u202e\\u001b[2J\\u000d\t\\U000e0001"


@pytest.mark.parametrize("character", ["\u3164", "\u2800", "\u115f", "\ufe0f", "\u034f"])
def test_what_cannot_be_seen_is_written_out_in_a_passage(character: str) -> None:
    assert passage(f"word{character}") == f"word\\u{ord(character):04x}"


def test_a_second_selector_behind_an_emoji_is_written_out() -> None:
    assert passage("❤\ufe0f\ufe0e") == "❤\ufe0f\\ufe0e"


def test_the_command_asks_for_answers_as_long_as_the_runs(like: Like) -> None:
    words = shlex.split(with_config(like(1), max_gen_toks=LONG_ANSWERS).command)
    assert words[words.index("--max_gen_toks") + 1] == "1024"


def test_the_command_is_one_that_a_shell_reads_back(like: Like) -> None:
    entry = replace(
        like(1),
        config={
            **like(1).config,
            "optimizer_args": {"k": [3, 4], "deep": True, "text": "$(rm -rf ~)", "wish": "brief, please"},
            "model_args": "a='b; c",
        },
    )
    words = shlex.split(entry.command)
    assert words[words.index("--optimizer_args") + 1] == 'k=[3, 4],deep=true,text=$(rm -rf ~),wish="brief, please"'
    assert words[words.index("--model_args") + 1] == "a='b; c"
    assert words[-2:] == ["--dataset", "DIR"]


def test_links_of_submissions_are_web_links_without_favours(attacked: Pages, like: Like, build: Any) -> None:
    entry = like(1)
    _, pages = build([entry])
    page = f"submissions/history/{entry.run_id}.html"
    outside = [a for a in Reader(pages[page]).all("a") if "//" in (a["href"] or "")]
    assert outside == [{"href": entry.told["link"], "rel": "nofollow noopener noreferrer"}]
    assert all("javascript" not in (a.get("href") or "") for html in attacked.values() for a in Reader(html).all("a"))
    assert "javascript:alert(1)" in Reader(attacked[page]).text


def test_a_policy_forbids_what_is_not_ours(like: Like, build: Any) -> None:
    import base64
    import hashlib

    _, pages = build([like(1)])
    for name, page in pages.items():
        if not name.endswith(".html"):
            continue
        (policy,) = [str(meta["content"]) for meta in Reader(page).all("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "unsafe" not in policy
        for tag in ("style", "script"):
            for text in re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL):
                assert base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() in policy
        assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")
        assert not re.search(
            r'(src|href)="(?!https://example\.org|data:|\.\./|#|index|submissions/[a-z]+/[0-9a-f]{16}\.html|feed|leaderboard\.csv)', page
        )


def test_names_that_are_no_names_get_no_page(like: Like, build: Any) -> None:
    with pytest.raises(SubmissionError, match="cannot be the name of a page"):
        build([like(1, run_id="../../../etc/passwd")])
    for optimizer in ("../x", "", ".", "x" * 200):
        with pytest.raises(SubmissionError, match="cannot be the name of a page"):
            assert replace(like(1), config={**like(1).config, "optimizer": optimizer}).page


def test_the_same_entries_make_the_same_bytes_in_whatever_order(like: Like, build: Any) -> None:
    entries = [like(number, 0.1 * (number % 3)) for number in range(1, 7)]
    tiers = {entry.run_id: ("self-reported", None) for entry in entries}
    assert build(entries, tiers)[1] == build(entries[::-1], dict(reversed(tiers.items())))[1]


def test_the_feed_has_the_form_of_its_schema_and_no_nan(like: Like, build: Any) -> None:
    import jsonschema_rs

    entry = like(1)
    record = {"accepted": True, "fraction": 0.1, "asked": 240, "agreed": 228}
    _, pages = build([entry, like(2, 0.3)], {entry.run_id: ("reproduced", record), f"{2:016x}": ("self-reported", None)})
    found = json.loads(pages["feed.json"], parse_constant=lambda name: pytest.fail(name))
    jsonschema_rs.validator_for(json.loads(pages["feed.schema.json"])).validate(found)
    assert found["feed_version"] == 1
    rows = {row["entry"]["run_id"]: row for row in found["boards"][0]["rows"] if row["entry"]}
    assert rows[entry.run_id]["G"]["mean"] == entry.results["scores"]["personalization"]["mean"]
    assert rows[entry.run_id]["entry"]["tier"] == "reproduced"
    assert rows[entry.run_id]["entry"]["page"] in pages


def test_a_control_has_no_place_though_it_was_handed_in(like: Like, build: Any) -> None:
    oracle = replace(like(2, 0.4), config={**like(2).config, "optimizer": "oracle"}, results={**like(2, 0.4).results, "optimizer": "oracle"})
    (standing,), pages = build([like(1), oracle])
    assert "<dt>Entries</dt><dd>1</dd>" in pages["index.html"]
    rows = {row.arm: row for row in standing.rows if row.entry is not None}
    assert (rows["history"].place, rows["history"].kind) == (1, "entry")
    assert (rows["oracle"].place, rows["oracle"].kind, place(rows["oracle"])) == (None, "end", "")
    assert [row.entry is not None for row in standing.rows if row.arm == "oracle"] == [True]  # and stands there once
    assert [(line.name, line.style) for line in plots.best_lines(standing.rows)] == [
        (rows["history"].entry.told["name"], "l0"),
        (rows["oracle"].entry.told["name"], "lc"),
        ("identity", "ld"),
    ]
    assert [point["row"].arm for point in plots.scatter(standing.rows)["points"] if point["row"].placed] == ["history"]


def test_whiskers_are_drawn_as_far_as_any_of_the_table_reaches() -> None:
    ends = plots.scale([(0.3, 0.2, 0.4), (-0.1, None, None), (None, None, None)])
    assert ends == (-0.1, 0.4)
    assert plots.bar({"mean": 0.3, "ci": (0.2, 0.4)}, ends) == {"low": 57.6, "mean": 76.8, "high": 96.0, "zero": 19.2}
    assert plots.scale([(0.1, -3.0, 7.0)]) == (-0.4, 1.0)
    assert plots.scale([(0.0, 0.0, 0.0)]) == (-0.4, 1.0)
    assert plots.scale([(0.2, 0.1, 0.3)]) == (0.0, 0.3)


def test_entries_of_one_target_are_compared_whatever_it_is_called_and_memory_it_had(like: Like, build: Any) -> None:
    said = ({}, {"model_args": " "}, {"model_args": "cache_gb=4"}, {"model": "scripted by another name"})
    (standing,), _ = build([replace(like(number), config={**like(number).config, **more}) for number, more in enumerate(said, 1)])
    assert standing.targets == ("scripted (simulated)",)
    assert {place(row) for row in standing.entries} == {"1="}


def test_a_text_of_the_csv_is_in_quotes_whatever_parts_its_cells(like: Like, build: Any) -> None:
    _, pages = build([like(1, name="x;=1+1")])
    assert '"x;=1+1"' in pages["leaderboard.csv"]


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "'=1", "＝1+1", "＋1", "－1", "＠SUM(A1)"])
def test_no_cell_of_the_csv_is_a_formula(name: str, like: Like, build: Any) -> None:
    _, pages = build([like(1, name=name)])
    head, *rows = list(csv.reader(io.StringIO(pages["leaderboard.csv"])))
    (row,) = [dict(zip(head, row, strict=True)) for row in rows if row[head.index("run_id")]]
    assert row["name"] == f"'{name}"
    assert float(row["G"])
    assert len(rows) == 4


def test_the_first_page_of_a_thousand_entries_is_small_and_has_them_all(like: Like, build: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leaderboard.site._submission", lambda *_: "the pages of entries are not looked at here")
    entries = [replace(like(number, number / 4000, name=f"A rather long name for an optimizer, {number}"), samples=[]) for number in range(1, 1001)]
    (standing,), pages = build(entries)
    assert len(pages["index.html"].encode()) < 500_000
    assert len(Reader(pages["index.html"]).all("tr")) == 1 + 100 + 1
    assert "The first 100 of 1003 rows" in Reader(pages["index.html"]).text
    (data,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', pages["index.html"])
    assert len(json.loads(data)["rows"]) == 1003
    reached = [value for row in json.loads(data)["rows"] for value in row[list(NOTHING).index("g")] if value is not None]
    assert json.loads(data)["scale"] == [max(-0.4, min(reached)), min(1.0, max(reached))]
    assert json.loads(data)["scale"] != [-0.4, 1.0]
    assert json.loads(data)["fields"] == list(NOTHING) == list(view(standing.rows[0], {entry.run_id: ("self-reported", None) for entry in entries}))
