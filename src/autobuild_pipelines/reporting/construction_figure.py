"""What every method constructed, over the training architectures and their Pareto front (the paper's Fig. 18)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import wrap

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from autobuild_pipelines.reporting import style, wording
from autobuild_pipelines.reporting.fine_tuned_figure import beyond_front
from autobuild_pipelines.reporting.objectives import Axis, axes, front, missing_metrics, select
from autobuild_pipelines.search import Problem
from autobuild_pipelines.spaces.table import ID
from autobuild_pipelines.targets import Equation

_COLUMNS = 3
_TALL = 430
"""Height of a row of panels, pixels."""
_CHARACTERS = 44
"""In a line of a panel's title."""


def construction_figure(
    architectures: pd.DataFrame,
    built: pd.DataFrame,
    problems: Sequence[Problem],
    *,
    label_kind: str,
    targets: Mapping[str, str] | None = None,
    space: str = "",
) -> go.Figure:
    """A panel per problem and objective after the first, which is the vertical axis.

    Grey points are the training architectures, the dark line their front, a gold star the one that maximises a target
    of the problem ("Optimal Training Arch" of the paper). The legend says how many of the architectures that a method
    built for the problems lie beyond the front: no training architecture equals or betters them in every objective.

    Args:
        architectures: Table `architectures` with labels.
        built: Columns target, method, rank and the metrics; rows for other targets than the problem's are not drawn,
            those for no target ("" or missing, such as random architectures) are drawn for every problem.
        problems: Of two objectives or more each; others are left out.
        label_kind: Of the space, a key of `wording.LABEL_KINDS`.
        targets: Equation of every target, for stars and the titles of panels; a target is its own equation otherwise.
        space: The space's title.
    """
    title = "Training and constructed architectures" + (f" in {space}" if space else "")
    panels = [(problem, x) for problem in problems for x in axes(problem)[1:]]
    if not panels:
        return style.empty(title, "No problem has two objectives, which a front needs.", label_kind)
    for name, table in (("architectures", architectures), ("built architectures", built)):
        for problem, _ in panels:
            if missing := missing_metrics(problem, table):
                return style.empty(title, f"The table of {name} has no {', '.join(missing)}.", label_kind)
    columns = min(len(panels), _COLUMNS)
    rows = -(-len(panels) // columns)
    equations = dict(targets or {})
    figure = make_subplots(
        rows=rows,
        cols=columns,
        subplot_titles=[_heading(problem, equations) for problem, _ in panels],
        horizontal_spacing=0.09,
        vertical_spacing=0.24 / rows,
    )
    style.small_titles(figure)
    legend = _Legend(_counts(architectures, built, [problem for problem, _ in panels]))
    for place, (problem, x) in enumerate(panels):
        where = {"row": place // columns + 1, "col": place % columns + 1}
        traces = _traces(problem, architectures, built, equations, axes(problem)[0], x, legend)
        figure.add_traces(traces, rows=[where["row"]] * len(traces), cols=[where["col"]] * len(traces))
        figure.update_xaxes(title_text=x.arrow_title, **where)
        figure.update_yaxes(title_text=axes(problem)[0].arrow_title, **where)
    if not figure.data:
        return style.empty(title, "No architecture has all objectives of a problem.", label_kind)
    detail = "panels: what was maximised; beyond the front: no training architecture is as good in every objective"
    style.finish(figure, title, detail, label_kind, height=190 + _TALL * rows)
    figure.update_xaxes(title_font_size=13, nticks=6)
    figure.update_yaxes(title_font_size=13, nticks=7)
    figure.update_layout(
        margin_t=126,
        legend={"orientation": "h", "x": 0, "y": -0.2 / rows, "xanchor": "left", "yanchor": "top", "itemwidth": 30},
    )
    return figure


@dataclass
class _Legend:
    """One entry per group, in the first panel that has it.

    Attributes:
        counts: Per method how many of its architectures lie beyond the front, and how many there are.
        seen: Groups that have their entry.
    """

    counts: Mapping[str, tuple[int, int]]
    seen: set[str] = field(default_factory=set)

    def first(self, group: str) -> bool:
        """Whether the group has no entry yet; it has one after that."""
        new = group not in self.seen
        self.seen.add(group)
        return new

    def method(self, name: str) -> str:
        """A method's entry."""
        beyond, total = self.counts[name]
        return f"{wording.method(name)}, {beyond:,} of {total:,} beyond the front"


def _traces(
    problem: Problem,
    architectures: pd.DataFrame,
    built: pd.DataFrame,
    equations: Mapping[str, str],
    y: Axis,
    x: Axis,
    legend: _Legend,
) -> list[go.Scatter]:
    known, drawn = select(problem, architectures), _of_problem(problem, built)
    if known.empty and drawn.empty:
        return []
    best = front(problem, known)
    grey = {"color": style.GREY, "size": 6, "opacity": 0.7}
    ends = {"color": style.INK, "size": 6, "line": {"color": "white", "width": 0.8}}
    stair = {"color": style.INK, "width": 1.8, "shape": "vh" if x.maximise else "hv"}
    mode = "lines+markers" if len(problem.objectives) == 2 else "markers"
    traces = [
        _trace(known, x, y, f"Training architectures ({len(known):,})", "training", legend, marker=grey),
        _trace(best, x, y, "their Pareto front", "front", legend, marker=ends, line=stair, mode=mode),
    ]
    for target in problem.targets:
        star = known.iloc[[_optimum(known, target, equations)]] if len(known) else known
        marker = {"color": style.GOLD, "symbol": "star", "size": 17, "line": {"color": style.INK, "width": 1.2}}
        traces.append(_trace(star, x, y, "Optimal training architecture", "optimum", legend, marker=marker))
    for method in built["method"].unique():
        rows = drawn[drawn["method"] == method]
        if rows.empty:
            continue
        look = style.variant_style(str(method))
        hollow = look.symbol.endswith("open")
        outline = {"color": look.colour if hollow else "white", "width": 2 if hollow else 1}
        marker = {"color": look.colour, "symbol": look.symbol, "size": 12 if hollow else 9, "line": outline}
        traces.append(_trace(rows, x, y, legend.method(str(method)), str(method), legend, marker=marker))
    return traces


def _trace(
    rows: pd.DataFrame, x: Axis, y: Axis, name: str, group: str, legend: _Legend, mode: str = "markers", **look: object
) -> go.Scatter:
    hover = f"<br>{y.title}: %{{y:,.4~g}}<br>{x.title}: %{{x:,.4~g}}<extra></extra>"
    return go.Scatter(
        x=rows[x.name],
        y=rows[y.name],
        customdata=[_who(row) for row in rows.to_dict("records")],
        name=name,
        legendgroup=group,
        showlegend=legend.first(group),
        hovertemplate=f"<b>%{{customdata}}</b>{hover}",
        mode=mode,
        **look,
    )


def _who(row: Mapping[object, object]) -> str:
    if "method" in row:
        return f"{wording.method(str(row['method']))} {row['rank']}"
    return f"training architecture {row.get(ID, '')}".strip()


def _of_problem(problem: Problem, built: pd.DataFrame) -> pd.DataFrame:
    rows = select(problem, built)
    if not problem.targets or "target" not in rows:
        return rows
    return rows[rows["target"].isin(problem.targets) | rows["target"].isna() | (rows["target"] == "")]


def _counts(
    architectures: pd.DataFrame, built: pd.DataFrame, problems: Sequence[Problem]
) -> dict[str, tuple[int, int]]:
    """Per method how many of what it built for the problems lies beyond the training architectures' fronts."""
    counts = {str(method): (0, 0) for method in built["method"].unique()}
    for problem in {problem.name: problem for problem in problems}.values():
        reference = problem.values(select(problem, architectures))
        for method, rows in _of_problem(problem, built).groupby("method", sort=False):
            beyond, total = counts[str(method)]
            found = int(beyond_front(problem, problem.values(rows), reference).sum())
            counts[str(method)] = beyond + found, total + len(rows)
    return counts


def _optimum(known: pd.DataFrame, target: str, equations: Mapping[str, str]) -> int:
    return int(np.argmax(Equation(target, equations.get(target, target)).evaluate(known)))


def _heading(problem: Problem, equations: Mapping[str, str]) -> str:
    lines = [line for target in problem.targets for line in wrap(equations.get(target, target), _CHARACTERS)]
    return "<br>".join(lines) or wording.words(problem.name)
