"""Private releases: test users speak from a bank that is not in the package, and whoever has the package alone reads nothing in what they say."""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from eval_harness.bank_reader import recognized
from generation.audit.corpus import read
from generation.audit.privacy import names
from generation.banks import FRAMES, frames
from generation.build import Config, build, make_shard, split_counts
from generation.card import card
from generation.cli import main
from generation.people import Block
from generation.private import PrivateBank, checked, read_private, wanted
from generation.said import frames_of, phrasings_of, using
from generation.verify import VerifyError, verify
from generation.workfolder import BuildError
from persona_atlas import shards
from persona_atlas.content import CatalogError
from persona_atlas.data import Release, open_release
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.records import Reveal

SALT = "a salt for the tests alone"
Refused = Callable[[Result], str]


def altered(line: str) -> str:
    """A line of the package with every letter moved on by one, slots left alone: a TEST BANK, which no user would speak."""
    parts = line.replace("{", "\0{").replace("}", "}\0").split("\0")
    return "".join(part if part.startswith("{") else part.translate(NEXT) for part in parts)


LETTERS = "abcdefghijklmnopqrstuvwxyz"
NEXT = str.maketrans(LETTERS + LETTERS.upper(), LETTERS[1:] + "a" + LETTERS.upper()[1:] + "A")


def bank(splits: tuple[str, ...] = ("test",)) -> dict[str, Any]:
    """The package's phrasings and frames, altered."""
    catalog, phrasings = load_catalog(), {}
    for split in splits:
        for (dimension, value), kinds in wanted(split):
            shipped = (catalog.hard[value] if dimension == "hard" else catalog.value(dimension, value)).phrasings[split]
            lines = {kind: [altered(line) for line in shipped[kind]] for kind in kinds}
            phrasings.setdefault(dimension, {}).setdefault(value, {})[split] = lines
    made = {
        split: {
            **{kind: [altered(line) for line in frames()[split][kind]] for kind in (*FRAMES, "only")},
            "change": [{"event": entry["event"], "text": altered(entry["text"])} for entry in frames()[split]["change"]],
        }
        for split in splits
    }
    return {"salt": SALT, "phrasings": phrasings, "frames": made}


def written(data: dict[str, Any], path: Path) -> Path:
    path.write_text(yaml.dump(data, sort_keys=False, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper)), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def altered_bank() -> dict[str, Any]:
    """To be copied and not changed."""
    return bank()


