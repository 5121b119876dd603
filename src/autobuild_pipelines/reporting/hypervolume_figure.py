"""Hypervolume against evaluations spent, per problem and search variant."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from autobuild_pipelines.reporting import style, wording
from autobuild_pipelines.reporting.objectives import axes, missing_metrics, select, volume
from autobuild_pipelines.search import Problem, hypervolume, pareto_mask

_COLUMNS = 3


def hypervolume_history(evaluations: pd.DataFrame, problem: Problem) -> pd.DataFrame:
    """Hypervolume after every evaluation of every variant and seed of `problem`.

    Returns:
        Columns variant, seed, evaluation (1-based), hypervolume (product of the objectives' units).
    """
    rows = select(problem, evaluations)
    parts = []
    for (variant, seed), found in rows.groupby(["variant", "seed"], sort=False) if not rows.empty else ():
        ordered = found.sort_values("evaluation")
        volumes = _running_hypervolume(problem.values(ordered), problem)
        parts.append(
            pd.DataFrame(
                {"variant": variant, "seed": seed, "evaluation": ordered["evaluation"], "hypervolume": volumes}
            )
        )
    columns = ["variant", "seed", "evaluation", "hypervolume"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def hypervolume_figure(
    evaluations: pd.DataFrame,
    problems: Sequence[Problem],
    *,
    label_kind: str,
    space: str = "",
    training: pd.DataFrame | None = None,
) -> go.Figure:
    """Mean hypervolume over the seeds against evaluations spent, a panel per problem, band: one standard deviation.

    Args:
        evaluations: Table `evaluations`: problem, variant, seed, evaluation, and objective or metric columns.
        problems: Their objectives and reference points.
        label_kind: Of the space, a key of `wording.LABEL_KINDS`.
        space: The space's title.
        training: Table `architectures`; its hypervolume is the dotted level, where its labels give the objectives.
    """
    title = "Hypervolume against evaluations" + (f" in {space}" if space else "")
    histories = [(problem, hypervolume_history(evaluations, problem)) for problem in problems]
    histories = [(problem, history) for problem, history in histories if not history.empty]
    if not histories:
        names = ", ".join(repr(problem.name) for problem in problems)
        return style.empty(
            title, f"The table of evaluations has no rows for the problems {names or '(none)'}.", label_kind
        )
    columns = min(len(histories), _COLUMNS)
    rows = -(-len(histories) // columns)
    figure = make_subplots(
        rows=rows,
        cols=columns,
        subplot_titles=[wording.words(problem.name) for problem, _ in histories] if len(histories) > 1 else None,
        horizontal_spacing=0.09,
        vertical_spacing=0.25 / rows,
    )
    style.small_titles(figure)
    listed: set[str] = set()
    for place, (problem, history) in enumerate(histories):
        panel = {"row": place // columns + 1, "col": place % columns + 1}
        traces = []
        for name in dict.fromkeys(map(str, history["variant"])):
            traces += _variant_traces(name, history[history["variant"] == name])
        if training is not None and not training.empty and not missing_metrics(problem, training):
            traces.append(_training_level(problem, training, history))
        for trace in traces:
            trace.showlegend = trace.showlegend is not False and trace.legendgroup not in listed
            listed |= {trace.legendgroup} if trace.showlegend else set()
            figure.add_trace(trace, **panel)
        units = " × ".join(axis.unit for axis in axes(problem))
        figure.update_yaxes(title_text=f"Hypervolume [{units}]   better →", **panel)
    seeds = max(history["seed"].nunique() for _, history in histories)
    detail = f"mean of {seeds} seeds, band: ± one standard deviation" if seeds > 1 else "one seed"
    style.finish(figure, title, detail, label_kind, height=160 + (400 if rows == 1 else 320 * rows))
    figure.update_xaxes(title_text="Evaluations", tickformat=",d")
    figure.update_yaxes(tickformat=",~g")
    figure.update_layout(hovermode="x unified", legend={"x": 1.02, "y": 1, "yanchor": "top"})
    return figure


def _variant_traces(name: str, rows: pd.DataFrame) -> list[go.Scatter]:
    """The band, if seeds differ, then the mean."""
    # A search may stop early in a small space: its last value holds for the rest of the budget.
    wide = rows.pivot_table(index="evaluation", columns="seed", values="hypervolume").sort_index().ffill()
    mean, deviation = wide.mean(axis=1), wide.std(axis=1).fillna(0.0)
    look, text = style.variant_style(name), wording.variant(name)
    traces = []
    if (deviation > 0).any():
        band = go.Scatter(
            x=[*wide.index, *wide.index[::-1]],
            y=[*(mean + deviation), *(mean - deviation)[::-1]],
            fill="toself",
            fillcolor=style.faded(look.colour, 0.14),
            line={"width": 0},
            mode="lines",
            hoverinfo="skip",
            showlegend=False,
            legendgroup=name,
            name=f"{text}, ± one standard deviation",
        )
        traces.append(band)
    line = go.Scatter(
        x=wide.index,
        y=mean,
        name=text,
        legendgroup=name,
        customdata=deviation,
        mode="markers" if len(wide) == 1 else "lines",
        line={"color": look.colour, "width": 2.5, "dash": look.dash},
        marker={"color": look.colour, "symbol": look.symbol, "size": 9},
        hovertemplate="%{y:,.4~g} ± %{customdata:,.2~g}",
    )
    return [*traces, line]


def _training_level(problem: Problem, training: pd.DataFrame, history: pd.DataFrame) -> go.Scatter:
    known = select(problem, training)
    level = volume(problem, known)
    return go.Scatter(
        x=[history["evaluation"].min(), history["evaluation"].max()],
        y=[level, level],
        name=f"Training set ({len(known):,} labels)",
        legendgroup="training_set",
        mode="lines",
        line={"color": style.GREY, "dash": "dot", "width": 2},
        hovertemplate="%{y:,.4~g}",
    )


def _running_hypervolume(values: np.ndarray[tuple[int, int], np.dtype[np.float64]], problem: Problem) -> list[float]:
    """After each row of [evaluations, objectives]; only the front so far is kept, so this stays cheap."""
    front = np.empty((0, values.shape[1]))
    current, volumes = 0.0, []
    for point in values:
        as_good = np.where(problem.maximise, front >= point, front <= point)
        if not as_good.all(axis=1).any():
            front = np.vstack([front, point])
            front = front[pareto_mask(front, problem.maximise)]
            current = hypervolume(front, problem.reference, problem.maximise)
        volumes.append(current)
    return volumes
