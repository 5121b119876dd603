"""A page of an installed Chromium; browser tests are skipped, saying why, where there is none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from console import watched_page
from playwright.sync_api import Browser, Page, expect, sync_playwright

from servers import BROWSERS

expect.set_options(timeout=30_000)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium without a window."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is installed (Debian: apt-get install chromium)")
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """See `watched_page`."""
    with watched_page(browser) as opened:
        yield opened


@pytest.fixture
def screenshots(tmp_path: Path) -> Path:
    """The folder that AUTOBUILD_SCREENSHOTS names, where pictures are kept to be looked at, or a temporary one."""
    folder = Path(os.environ.get("AUTOBUILD_SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
