"""The Croissant metadata (version 1.1, with the responsible-AI vocabulary) of a release, made from its manifest.

    {"@type": "sc:Dataset", "distribution": [a FileObject per Parquet file, a FileSet per config], "recordSet": [one per config], "rai:…": …}

A column with free keys is JSON text, and its field says so. The prose is in data/metadata/croissant.yaml.
"""

from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

from generation.shard import CONFIGS, IDS
from persona_atlas import shards
from persona_atlas.data import DataError
from persona_atlas.records import IMPORTED, SCHEMA_VERSION

CONTEXT: Mapping[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "name": {"@container": "@language"},
    "description": {"@container": "@language"},
    "data": {"@id": "cr:data", "@type": "@json"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    **{
        term: f"cr:{term}"
        for term in (
            "arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "extract", "field", "fileObject", "fileProperty", "fileSet",
            "format", "includes", "isArray", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet", "references", "regex",
            "repeated", "replace", "samplingRate", "separator", "source", "subField", "transform",
        )
    },
}  # fmt: skip
CONFORMS = ("http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0")
PARQUET = "application/x-parquet"


def croissant(folder: Path, manifest: Mapping[str, Any], url: str | None, date: str) -> dict[str, Any]:
    """The metadata of the release in `folder`. `url`: where it is published, None if it is not; `date`: since when, as YYYY-MM-DD.

    Raises DataError for a release of an older schema version, whose files have other columns.
    """
    if manifest["schema_version"] != SCHEMA_VERSION:
        raise DataError(
            f"{folder} has schema version {manifest['schema_version']}, wanted {SCHEMA_VERSION}, whose columns alone are described; "
            "build it again with atlas-generate build"
        )
    imported = manifest.get("source") == IMPORTED
    texts = yaml.safe_load(files("generation").joinpath("data", "metadata", "croissant.yaml").read_text(encoding="utf-8"))
    said = {**texts["dataset"], **(texts["imported"] if imported else {})}
    configs = [name for name in CONFIGS if any(entry["config"] == name for entry in manifest["files"])]
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": list(CONFORMS),
        **({"url": url} if url else {}),
        "datePublished": date,
        "version": manifest.get("dataset_version", f"{manifest['schema_version']}.0.0"),
        "identifier": f"sha256:{manifest['content_digest']}",
        "isLiveDataset": False,
        **said,
        "distribution": [*_objects(folder, manifest), *(_set(name) for name in configs)],
        "recordSet": [_records(name, texts["configs"][name]) for name in configs],
    }


def _objects(folder: Path, manifest: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for entry in manifest["files"]:
        yield {
            "@type": "cr:FileObject",
            "@id": entry["path"],
            "name": entry["path"],
            "description": f"{entry['config']}, split {entry['split']}: {entry['rows']} rows.",
            "contentUrl": entry["path"],
            "contentSize": f"{(folder / entry['path']).stat().st_size} B",
            "encodingFormat": PARQUET,
            "sha256": entry["sha256"],
        }


def _set(config: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": f"{config}-files",
        "name": f"{config}-files",
        "description": f"The files of {config}, one a split.",
        "encodingFormat": PARQUET,
        "includes": f"data/{config}/*.parquet",
    }


def _records(config: str, texts: Mapping[str, Any]) -> dict[str, Any]:
    key = {"key": {"@id": f"{config}/{IDS[config][0]}"}} if len(IDS[config]) == 1 else {}  # a key is one column; `provenance` needs two
    columns = [_column(config, column, texts["columns"][column.name]) for column in shards.arrow_schema(CONFIGS[config])]
    return {"@type": "cr:RecordSet", "@id": config, "name": config, "description": texts["description"], **key, "field": columns}


def _column(config: str, column: "pa.Field[Any]", description: str) -> dict[str, Any]:
    source = {"fileSet": {"@id": f"{config}-files"}, "extract": {"column": column.name}}
    return {**_field(f"{config}/{column.name}", column.type, source, ""), "description": description}


def _field(name: str, kind: pa.DataType, source: Mapping[str, Any], place: str) -> dict[str, Any]:
    """A field with its subfields. `place` is its JSON path inside the column, empty for the column itself."""
    repeated = pa.types.is_list(kind)
    inner = kind.value_type if repeated else kind
    array = {"isArray": True, "arrayShape": "-1"} if repeated else {}
    found = {"@type": "cr:Field", "@id": name, "name": name, **array}
    if pa.types.is_struct(inner):
        below = f"{place}{'[*]' if repeated else ''}."
        return {**found, "subField": [_field(f"{name}/{part.name}", part.type, source, f"{below}{part.name}") for part in inner]}
    path = {"transform": {"jsonPath": f"${place}"}} if place else {}
    return {**found, "dataType": _type(inner), "source": {**source, **path}}


def _type(kind: pa.DataType) -> str:
    if pa.types.is_boolean(kind):
        return "sc:Boolean"
    if pa.types.is_integer(kind):
        return "sc:Integer"
    return "sc:Float" if pa.types.is_floating(kind) else "sc:Text"
