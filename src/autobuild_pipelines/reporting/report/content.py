"""What a report consists of: chapters of sections of blocks, without a word of HTML."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import unescape
from typing import ClassVar, TypeAlias

import pandas as pd
import plotly.graph_objects as go

_TAG = re.compile(r"<[^>]+>")
_NUMERIC = re.compile(r"^[<≤≥~]?\s*[-+±–]?[\d.,e+%\s×±/()-]*$")


@dataclass(frozen=True)
class Text:
    """A paragraph; `tone` is "plain", "warning" or "missing"; what stands between backticks is code."""

    kind: ClassVar[str] = "text"
    text: str
    tone: str = "plain"


@dataclass(frozen=True)
class Command:
    """Lines to be typed into a shell, and what they do."""

    kind: ClassVar[str] = "command"
    caption: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """Cells in words.

    Attributes:
        caption: What the table is.
        columns: Headings; the first column names its row.
        rows: As many cells each.
        strong: Numbers of the rows to emphasise.
        folded: Whether a reader has to open it.
    """

    kind: ClassVar[str] = "table"
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    strong: frozenset[int] = frozenset()
    folded: bool = False

    @classmethod
    def of(cls, caption: str, table: pd.DataFrame, *, strong: Sequence[int] = (), folded: bool = False) -> Table:
        """A table whose cells are words already."""
        rows = tuple(tuple(map(str, row)) for row in table.itertuples(index=False, name=None))
        return cls(caption, tuple(map(str, table.columns)), rows, frozenset(strong), folded)

    @property
    def numeric(self) -> frozenset[int]:
        """The columns that hold numbers alone: they are set to the right."""
        columns = range(1, len(self.columns))
        return frozenset(c for c in columns if all(_NUMERIC.match(row[c]) for row in self.rows))


@dataclass(frozen=True)
class Figure:
    """A plotly figure, drawn when it comes into view.

    Attributes:
        name: Of its dataset.
        figure: What plotly draws; its title is taken out, for the page to show.
        says: What a reader sees in it, as a sentence: its text alternative.
        table: The numbers behind it.
        width: Least width in pixels; a narrower page scrolls.
    """

    kind: ClassVar[str] = "figure"
    name: str
    figure: go.Figure
    says: str
    table: Table | None = None
    width: int = 640

    @property
    def title(self) -> str:
        """The first line of the figure's title."""
        return self._titles[0]

    @property
    def detail(self) -> str:
        """The second line: kind of labels, and how to read the figure."""
        return self._titles[1]

    @property
    def _titles(self) -> tuple[str, str]:
        first, _, second = str(self.figure.layout.title.text or self.name).partition("<br>")
        return plain(first), plain(second)


@dataclass(frozen=True)
class Drawing:
    """A drawing as SVG markup, which is trusted: it comes from `drawing`."""

    kind: ClassVar[str] = "drawing"
    title: str
    svg: str
    says: str
    facts: Mapping[str, str] = field(default_factory=dict)


Block: TypeAlias = Text | Command | Table | Figure | Drawing


@dataclass(frozen=True)
class Section:
    """One topic; `key` is its anchor within the chapter."""

    key: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Fact:
    """A number worth a large font, its name, and what it is to be compared with."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Chapter:
    """What a run found in one space.

    Attributes:
        space: Its name.
        title: Its title.
        label_kind: A key of `wording.LABEL_KINDS`.
        seed: Of everything random.
        source: The data, and its SHA-256 where it comes from a file.
        facts: The headline numbers.
        sections: In reading order.
    """

    space: str
    title: str
    label_kind: str
    seed: str
    source: str
    facts: tuple[Fact, ...]
    sections: tuple[Section, ...]


def plain(markup: str) -> str:
    """Text of a plotly title without its tags."""
    return unescape(_TAG.sub("", markup.replace("<br>", " "))).strip()
