"""Cards of the best, worst and most surprising modules of every unit: drawn, with what changing one layer does."""

from __future__ import annotations

import json
import math
from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from autobuild_pipelines.reporting import style, wording
from autobuild_pipelines.reporting.block_canvas import PITCH, TALLEST, Canvas, choose, finish_canvas
from autobuild_pipelines.reporting.sections import Block
from autobuild_pipelines.spaces import RankingUnit, SearchSpace

_ROW, _TITLE, _BETWEEN = TALLEST + 6, 30.0, 16.0
_KIND, _SCORE, _RANKS, _EDIT = 84.0, 128.0, 214.0, 312.0
"""Widths of the columns: what a card is, its score, its ranks, an edit."""


def module_cards_figure(
    cards: pd.DataFrame, cells: pd.DataFrame, space: SearchSpace, *, label_kind: str, colour: str | None = None
) -> go.Figure:
    """A line per card; the target is chosen from a list.

    Args:
        cards: Table `module_cards`.
        cells: Table `layer_cells`.
        space: The search space.
        label_kind: Of the space, a key of `wording.LABEL_KINDS`.
        colour: The layer feature that colours and letters of blocks say; by default the first whose values are words,
            or else the last. Heights say the first other feature whose values are numbers.
    """
    title = f"Module cards of {space.declaration.title or space.name}"
    if cards.empty:
        return style.empty(title, "The table of module cards is empty.", label_kind)
    drawn = _Drawn(space, colour)
    figure, height, traces = go.Figure(), 0.0, 0
    targets = [str(target) for target in cards["target"].unique()]
    for target in targets:
        canvas = drawn.canvas()
        height = max(height, _draw(canvas, cards[cards["target"] == target], cells, space, drawn))
        figure.add_traces(canvas.traces(visible=target == targets[0]))
        traces = canvas.count
    detail = f"blocks: colour {wording.words(drawn.colour)}"
    detail += f", height {wording.words(drawn.height)}" if drawn.height else ""
    detail += "; expected: from its length's labels and its layers' effects"
    detail += f"; target {targets[0]}" if len(targets) == 1 else ""
    finish_canvas(figure, title, detail, label_kind, height)
    choose(figure, targets, traces)
    return figure


class _Drawn:
    """Which features blocks show."""

    def __init__(self, space: SearchSpace, colour: str | None) -> None:
        features = {name: space.declaration.layer_features[name].choices for name in space.features}
        if colour is not None and colour not in features:
            raise ValueError(f"insight.cards.colour: {colour!r} is not one of {list(features)}")
        words = [name for name, choices in features.items() if all(isinstance(choice, str) for choice in choices)]
        self.colour = colour or (words or list(features))[0 if words else -1]
        numeric = [n for n, choices in features.items() if n != self.colour and not isinstance(choices[0], str)]
        self.height = numeric[0] if numeric else None
        self._choices = [str(choice) for choice in features[self.colour]]
        self._widest = max(map(float, features[self.height])) if self.height else 1.0
        self._plain = all(choice[:1].isalpha() for choice in self._choices)

    def canvas(self) -> Canvas:
        """An empty one."""
        names = [self._name(choice) for choice in self._choices]
        letters = None if self._plain else dict(zip(names, self._choices, strict=True))
        return Canvas(names, self._widest, letters=letters, width=self.height or "size")

    def blocks(self, module: str) -> list[Block]:
        """Of a module's JSON."""
        layers = json.loads(module)
        size = self._widest if self.height is None else None
        return [Block(self._name(str(a[self.colour])), float(size or a[self.height])) for a in layers]

    def _name(self, choice: str) -> str:
        return choice if self._plain else f"{self.colour} {choice}"


def _draw(canvas: Canvas, cards: pd.DataFrame, cells: pd.DataFrame, space: SearchSpace, drawn: _Drawn) -> float:
    longest = int(cards["layers"].max())
    score = _KIND + longest * PITCH + 12
    columns = {
        score: "Score",
        score + _SCORE: "Rank (expected)",
        score + _SCORE + _RANKS: "Best edit of one layer",
        score + _SCORE + _RANKS + _EDIT: "Worst edit of one layer",
    }
    y = 0.0
    for unit in space.ranking_units:
        rows = cards[cards["unit"] == unit.number]
        if rows.empty:
            continue
        canvas.text(0, y + _TITLE / 2, f"<b>{_unit(unit, cells)}</b>", position="middle right", size=14)
        y += _TITLE
        for place, heading in columns.items():
            canvas.text(place, y + 6, heading, position="middle right", colour=style.SOFT_INK)
        y += 16
        for card in rows.to_dict("records"):
            middle = y + _ROW / 2
            _line(canvas, card, middle, list(columns))
            where = f"{card['kind']} of unit {unit.number}"
            canvas.blocks(drawn.blocks(card["module"]), _KIND, middle, where=where)
            y += _ROW
        y += _BETWEEN
    return y


def _line(canvas: Canvas, found: Mapping[Hashable, Any], y: float, columns: list[float]) -> None:
    score, ranks, best, worst = columns
    colour = style.VERMILLION if found["kind"] == "surprising" else style.INK
    canvas.text(0, y, str(found["kind"]), position="middle right", colour=colour)
    error = float(found["standard_error"])
    words = f"<b>{wording.number(float(found['score']))}</b>".replace("-", "−")
    words += f" ± {wording.number(error, 2)}" if math.isfinite(error) else ""
    canvas.text(score, y, words, position="middle right")
    words = f"{found['rank']:,} ({found['expected_rank']:,}) of {found['modules']:,}"
    words += f" {found['surprise']:+.1f} σ".replace("-", "−") if found["kind"] == "surprising" else ""
    hover = f"surprise {found['surprise']:+.2f} standard deviations of the unit's scores"
    if found["thin"]:
        hover += f"<br>only {found['count']} labelled architectures of {found['layers']} layers here"
    canvas.text(ranks, y, words, position="middle right", hover=hover)
    for x, name in ((best, "best"), (worst, "worst")):
        edit, difference = found[f"{name}_edit"], float(found[f"{name}_difference"])
        if isinstance(edit, str) and not (name == "worst" and edit == found["best_edit"]):
            sign = "+" if difference > 0 else "−"
            canvas.text(x, y, f"{edit}  <b>{sign}{wording.number(abs(difference), 3)}</b>", position="middle right")


def _unit(unit: RankingUnit, cells: pd.DataFrame) -> str:
    of_unit = cells[cells["unit"] == unit.number]
    thin = of_unit[of_unit["thin"]]
    words = f"Unit {unit.number} · {unit.name}"
    if len(thin):
        known = ", ".join(f"{c} labelled of {n} layers" for n, c in zip(thin["layers"], thin["count"], strict=True))
        words += f" <span style='color:{style.VERMILLION}'>thin: {known}</span>"
    return words
