"""Built architectures against a set that was fine-tuned individually, and its Pareto front (the paper's Fig. 11)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray
from plotly.subplots import make_subplots

from autobuild_pipelines.reporting import style, wording
from autobuild_pipelines.reporting.objectives import Axis, axes, front, missing_metrics, select
from autobuild_pipelines.search import Problem

_SET = "fine_tuned"


def beyond_front(problem: Problem, values: ArrayLike, reference: ArrayLike) -> NDArray[np.bool_]:
    """Which points no reference point equals or betters in every objective.

    Args:
        problem: Its objectives' directions.
        values: [n, objectives].
        reference: [m, objectives].

    Returns:
        [n] mask.
    """
    sign = np.where(problem.maximise, 1.0, -1.0)
    points, others = sign * np.asarray(values, dtype=np.float64), sign * np.asarray(reference, dtype=np.float64)
    as_good = np.asarray((others[None, :, :] >= points[:, None, :]).all(axis=2))
    return np.asarray(~as_good.any(axis=1), dtype=bool)


def fine_tuned_figure(
    built: pd.DataFrame, fine_tuned: pd.DataFrame, problem: Problem, *, label_kind: str, space: str = ""
) -> go.Figure:
    """What was built for each target by each method, over the individually fine-tuned set and its front.

    The first objective is the vertical axis; each further one has a panel. The legend says how many of the built
    architectures lie beyond the front, the subtitle where their metrics come from.

    Args:
        built: Table `built_architectures` with target, method, rank, metric_sources and the metrics.
        fine_tuned: Table `fine_tuned_architectures` with labels.
        problem: Its objectives, and its targets, which are drawn.
        label_kind: Of the space, a key of `wording.LABEL_KINDS`.
        space: The space's title.
    """
    title = f"Built and fine-tuned architectures{f': {space}' if space else ''}"
    if len(problem.objectives) < 2:
        return style.empty(title, f"Problem {problem.name!r} has one objective, a front needs two.", label_kind)
    for name, table in (("fine-tuned set", fine_tuned), ("table of built architectures", built)):
        if missing := missing_metrics(problem, table):
            return style.empty(title, f"The {name} has no {', '.join(missing)}.", label_kind)
    known, drawn = select(problem, fine_tuned), select(problem, built)
    if known.empty or drawn.empty:
        empty = "fine-tuned set" if known.empty else "table of built architectures"
        return style.empty(title, f"The {empty} has no rows for problem {problem.name!r}.", label_kind)
    drawn = drawn[drawn["target"].isin(problem.targets)] if problem.targets else drawn

    vertical, *horizontal = axes(problem)
    figure = make_subplots(rows=1, cols=len(horizontal), shared_yaxes=True, horizontal_spacing=0.06)
    for column, objective in enumerate(horizontal, start=1):
        traces = [*_set_traces(problem, known, objective, vertical, stairs=len(horizontal) == 1)]
        traces += _built_traces(problem, drawn, known, objective, vertical)
        for trace in traces:
            trace.showlegend = column == 1
            figure.add_trace(trace, row=1, col=column)
        figure.update_xaxes(title_text=objective.arrow_title, col=column)
    figure.update_yaxes(title_text=vertical.arrow_title, col=1)
    style.finish(figure, title, _detail(drawn), label_kind, height=620)
    figure.update_layout(legend={"x": 1.02, "y": 1, "yanchor": "top", "tracegroupgap": 2})
    return figure


def _set_traces(problem: Problem, known: pd.DataFrame, x: Axis, y: Axis, *, stairs: bool) -> list[go.Scatter]:
    best = front(problem, known)
    points = {"color": style.GREY, "size": 6, "opacity": 0.65}
    ends = {"color": style.INK, "size": 7, "symbol": "circle", "line": {"color": "white", "width": 0.8}}
    line = {"color": style.INK, "width": 2, "shape": "vh" if x.maximise else "hv"}
    mode = "lines+markers" if stairs else "markers"
    return [
        _trace(known, x, y, f"Fine-tuned set ({len(known):,})", mode="markers", marker=points),
        _trace(best, x, y, f"its Pareto front ({len(best):,})", mode=mode, marker=ends, line=line),
    ]


def _built_traces(problem: Problem, drawn: pd.DataFrame, known: pd.DataFrame, x: Axis, y: Axis) -> list[go.Scatter]:
    colours = style.target_colours(map(str, drawn["target"]))
    reference = problem.values(known)
    traces = []
    for (target, method), rows in drawn.groupby(["target", "method"], sort=False):
        name = f"built:{target}:{method}"
        count = int(beyond_front(problem, problem.values(rows), reference).sum())
        marker = {
            "color": colours[str(target)],
            "symbol": style.variant_style(name).symbol,
            "size": 10,
            "line": {"color": "white", "width": 1},
        }
        text = f"{wording.variant(name)}<br><b>{count} of {len(rows):,} beyond the front</b>"
        traces.append(_trace(rows, x, y, text, mode="markers", marker=marker, group=name))
    return traces


def _trace(rows: pd.DataFrame, x: Axis, y: Axis, name: str, *, group: str = _SET, **look: object) -> go.Scatter:
    return go.Scatter(
        x=rows[x.name],
        y=rows[y.name],
        name=name,
        legendgroup=group,
        customdata=rows["architecture_id"],
        hovertemplate=f"%{{customdata}}<br>{y.title}: %{{y:,.4~g}}<br>{x.title}: %{{x:,.4~g}}<extra></extra>",
        **look,
    )


def _detail(drawn: pd.DataFrame) -> str:
    found = drawn["metric_sources"].iloc[0] if "metric_sources" in drawn and len(drawn) else ""
    return f"built architectures: {found.replace(': ', ' from ')}" if found else ""
