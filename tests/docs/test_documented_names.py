"""What the documentation names is in the code."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parents[2]
PAGES = sorted((PROJECT / "docs").rglob("*.md"))
NAME = re.compile(r"\bautobuild_pipelines(?:\.\w+)+")


def named(path: str) -> Any:
    """The module or the attribute of a module that a dotted path names."""
    module, _, attribute = path.rpartition(".")
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError:
        return getattr(importlib.import_module(module), attribute)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_name_of_a_page_can_be_imported(page: Path) -> None:
    for name in sorted(set(NAME.findall(page.read_text()))):
        assert named(name) is not None, name


def test_the_method_says_where_it_is() -> None:
    assert len(set(NAME.findall((PROJECT / "docs" / "method.md").read_text()))) > 30


def test_every_package_has_its_page_in_the_navigation() -> None:
    navigation = (PROJECT / "mkdocs.yml").read_text()
    for page in (PROJECT / "docs" / "api").glob("*.md"):
        assert f"api/{page.name}" in navigation
        assert f"::: autobuild_pipelines.{page.stem}" in page.read_text()


def test_the_quoted_messages_are_those_of_the_program() -> None:
    source = "\n".join(path.read_text() for path in sorted((PROJECT / "src").rglob("*.py")))
    literal = re.sub(r'"\n\s*f?"', "", source)  # strings that go on in the next line
    rows = re.findall(r"^\| (`.*?) \| ", (PROJECT / "docs" / "troubleshooting.md").read_text(), re.MULTILINE)
    assert len(rows) > 30
    for quoted in (text for row in rows for text in re.findall(r"`([^`]+)`", row)):
        for part in re.split(r"\b[A-Z]+\b(?!\w)(?=[, ]|$)|\[\w+\]", quoted):
            if len(part.strip()) > 6 and "AUTOBUILD" not in quoted:
                assert part.strip() in literal, quoted
