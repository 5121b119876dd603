"""Designed target equations of one problem: the training front, level sets, and the architectures ranked first."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from autobuild_pipelines.design import WeightedSum
from autobuild_pipelines.reporting import style, wording
from autobuild_pipelines.reporting.objectives import Axis, axes, front, missing_metrics, select
from autobuild_pipelines.reporting.panel import Panel
from autobuild_pipelines.search import Problem
from autobuild_pipelines.targets import Equation

_LEVELS = 200
"""Points of a level set."""


def target_design_figure(
    architectures: pd.DataFrame,
    designed: pd.DataFrame,
    problem: Problem,
    *,
    label_kind: str,
    space: str = "",
) -> go.Figure:
    """Why these equations: where on the training front each one finds its best architectures.

    Grey is the training set and the dark line its front. A colour is an equation: markers are the training
    architectures that it ranks first, the star is their middle, the dashed line all points that it scores like the
    star: it prefers what lies on the better side. The first objective is the vertical axis; each further one has a
    panel, whose level sets are those at the star's values of the objectives that it does not show.

    Args:
        architectures: Table `architectures` with labels.
        designed: Table `designed_targets`.
        problem: Its objectives.
        label_kind: Of the space, a key of `wording.LABEL_KINDS`.
        space: The space's title.
    """
    title = f"Designed targets for {wording.words(problem.name)}" + (f" in {space}" if space else "")
    targets = designed[designed["problem"] == problem.name]
    if targets.empty:
        return style.empty(title, f"No equations were designed for problem {problem.name!r}.", label_kind)
    if missing := missing_metrics(problem, architectures):
        return style.empty(title, f"The architectures have no label {missing[0]!r}.", label_kind)
    rows = select(problem, architectures)

    vertical, *horizontal = axes(problem)
    figure = make_subplots(rows=1, cols=len(horizontal), shared_yaxes=True, horizontal_spacing=0.06)
    colours = style.target_colours(targets["target"])
    for column, objective in enumerate(horizontal, start=1):
        panel = _Panel(figure, column, objective, vertical, rows)
        panel.training(front(problem, rows), line=len(horizontal) == 1)
        for _, target in targets.iterrows():
            name = str(target["target"])
            panel.equation(problem, target, colour=colours[name])
        figure.update_xaxes(title_text=objective.arrow_title, range=panel.x_range, col=column)
        figure.update_yaxes(range=panel.y_range, col=column)
    figure.update_yaxes(title_text=vertical.arrow_title, col=1)
    checked = int(targets["checked"].sum())
    detail = f"{checked} of {len(targets)} equations pass their check; dashed: level sets"
    style.finish(figure, title, detail, label_kind, height=620)
    figure.update_layout(legend={"title": {"text": "<b>Equations</b>, and where their best lie"}, "x": 1.02, "y": 1})
    return figure


class _Panel(Panel):
    """The first objective of the problem against `x`."""

    def __init__(self, figure: go.Figure, column: int, x: Axis, y: Axis, rows: pd.DataFrame) -> None:
        super().__init__(figure, column, x, y)
        self._rows = rows
        self.x_range, self.y_range = _with_margin(rows[x.name]), _with_margin(rows[y.name])

    def training(self, best: pd.DataFrame, *, line: bool) -> None:
        """All architectures, and the front: a line where it is one in this projection."""
        marker = {"color": style.GREY, "size": 4, "opacity": 0.4}
        text = f"Training set ({len(self._rows):,})"
        self.add(self._rows, group="training", legend=text, hover="Training set", mode="markers", marker=marker)
        look = {
            "mode": "lines" if line else "markers",
            "line": {"color": style.INK, "width": 1.5, "shape": "vh" if self._x.maximise else "hv"},
            "marker": {"color": style.INK, "size": 5, "symbol": "circle-open"},
        }
        self.add(best, group="front", legend=f"Its front ({len(best):,})", hover="Front", **look)

    def equation(self, problem: Problem, target: pd.Series, *, colour: str) -> None:
        """What one equation ranks first, their middle, and its level set there."""
        name, text = str(target["target"]), str(target["equation"])
        scores = Equation(name, text).evaluate(self._rows)
        first = self._rows.iloc[np.argsort(-scores, kind="stable")[: int(target["best"])]]
        outline = {"color": "white", "width": 0.6}
        marker = {"color": colour, "size": 7, "opacity": 0.8, "line": outline}
        self.add(
            first, group=name, legend=_legend(problem, target), hover=f"{name}: {text}", mode="markers", marker=marker
        )
        middle = pd.DataFrame({axis.name: [target[f"ideal_{axis.name}"]] for axis in (self._x, self._y)})
        star = {"color": colour, "size": 15, "symbol": "star", "line": {"color": style.INK, "width": 1}}
        self.add(middle, group=name, legend=None, hover=f"{name}, middle of its best", mode="markers", marker=star)
        line = {"color": colour, "width": 1.5, "dash": "dash"}
        levels = self._level_set(problem, target)
        self.add(levels, group=name, legend=None, hover=f"{name}, level set", mode="lines", line=line)

    def _level_set(self, problem: Problem, target: pd.Series) -> pd.DataFrame:
        names = list(problem.objectives)
        coefficients = tuple(float(target[f"coefficient_{name}"]) for name in names)
        weighed = WeightedSum(problem, str(target["shape"]), coefficients)
        ideal = np.asarray([float(target[f"ideal_{name}"]) for name in names])
        x = np.linspace(float(self._rows[self._x.name].min()), float(self._rows[self._x.name].max()), _LEVELS)
        points = np.tile(ideal, (_LEVELS, 1))
        points[:, names.index(self._x.name)] = x
        # The first objective enters the sum as it is, so what the others change is what it must make up for.
        lost = weighed.score(ideal[None]) - weighed.score(points)
        y = ideal[0] + lost / coefficients[0]
        inside = (y >= self.y_range[0]) & (y <= self.y_range[1])
        return pd.DataFrame({self._x.name: x[inside], self._y.name: y[inside]})


def _legend(problem: Problem, target: pd.Series) -> str:
    """The equation, the region of its best, and a failed check, a line each."""
    region = ", ".join(
        f"{wording.number(float(target[f'region_min_{axis.name}']))}-"
        f"{wording.number(float(target[f'region_max_{axis.name}']))} {axis.unit}"
        for axis in axes(problem)
    )
    failed = "" if target["checked"] else "<br><i>fails its check</i>"
    return f"<b>{target['target']}</b>  {target['equation']}<br>{region}{failed}"


def _with_margin(values: pd.Series) -> list[float]:
    low, high = float(values.min()), float(values.max())
    margin = 0.04 * (high - low)
    return [low - margin, high + margin]
