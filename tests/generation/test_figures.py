"""The card is given the figures of audit.json and gate.json, and keeps what somebody wrote into it."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import persona_atlas
from generation.card import card, head
from generation.cli import main
from generation.figures import HEADING, write_card
from generation.verdicts import VerdictError, read_verdict
from persona_atlas.data import SMALL, Release, load_dataset

ROW = {"personalization": {"mean": -0.001, "ci": [-0.07, 0.066], "n_users": 200}, "task": {"mean": 1.0, "ci": [1.0, 1.0]}}
GATE = {
    "scripted-1": {
        "target": "scripted",
        "checks": [{"passed": True}] * 20 + [{"passed": False}],
        "rows": dict.fromkeys(("oracle", "identity", "placebo"), ROW),
    }
}


@pytest.fixture
def release(tmp_path: Path) -> Release:
    path = shutil.copytree(Path(persona_atlas.__file__).parent / SMALL, tmp_path / "copy")
    return load_dataset(str(path))


def put(release: Release, name: str, found: dict[str, Any], digest: str | None = None) -> None:
    text = json.dumps({**found, "content_digest": digest or release.manifest["content_digest"]})
    (release.path / name).write_text(text, encoding="utf-8")


def text(release: Release) -> str:
    return (release.path / "README.md").read_text(encoding="utf-8")


def test_what_was_measured_stands_in_the_card(release: Release, audited: dict[str, Any]) -> None:
    put(release, "audit.json", audited)
    put(release, "gate.json", {"targets": GATE})
    assert write_card(release)
    made, _, added = text(release).partition(HEADING)
    assert made == card(release.manifest)
    assert "2 checks passed, 0 failed, 1 need a larger release or a reference" in added
    assert "| what users say (samples of 20,000 words) | train | test | test_ood | chats.jsonl |" in added
    assert "| MTLD (words until variety falls), same sample | 149 | 149 | 149 |  |" in added
    assert "| chats.jsonl | 0.9999 | 0.11 | 6 words |" in added
    assert "Of the gold values 74% are revealed" in added
    assert "Users who contradict themselves or their attributes, as far as its patterns see: 2; personal data found: 0." in added
    assert "Gate on `scripted` (`atlas-eval gate`): 20 of 21 required orders hold" in added
    assert "| identity | 0.00 [-0.07, 0.07] | 1.00 [1.00, 1.00] |" in added
    assert "placebo" not in added
    again = text(release)
    assert write_card(release)
    assert text(release) == again


INVARIANCE = {"target": "scripted", "users": 30, "arms": 8, "detectable": 0.1, "pairs": 12}
GENERALITY = {
    "targets": [
        {
            "target": "smol",
            "users": 200,
            "items": 400,
            "null_bias": {"arm": "majority", "mean": -0.012, "ci": [-0.05, 0.03]},
            "unrevealed": {"mean": 0.0, "ci": None, "users": 1401, "items": 1401},
            "leakage": None,
            "tau_of_halves": {"groups": 0.912, "means": None},
            "detectable": 0.0614,
            "headroom": {"mean": 0.25, "ci": [0.2, 0.3]},
        }
    ],
    "checkers": {"labels": 2702, "accuracy": 0.98, "worst_dimension": "alternative", "worst": 0.875},
    "revoiced": [{"by": "smol", "taken": {"user": 0.6, "assistant": 0.874}, "tau": {"groups": 0.857, "means": 0.7}, "agree": 11, **INVARIANCE}],
    "thinned": [{"condition": "history_reveals_50", "tau": {"groups": None, "means": 0.7}, "agree": 10, **INVARIANCE}],
}


def test_what_was_seen_on_several_targets_stands_in_it_too(release: Release) -> None:
    put(release, "generality.json", GENERALITY)
    assert write_card(release)
    row = "| `smol` | 200, 400 | majority −0.012 [−0.050, +0.030] | +0.000 of 1,401 users, 1,401 items | no headroom | 0.91; – | 0.061 | "
    assert f"{row}+0.250 [+0.200, +0.300] |" in text(release)
    assert "on 2,702 labels of models' answers that were labelled blind: balanced accuracy 0.98" in text(release)
    assert "in the worst dimension, alternative, 0.88 (at least .85)" in text(release)
    taken = "60 % of the users' turns and 87 % of the answers taken, the others as they were"
    assert f"said anew by `smol` ({taken}), on `scripted`: τ between the rankings of 8 arms before and after 0.86 by" in text(release)
    assert "under `history_reveals_50`, on `scripted`: τ between the rankings of 8 arms before and after – by tie groups" in text(release)
    assert "of 12 pairs that differ by more than 0.100, 11 stand in the same order" in text(release)
    put(release, "generality.json", {"targets": [{}]})
    with pytest.raises(VerdictError, match=r"lacks .*; write it anew with .* benchmarks/generality\.py"):
        write_card(release)


@pytest.mark.parametrize("old", ["2 checks passed, 0 failed", "Audit (`atlas"])
def test_what_somebody_wrote_among_the_figures_stays(old: str, release: Release, audited: dict[str, Any]) -> None:
    put(release, "audit.json", audited)
    assert write_card(release)
    changed = text(release).replace(old, f"By the way, {old}")
    (release.path / "README.md").write_text(changed, encoding="utf-8")
    assert not write_card(release)
    assert text(release) == changed


def test_a_card_that_is_no_text_stays_as_it_is(release: Release) -> None:
    (release.path / "README.md").write_bytes(b"\xff\xfe")
    assert not write_card(release)
    result = CliRunner().invoke(main, ["card", str(release.path)])
    assert result.exit_code == 2
    assert "was changed by hand, and stays as it is" in result.output
    assert (release.path / "README.md").read_bytes() == b"\xff\xfe"


def test_verdicts_of_another_release_are_not_in_it(release: Release, audited: dict[str, Any]) -> None:
    put(release, "audit.json", audited)
    assert write_card(release)
    assert HEADING in text(release)
    put(release, "audit.json", audited, digest="0" * 64)
    assert write_card(release)
    assert text(release) == card(release.manifest)


@pytest.mark.parametrize("measured", [True, False])
def test_a_card_that_another_version_of_the_package_made_is_made_anew(measured: bool, release: Release, audited: dict[str, Any]) -> None:
    if measured:
        put(release, "audit.json", audited)
    (release.path / "README.md").write_text(head(release.manifest), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("generation.card.name_of", lambda content_digest: "once called so")
        assert write_card(Release(release.path, "", release.manifest)) is False, "a card without its digest is compared with what is made today"
        (release.path / "README.md").unlink()
        assert write_card(release)
    assert "once called so" in text(release)
    with (release.path / "README.md").open("a", encoding="utf-8") as file:
        file.write("\n## Known problems\n\nNone.\n")
    assert write_card(release)
    assert "once called so" not in text(release)
    assert text(release).startswith(card(release.manifest))
    assert (HEADING in text(release)) == measured
    assert text(release).endswith("\n## Known problems\n\nNone.\n")


def test_a_card_with_its_digest_that_somebody_changed_stays(release: Release) -> None:
    changed = card(release.manifest).replace("# PersonaAtlas", "# PersonaAtlas, our copy", 1)
    (release.path / "README.md").write_text(changed, encoding="utf-8")
    assert not write_card(release)
    assert text(release) == changed


def test_of_a_small_release_the_card_says_what_there_is(release: Release, audited: dict[str, Any]) -> None:
    audited["identifiability"] = {"revealed": None, "histories": {"skill": None}}
    put(release, "audit.json", audited)
    one = {"mean": 0.5, "ci": None, "n_users": 1}
    put(release, "gate.json", {"targets": {"x": {"target": "x", "checks": [], "rows": {"oracle": {"personalization": one, "task": {"mean": None}}}}}})
    assert write_card(release)
    assert "| oracle | 0.50 | – |" in text(release)
    assert "Of the gold values" not in text(release)


def test_what_somebody_wrote_below_the_figures_stays(release: Release, audited: dict[str, Any]) -> None:
    put(release, "audit.json", audited)
    assert write_card(release)
    with (release.path / "README.md").open("a", encoding="utf-8") as file:
        file.write("\n## Known problems\n\nNone.\n")
    assert write_card(release)
    assert text(release).endswith("\n## Known problems\n\nNone.\n")
    assert text(release).count(HEADING) == 1


def test_a_card_that_somebody_changed_stays(release: Release, audited: dict[str, Any]) -> None:
    changed = text(release).replace("# PersonaAtlas", "# PersonaAtlas, our copy", 1)
    (release.path / "README.md").write_text(changed, encoding="utf-8")
    put(release, "audit.json", audited)
    assert not write_card(release)
    assert text(release) == changed
    done = CliRunner().invoke(main, ["card", str(release.path)])
    assert done.exit_code == 2
    assert "was changed by hand, and stays as it is" in done.stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "audit.json is not readable as JSON"),
        ("[]", "audit.json is no JSON object"),
        ('{"passed": true, "content_digest": "OWN"}', "lacks 'checks'; write it anew with atlas-generate audit"),
        ('{"passed": true, "checks": 3, "content_digest": "OWN"}', "has another form"),
    ],
)
def test_a_verdict_that_cannot_be_read_is_one_sentence(release: Release, content: str, message: str) -> None:
    plain = text(release)
    own = content.replace("OWN", release.manifest["content_digest"])
    (release.path / "audit.json").write_text(own, encoding="utf-8")
    done = CliRunner().invoke(main, ["card", str(release.path)])
    assert done.exit_code == 2
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert text(release) == plain


def test_a_verdict_that_the_system_does_not_open_is_one_sentence(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    (release.path / "audit.json").write_text("{}", encoding="utf-8")

    def refused(path: Path, **named: str) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_text", refused)
    with pytest.raises(VerdictError, match=r"audit.json cannot be read \(Permission denied\); mend that"):
        read_verdict(release, "audit.json")


def test_the_command_says_what_it_wrote(release: Release) -> None:
    done = CliRunner().invoke(main, ["card", str(release.path)])
    assert (done.exit_code, done.stdout) == (0, f"Wrote {release.path / 'README.md'}\n")
