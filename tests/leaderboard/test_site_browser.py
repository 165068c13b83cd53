"""The site in a real browser: read, sorted, filtered, on a phone and a desk, light and dark, by mouse, keyboard and screen reader's rules."""

import functools
import http.server
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from leaderboard import site
from leaderboard.entry import Entry

QUIET = ("quic", "background-networking", "component-update", "sync")
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", *(f"--disable-{name}" for name in QUIET)]
NAMES = ("chromium", "chromium-browser", "google-chrome", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
HOSTILE = "</script><script>alert(1)</script><img src=//example.com/x onerror=alert(2)>"
LONG = "W" * 80
PHONE, DESK = 390, 1280
ENTRY = f"submissions/history/{1:016x}.html"
DOUBTED = f"submissions/history/{203:016x}.html"
SECONDS = 120
"""The longest that anything may take: machines that test are busy."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.fail(f"there is none of {', '.join(NAMES)}; install one, for example: apt install chromium, or brew install --cask google-chrome")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=FLAGS, timeout=1000 * SECONDS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def address(like: Callable[..., Entry], build: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A site of 111 entries on one target, served on this machine. On another are three, one of them not reproduced, and a submitted control."""
    entries = [like(1), *(like(number, number / 250 - 0.3) for number in range(2, 111)), like(111, name=HOSTILE)]
    control = like(204, model="other")
    control = replace(control, config={**control.config, "optimizer": "oracle"})
    entries += [like(201, model="other", name=LONG), like(202, 0.2, model="other"), like(203, 0.4, model="other"), control]
    looked_at = (ENTRY, DOUBTED, f"submissions/history/{111:016x}.html")
    entries = [entry if entry.page in looked_at else replace(entry, samples=[]) for entry in entries]
    tiers: dict[str, Any] = {entry.run_id: ("self-reported", None) for entry in entries}
    tiers |= {f"{number:016x}": ("reproduced", {"accepted": True, "fraction": 0.1, "asked": 96, "agreed": 90}) for number in (*range(50, 61), 202)}
    tiers[f"{203:016x}"] = ("held-out", {"accepted": False, "fraction": 0.1, "asked": 96, "agreed": 3})
    folder, rendered = tmp_path_factory.mktemp("site"), site._submission
    with pytest.MonkeyPatch.context() as patch:  # a page that nobody opens need not be made
        patch.setattr(site, "_submission", lambda row, *rest: rendered(row, *rest) if row.entry.page in looked_at else "")
        pages = build(entries, tiers)[1]
    for name, text in pages.items():
        if not name.startswith("submissions/") or name in looked_at:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@dataclass(frozen=True)
class Opener:
    """Opens pages, and finds it wrong when one complains, pops up a dialog, or asks anybody but its own server."""

    browser: Any
    address: str

    @contextmanager
    def open(self, path: str = "index.html", width: int = DESK, scheme: str = "light", scripts: bool = True) -> Iterator[Any]:
        context = self.browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, java_script_enabled=scripts)
        context.set_default_timeout(1000 * SECONDS)
        page, wrong, asked = context.new_page(), [], []
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(self.address + path)
        yield page
        context.close()
        assert wrong == []
        assert [url for url in asked if not url.startswith((self.address, "data:"))] == []


@pytest.fixture(scope="module")
def pages(browser: Any, address: str) -> Opener:
    return Opener(browser, address)


def column(page: Any, name: str) -> list[str]:
    found: list[str] = page.eval_on_selector_all(f"#body .{name}", "cells => cells.map(cell => cell.textContent.trim())")
    return found


def values(page: Any, name: str) -> list[float]:
    return [float(text.replace("−", "-").rstrip("=")) for text in column(page, name)]


def status(page: Any) -> str:
    return str(page.text_content("#status"))


@pytest.mark.parametrize(("width", "scheme"), [(PHONE, "light"), (DESK, "dark")])
@pytest.mark.parametrize("path", ["index.html", ENTRY, DOUBTED])
def test_nobody_is_shut_out_and_nothing_sticks_out(path: str, width: int, scheme: str, pages: Opener) -> None:
    from axe_playwright_python.sync_playwright import Axe

    with pages.open(path, width, scheme) as page:
        if path == "index.html":
            page.select_option("#target", label="other")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        page.evaluate("[...document.querySelectorAll('details')].slice(0, 4).forEach(one => one.open = true)")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        found = Axe().run(page).response
        assert [(one["id"], [node["html"][:200] for node in one["nodes"][:3]]) for one in found["violations"]] == []
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (background == "rgb(255, 255, 255)") == (scheme == "light")


def test_a_click_on_a_head_sorts_and_another_turns_it_round(pages: Opener) -> None:
    with pages.open() as page:
        first = column(page, "who")
        page.click("th[data-sort=cost] button")
        assert page.get_attribute("th[data-sort=cost]", "aria-sort") == "ascending"
        assert values(page, "cost .v") == sorted(values(page, "cost .v"))
        assert status(page).endswith("by Tokens, lowest first.")
        page.click("th[data-sort=cost] button")
        assert page.get_attribute("th[data-sort=cost]", "aria-sort") == "descending"
        assert values(page, "cost .v") == sorted(values(page, "cost .v"), reverse=True)
        page.click("th[data-sort=g] button")
        assert page.locator("[aria-sort]").count() == 1
        assert column(page, "who") == first
        page.click("th[data-sort=place] button")
        assert values(page, "place")[:3] == [1, 2, 3]
        page.select_option("#target", label="other")
        page.click("th[data-sort=place] button")
        assert column(page, "place") == ["2", "1", "", "", "", "", ""]