@pytest.fixture(scope="session")
def bank_path(altered_bank: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(altered_bank, tmp_path_factory.mktemp("private") / "bank.yaml")


@pytest.fixture(scope="session")
def other_bank(altered_bank: dict[str, Any]) -> PrivateBank:
    """The same lines with another salt."""
    return checked({**altered_bank, "salt": "b" * 20}, "other.yaml")


@pytest.fixture(scope="session")
def mine(altered_bank: dict[str, Any]) -> PrivateBank:
    return checked(altered_bank, "bank.yaml")


@pytest.fixture(scope="session")
def private_path(bank_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release of ten users, three of them in the split test."""
    out = tmp_path_factory.mktemp("private-release") / "release"
    done = generate("build", "--users", 10, "--private", bank_path, "--out", out, "--workers", 1)
    assert done.exit_code == 0, done.output
    return out


@pytest.fixture(scope="session")
def private(private_path: Path) -> Release:
    return open_release(private_path, "the tests")


def generate(*arguments: object) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)))


def said_in(release: Release, split: str) -> str:
    return "\n".join(turn.content for conversation in release.conversations(split) for turn in conversation.turns if turn.role == "user")


# What is built


def test_the_manifest_names_the_bank_by_its_digest_and_holds_no_line(private_path: Path, mine: PrivateBank) -> None:
    manifest = json.loads((private_path / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["private"] is True
    assert manifest["bank_digest"] == mine.digest
    texts = [path.read_text(encoding="utf-8") for path in (private_path / "manifest.json", private_path / "README.md")]
    lines = [line for value in mine.phrasings.values() for kinds in value.values() for bank in kinds.values() for line in bank]
    assert SALT not in "".join(texts)
    assert not [line for line in lines if line in "".join(texts)]
    assert "The phrasings of the split test are private" in texts[1]


def test_the_card_names_both_test_splits_where_both_are_private(private: Release) -> None:
    files = [*private.manifest["files"], {**private.manifest["files"][0], "split": "test_ood"}]
    assert "The phrasings of the splits test and test_ood are private" in card({**private.manifest, "files": files})


def test_the_test_split_speaks_from_the_bank_and_the_others_from_the_package(private: Release) -> None:
    users = {user.persona_id for user in private.users("test")}
    assert len(users) == 3
    assert private.users("test_ood") == []
    assert recognized_in(private, "train", private.conversations("train"))
    reveals = [(turn, reveal) for c in private.conversations("test") for turn in c.turns for reveal in turn.reveals]
    assert reveals
    shipped = said_of(Reveal(reveals[0][1].dimension, reveals[0][1].value, reveals[0][1].how))
    assert not any(line in (turn.clean or turn.content) for turn, _ in reveals for line in shipped)


def said_of(reveal: Reveal) -> list[str]:
    return [line for kinds in phrasings_of(reveal.dimension, reveal.value).values() for lines in kinds.values() for line in lines]


def recognized_in(release: Release, split: str, conversations: list[Any]) -> dict[str, str]:
    """What the control bank_reader reads there, with the banks of all splits: `split` none of them."""
    return recognized(conversations, "none of them")


def test_the_bank_reader_reads_nothing_on_a_private_release(private: Release, release: Release) -> None:
    assert recognized_in(release, "test", release.conversations("test")), "on a public one it does, with every bank"
    assert recognized_in(private, "test", private.conversations("test")) == {}
    assert recognized(private.conversations("test"), "test") == {}


def test_the_same_seed_and_bank_give_the_same_content(private: Release, mine: PrivateBank, tmp_path: Path) -> None:
    config = Config(10, 0, private=mine)
    make_shard(config, tmp_path, Block("test", 0, 3))
    digests = json.loads((tmp_path / "test-00000" / "shard.json").read_text(encoding="utf-8"))["digests"]
    there = {entry["config"]: entry["content_digest"] for entry in private.manifest["files"] if entry["split"] == "test"}
    assert {name: shards.content_digest(found) for name, found in digests.items() if found} == there
    assert config.digest == private.manifest["config_digest"]


def test_users_are_not_those_of_the_public_release_of_the_seed(private: Release, release: Release, mine: PrivateBank) -> None:
    """Else whoever builds the public release of a seed had the gold of the private one."""
    public = {user.persona_id: user.preferences for user in release.users("test")}
    assert not [user for user in private.users("test") if public[user.persona_id] == user.preferences]
    assert mine.seed(0) != mine.seed(1)
    assert mine.seed(0) > 2**100


def test_another_salt_is_another_digest_and_other_users(mine: PrivateBank, other_bank: PrivateBank) -> None:
    assert mine.digest != other_bank.digest
    assert mine.seed(0) != other_bank.seed(0)
    assert Config(10, 0, private=mine).digest != Config(10, 0, private=other_bank).digest != Config(10, 0).digest


def test_a_split_without_private_phrasings_is_not_built() -> None:
    assert split_counts(100, ("test",)) == {"train": 60, "validation": 10, "test": 30}
    assert split_counts(100, ("test", "test_ood")) == split_counts(100)


def test_a_public_build_speaks_from_the_package(mine: PrivateBank) -> None:
    assert frames_of("test") is frames()["test"]
    with using(mine):
        assert frames_of("test") != frames()["test"]
        assert frames_of("train") is frames()["train"]
    assert frames_of("test") is frames()["test"]


# Verifying


def test_a_private_release_is_verified_with_its_bank(private: Release, mine: PrivateBank) -> None:
    report = verify(private, private=mine)
    assert report.problems == []
    assert report.unchecked == {}
    assert report.checked["reveals"] > 0


def test_without_the_bank_it_says_what_it_could_not_look_at(private_path: Path) -> None:
    done = generate("verify", private_path, "--workers", 1)
    assert done.exit_code == 0, done.output
    assert "not checked: whether wishes are in words of the private bank, which was not given" in done.stdout
    assert "every label that can be checked is true" in done.stdout


def test_another_bank_is_refused(private: Release, release: Release, other_bank: PrivateBank) -> None:
    with pytest.raises(VerifyError, match="give the one that it was made of"):
        verify(private, private=other_bank)
    with pytest.raises(VerifyError, match="was made of no private bank"):
        verify(release, private=other_bank)


def test_a_bank_that_cannot_be_read_is_refused_by_verify_too(private_path: Path, tmp_path: Path, refused: Refused) -> None:
    assert "there is no private bank" in refused(generate("verify", private_path, "--private", tmp_path / "none"))


# What is no bank


def structure(data: dict[str, Any]) -> dict[str, Any]:
    return data["phrasings"]["structure"]["bulleted"]["test"]


def first(data: dict[str, Any], split: str = "test") -> str:
    return load_catalog().value("structure", "bulleted").phrasings[split]["request"][0]


def of_ppopt() -> str:
    from persona_atlas.ppopt.bank import phrasings

    return phrasings()["structure", "bulleted"]["request"][0]


WRONG: list[tuple[str, Callable[[dict[str, Any]], object], str]] = [
    ("a value is missing", lambda d: d["phrasings"]["structure"].pop("bulleted"), "structure bulleted, test: there are no phrasings"),
    ("a dimension is missing", lambda d: d["phrasings"].pop("structure"), "structure bulleted, test: there are no phrasings"),
    ("a constraint is missing", lambda d: d["phrasings"]["hard"].pop("vegetarian"), "hard vegetarian, test: there are no phrasings"),
    ("a kind is missing", lambda d: structure(d).pop("praise"), "structure bulleted, test: the key 'praise' is missing"),
    ("too few lines", lambda d: structure(d).update(praise=["one", "two", "three"]), "praise: wanted at least 4 lines of text, found 3"),
    ("an empty line", lambda d: structure(d)["praise"].append(" "), "wanted a line of text"),
    ("no list", lambda d: structure(d).update(praise="one"), "praise is str, wanted list"),
    ("an unknown kind", lambda d: structure(d).update(prais=["x"]), "unknown key 'prais', did you mean 'praise'?"),
    ("an unknown value", lambda d: d["phrasings"]["structure"].update(rhymed={"test": {}}), "the catalogue has no structure rhymed test"),
    ("an unknown dimension", lambda d: d["phrasings"].update(rhyme={"all": {}}), "the catalogue has no rhyme all"),
    ("a split that is public", lambda d: d["phrasings"]["structure"]["bulleted"].update(train={}), "the catalogue has no structure bulleted train"),
    ("a line of the catalogue", lambda d: structure(d)["request"].append(f" {first(d).upper()} !"), "stands in the package"),
    ("a line of another split", lambda d: structure(d)["request"].append(first(d, "train")), "stands in the package"),
    ("a line of the training bank", lambda d: structure(d)["request"].append(of_ppopt()), "stands in the package"),
    ("most of a line of the catalogue", lambda d: structure(d)["request"].append(f"oh {first(d)} for me"), "repeats most of"),
    ("a frame of the package", lambda d: d["frames"]["test"]["standing"].append("From now on, {request}"), "stands in the package"),
    ("a line twice", lambda d: structure(d)["praise"].append(structure(d)["explicit"][0]), "stands in structure bulleted, test, explicit too"),
    ("an unknown key", lambda d: d.update(phrasing={}), "unknown key 'phrasing', did you mean 'phrasings'?"),
    ("no salt", lambda d: d.pop("salt"), "the key 'salt' is missing"),
    ("a short salt", lambda d: d.update(salt="short"), "the salt has 5 characters, wanted at least 16"),
    ("no frames", lambda d: d.update(frames={}), "there are none for the split test"),
    ("frames of a public split", lambda d: d["frames"].update(train={}), "'train' is no split that can be private"),
    ("a kind of frames is missing", lambda d: d["frames"]["test"].pop("mood"), "the key 'mood' is missing"),
    ("a frame without the wish", lambda d: d["frames"]["test"]["once"].append("xx"), "holds no {request}"),
    ("a frame without the domains", lambda d: d["frames"]["test"]["scoped"].append("Xx {request}"), "holds no {area}"),
    ("a frame with a stray brace", lambda d: d["frames"]["test"]["once"].append("Xx {request} {x}"), "holds a brace that is no slot"),
    ("a frame with a part of a slot", lambda d: d["frames"]["test"]["once"].append("Xx {request} {request.x}"), "holds a brace that is no slot"),
    ("a frame with a place in a slot", lambda d: d["frames"]["test"]["once"].append("Xx {request} {request[a]}"), "holds a brace that is no slot"),
    ("a frame with half a brace", lambda d: d["frames"]["test"]["once"].append("Xx {request} {"), "holds a brace that is no slot"),
    ("an unknown event", lambda d: d["frames"]["test"]["change"].append({"event": "x", "text": "{request}"}), "there is no event 'x'"),
    ("no frame for once that presumes no rule", lambda d: d["frames"]["test"].update(once=[f"Usually {n} {{request}}" for n in "abcd"]), "no rule"),
]


@pytest.mark.parametrize(("change", "said"), [(change, said) for _, change, said in WRONG], ids=[name for name, _, _ in WRONG])
def test_what_is_no_bank_is_refused_with_the_place(change: Callable[[dict[str, Any]], object], said: str, altered_bank: dict[str, Any]) -> None:
    data = deepcopy(altered_bank)
    change(data)
    with pytest.raises(CatalogError) as error:
        checked(data, "bank.yaml")
    assert str(error.value).startswith("bank.yaml")
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [(b'salt: "never closed', "not readable as YAML"), (b"\xff\xfe", "not readable"), (b"[1, 2]", "found list"), (b"", "found NoneType")],
)
def test_what_is_not_readable_is_one_sentence_and_status_2(content: bytes, said: str, tmp_path: Path, refused: Refused) -> None:
    (tmp_path / "bank.yaml").write_bytes(content)
    done = generate("build", "--users", 10, "--private", tmp_path / "bank.yaml", "--out", tmp_path / "out")
    sentence = refused(done)
    assert "bank.yaml" in sentence
    assert said in sentence
    assert not (tmp_path / "out").exists()


def test_a_bank_that_is_not_there_is_said(tmp_path: Path, refused: Refused) -> None:
    assert "there is no private bank" in refused(generate("build", "--private", tmp_path / "none", "--out", tmp_path / "out"))
    (tmp_path / "empty").mkdir()
    assert "holds no .yaml file" in refused(generate("build", "--private", tmp_path / "empty", "--out", tmp_path / "out"))


def test_a_private_bank_is_not_for_language_models(bank_path: Path, mine: PrivateBank, tmp_path: Path, refused: Refused) -> None:
    flags = ["--engine", "lm", "--model", "scripted"]
    assert "spoken by the scripted engine alone" in refused(
        generate("build", "--users", 10, "--private", bank_path, *flags, "--out", tmp_path / "out")
    )
    with pytest.raises(BuildError):
        build(Config(10, 0, source=tmp_path, private=mine), tmp_path / "out", 1, lambda done, total: None)


def test_a_private_release_is_not_spoken_anew(private_path: Path, tmp_path: Path, refused: Refused) -> None:
    assert "is private" in refused(generate("revoice", private_path, "--model", "scripted", "--out", tmp_path / "out"))


# The skeleton


def test_the_skeleton_filled_is_a_bank(tmp_path: Path, bank_path: Path, refused: Refused) -> None:
    assert generate("private-template", "--out", tmp_path / "bank").exit_code == 0
    assert "wanted at least 4 lines of text, found 0" in refused(generate("build", "--private", tmp_path / "bank", "--out", tmp_path / "out"))
    filled = yaml.safe_load(bank_path.read_text(encoding="utf-8"))
    for file in (tmp_path / "bank").glob("*.yaml"):
        data = yaml.safe_load(file.read_text(encoding="utf-8"))
        if "phrasings" in data:
            (dimension,) = data["phrasings"]
            asked = {value: {split: set(kinds) for split, kinds in splits.items()} for value, splits in data["phrasings"][dimension].items()}
            mine = filled["phrasings"][dimension]
            assert asked == {value: {split: set(kinds) for split, kinds in splits.items()} for value, splits in mine.items()}
            written({"phrasings": {dimension: mine}}, file)
        elif "frames" in data:
            assert set(data["frames"]["test"]) == set(filled["frames"]["test"])
            written({"frames": filled["frames"]}, file)
    made = read_private(tmp_path / "bank")
    assert made.phrasings == read_private(bank_path).phrasings
    assert len(made.salt) == 64


def test_the_files_of_the_skeleton_are_for_their_owner_alone(tmp_path: Path) -> None:
    assert generate("private-template", "--out", tmp_path / "bank").exit_code == 0
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "bank").iterdir()} == {0o600}


def test_a_bank_that_the_system_does_not_open_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Refused) -> None:
    assert "cannot be read (File name too long); mend that" in refused(
        generate("build", "--users", 10, "--private", "x" * 300, "--out", tmp_path / "out")
    )

    def closed(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    (tmp_path / "bank").mkdir()
    monkeypatch.setattr(Path, "iterdir", closed)
    with pytest.raises(CatalogError, match=r"bank cannot be read \(Permission denied\); mend that, or give another --private"):
        read_private(tmp_path / "bank")


def test_the_audit_of_a_private_release_judges_no_word_that_the_package_lacks(private: Release) -> None:
    corpus = read(private)
    assert corpus.private
    assert names(corpus)["scripted"] is None


def test_the_skeleton_overwrites_nothing(tmp_path: Path, refused: Refused) -> None:
    (tmp_path / "mine").write_text("kept")
    assert "is not empty" in refused(generate("private-template", "--out", tmp_path))
    assert (tmp_path / "mine").read_text() == "kept"


def test_a_folder_that_says_a_thing_twice_is_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        written({"phrasings": {"structure": {}}}, tmp_path / f"{name}.yaml")
    with pytest.raises(CatalogError, match="stand in another file too"):
        read_private(tmp_path)
