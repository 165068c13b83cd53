"""`atlas-leaderboard build`: submissions in, a site out; what is kept, what is left out, and what is said."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from eval_harness import suites
from eval_harness.suites import Suite
from leaderboard import collect
from leaderboard.accepted import accepted_in, in_order
from leaderboard.build import believed, write
from leaderboard.cache import Cache
from leaderboard.cli import main
from leaderboard.collect import folders_in
from leaderboard.tiers import tier_of
from persona_atlas.data import Release


@pytest.fixture(autouse=True)
def tiny_is_core(tiny: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suites, "CORE", tiny)


@pytest.fixture
def submissions(packed: Callable[..., Path], tmp_path: Path) -> Path:
    """A folder with one honest submission."""
    path = packed("history")
    shutil.copytree(path, tmp_path / "submissions" / "history" / path.name)
    return tmp_path / "submissions"


@pytest.fixture(scope="session")
def verified(packed: Callable[..., Path], small: Release, tiny: Suite, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that knows the honest submission."""
    folder, path = tmp_path_factory.mktemp("cache"), packed("history")
    place = Path(shutil.copytree(path, tmp_path_factory.mktemp("verified") / "submissions" / "history" / path.name))
    assert [found.entry is not None for found in collect.collect([place], [small], tiny, Cache(folder))] == [True]
    return folder


@pytest.fixture
def known(verified: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(verified, tmp_path / "cache"))


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["build", *map(str, arguments)])


