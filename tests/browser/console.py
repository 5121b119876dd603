"""What a page's console said went wrong."""

from __future__ import annotations

from collections.abc import Sequence

from playwright.sync_api import Page


def errors(page: Page, allowed: Sequence[str] = ()) -> list[str]:
    """The errors that the fixture `page` kept, but for those that hold one of the allowed texts."""
    found: list[str] = page.errors  # type: ignore[attr-defined]
    return [error for error in found if not any(text in error for text in allowed)]
