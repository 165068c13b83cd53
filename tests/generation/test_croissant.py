"""The Croissant metadata of a release: what the specification requires is there, every file and column of the release is in it, and it is checked."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from generation.cli import main
from generation.croissant import CONTEXT, croissant
from persona_atlas.data import Release
from persona_atlas.records import SPLITS
from persona_atlas.shards import file_sha256

DATE = "2026-01-02"
RESPONSIBLE = ("dataCollection", "dataLimitations", "dataBiases", "dataUseCases", "dataSocialImpact", "personalSensitiveInformation")


@pytest.fixture(scope="module")
def metadata(release: Release) -> dict[str, Any]:
    return croissant(release.path, release.manifest, "https://example.org/persona-atlas", DATE)


def fields(of: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The fields without parts, at any depth."""
    for field in of.get("field", of.get("subField", ())):
        yield from fields(field) if "subField" in field else (field,)


def test_it_has_what_the_specification_requires(metadata: dict[str, Any]) -> None:
    assert metadata["@type"] == "sc:Dataset"
    assert "http://mlcommons.org/croissant/1.1" in metadata["conformsTo"]
    for name in ("name", "description", "license", "url", "creator", "datePublished", "version", "citeAs"):
        assert metadata[name], name
    for name in RESPONSIBLE:
        assert metadata[f"rai:{name}"], name


def test_every_file_is_described_by_its_size_and_hash(metadata: dict[str, Any], release: Release) -> None:
    objects = {entry["@id"]: entry for entry in metadata["distribution"] if entry["@type"] == "cr:FileObject"}
    assert set(objects) == {entry["path"] for entry in release.manifest["files"]}
    for path, entry in objects.items():
        assert entry["sha256"] == file_sha256(release.path / path)
        assert entry["contentSize"] == f"{(release.path / path).stat().st_size} B"
        assert entry["encodingFormat"]


def test_every_column_of_every_file_is_a_field(metadata: dict[str, Any], release: Release) -> None:
    described = {record["name"]: [field["source"]["extract"]["column"] for field in leaves(record)] for record in metadata["recordSet"]}
    for entry in release.manifest["files"]:
        assert list(dict.fromkeys(described[entry["config"]])) == pq.read_schema(release.path / entry["path"]).names


def leaves(record: dict[str, Any]) -> list[dict[str, Any]]:
    return list(fields(record))


def test_names_are_unique_and_sources_are_there(metadata: dict[str, Any]) -> None:
    there = [entry["@id"] for entry in (*metadata["distribution"], *metadata["recordSet"])]
    named = [field["@id"] for record in metadata["recordSet"] for field in fields(record)]
    assert len(set(there + named)) == len(there + named)
    for record in metadata["recordSet"]:
        assert record["key"]["@id"] in named
        for field in fields(record):
            assert field["source"]["fileSet"]["@id"] in there
            assert field["dataType"] in {"sc:Text", "sc:Integer", "sc:Float", "sc:Boolean"}


def test_a_term_is_in_the_context(metadata: dict[str, Any]) -> None:
    terms = {"recordSet", "field", "subField", "source", "fileSet", "extract", "column", "transform", "jsonPath", "isArray", "arrayShape", "includes"}
    assert terms <= set(CONTEXT)
    assert {name.partition(":")[0] for name in metadata if name.startswith("rai:")} <= set(CONTEXT)


def test_of_an_imported_release_it_says_whose_data_they_are(imported: Release) -> None:
    found = croissant(imported.path, imported.manifest, None, DATE)
    assert "arXiv:2602.12394" in found["citeAs"]
    assert "published" in found["license"]
    assert "url" not in found


@pytest.mark.filterwarnings("ignore:.* has schema version 1:UserWarning")
def test_a_release_of_an_older_schema_version_is_refused() -> None:
    older = Path(__file__).parents[1] / "persona_atlas" / "schema_v1" / "release"
    done = CliRunner().invoke(main, ["croissant", str(older)])
    assert (done.exit_code, done.stdout) == (2, "")
    assert "has schema version 1, wanted 2, whose columns alone are described; build it again" in done.stderr


def test_the_command_writes_it_and_changes_no_digest(release: Release, tmp_path: Path) -> None:
    out = tmp_path / "croissant.json"
    done = CliRunner().invoke(main, ["croissant", str(release.path), "--date", DATE, "--out", str(out)])
    assert done.exit_code == 0, done.output
    written = json.loads(out.read_text(encoding="utf-8"))
    assert written["datePublished"] == DATE
    assert written["identifier"] == f"sha256:{release.manifest['content_digest']}"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["{empty}"], "holds no manifest.json"),
        (["{release}", "--date", "yesterday"], "does not match the format"),
        (["{release}", "--out", "{release}/manifest.json/croissant.json"], "cannot be written"),
    ],
)
def test_wrong_input_is_refused_in_one_sentence(arguments: list[str], said: str, release: Release, tmp_path: Path) -> None:
    places = {"empty": tmp_path, "release": release.path}
    done = CliRunner().invoke(main, ["croissant", *(argument.format(**places) for argument in arguments)])
    assert done.exit_code == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", ["manifest.json", "README.md", "data/items/test.parquet"])
def test_it_is_not_written_over_the_release(name: str, release: Release) -> None:
    before = (release.path / name).read_bytes()
    done = CliRunner().invoke(main, ["croissant", str(release.path), "--out", str(release.path / "data" / ".." / name)])
    assert done.exit_code == 2
    assert "is a part of the release; give another --out" in done.stderr
    assert (release.path / name).read_bytes() == before


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_reference_implementation_takes_it(metadata: dict[str, Any], release: Release, tmp_path: Path) -> None:
    import mlcroissant

    file = tmp_path / "croissant.json"
    file.write_text(json.dumps(metadata), encoding="utf-8")
    found = mlcroissant.Dataset(str(file))
    assert found.metadata.ctx.issues.report() == ""


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:The inplace keyword")  # the library's own, of libraries that it uses
def test_mlcroissant_reads_every_item_by_the_metadata(release: Release, tmp_path: Path) -> None:
    import mlcroissant

    shutil.copytree(release.path, tmp_path / "release")
    file = tmp_path / "release" / "croissant.json"
    file.write_text(json.dumps(croissant(release.path, release.manifest, None, DATE)), encoding="utf-8")
    read = {record["items/query"].decode() for record in mlcroissant.Dataset(str(file)).records("items")}
    assert read == {item.query for split in SPLITS for item in release.items(split)}
