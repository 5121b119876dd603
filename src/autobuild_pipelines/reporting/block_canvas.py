"""A canvas for block diagrams: coloured blocks, lines and texts in pixels, as few plotly traces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import plotly.graph_objects as go

from autobuild_pipelines.reporting import style, wording
from autobuild_pipelines.reporting.sections import Block

PITCH, GAP = 17.5, 2.0
"""From one block to the next, and what is free between them."""
TALLEST, LOWEST = 26.0, 15.0
"""Heights of the widest and of the narrowest layer's block: tall enough for a letter."""
_FILLS = (style.BLUE, style.ORANGE, "#3b4a5a", style.GREEN, style.PINK, style.SKY, style.VERMILLION, "#7a5195")


def operation_colours(operations: Sequence[str]) -> dict[str, str]:
    """A colour per operation, by its place in the space's declaration."""
    return {operation: _FILLS[place % len(_FILLS)] for place, operation in enumerate(operations)}


def operation_letters(operations: Sequence[str]) -> dict[str, str]:
    """The first letter of every operation; two letters where the first is not its own."""
    first = [operation[:1].upper() for operation in operations]
    return {o: f if first.count(f) == 1 else o[:2].capitalize() for o, f in zip(operations, first, strict=True)}


@dataclass
class Line:
    """Polylines with gaps between them."""

    x: list[float | None] = field(default_factory=list)
    y: list[float | None] = field(default_factory=list)

    def add(self, *points: tuple[float, float]) -> None:
        """One more polyline."""
        self.x += [*(x for x, _ in points), None]
        self.y += [*(y for _, y in points), None]


@dataclass
class Texts:
    """Texts with their places; one colour, size and position each."""

    x: list[float] = field(default_factory=list)
    y: list[float] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    position: list[str] = field(default_factory=list)
    colour: list[str] = field(default_factory=list)
    size: list[float] = field(default_factory=list)
    hover: list[str] = field(default_factory=list)

    def add(
        self,
        x: float,
        y: float,
        words: str,
        *,
        position: str = "middle center",
        colour: str = style.INK,
        size: float = 12,
        hover: str = "",
    ) -> None:
        """Words at a point; `position` as plotly's `textposition`."""
        self.x.append(x)
        self.y.append(y)
        self.words.append(words)
        self.position.append(position)
        self.colour.append(colour)
        self.size.append(size)
        self.hover.append(hover)

    def trace(self, *, visible: bool) -> go.Scatter:
        """All of them as one trace."""
        return go.Scatter(
            x=self.x,
            y=self.y,
            text=self.words,
            textposition=self.position,
            textfont={"color": self.colour, "size": self.size},
            hovertext=self.hover,
            hovertemplate="%{hovertext}<extra></extra>",
            name="text",
            showlegend=False,
            cliponaxis=False,
            mode="text",
            visible=visible,
        )


