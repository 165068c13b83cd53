"""`atlas-generate push`, against a stand-in for the Hub on loopback (hub_server.py): the client's own requests, and what goes wrong with them."""

import json
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from huggingface_hub import HfApi, constants

import persona_atlas
from generation import hub as pushing
from generation.build import DATASET_VERSION
from generation.cli import main
from generation.hub import Target, plan, push
from generation.hub_errors import HubError
from generation.publishable import UnpublishableError, check_private, check_verdicts
from generation.verdicts import VerdictError
from generation.verify import Report
from persona_atlas.data import SMALL, Release, load_dataset

SPEC = spec_from_file_location("hub_server", Path(__file__).with_name("hub_server.py"))
assert SPEC is not None
assert SPEC.loader is not None
server = sys.modules.setdefault("hub_server", module_from_spec(SPEC))
SPEC.loader.exec_module(server)
Fault, Hub = server.Fault, server.Hub

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # the client's own
REPO = "me/persona-atlas"
TARGET = Target(REPO)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """The stand-in, as the Hub that the client knows, with a token that may write; nobody waits between tries."""
    with server.hub_server() as found:
        monkeypatch.setattr(constants, "ENDPOINT", found.url)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_PROGRESS_BARS", True)
        monkeypatch.setenv("HF_TOKEN", server.TOKEN)
        monkeypatch.setattr(time, "sleep", lambda seconds: None)
        yield found


@pytest.fixture(scope="module")
def release_path() -> Path:
    """The release that ships with the package: it is there already."""
    return Path(persona_atlas.__file__).parent / SMALL


@pytest.fixture
def copy(release_path: Path, tmp_path: Path, audited: dict[str, Any]) -> Path:
    """A copy of the release that a test may change, audited."""
    path = shutil.copytree(release_path, tmp_path / "copy")
    digest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))["content_digest"]
    (path / "audit.json").write_text(json.dumps({**audited, "content_digest": digest}), encoding="utf-8")
    return path