def test_a_site_is_built_and_built_again_from_the_cache(submissions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "site"
    done = run("--submissions", submissions, "--out", out, "--cache", tmp_path / "cache")
    assert done.exit_code == 0, done.output
    assert "1 accepted, 0 left out" in done.stdout
    first = {file.relative_to(out): file.read_bytes() for file in out.rglob("*") if file.is_file()}
    assert {str(name) for name in first} >= {"index.html", "feed.json", "feed.schema.json", "leaderboard.csv", "README.md"}
    (out / "submissions" / "gone.html").write_text("a page of an entry that was withdrawn")

    monkeypatch.setattr(collect, "verify_one", lambda *_: pytest.fail("what the cache knows is not verified again"))
    again = run("--submissions", submissions, "--out", out, "--cache", tmp_path / "cache")
    assert "accepted before" in again.stdout, again.output
    assert {file.relative_to(out): file.read_bytes() for file in out.rglob("*") if file.is_file()} == first


def test_a_changed_file_is_verified_again_and_left_out(submissions: Path, known: Path, tmp_path: Path) -> None:
    arguments = ("--submissions", submissions, "--out", tmp_path / "site", "--cache", known)
    run(*arguments)
    (folder,) = folders_in(submissions)
    found = json.loads((folder / "results.json").read_text())
    found["scores"]["personalization"]["mean"] = 0.99
    (folder / "results.json").write_text(json.dumps(found))
    done = run(*arguments)
    assert done.exit_code == 0
    assert f"history/{folder.name}: left out, digests: results.json is not the file" in done.stdout
    assert "No submission has been accepted" in (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    strict = run(*arguments, "--strict")
    assert strict.exit_code == 1
    assert "left out, digests:" in strict.stdout


def test_what_is_no_submission_is_left_out_with_its_reason(submissions: Path, tmp_path: Path) -> None:
    (submissions / "README.md").write_text("Submissions.")
    (submissions / "brief" / "0123456789abcdef").mkdir(parents=True)
    (submissions / "link").symlink_to(submissions / "history")
    shutil.rmtree(submissions / "history")
    done = run("--submissions", submissions, "--out", tmp_path / "site")
    assert "brief/0123456789abcdef: left out, files: it lacks submission.json" in done.stdout
    assert "0 accepted, 1 left out" in done.stdout


def test_a_folder_that_cannot_be_read_is_left_out_and_the_others_stay(submissions: Path, known: Path, small: Release, tiny: Suite) -> None:
    paths = [submissions / "gone" / "0123456789abcdef", *folders_in(submissions)]
    found = {one.path: one for one in collect.collect(paths, [small], tiny, Cache(known))}
    assert [found[path].entry is not None for path in paths] == [False, True]
    assert "files: [Errno 2] No such file or directory" in found[paths[0]].reason


def test_a_copy_is_left_out_and_which_was_there_first_is_kept_in_mind(
    submissions: Path, known: Path, hand: Callable[..., Any], small: Release, tiny: Suite
) -> None:
    copy = hand("history")
    copy.config["seed"] = 7
    copy.results["seed"] = 7
    copy.derive_again(small)
    copy.digest_again()
    cache = Cache(known)
    (first,) = collect.collect(folders_in(submissions), [small], tiny, cache)
    copy.write(submissions / "history")
    found = list(collect.collect(folders_in(submissions), [small], tiny, cache))
    assert (found[0].path, found[0].entry is not None, found[0].cached) == (first.path, True, True)
    assert found[1].entry is None
    assert found[1].reason.startswith("copies: ")
    assert [one.cached for one in collect.collect(folders_in(submissions), [small], tiny, cache)] == [True, False]


@dataclass(frozen=True)
class Robbed:
    """A folder with a submission and its copy under another name, which comes before its."""

    folder: Path
    victim: Path
    thief: Path


@pytest.fixture
def robbed(packed: Callable[..., Path], hand: Callable[..., Any], small: Release, tmp_path: Path) -> Robbed:
    path, copy, folder = packed("reads"), hand("reads"), tmp_path / "robbed"
    for sample in copy.of():
        sample["arm"] = "a_thief"
    copy.config.update(optimizer="a_thief", optimizer_digest="0" * 64)
    copy.derive_again(small)
    copy.digest_again()
    return Robbed(folder, Path(shutil.copytree(path, folder / "reads" / path.name)), copy.write(folder / "a_thief"))


def test_cached_verdicts_that_were_never_held_against_each_other_do_not_stand(robbed: Robbed, tmp_path: Path, small: Release, tiny: Suite) -> None:
    cache = Cache(tmp_path / "cache")
    for path in (robbed.thief, robbed.victim):
        assert [found.entry is not None for found in collect.collect([path], [small], tiny, cache)] == [True]
    found = list(collect.collect(folders_in(robbed.folder), [small], tiny, cache))
    assert [(one.path, one.cached, one.entry is not None) for one in found] == [(robbed.thief, True, True), (robbed.victim, False, False)]


@pytest.mark.parametrize("cached", [False, True])
def test_what_was_accepted_first_stays_whatever_a_thief_is_called(cached: bool, robbed: Robbed, tmp_path: Path, small: Release, tiny: Suite) -> None:
    """Even where the cache came to know the thief first."""
    cache = Cache(tmp_path / "cache" if cached else None)
    if cached:
        assert [found.entry is not None for found in collect.collect([robbed.thief], [small], tiny, cache)] == [True]
    (robbed.folder / "accepted.txt").write_text(f"reads/{robbed.victim.name}\n")
    found = list(collect.collect(folders_in(robbed.folder), [small], tiny, cache, accepted_in(robbed.folder)))
    assert [(one.path, one.entry is not None) for one in found] == [(robbed.victim, True), (robbed.thief, False)]
    assert found[1].reason.startswith("copies: ")


def test_the_site_keeps_the_order_of_acceptance(robbed: Robbed, tmp_path: Path) -> None:
    (robbed.folder / "accepted.txt").write_text(f"reads/{robbed.victim.name}\n")
    done = run("--submissions", robbed.folder, "--out", tmp_path / "site")
    assert f"reads/{robbed.victim.name}: accepted" in done.stdout, done.output
    assert f"a_thief/{robbed.thief.name}: left out, copies: " in done.stdout


def test_listed_ones_come_in_their_order_and_the_rest_by_name(tmp_path: Path) -> None:
    paths = [tmp_path / name / ("0" * 16) for name in ("a", "b", "c", "d")]
    assert accepted_in(tmp_path) == ()
    assert in_order(paths[::-1], ()) == paths
    for path in paths:
        path.mkdir(parents=True)
    (tmp_path / "accepted.txt").write_text(f"d/{'0' * 16}\nb/{'0' * 16}\n")
    assert [path.parent.name for path in in_order(paths, accepted_in(tmp_path))] == ["d", "b", "a", "c"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"ppopt\n", "has 'ppopt' in line 1, wanted a folder OPTIMIZER/RUN_ID"),
        (b"a/0123456789abcdef\n\n", "has '' in line 2"),
        (b"a/0123456789abcdef\na/0123456789abcdef\n", "names a/0123456789abcdef twice, the second time in line 2"),
        (b"../../0123456789abcdef\n", "in line 1"),
        (b"\xff\xfe", "is not readable as text"),
    ],
)
def test_an_order_that_is_none_is_one_sentence(data: bytes, said: str, submissions: Path, tmp_path: Path) -> None:
    (submissions / "accepted.txt").write_bytes(data)
    done = run("--submissions", submissions, "--out", tmp_path / "site")
    assert done.exit_code == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_what_is_listed_as_accepted_is_there() -> None:
    """Not the other way round: a pull request adds a folder, and whoever merges it the line."""
    folder = Path(collect.__file__).parent / "submissions"
    listed = accepted_in(folder)
    assert listed
    assert set(listed) <= {f"{path.parent.name}/{path.name}" for path in folders_in(folder)}


