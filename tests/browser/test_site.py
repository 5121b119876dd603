"""The documentation's site builds strictly, and its pages need nothing from elsewhere."""

from __future__ import annotations

import functools
import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from console import errors
from playwright.sync_api import Page, Request

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).resolve().parents[2]


class Silent(http.server.SimpleHTTPRequestHandler):
    """Writes no line a request."""

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the built site."""
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert built.returncode == 0, built.stderr[-3000:]
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Silent, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def elsewhere(page: Page, site: str) -> list[str]:
    """What the page asks of other hosts."""
    asked: list[str] = []

    def keep(request: Request) -> None:
        if not request.url.startswith((site, "data:", "blob:")):
            asked.append(request.url)

    page.on("request", keep)
    return asked


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("index.html", "A space of your own"),
        ("own_space.html", "kedro new-space"),
        ("method.html", "autobuild_pipelines.scoring.eq5_scores"),
        ("troubleshooting.html", "has no column 'units'"),
        ("api/scoring.html", "eq5_scores"),
        ("api/spaces.html", "SearchSpace"),
    ],
)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_is_shown_without_errors_or_other_hosts(
    page: Page, site: str, elsewhere: list[str], screenshots: Path, path: str, shown: str, scheme: str
) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(f"{site}/{path}", wait_until="networkidle")
    page.screenshot(path=screenshots / f"site_{path.replace('/', '_').removesuffix('.html')}_{scheme}.png")
    assert shown in page.locator("article").inner_text()
    assert page.locator("body").get_attribute("data-md-color-scheme") == {"light": "default", "dark": "slate"}[scheme]
    assert elsewhere == []
    assert errors(page) == []


def test_every_api_page_describes_something(page: Page, site: str) -> None:
    for source in sorted((PROJECT / "docs" / "api").glob("*.md")):
        page.goto(f"{site}/api/{source.stem}.html")
        assert page.locator(".doc-object").count() > 1, source.stem


def test_search_finds_a_guide_without_another_host(page: Page, site: str, elsewhere: list[str]) -> None:
    page.goto(f"{site}/index.html", wait_until="networkidle")
    page.locator("input.md-search__input").click()
    page.keyboard.type("PostgreSQL")
    page.locator(".md-search-result__link", has_text="PostgreSQL").first.wait_for()
    assert elsewhere == []
