"""The documents hold together: every link leads to a file and heading that are there, the site's pages exist, and versions agree."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import regex
import yaml

from generation.build import DATASET_VERSION
from persona_atlas.records import SCHEMA_VERSION
from persona_atlas.scoring import SCORER_VERSION

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = regex.compile(r"(?ms)^```.*?^```$")
LINK = regex.compile(r"\]\((?P<path>[^)\s#:]*)(?:#(?P<anchor>[^)\s]+))?\)")
TAKEN_IN = {"CONTRIBUTING.md", "CHANGELOG.md"}
"""Pages of the site that stand in the root of the repository."""


def prose(path: Path) -> str:
    return FENCE.sub("", path.read_text(encoding="utf-8"))


def anchors(path: Path) -> set[str]:
    """The names of a document's headings, as GitHub and the site give them."""
    headings = regex.findall(r"(?m)^#+ (.*)$", prose(path))
    return {regex.sub(r"[^\p{L}\p{N} _-]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path: Path) -> None:
    for link in LINK.finditer(prose(path)):
        target = (path.parent / link["path"]).resolve() if link["path"] else path
        assert target.exists(), link.group(0)
        if link["anchor"]:
            assert link["anchor"] in anchors(target), link.group(0)


def pages(nav: Any) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
    for part in nav.values() if isinstance(nav, dict) else nav if isinstance(nav, list) else ():
        yield from pages(part)


def test_the_pages_of_the_site_are_there() -> None:
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    named = list(pages(site["nav"]))
    assert len(set(named)) == len(named)
    assert [name for name in named if not (ROOT / ("" if name in TAKEN_IN else "docs") / name).is_file()] == []


def test_the_pages_of_v1_are_of_the_releases_that_they_name() -> None:
    digest = yaml.safe_load((ROOT / "generation/releases.yaml").read_text(encoding="utf-8"))["v1"]["content_digest"]
    assert f"content digest `{digest}`" in (ROOT / "docs/releases/v1.md").read_text(encoding="utf-8")
    measured = json.loads((ROOT / "docs/releases/v1-8.0.0-generality.json").read_text(encoding="utf-8"))["content_digest"]
    assert f"content digest `{measured}`" in (ROOT / "docs/releases/v1-8.0.0.md").read_text(encoding="utf-8")


def test_a_document_begins_with_its_one_title() -> None:
    for path in DOCUMENTS:
        assert len(regex.findall(r"(?m)^# ", prose(path))) == 1, path
        assert prose(path).startswith("# "), path


def test_the_citation_names_this_version_and_the_paper() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'\nversion = "{citation["version"]}"\n' in project
    assert f'\nlicense = "{citation["license"]}"\n' in project
    assert "2602.12394" in str(citation["references"])


def test_the_documents_name_the_versions_of_the_code() -> None:
    def text(name: str) -> str:
        return (ROOT / name).read_text(encoding="utf-8")

    digest = yaml.safe_load(text("generation/releases.yaml"))["v1"]["content_digest"][:16]
    assert f"of the release v1 these are {DATASET_VERSION} and {digest}" in yaml.safe_load(text("CITATION.cff"))["message"]
    versions = text("docs/versions.md")
    assert f"The current version is {DATASET_VERSION}." in versions
    *_, row = regex.findall(r"(?m)^\| \d+\.\d+\.\d+ \| .*$", versions)
    assert row.startswith(f"| {DATASET_VERSION} | ")
    assert f" Scorer {SCORER_VERSION} " in row
    assert f"dataset version {DATASET_VERSION}, schema version {SCHEMA_VERSION}, scorer version {SCORER_VERSION}." in text("CHANGELOG.md")