def test_what_stands_beside_a_site_is_not_lost(submissions: Path, known: Path, tmp_path: Path) -> None:
    out = tmp_path / "site"
    assert run("--submissions", submissions, "--out", out, "--cache", known).exit_code == 0
    (out / ".git").mkdir()
    done = run("--submissions", submissions, "--out", out, "--cache", known)
    assert done.exit_code == 2
    assert "is replaced whole, and holds .git beside the site; give a new folder" in done.stderr
    assert (out / ".git").is_dir()


def test_a_run_is_doubted_whatever_tiers_yaml_says() -> None:
    failed, agreed = {"accepted": False}, {"accepted": True}
    tiers = {"a": ("held-out", failed), "b": ("reproduced", failed), "c": ("self-reported", failed), "d": ("held-out", agreed)}
    assert believed(tiers) == ({"d"}, {"a", "b", "c"})
    assert believed({"f": ("self-reported", None), "g": ("reproduced", agreed), "h": ("held-out", None)}) == ({"g"}, set())


def test_the_old_site_stays_if_the_new_one_cannot_take_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, replace = tmp_path / "site", Path.replace
    write({"feed.json": "old", "submissions/gone.html": "old"}, out)

    def refuses(path: Path, target: Path) -> Path:
        if path.name == "new":
            raise OSError(28, "No space left on device", str(target))
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", refuses)
    with pytest.raises(OSError, match="No space left"):
        write({"feed.json": "new"}, out)
    assert {str(file.relative_to(out)): file.read_text() for file in out.rglob("*") if file.is_file()} == dict.fromkeys(
        ("feed.json", "submissions/gone.html"), "old"
    )
    assert list(tmp_path.iterdir()) == [out]


