"""The best modules of every stage as block diagrams (the paper's Fig. 17)."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from autobuild_pipelines.reporting import style, wording
from autobuild_pipelines.reporting.block_canvas import PITCH, TALLEST, Canvas, choose, finish_canvas
from autobuild_pipelines.reporting.sections import SectionNames, Stage, read_stage
from autobuild_pipelines.spaces import RankingUnit, SearchSpace, Value

_ROW, _TITLE, _BETWEEN = TALLEST + 5, 30.0, 16.0
"""Heights of a module and of a stage's title, and what is free below a stage."""
_RANK, _WIDTH = 26.0, 90.0
"""For the rank before the blocks and for the width behind them."""


def module_diagrams_figure(
    module_scores: pd.DataFrame,
    space: SearchSpace,
    *,
    label_kind: str,
    top: int = 5,
    names: Mapping[str, Any] | None = None,
) -> go.Figure:
    """The `top` modules of every stage with their widths and scores; target and method are chosen from a list.

    Stages of the first branch (and a middle that is searched) stand on the left, those of the last branch on the right,
    stages of the same number side by side.

    Args:
        module_scores: Columns unit (of ranking, from 1), module, target, method, score, rank (1 is best of its unit,
            target and method) and optionally standard_error: table `module_scores`, or some rows of it.
        space: The search space.
        label_kind: Of the space, a key of `wording.LABEL_KINDS`.
        top: How many modules of each unit, by rank among the rows given.
        names: What `SectionNames` reads of the space, where other than its defaults.

    Raises:
        SectionError: The space has no such features, or a unit stands in none of the sections.
    """
    title = f"Best modules of every stage in {space.declaration.title or space.name}"
    read = SectionNames.of(space, names)
    if module_scores.empty:
        return style.empty(title, "The table of module scores is empty.", label_kind)
    widest = max(map(float, space.declaration.layer_features[read.width].choices))
    keys = ["target", "method"]
    shown = module_scores.sort_values("rank", kind="stable").groupby([*keys, "unit"], sort=False).head(top)
    figure, height, traces = go.Figure(), 0.0, 0
    labels: list[str] = []
    for target, method in module_scores[keys].drop_duplicates().itertuples(index=False):
        canvas = Canvas(read.operations(space), widest)
        rows = shown[(shown["target"] == target) & (shown["method"] == method)]
        height = max(height, _draw(canvas, space, rows, read))
        figure.add_traces(canvas.traces(visible=not labels))
        labels.append(f"{target} · {wording.method(str(method))}")
        traces = canvas.count
    detail = f"rank, layers, {wording.words(read.width)} and score"
    detail += f"; {labels[0]}" if len(labels) == 1 else ""
    finish_canvas(figure, title, detail, label_kind, height)
    choose(figure, labels, traces)
    return figure


def _draw(canvas: Canvas, space: SearchSpace, rows: pd.DataFrame, names: SectionNames) -> float:
    """All stages; how tall they are together."""
    stages = [_Listed(space, unit, rows[rows["unit"] == unit.number], names) for unit in space.ranking_units]
    stages = [stage for stage in stages if stage.modules]
    levels: dict[Value, list[_Listed]] = {}
    for stage in stages:
        levels.setdefault(stage.level, []).append(stage)
    longest = max(len(module.blocks) for stage in stages for module in stage.modules)
    y = 0.0
    for level in levels.values():
        for stage in level:
            stage.draw(canvas, Canvas.PAGE / 2 if stage.right else 0.0, y, longest)
        y += _TITLE + _ROW * max(len(stage.modules) for stage in level) + _BETWEEN
    return y


class _Listed:
    """One unit's best modules, a line each."""

    def __init__(self, space: SearchSpace, unit: RankingUnit, rows: pd.DataFrame, names: SectionNames) -> None:
        # Merged units are drawn as one, in the place of the first.
        place = unit.units[0].number - 1
        self.modules: list[Stage] = [read_stage(space, place, json.loads(text), names) for text in rows["module"]]
        self._ranks = [int(rank) for rank in rows["rank"]]
        self._scores = [float(score) for score in rows["score"]]
        self._width = wording.quantity(names.width)
        errors = rows["standard_error"] if "standard_error" in rows else [math.nan] * len(rows)
        self._errors = [float(error) for error in errors]

    @property
    def right(self) -> bool:
        """Whether it belongs to the last branch."""
        return self.modules[0].branch == "ascending"

    @property
    def level(self) -> Value:
        """What it stands beside; a middle beside nothing."""
        first = self.modules[0]
        return "middle" if first.branch == "middle" else first.stage

    def draw(self, canvas: Canvas, x: float, y: float, longest: int) -> None:
        """From the upper left corner (x, y) on; the texts behind blocks are aligned behind the longest module."""
        canvas.text(x, y + _TITLE / 2, f"<b>{self.modules[0].title}</b>", position="middle right", size=14)
        text = x + _RANK + longest * PITCH + 10
        for place, heading in ((text, self._width), (text + _WIDTH, "Score")):
            canvas.text(place, y + _TITLE / 2, heading, position="middle right", colour=style.SOFT_INK)
        digits = _decimals(self._scores)
        for line, module in enumerate(self.modules):
            row = y + _TITLE + (line + 0.5) * _ROW
            rank = f"{self._ranks[line]:,}"
            canvas.text(x + _RANK - 6, row, rank, position="middle left", colour=style.SOFT_INK)
            canvas.blocks(module.blocks, x + _RANK, row, where=module.title)
            words = f"{self._scores[line]:,.{digits}f}".replace("-", "−")
            words += f" ± {self._errors[line]:,.{digits}f}" if math.isfinite(self._errors[line]) else ""
            canvas.text(text, row, module.widths, position="middle right")
            canvas.text(text + _WIDTH, row, f"<b>{words}</b>", position="middle right")


def _decimals(scores: Sequence[float]) -> int:
    """As many for all scores of a list as give the largest four digits."""
    largest = max(abs(score) for score in scores)
    return min(9, max(0, 3 - math.floor(math.log10(largest)))) if largest > 0 else 0