class Canvas:
    """Collects what is drawn and gives it as traces, always as many: one per operation, two of lines, one of texts.

    x grows to the right and y downwards, both in pixels of a figure `PAGE` wide.

    Args:
        operations: All that blocks may be, in the order of the legend.
        widest: The widest layer of the space: its block is `TALLEST`.
        letters: What stands in the blocks of each operation; by default as `operation_letters`.
        width: What a block's height says, in words.
    """

    PAGE = 1140.0

    def __init__(
        self,
        operations: Sequence[str],
        widest: float,
        *,
        letters: Mapping[str, str] | None = None,
        width: str = "width",
    ) -> None:
        self._colours = operation_colours(operations)
        self._letters = dict(letters) if letters is not None else operation_letters(operations)
        self._own_letters, self._width = letters is None, wording.words(width)
        self._widest = widest
        self._blocks = {operation: Line() for operation in operations}
        self._flow, self._skips, self._texts = Line(), Line(), Texts()
        self.text = self._texts.add

    @property
    def count(self) -> int:
        """How many traces there will be."""
        return len(self._blocks) + 3

    def height(self, block: Block) -> float:
        """How tall a block is drawn."""
        return LOWEST + (TALLEST - LOWEST) * block.width / self._widest

    def blocks(self, blocks: Sequence[Block], x: float, y: float, *, where: str) -> None:
        """A row of blocks from x on, around the height y."""
        for place, block in enumerate(blocks):
            left, right = x + place * PITCH, x + (place + 1) * PITCH - GAP
            half = self.height(block) / 2
            corners = [(left, y - half), (right, y - half), (right, y + half), (left, y + half), (left, y - half)]
            self._blocks[block.operation].add(*corners)
            words = f"{where}, layer {place + 1}<br>{wording.words(block.operation)}, {self._width} {block.width:,g}"
            ink = "white" if is_dark(self._colours[block.operation]) else style.INK
            self.text((left + right) / 2, y, self._letters[block.operation], colour=ink, size=10, hover=words)

    def flow(self, *points: tuple[float, float]) -> None:
        """From one stage to the next."""
        self._flow.add(*points)

    def skip(self, *points: tuple[float, float]) -> None:
        """From a stage to its counterpart."""
        self._skips.add(*points)

    def traces(self, *, visible: bool) -> list[go.Scatter]:
        """What was drawn."""
        hidden = {"hoverinfo": "skip", "mode": "lines", "visible": visible}
        lines = [
            go.Scatter(x=drawn.x, y=drawn.y, name=name, showlegend=False, line={"color": style.GREY, **look}, **hidden)
            for name, drawn, look in (
                ("flow", self._flow, {"width": 1.5}),
                ("skip", self._skips, {"width": 1, "dash": "dot"}),
            )
        ]
        blocks = [
            go.Scatter(
                x=drawn.x or [None],
                y=drawn.y or [None],
                name=(f"{self._letters[operation]}  " if self._own_letters else "") + wording.words(operation),
                legendgroup=operation,
                fill="toself",
                fillcolor=self._colours[operation],
                line={"color": self._colours[operation], "width": 0.5},
                **hidden,
            )
            for operation, drawn in self._blocks.items()
        ]
        return [*lines, *blocks, self._texts.trace(visible=visible)]


_BELOW = 20
"""Pixels below a canvas."""


def finish_canvas(
    figure: go.Figure, title: str, detail: str, label_kind: str, height: float, *, above: int = 124
) -> None:
    """The shared look, no axes, and the page in pixels, of which `above` are free for title and legend."""
    style.finish(figure, title, detail, label_kind, height=round(height) + above + _BELOW)
    look = {"visible": False, "fixedrange": True}
    figure.update_xaxes(range=[0, Canvas.PAGE], **look)
    figure.update_yaxes(range=[height, 0], **look)
    figure.update_layout(
        margin={"l": 24, "r": 24, "t": above, "b": _BELOW},
        legend={"orientation": "h", "x": 0, "y": 1.005, "xanchor": "left", "yanchor": "bottom", "itemclick": False,
                "itemdoubleclick": False, "itemwidth": 30},
    )  # fmt: skip


def choose(figure: go.Figure, labels: Sequence[str], traces: int) -> None:
    """A list to choose what is shown where there is more than one choice, of so many traces each."""
    if len(labels) < 2:
        return
    buttons = [
        {
            "label": label,
            "method": "update",
            "args": [{"visible": [trace // traces == place for trace in range(traces * len(labels))]}],
        }
        for place, label in enumerate(labels)
    ]
    menu = {"buttons": buttons, "x": 1, "xanchor": "right", "y": 1, "yanchor": "bottom", **style.MENU}
    figure.update_layout(updatemenus=[menu])


def is_dark(colour: str) -> bool:
    """Whether white letters stand out on a #rrggbb colour better than black ones."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return 0.299 * red + 0.587 * green + 0.114 * blue < 140
