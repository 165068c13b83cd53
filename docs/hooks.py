"""What `make docs` does besides mkdocs: files of the repository that pages link to are taken into the site, and no page is left out of it.

A page links to `../CONTRIBUTING.md` or `../persona_atlas/schema/v2/item.json` as it does in the repository. In the site such a file has its place in
the repository as its address, below the root of the site: CONTRIBUTING.md is a page of its own, the schema a file to download. README.md is none of
them, since the site has a first page of its own.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
LINK = re.compile(r"(?P<before>\]\()(?P<path>[^)\s#:]+)(?P<anchor>#[^)\s]*)?(?=\))")
ALWAYS = ("CONTRIBUTING.md", "CHANGELOG.md")


def on_config(config: Any) -> Any:
    """Put pages that `nav` does not name under More."""
    named = set(_named(config.nav))
    more = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md") if path.relative_to(DOCS).as_posix() not in named)
    if more:
        config.nav = [*config.nav, {"More": more}]
    return config


def on_files(files: Files, config: Any) -> Files:
    """Take in what pages link to outside docs/, and what that links to in turn."""
    waiting = [ROOT / name for name in ALWAYS] + [Path(page.abs_src_path) for page in files.documentation_pages()]
    while waiting:
        path = waiting.pop()
        if not path.is_relative_to(DOCS) and files.get_file_from_path(_address(path)) is None:
            level = InclusionLevel.INCLUDED if path.name in ALWAYS else InclusionLevel.NOT_IN_NAV
            files.append(File.generated(config, _address(path), abs_src_path=str(path), inclusion=level))
        if path.suffix == ".md":
            known = {file.src_uri for file in files}
            waiting += [target for target in _targets(path) if not target.is_relative_to(DOCS) and _address(target) not in known]
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Lead links to where the site has their files."""
    source = Path(str(page.file.abs_src_path))

    def led(link: re.Match[str]) -> str:
        target = _target(source, link["path"])
        if target is None:
            return link.group(0)
        return f"{link['before']}{os.path.relpath(_address(target), os.path.dirname(_address(source)) or '.')}{link['anchor'] or ''}"

    return LINK.sub(led, markdown)


def _address(path: Path) -> str:
    """The place of a file in the site."""
    return path.relative_to(DOCS if path.is_relative_to(DOCS) else ROOT).as_posix()


def _target(source: Path, link: str) -> Path | None:
    """The file of the repository that a link leads to; None where there is none, which mkdocs then says."""
    target = Path(os.path.normpath(source.parent / link))
    return target if target.is_relative_to(ROOT) and target.is_file() else None


def _targets(path: Path) -> Iterator[Path]:
    for link in LINK.finditer(path.read_text(encoding="utf-8")):
        if target := _target(path, link["path"]):
            yield target


def _named(nav: Any) -> Iterator[str]:
    """The pages that a nav names."""
    if isinstance(nav, str):
        yield nav
    for part in nav.values() if isinstance(nav, dict) else nav if isinstance(nav, list) else ():
        yield from _named(part)