def test_filters_leave_what_they_say(pages: Opener) -> None:
    with pages.open() as page:
        assert set(column(page, "target")) == {"scripted (simulated)"}
        assert status(page) == "111 entries and 3 controls, the first 100 rows shown."
        page.select_option("#target", label="other")
        assert status(page) == "3 entries and 4 controls."
        page.uncheck("#controls")
        assert status(page) == "3 entries and 0 controls."
        for tier, number in (("reproduced", 202), ("not reproduced", 203), ("also held-out", 203)):
            page.select_option("#tier", tier)
            assert [text.startswith(f"Optimizer {number}") for text in column(page, "who")] == [True]
        page.select_option("#tier", "")
        page.select_option("#track", "compact")
        assert [text.startswith((LONG, "Optimizer 203")) for text in column(page, "who")] == [True, True]
        page.select_option("#track", "")
        page.select_option("#target", "")
        page.fill("#search", "OPTIMIZER 20")
        assert len(column(page, "who")) == 3
        page.fill("#search", "nobody is called so")
        assert status(page) == "Nothing is like that. Clear the search or a filter."
        assert column(page, "who") == []


def test_filters_hold_for_a_submitted_control_as_for_an_entry(pages: Opener) -> None:
    with pages.open() as page:
        page.select_option("#target", label="other")
        page.fill("#search", "oracle")
        assert status(page) == "0 entries and 1 control."
        page.fill("#search", "")
        for one, kept, dropped in (("tier", "self-reported", "reproduced"), ("track", "free", "compact")):
            page.select_option(f"#{one}", kept)
            assert sum("oracle" in text for text in column(page, "who")) == 1
            page.select_option(f"#{one}", dropped)
            assert sum("oracle" in text for text in column(page, "who")) == 0
            assert sum("identity" in text for text in column(page, "who")) == 1  # ran beside, and has no tier
            page.select_option(f"#{one}", "")


def focused(page: Any) -> tuple[str, int]:
    """The element that has the focus, and its row in the table, from 0."""
    found: list[Any] = page.evaluate(
        "[document.activeElement.tagName, [...document.querySelectorAll('#body tr')].indexOf(document.activeElement.closest('tr'))]"
    )
    return found[0], found[1]


@pytest.mark.parametrize(("tier", "element"), [("", "A"), ("self-reported", "TH")])
def test_more_rows_come_when_asked_for_and_the_keyboard_goes_on_with_the_first_of_them(tier: str, element: str, pages: Opener) -> None:
    """With its link, or with its head if it is a control without a page."""
    with pages.open() as page:
        page.select_option("#tier", tier)
        page.click("th[data-sort=place] button")
        assert len(column(page, "who")) == 100
        page.focus("#more")
        page.keyboard.press("Enter")
        assert len(column(page, "who")) > 100
        assert page.locator("#more").is_hidden()
        assert focused(page) == (element, 100)


def scrolled(page: Any) -> bool:
    """Whether an arrow moves what has the focus. A page that is still being laid out may let one pass."""
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(100)
    return bool(page.evaluate("document.activeElement.scrollLeft > 0"))


def test_a_keyboard_is_enough(pages: Opener) -> None:
    with pages.open(width=PHONE) as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "To the table"
        page.focus("#controls")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.getAttribute('role')") == "region"
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
        assert any(scrolled(page) for _ in range(20))
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Place"
        page.keyboard.press("Enter")
        assert page.get_attribute("th[data-sort=place]", "aria-sort") == "ascending"
        page.keyboard.press("Space")
        assert page.get_attribute("th[data-sort=place]", "aria-sort") == "descending"


def test_an_entry_leads_to_its_page_and_back(pages: Opener) -> None:
    with pages.open() as page:
        page.fill("#search", "script")
        page.click("#body a")
        assert page.url.endswith(f"{111:016x}.html")
        assert page.text_content("h1") == HOSTILE
        page.click("footer a")
        assert page.url.endswith("index.html")


def test_without_a_script_the_table_is_there_and_is_the_same(pages: Opener) -> None:
    with pages.open(scripts=False) as page:
        plain = page.locator("#body tr").all_inner_texts()
        bars = page.locator("#body .bar circle").evaluate_all("all => all.map(one => Number(one.getAttribute('cx')))")
        assert page.locator("#filters").is_hidden()
        assert "The first 100 of 121 rows" in status(page)
    with pages.open() as page:
        page.select_option("#target", "")
        assert page.locator("#body tr").all_inner_texts() == plain
        assert page.locator("#body .bar circle").evaluate_all("all => all.map(one => Number(one.getAttribute('cx')))") == pytest.approx(
            bars, abs=0.11
        )


def test_the_page_works_from_a_folder(pages: Opener, like: Callable[..., Entry], build: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(build([like(1)])[1]["index.html"], encoding="utf-8")
    with Opener(pages.browser, tmp_path.as_uri() + "/").open() as page:
        assert status(page) == "1 entry and 3 controls."
