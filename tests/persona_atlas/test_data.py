"""Opening a release: where it is found, what is checked, and the one sentence that says what is wrong."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
from huggingface_hub.errors import OfflineModeIsEnabled

import persona_atlas
from persona_atlas import data, shards
from persona_atlas.data import DataError, Release, history, load_dataset, messages, noisy_history
from persona_atlas.ledger import last_words, states
from persona_atlas.protocol import Message
from persona_atlas.records import SPLITS


@pytest.fixture
def copy(release_path: Path, tmp_path: Path) -> Path:
    """A copy of the release that a test may change."""
    return shutil.copytree(release_path, tmp_path / "copy")


def refusal(name: object) -> str:
    """The sentence with which a release is refused."""
    with pytest.raises(DataError) as error:
        load_dataset(str(name))
    assert len(str(error.value).splitlines()) == 1
    return str(error.value)


def change_manifest(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
    change(manifest)
    (path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def test_a_release_is_opened_by_its_path(release_path: Path) -> None:
    found = load_dataset(str(release_path))
    assert (found.path, found.source) == (release_path, f"folder {release_path}")


def test_a_folder_here_is_opened_by_its_name(release_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(release_path.parent)
    assert load_dataset(release_path.name).source == f"folder {release_path.name}"


def test_the_plain_name_opens_the_folder_here_before_the_package(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy.rename(copy.with_name("persona-atlas"))
    monkeypatch.chdir(copy.parent)
    assert load_dataset().source == "folder persona-atlas"


def test_the_plain_name_falls_back_to_the_small_release_and_says_so(release_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(data, "files", lambda package: release_path.parent)
    monkeypatch.setattr(data, "SMALL", release_path.name)
    assert load_dataset().source == "small release in the package persona_atlas"


def test_the_package_offers_it_all(release_path: Path) -> None:
    found = persona_atlas.load_dataset(str(release_path))
    item = found.items("test")[0]
    assert persona_atlas.history(item, found) == history(item, found)
    assert isinstance(found, persona_atlas.Release)
    with pytest.raises(AttributeError, match="module 'persona_atlas' has no attribute 'load'"):
        _ = persona_atlas.load


def test_a_missing_folder_is_refused_with_the_command_that_builds_one(tmp_path: Path) -> None:
    path = tmp_path / "nowhere"
    assert (
        refusal(path) == f"there is no folder '{path}'; give a release folder, or build one: atlas-generate build --users 100 --seed 0 --out {path}"
    )


@pytest.mark.parametrize("name", ["nowhere", "./nowhere", "./near/nowhere", "a/b/c", "tests/nowhere"])
def test_a_path_is_never_looked_up_on_the_hub(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tests").mkdir()
    monkeypatch.chdir(tmp_path)
    assert refusal(name).startswith(f"there is no folder '{name}'")


def test_a_name_with_an_owner_is_fetched_from_the_hub(release_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda name, repo_type: str(release_path))
    assert load_dataset("somebody/persona-atlas").source == "Hugging Face Hub, somebody/persona-atlas"


def test_a_hub_that_cannot_be_reached_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(name: str, repo_type: str) -> str:
        raise OfflineModeIsEnabled("offline mode is on\nand more lines")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", offline)
    assert refusal("somebody/x") == (
        "'somebody/x' is no folder here and could not be fetched from the Hub (offline mode is on); give the path of a release folder"
    )


@pytest.mark.parametrize("name", ["foo bar/x", "x--y/z"])
def test_a_name_that_the_hub_cannot_have_is_one_sentence(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert refusal(name).startswith(f"{name!r} is no folder here and could not be fetched from the Hub (")


def test_a_hub_that_fails_without_a_word_is_named_by_its_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(name: str, repo_type: str) -> str:
        raise TimeoutError

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", silent)
    assert "could not be fetched from the Hub (TimeoutError);" in refusal("somebody/x")


def test_a_folder_without_a_manifest_is_no_release(tmp_path: Path) -> None:
    assert refusal(tmp_path).startswith(f"{tmp_path} holds no manifest.json, so it is no release; build one: atlas-generate build")


def test_an_unfinished_build_is_to_be_gone_on_with(copy: Path) -> None:
    (copy / "manifest.json").unlink()
    (copy / ".building").mkdir()
    assert refusal(copy) == f"{copy} is a build that did not finish; run the same atlas-generate build command again to go on"


def test_a_torn_release_names_the_missing_file(copy: Path) -> None:
    (copy / "data" / "items" / "test.parquet").unlink()
    assert refusal(copy).startswith(f"{copy} is torn: data/items/test.parquet is in the manifest but not in the folder;")


def test_an_edited_file_is_named(copy: Path) -> None:
    file = copy / "data" / "users" / "train.parquet"
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    assert refusal(copy).startswith(f"{copy}: data/users/train.parquet was changed after it was built (its hash differs from the manifest);")


@pytest.mark.parametrize("place", ["/tmp/users.parquet", "../users.parquet"])
def test_a_manifest_that_leads_out_of_the_folder_is_refused(place: str, copy: Path) -> None:
    change_manifest(copy, lambda manifest: manifest["files"][0].update(path=place))
    assert "which is outside the folder" in refusal(copy)


def test_a_folder_whose_name_is_not_utf_8_is_refused(copy: Path) -> None:
    renamed = copy.rename(copy.with_name(os.fsdecode(b"n\xff")))
    assert "is not UTF-8" in refusal(renamed)


def test_a_name_that_no_file_system_takes_is_one_sentence() -> None:
    assert refusal("x" * 300).endswith("cannot be read (File name too long); mend that, or give another release folder")


@pytest.mark.parametrize("refused", ["read_text", "open"])
def test_what_the_system_does_not_open_is_one_sentence(refused: str, release_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(path: Path, *given: object, **named: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, refused, closed)
    assert refusal(release_path).endswith("cannot be read (Permission denied); mend that, or give another release folder")


def test_a_manifest_that_is_nested_without_end_is_refused(copy: Path) -> None:
    (copy / "manifest.json").write_text("[" * 100_000, encoding="utf-8")
    assert "manifest.json is not readable as JSON" in refusal(copy)


def test_a_newer_schema_asks_for_a_newer_package(copy: Path) -> None:
    change_manifest(copy, lambda manifest: manifest.update(schema_version=99, things={}))
    assert refusal(copy) == f"{copy} has schema version 99, this package reads up to 2: pip install --upgrade persona-atlas"


def test_a_manifest_that_is_no_json_is_refused(copy: Path) -> None:
    (copy / "manifest.json").write_text('{"schema_version": 1')
    assert "manifest.json is not readable as JSON (" in refusal(copy)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda manifest: manifest.pop("content_digest"), "wanted the key content_digest as well"),
        (lambda manifest: manifest.update(files=[]), "at files found [], wanted at least 1 entry"),
        (lambda manifest: manifest["files"][0].update(rows=-1), "at files/0/rows found -1"),
    ],
)
def test_a_manifest_that_lacks_something_is_refused(copy: Path, change: Callable[[dict[str, Any]], object], message: str) -> None:
    change_manifest(copy, change)
    assert message in refusal(copy)


def test_a_manifest_that_is_a_list_is_refused(copy: Path) -> None:
    (copy / "manifest.json").write_text("[]")
    assert "manifest: at the top found [], wanted object" in refusal(copy)


def test_an_unknown_split_is_refused(release: Release) -> None:
    with pytest.raises(DataError, match="there is no split 'dev'; splits are train, validation, test, test_ood"):
        release.items("dev")


def test_every_split_has_users_conversations_and_items(release: Release) -> None:
    for split in SPLITS:
        users = {user.persona_id for user in release.users(split)}
        assert users
        assert {conversation.persona_id for conversation in release.conversations(split)} == users
        assert {item.persona_id for item in release.items(split)} == users


def test_a_split_without_a_file_is_empty(copy: Path) -> None:
    def forget(manifest: dict[str, Any]) -> None:
        files = [entry for entry in manifest["files"] if entry["split"] != "validation"]
        manifest.update(files=files, content_digest=shards.content_digest(entry["content_digest"] for entry in files))

    change_manifest(copy, forget)
    (copy / "data" / "users" / "validation.parquet").unlink()
    assert load_dataset(str(copy)).users("validation") == []
    assert (copy / "data" / "items" / "validation.parquet").is_file()
    assert load_dataset(str(copy)).items("validation") == [], "no hash vouches for a file that the manifest does not list"


@pytest.mark.parametrize("split", SPLITS)
def test_items_are_found_by_their_place(split: str, release: Release) -> None:
    items = release.items(split)
    assert release.item_ids(split) == [(item.persona_id, item.item_id) for item in items]
    places = [0, 2, len(items) - 1]
    assert release.items_at(split, places) == [items[place] for place in places]


def test_a_history_is_the_users_own_conversations_oldest_first(release: Release) -> None:
    for split in SPLITS:
        for item in release.items(split):
            found = history(item, release)
            assert [conversation.conversation_id for conversation in found] == list(item.history)
            assert {conversation.persona_id for conversation in found} == {item.persona_id}
            sessions = [conversation.session for conversation in found]
            assert sessions == sorted(set(sessions))
            assert all(session < item.session for session in sessions)


def test_gold_is_in_the_state_and_was_revealed_in_the_session_that_the_item_says(release: Release) -> None:
    for item in release.items("test"):
        shown = history(item, release)
        assert states(item.gold, shown) == {gold.dimension: gold.state for gold in item.gold}
        said = last_words(shown)
        for gold in item.gold:
            known = gold.state == "revealed" and gold.source == "preference"
            assert gold.revealed_in == (said[gold.dimension][1] if known else None)


def test_a_schema_without_a_migration_is_to_be_built_again(copy: Path) -> None:
    change_manifest(copy, lambda manifest: manifest.update(schema_version=0))
    assert refusal(copy) == f"{copy} has schema version 0, this package reads 2; build it again with atlas-generate build"


# History noise


def test_a_noisy_history_holds_the_whole_clean_one_and_the_items_first_noise(release: Release) -> None:
    item = release.items("test")[0]
    found = noisy_history(item, release, 0.5)
    assert tuple(conversation for conversation in found if not conversation.noise) == history(item, release)
    assert {conversation.conversation_id for conversation in found if conversation.noise} == set(item.history_noise[: len(item.history)])


@pytest.mark.parametrize(("share", "number"), [(0.0, 0), (0.2, 2), (0.25, 3), (0.5, 8), (0.9, 8)])
def test_so_many_noise_conversations_make_the_share_of_the_whole(share: float, number: int, release: Release) -> None:
    item = next(item for item in release.items("test") if len(item.history_noise) >= 8)
    eight = replace(item, history=item.history[:8], history_noise=item.history_noise[:8])
    assert sum(bool(conversation.noise) for conversation in noisy_history(eight, release, share)) == number


def test_a_noisy_history_without_noise_conversations_is_the_history(release: Release) -> None:
    item = replace(release.items("test")[0], history_noise=())
    assert noisy_history(item, release, 0.5) == history(item, release)


def test_messages_hold_roles_and_texts_and_no_labels(release: Release) -> None:
    found = history(release.items("test")[0], release)
    shown = messages(found)
    assert [[(message.role, message.content) for message in conversation] for conversation in shown] == [
        [(turn.role, turn.content) for turn in conversation.turns] for conversation in found
    ]
    assert all(type(message) is Message for conversation in shown for message in conversation)


@pytest.mark.slow
@pytest.mark.parametrize("config", ["users", "conversations", "history_noise", "items", "benchmark"])
def test_the_datasets_library_opens_each_config(release: Release, config: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path)
    found = release.dataset(config)
    rows = {entry["split"]: entry["rows"] for entry in release.manifest["files"] if entry["config"] == config}
    assert {split: len(table) for split, table in found.items()} == rows


def test_a_conversation_is_found_in_its_own_split_only(release: Release) -> None:
    known = release.conversations("train")[0]
    assert release.conversation("train", known.conversation_id) == known
    with pytest.raises(KeyError):
        release.conversation("test", known.conversation_id)