@pytest.fixture
def opened(copy: Path) -> Release:
    return load_dataset(str(copy))


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let verify, which has tests of its own, find nothing."""
    monkeypatch.setattr("generation.verify.verify", lambda release, workers, progress: Report())


def call(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["push", *(str(argument) for argument in arguments)])


def local(path: Path) -> dict[str, bytes]:
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def shown(hub: Hub, branch: str = "main") -> dict[str, bytes]:
    """What the Hub shows of the release."""
    return {name: content for name, content in hub.files(REPO, branch).items() if name != ".gitattributes"}


def puts(hub: Hub) -> int:
    return hub.counted("^PUT /lfs/")


def refused(result: Result, message: str) -> None:
    assert result.exit_code == 2, result.output
    error = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert len(error) == 1
    assert message in error[0]


# What is uploaded


def test_a_new_repository_shows_the_whole_release_after_one_commit(hub: Hub, opened: Release) -> None:
    done = push(HfApi(), opened, TARGET)
    assert shown(hub) == local(opened.path)
    assert hub.repositories[REPO].branches["main"] == done.commit
    assert hub.repositories[REPO].messages[1:] == [f"PersonaAtlas {DATASET_VERSION}, content {opened.manifest['content_digest'][:16]}"]


def test_a_second_push_uploads_nothing_and_makes_no_commit(hub: Hub, opened: Release) -> None:
    first = push(HfApi(), opened, TARGET)
    uploads = puts(hub)
    again = push(HfApi(), opened, TARGET)
    assert again.plan.done
    assert (again.commit, puts(hub), hub.counted("/commit/")) == (first.commit, uploads, 1)


def test_only_what_changed_is_uploaded(hub: Hub, opened: Release) -> None:
    push(HfApi(), opened, TARGET)
    uploads = puts(hub)
    change_file(opened.path, "data/users/test.parquet")
    changed = load_dataset(str(opened.path))
    found = plan(HfApi(), changed, TARGET)
    assert [file.path for file in found.uploads] == ["data/users/test.parquet", "manifest.json"]
    push(HfApi(), changed, TARGET)
    assert puts(hub) == uploads + 1
    assert shown(hub) == local(opened.path)


def change_file(path: Path, name: str) -> None:
    """Write a file with other bytes, and what the manifest says of it."""
    import pyarrow.parquet as pq

    from persona_atlas import shards

    pq.write_table(pq.read_table(path / name), path / name, compression="snappy")
    manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
    for entry in manifest["files"]:
        if entry["path"] == name:
            entry["sha256"] = shards.file_sha256(path / name)
    (path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def test_what_the_release_no_longer_has_is_removed_and_other_files_stay(hub: Hub, opened: Release) -> None:
    push(HfApi(), opened, TARGET)
    repository = hub.repositories[REPO]
    files = dict(repository.commits[repository.branches["main"]])
    files["data/items/old.parquet"] = files["notes.txt"] = files["README.md"]
    repository.commit("main", files, "by hand")
    (opened.path / "audit.json").unlink()
    done = push(HfApi(), opened, TARGET)
    assert done.plan.removed == ("audit.json", "data/items/old.parquet")
    assert shown(hub).keys() == {*local(opened.path), "notes.txt"}


def test_a_branch_is_made_where_there_is_none(hub: Hub, opened: Release) -> None:
    push(HfApi(), opened, Target(REPO, "v1"))
    assert shown(hub, "v1") == local(opened.path)
    assert shown(hub) == {}
    push(HfApi(), opened, Target(REPO, "v2"))
    assert shown(hub, "v2") == local(opened.path)


def test_a_new_branch_holds_nothing_that_main_has_and_the_release_has_not(hub: Hub, opened: Release) -> None:
    push(HfApi(), opened, TARGET)
    repository = hub.repositories[REPO]
    files = dict(repository.commits[repository.branches["main"]])
    repository.commit("main", {**files, "data/items/old.parquet": files["README.md"]}, "by hand")
    done = push(HfApi(), opened, Target(REPO, "v2"))
    assert shown(hub, "v2") == local(opened.path)
    assert "data/items/old.parquet" in shown(hub)
    assert (done.plan.uploads, done.plan.removed) == ((), ("data/items/old.parquet",))


def test_a_private_repository_is_private_and_a_public_one_is_refused(hub: Hub, opened: Release) -> None:
    push(HfApi(), opened, Target(REPO, private=True))
    assert hub.repositories[REPO].private
    hub.repositories[REPO].private = False
    for branch in ("main", "new"):
        with pytest.raises(HubError, match=r"me/persona-atlas is there and public, --private asked for"):
            push(HfApi(), opened, Target(REPO, branch, private=True))
    assert list(hub.repositories[REPO].branches) == ["main"]


def test_a_pushed_release_is_opened_by_its_name(hub: Hub, opened: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    push(HfApi(), opened, TARGET)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", hub.url + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.chdir(tmp_path)
    found = load_dataset(REPO)
    assert found.source == f"Hugging Face Hub, {REPO}"
    assert found.items("test") == opened.items("test")


# What goes wrong


def test_a_dropped_connection_is_tried_again(hub: Hub, opened: Release) -> None:
    hub.faults = [Fault("^PUT", "drop", times=2, after=3), Fault("/preupload/", 503), Fault("/batch", 429), Fault("/commit/", 503)]
    push(HfApi(), opened, TARGET)
    assert shown(hub) == local(opened.path)
    assert hub.repositories[REPO].messages[1:] == [pushing._message(opened.manifest)]


def test_after_a_connection_that_stays_away_the_next_push_uploads_the_rest(hub: Hub, opened: Release) -> None:
    parquet = len(opened.manifest["files"])
    hub.faults = [Fault("^PUT", "drop", times=10**6, after=5)]
    with pytest.raises(HubError, match=r"the connection to the Hub was lost \(.*\); run the same command again to go on: what was uploaded is kept"):
        push(HfApi(), opened, TARGET)
    kept = len(hub.received)
    assert 0 < kept < parquet
    assert shown(hub) == {}, "readers see nothing of a half release"
    hub.faults = []
    push(HfApi(), opened, TARGET)
    assert len(hub.received) == len(set(hub.received)) == parquet
    assert shown(hub) == local(opened.path)


def test_a_commit_whose_answer_is_lost_is_not_made_twice(hub: Hub, opened: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    committed = HfApi.create_commit

    def lost(api: HfApi, *arguments: Any, **named: Any) -> Any:
        monkeypatch.setattr(HfApi, "create_commit", committed)
        committed(api, *arguments, **named)
        raise ConnectionResetError("reset by peer")

    monkeypatch.setattr(HfApi, "create_commit", lost)
    done = push(HfApi(), opened, TARGET)
    assert hub.counted("/commit/") == 1
    assert hub.repositories[REPO].branches["main"] == done.commit


def test_a_hub_that_is_busy_when_it_is_looked_at_is_tried_again(hub: Hub, opened: Release) -> None:
    push(HfApi(), opened, TARGET)
    change_file(opened.path, "data/users/test.parquet")
    hub.faults = [Fault("^GET /api/datasets/", 503, times=2)]
    push(HfApi(), load_dataset(str(opened.path)), TARGET)
    assert hub.faults[0].times == 0
    assert shown(hub) == local(opened.path)


def test_a_hub_that_stays_busy_is_given_up(hub: Hub, opened: Release) -> None:
    hub.faults = [Fault("/preupload/", 503, times=10**6)]
    with pytest.raises(HubError, match=r"the Hub is too busy \(status 503\); run the same command again to go on"):
        push(HfApi(), opened, TARGET)


def test_a_branch_that_somebody_else_changed_is_not_written_over(hub: Hub, opened: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    push(HfApi(), opened, TARGET)
    change_file(opened.path, "data/users/test.parquet")
    repository = hub.repositories[REPO]
    uploaded = HfApi.preupload_lfs_files

    def meanwhile(api: HfApi, *arguments: Any, **named: Any) -> None:
        uploaded(api, *arguments, **named)
        repository.commit("main", dict(repository.commits[repository.branches["main"]]), "theirs")

    monkeypatch.setattr(HfApi, "preupload_lfs_files", meanwhile)
    with pytest.raises(HubError, match=r"me/persona-atlas was changed by somebody else in the meantime \(412\)"):
        push(HfApi(), load_dataset(str(opened.path)), TARGET)
    assert repository.messages[-1] == "theirs"


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (401, "the Hub does not take the token (401), or there is none; log in with `hf auth login`, or set HF_TOKEN"),
        (403, "the token may not do this on me/persona-atlas (403)"),
        (404, "the Hub finds no me/persona-atlas (404)"),
        (409, "me/persona-atlas is being changed by somebody else (409); wait, and run the same command again"),
        (422, "the Hub refuses me/persona-atlas (on purpose); mend that"),
    ],
)
def test_a_refusal_is_one_sentence(status: int, message: str, hub: Hub, opened: Release) -> None:
    hub.faults = [Fault("/commit/", status)]
    with pytest.raises(HubError, match=re.escape(message)):
        push(HfApi(), opened, TARGET)
    assert shown(hub) == {}


def test_a_token_that_may_only_read_is_told_so(hub: Hub, opened: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", server.READER)
    with pytest.raises(HubError, match=r"the token may not do this on me/persona-atlas \(403\)"):
        push(HfApi(), opened, TARGET)


# The command


@pytest.mark.usefixtures("verified")
def test_a_dry_run_lists_and_changes_nothing(hub: Hub, copy: Path) -> None:
    done = call(copy, "--repo-id", REPO, "--dry-run")
    assert done.exit_code == 0, done.output
    files = local(copy)
    assert b"## What was measured" not in files["README.md"]
    assert f"{len(files['data/users/train.parquet']):>14,}  data/users/train.parquet" in done.stdout
    total = sum(map(len, files.values()))
    assert f"which is not there yet: {len(files)} files, {total:,} bytes would be uploaded, 0 unchanged, 0 removed" in done.stdout
    assert hub.repositories == {}
    assert hub.counted("POST|PUT") == 0


@pytest.mark.usefixtures("verified")
def test_the_command_pushes_and_says_what_it_did(hub: Hub, copy: Path) -> None:
    done = call(copy, "--repo-id", REPO, "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert {entry["path"] for entry in found["uploads"]} == set(local(copy))
    assert (found["commit"], found["new"]) == (hub.repositories[REPO].branches["main"], True)
    assert "## What was measured" in hub.files(REPO, "main")["README.md"].decode()
    again = call(copy, "--repo-id", REPO)
    assert f"me/persona-atlas (main) holds this release already: {len(local(copy))} files, nothing to upload" in again.stdout


@pytest.mark.usefixtures("verified")
def test_a_card_that_was_changed_goes_along_and_is_told(hub: Hub, copy: Path) -> None:
    card = copy / "README.md"
    card.write_text(card.read_text(encoding="utf-8").replace("# PersonaAtlas", "# Our PersonaAtlas", 1), encoding="utf-8")
    done = call(copy, "--repo-id", REPO)
    assert done.exit_code == 0, done.output
    assert f"{card} was changed by hand, and stays as it is" in done.stderr
    assert b"# Our PersonaAtlas" in hub.files(REPO, "main")["README.md"]


@pytest.mark.parametrize(
    ("branch", "call_"),
    [("main", 'persona_atlas.load_dataset("me/persona-atlas")'), ("v1", 'datasets.load_dataset("me/persona-atlas", revision="v1")')],
)
@pytest.mark.usefixtures("verified")
def test_it_says_how_the_branch_is_opened(branch: str, call_: str, hub: Hub, copy: Path) -> None:
    done = call(copy, "--repo-id", REPO, "--revision", branch)
    assert done.stdout.endswith(f"open it with {call_}\n")


def test_it_says_what_was_not_checked(hub: Hub, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generation.verify.verify", lambda release, workers, progress: Report(unchecked={"wishes": 1234}))
    done = call(copy, "--repo-id", REPO, "--json")
    assert done.exit_code == 0, done.output
    assert "not checked: wishes (1,234)" in done.stderr.splitlines()
    json.loads(done.stdout)


@pytest.mark.usefixtures("verified")
def test_the_metadata_for_programs_goes_along(hub: Hub, copy: Path) -> None:
    (copy / "croissant.json").write_text("{}", encoding="utf-8")
    assert call(copy, "--repo-id", REPO).exit_code == 0
    assert hub.files(REPO, "main")["croissant.json"] == b"{}"


@pytest.mark.usefixtures("verified")
def test_without_a_token_nothing_is_sent(hub: Hub, copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "none"))
    refused(call(copy, "--repo-id", REPO), "there is no token for the Hub; log in with `hf auth login`")
    assert hub.log == []


@pytest.mark.usefixtures("verified")
def test_a_failed_push_ends_with_status_2(hub: Hub, copy: Path) -> None:
    hub.faults = [Fault("/repos/create", 403, times=9)]
    refused(call(copy, "--repo-id", REPO), "(403)")


def test_a_release_that_does_not_pass_verify_is_refused(hub: Hub, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generation.verify.verify", lambda release, workers, progress: Report(problems=["a label is false"], wrong=2))
    refused(call(copy, "--repo-id", REPO), "does not pass verify: 2 problems, the first: a label is false; see atlas-generate verify")
    assert hub.log == []


def test_a_folder_that_is_no_release_is_one_sentence(tmp_path: Path) -> None:
    refused(call(tmp_path, "--repo-id", REPO), "holds no manifest.json")


@pytest.mark.parametrize("name", ["persona-atlas", "a/b/c", "/x", ""])
def test_a_name_that_is_no_repository_is_one_sentence(name: str, copy: Path) -> None:
    refused(call(copy, "--repo-id", name), "is no OWNER/NAME; give for example --repo-id")


@pytest.mark.parametrize(("name", "example"), [("a/b/c", "a/persona-atlas"), ("no good/x", "me/persona-atlas"), ("", "me/persona-atlas")])
def test_the_name_given_as_an_example_is_a_repositorys(name: str, example: str, copy: Path) -> None:
    refused(call(copy, "--repo-id", name), f"give for example --repo-id {example}")


@pytest.mark.parametrize(
    "flags", [("--repo-id", "x/y.git"), ("--repo-id", "../.."), ("--repo-id", REPO, "--revision", ""), ("--repo-id", REPO, "--revision", "a b..c")]
)
def test_a_name_that_the_hub_takes_for_none_is_one_sentence(flags: tuple[str, ...], copy: Path) -> None:
    refused(call(copy, *flags), "is no name")


# Verdicts


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("audit.json", None, "was not audited; run atlas-generate audit"),
        ("audit.json", '{"passed": false, "content_digest": "OWN"}', "does not pass its audit; audit.json says why"),
        ("audit.json", '{"content_digest": "OWN"}', "does not pass its audit"),
        ("audit.json", "{}", "does not say of which release it is; write it anew with atlas-generate audit"),
        ("audit.json", '{"passed": true}', "does not say of which release it is"),
        ("audit.json", "[]", "is no JSON object; write it anew with atlas-generate audit"),
        ("audit.json", "{", "is not readable as JSON"),
        ("audit.json", '{"passed": true, "content_digest": "0"}', "is of other content than the release; write it anew with atlas-generate audit"),
        ("audit.json", '{"passed": true, "release": {"content_digest": "0"}}', "is of other content than the release"),
        (
            "gate.json",
            '{"content_digest": "OWN", "targets": {"x-1": {"target": "x", "passed": false}}}',
            "does not pass the gate on x",
        ),
        ("gate.json", '{"content_digest": "OWN", "targets": {}}', "gate.json has no verdicts in it; write it anew with atlas-eval gate"),
        ("gate.json", '{"content_digest": "OWN"}', "gate.json has no verdicts in it"),
        ("gate.json", '{"a":' * 5_000, "gate.json is not readable as JSON"),
        ("gate.json", '{"content_digest": "0", "targets": {}}', "is of other content than the release; write it anew with atlas-eval gate"),
    ],
)
def test_a_verdict_against_the_release_keeps_it_back(name: str, content: str | None, message: str, opened: Release) -> None:
    put(opened.path / name, content)
    with pytest.raises((UnpublishableError, VerdictError), match=re.escape(message)):
        check_verdicts(opened, no_audit=False)


def put(path: Path, content: str | None) -> None:
    if content is None:
        path.unlink()
    else:
        manifest = json.loads((path.parent / "manifest.json").read_text(encoding="utf-8"))
        path.write_text(content.replace("OWN", manifest["content_digest"]), encoding="utf-8")


Verdicts = Callable[[Path], object]


@pytest.mark.parametrize(
    "change",
    [
        lambda path: None,
        lambda path: put(path / "gate.json", '{"content_digest": "OWN", "targets": {"x-1": {"target": "x", "passed": true}}}'),
        lambda path: put(path / "audit.json", '{"content_digest": "OWN", "passed": true}'),
        lambda path: (path / "audit.json").unlink(),
    ],
)
def test_without_a_verdict_against_it_a_release_may_go_out(change: Verdicts, opened: Release) -> None:
    change(opened.path)
    check_verdicts(opened, no_audit=not (opened.path / "audit.json").exists())


def test_a_failed_audit_is_not_waived(opened: Release) -> None:
    put(opened.path / "audit.json", '{"passed": false, "content_digest": "OWN"}')
    with pytest.raises(UnpublishableError, match="does not pass its audit"):
        check_verdicts(opened, no_audit=True)


def test_a_private_release_goes_to_a_private_repository_alone(opened: Release) -> None:
    held_out = replace(opened, manifest={**opened.manifest, "private": True})
    with pytest.raises(UnpublishableError, match="is a private release, which is not for publication; give --private"):
        check_private(held_out, private=False)
    check_private(held_out, private=True)
    check_private(opened, private=False)