def test_programs_are_told_what_became_of_each_submission(submissions: Path, known: Path, tmp_path: Path) -> None:
    (folder,) = folders_in(submissions)
    (submissions / "brief" / "0123456789abcdef").mkdir(parents=True)
    for more, status in (((), 0), (("--strict",), 1)):
        done = run("--submissions", submissions, "--out", tmp_path / "site", "--cache", known, "--json", *more)
        assert done.exit_code == status
        told = json.loads(done.stdout)
        found = {one["path"]: one for one in told["submissions"]}
        assert found[f"history/{folder.name}"] == {"path": f"history/{folder.name}", "accepted": True, "cached": True, "reason": None}
        assert found["brief/0123456789abcdef"]["reason"].startswith("files: it lacks submission.json")
        assert told["accepted"] is False
        files = [file for file in (tmp_path / "site").rglob("*") if file.is_file()]
        assert (told["out"], told["files"], told["bytes"]) == (str(tmp_path / "site"), len(files), sum(file.stat().st_size for file in files))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--out", "site", "--submissions", "nowhere"], "there is no folder 'nowhere'"),
        (["--out", "site", "--submissions", ".", "--dataset", "nowhere"], "there is no folder 'nowhere'"),
        (["--submissions", "."], "Missing option '--out'"),
        (["--out", "taken", "--submissions", "."], "--out taken holds something else than a site"),
    ],
)
def test_wrong_use_is_one_sentence_and_status_2(arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "thesis.txt").write_text("Years of work.")
    done = run(*arguments)
    assert done.exit_code == 2
    assert done.stderr.startswith("Error: ")
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert (tmp_path / "taken" / "thesis.txt").exists()


def test_tiers_come_from_reproductions_and_maintainers(submissions: Path, known: Path, tmp_path: Path) -> None:
    (folder,) = folders_in(submissions)
    record = {"run_id": folder.name, "accepted": True, "fraction": 0.1, "agreed": 90, "asked": 96, "checked_with": {"model": "scripted"}}
    records = tmp_path / "reproductions"
    records.mkdir()
    assert tier_of(folder.name, {}, records) == ("self-reported", None)
    for accepted, tier in ((False, "self-reported"), (True, "reproduced")):
        (records / f"{folder.name}.json").write_text(json.dumps({**record, "accepted": accepted}))
        assert tier_of(folder.name, {}, records)[0] == tier
    done = run("--submissions", submissions, "--out", tmp_path / "site", "--cache", known)
    assert done.exit_code == 0, done.output
    (row,) = [row for row in json.loads((tmp_path / "site" / "feed.json").read_text())["boards"][0]["rows"] if row["entry"]]
    assert row["entry"]["reproduction"] == {"accepted": True, "fraction": 0.1, "agreed": 90, "asked": 96}
    (tmp_path / "tiers.yaml").write_text(f'"{folder.name}": held-out\n')
    run("--submissions", submissions, "--out", tmp_path / "site", "--cache", known)
    assert (
        "Asked again: 96 prompts, of whose answers 90 were the same."
        in (tmp_path / "site" / "submissions" / "history" / f"{folder.name}.html").read_text()
    )
    (row,) = [row for row in json.loads((tmp_path / "site" / "feed.json").read_text())["boards"][0]["rows"] if row["entry"]]
    assert (row["entry"]["tier"], row["entry"]["held_out"], row["entry"]["place"]) == ("reproduced", True, 1)
    (records / f"{folder.name}.json").write_text(json.dumps({**record, "accepted": False}))
    run("--submissions", submissions, "--out", tmp_path / "site", "--cache", known)
    (row,) = [row for row in json.loads((tmp_path / "site" / "feed.json").read_text())["boards"][0]["rows"] if row["entry"]]
    assert (row["entry"]["tier"], row["entry"]["held_out"], row["entry"]["place"]) == ("not reproduced", True, None)
    for name, text, said in (
        ("tiers.yaml", f'"{folder.name}": gold\n', "wanted lines such as"),
        ("tiers.yaml", "[", "is not readable as YAML"),
        (f"reproductions/{folder.name}.json", "{}", "is no record of a reproduction"),
    ):
        (tmp_path / "tiers.yaml").unlink(missing_ok=True)
        (tmp_path / name).write_text(text)
        wrong = run("--submissions", submissions, "--out", tmp_path / "site", "--cache", known)
        assert wrong.exit_code == 2
        assert said in wrong.stderr
