"""Pages that keep what their console says went wrong."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from playwright.sync_api import Browser, ConsoleMessage, Page


@contextlib.contextmanager
def watched_page(browser: Browser) -> Iterator[Page]:
    """A page of 1400 × 900, open for the while, that keeps what its console says went wrong in `page.errors`."""
    opened = browser.new_page(viewport={"width": 1400, "height": 900})
    opened.set_default_timeout(30_000)
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("console", lambda message: _keep(message, errors))
    opened.errors = errors  # type: ignore[attr-defined]
    yield opened
    opened.close()


def _keep(message: ConsoleMessage, errors: list[str]) -> None:
    if message.type == "error":
        errors.append(f"{message.text} ({message.location.get('url', '')})")


def errors(page: Page, allowed: Sequence[str] = ()) -> list[str]:
    """The errors that a watched page kept, but for those that hold one of the allowed texts."""
    found: list[str] = page.errors  # type: ignore[attr-defined]
    return [error for error in found if not any(text in error for text in allowed)]
