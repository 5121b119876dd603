"""The best architectures of every method as block diagrams (the paper's Figs. 15 and 16)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from autobuild_pipelines.reporting import style, wording
from autobuild_pipelines.reporting.block_canvas import PITCH, TALLEST, Canvas, choose, finish_canvas
from autobuild_pipelines.reporting.sections import SectionNames, Stage, read_stages
from autobuild_pipelines.spaces import SearchSpace

_ROW = TALLEST + 9
"""From one stage to the next."""
_LINE, _TITLE, _BETWEEN = 17.0, 34.0, 26.0
"""Heights of a caption's line and of a method's title, and what is free below a line of diagrams."""
_SIDE = 16.0
"""For the number of the stage."""
_SKIP = 38.0
"""Least length of a skip line: its label stands on it."""
_CAPTION = 40
"""Characters in a line of a caption."""
_IN_LINE = 4


def architecture_diagrams_figure(
    architectures: pd.DataFrame,
    space: SearchSpace,
    *,
    metrics: Sequence[str],
    label_kind: str,
    top: int = 4,
    names: Mapping[str, Any] | None = None,
    targets: Mapping[str, str] | None = None,
) -> go.Figure:
    """The first `top` architectures of every method, a row a method; with several targets one is chosen from a list.

    Stages of the first branch descend on the left, the middle is at the bottom, stages of the last branch ascend on
    the right. A block is a layer, coloured by its operation and the taller the wider the layer; a dotted line is a skip
    connection with the width of its stage.

    Args:
        architectures: Columns method, rank (1 is best), units, optionally target, and the metrics.
        space: The search space.
        metrics: Columns for the captions, the most important first; those that are missing (NaN) are left out.
        label_kind: Of the space, a key of `wording.LABEL_KINDS`.
        top: How many of each method.
        names: What `SectionNames` reads of the space, where other than its defaults.
        targets: Equation of every target, for the titles.

    Raises:
        SectionError: The space has no such features, or a unit stands in none of the sections.
    """
    title = f"Best architectures of every method in {space.declaration.title or space.name}"
    read = SectionNames.of(space, names)
    if architectures.empty:
        return style.empty(title, "The table of architectures is empty.", label_kind)
    shown = architectures[architectures["rank"] <= top].sort_values("rank", kind="stable")
    of_target = {str(t): rows for t, rows in shown.groupby("target", sort=False)} if "target" in shown else {"": shown}
    order = list(dict.fromkeys(architectures["method"]))
    widest = max(map(float, space.declaration.layer_features[read.width].choices))
    stages = {units: read_stages(space, units, read) for units in map(str, shown["units"].unique())}
    cell = _Cell(list(stages.values()))

    figure, height, traces = go.Figure(), 0.0, 0
    for place, (target, rows) in enumerate(of_target.items()):
        canvas = Canvas(read.operations(space), widest)
        y = 0.0
        for method in (method for method in order if method in set(rows["method"])):
            words = _heading(str(method), target, (targets or {}).get(target, ""))
            y = _method(canvas, cell, rows[rows["method"] == method], stages, metrics, words, y)
        height, traces = max(height, y), canvas.count
        figure.add_traces(canvas.traces(visible=place == 0))
    detail = (
        f"left: {read.descending} stages, right: {read.ascending} stages; taller blocks have more "
        f"{wording.words(read.width)}, numbers on the skip lines"
    )
    finish_canvas(figure, title, detail, label_kind, height)
    choose(figure, [*of_target], traces)
    return figure


class _Cell:
    """Where the parts of a diagram stand: equal for all diagrams of a figure, so that they can be compared."""

    def __init__(self, diagrams: Sequence[Sequence[Stage]]) -> None:
        everything = [stage for diagram in diagrams for stage in diagram]
        self.levels = list(dict.fromkeys(s.stage for s in everything if s.branch == "descending"))
        self.levels += [s for s in dict.fromkeys(s.stage for s in everything if s.branch == "ascending")
                        if s not in self.levels]  # fmt: skip
        self.middle = any(stage.branch == "middle" for stage in everything)
        longest = {b: max((len(s.blocks) for s in everything if s.branch == b), default=0)
                   for b in ("descending", "ascending")}  # fmt: skip
        self.right = _SIDE + sum(longest.values()) * PITCH + _SKIP
        self.width = max(self.right + 12, Canvas.PAGE / _IN_LINE)
        self.columns = max(1, int(Canvas.PAGE // self.width))
        self.width = Canvas.PAGE / self.columns
        self.height = _ROW * (len(self.levels) + self.middle)

    def draw(self, canvas: Canvas, stages: Sequence[Stage], x: float, y: float) -> None:
        """One architecture with its upper left corner at (x, y)."""
        placed: list[tuple[float, float, float]] = []
        ends: dict[tuple[str, object], tuple[float, str]] = {}
        for stage in stages:
            wide = len(stage.blocks) * PITCH
            level = len(self.levels) if stage.branch == "middle" else self.levels.index(stage.stage)
            left = {
                "descending": x + _SIDE,
                "middle": x + (_SIDE + self.right - wide) / 2,
                "ascending": x + self.right - wide,
            }[stage.branch]
            row = y + (level + 0.5) * _ROW
            canvas.blocks(stage.blocks, left, row, where=stage.title)
            placed.append((left, left + wide - 2, row))
            ends[stage.branch, stage.stage] = (left if stage.branch == "ascending" else left + wide - 2, stage.widths)
        for (_, right, above), (left, _, below) in pairwise(placed):
            _connect(canvas, right, above, left, below)
        for level, name in enumerate(self.levels):
            self._skip(canvas, ends, name, x, y + (level + 0.5) * _ROW)

    def _skip(
        self, canvas: Canvas, ends: Mapping[tuple[str, object], tuple[float, str]], name: object, x: float, y: float
    ) -> None:
        canvas.text(x + _SIDE - 4, y, str(name), position="middle left", colour=style.SOFT_INK, size=11)
        found = [ends[branch, name] for branch in ("descending", "ascending") if (branch, name) in ends]
        if len(found) < 2:
            return
        (left, before), (right, after) = found
        canvas.skip((left + 3, y), (right - 3, y))
        words = before if before == after else f"{before} | {after}"
        canvas.text((left + right) / 2, y - 1, words, position="top center", colour=style.SOFT_INK, size=11)


def _connect(canvas: Canvas, right: float, above: float, left: float, below: float) -> None:
    """From under (or over) the last block of a row to the first block of the next, through the gap between the rows."""
    start, end = right - (PITCH - 2) / 2, left + (PITCH - 2) / 2
    between = (above + below) / 2
    canvas.flow((start, above), (start, between), (end, between), (end, below))


def _method(
    canvas: Canvas,
    cell: _Cell,
    rows: pd.DataFrame,
    stages: Mapping[str, Sequence[Stage]],
    metrics: Sequence[str],
    title: str,
    y: float,
) -> float:
    """A method's title and diagrams from the height y on; where they end."""
    canvas.text(0, y + _TITLE / 2, title, position="middle right", size=14)
    y += _TITLE
    captions = [_caption(row, metrics) for row in rows.to_dict("records")]
    tall = _LINE * max(caption.count("<br>") + 1 for caption in captions)
    for place, (units, caption) in enumerate(zip(rows["units"], captions, strict=True)):
        line, column = divmod(place, cell.columns)
        top, left = y + line * (tall + cell.height + _BETWEEN), column * cell.width
        canvas.text(left, top, caption, position="bottom right", size=12)
        cell.draw(canvas, stages[str(units)], left, top + tall + 2)
    lines = -(-len(rows) // cell.columns)
    return y + lines * (tall + cell.height + _BETWEEN)


def _heading(method: str, target: str, equation: str) -> str:
    words = f"<b>{wording.method(method)}</b>"
    return words + (f"   maximises {equation or target}" if target else "")


def _caption(row: Mapping[Any, Any], metrics: Sequence[str]) -> str:
    """The rank and the metrics, the first in bold, as lines of at most `_CAPTION` characters."""
    lines, length = [f"<b>{row['rank']:d}</b>"], 1
    for place, name in enumerate(metrics):
        value = float(row.get(name, float("nan")))
        if value != value:
            continue
        words = wording.amount(name, value)
        if length + 3 + len(words) > _CAPTION:
            lines, length = [*lines, ""], 0
        length += len(words) + 3
        words = f"<b>{words}</b>" if place == 0 else words
        lines[-1] = f"{lines[-1]} · {words}" if lines[-1] else words
    return "<br>".join(lines)
