"""Pareto fronts of every search variant of one problem, beside the training set and what was built directly."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from autobuild_pipelines.reporting import style, wording
from autobuild_pipelines.reporting.objectives import Axis, axes, front, missing_metrics, select, volume
from autobuild_pipelines.reporting.panel import Panel
from autobuild_pipelines.search import Problem

_TRAINING = "training_set"


def pareto_figure(
    evaluations: pd.DataFrame,
    problem: Problem,
    *,
    label_kind: str,
    space: str = "",
    training: pd.DataFrame | None = None,
    built: pd.DataFrame | None = None,
    comparison: pd.DataFrame | None = None,
) -> go.Figure:
    """What every variant found for `problem`.

    Light points are all evaluations of all seeds, the bold line is the front of all seeds together, thin lines the
    front of each seed; grey is the training set, large markers the directly built architectures, the cross the
    reference point, where the view ends (a double click shows all). The legend gives the hypervolume of `comparison`
    (mean ± standard deviation over the seeds). The first objective is the vertical axis; each further one has a panel.

    Args:
        evaluations: Table `evaluations`: problem, variant, seed, and objective or metric columns.
        problem: Its objectives.
        label_kind: Of the space, a key of `wording.LABEL_KINDS`.
        space: The space's title.
        training: Table `architectures` with labels; left out, and said so, where they do not give the objectives.
        built: Table `built_architectures` with target, method, rank and the metrics; left out likewise.
        comparison: Table `comparison`; without it the hypervolumes are computed here.
    """
    title = f"Pareto fronts for {wording.words(problem.name)}" + (f" in {space}" if space else "")
    if len(problem.objectives) < 2:
        return style.empty(title, f"Problem {problem.name!r} has one objective, a front needs two.", label_kind)
    rows = select(problem, evaluations)
    others = {_TRAINING: _selected(problem, training), "built": _selected(problem, built)}
    if rows.empty and all(table.empty for table in others.values()):
        return style.empty(title, f"The table of evaluations has no rows for problem {problem.name!r}.", label_kind)

    vertical, *horizontal = axes(problem)
    figure = make_subplots(rows=1, cols=len(horizontal), shared_yaxes=True, horizontal_spacing=0.06)
    for column, objective in enumerate(horizontal, start=1):
        panel = _Panel(figure, column, objective, vertical, stairs=len(horizontal) == 1)
        if not others[_TRAINING].empty:
            _add_training(panel, others[_TRAINING], _volume(problem, comparison, _TRAINING, others[_TRAINING]))
        variants = list(dict.fromkeys(rows["variant"])) if "variant" in rows else []
        for name in variants:
            panel.cloud(name, rows[rows["variant"] == name])
        for name in variants:
            found = rows[rows["variant"] == name]
            panel.fronts(problem, name, found, _volume(problem, comparison, name, found))
        if not others["built"].empty:
            _add_built(panel, others["built"], problem, comparison)
        panel.reference()
        figure.update_xaxes(title_text=objective.arrow_title, col=column)
    figure.update_yaxes(title_text=vertical.arrow_title, col=1)
    seeds = rows["seed"].nunique() if "seed" in rows else 0
    together = f"{seeds} seeds together" if seeds > 1 else "the search"
    if len(horizontal) > 1:
        detail = f"large markers: front of {together}, over all objectives"
    else:
        detail = f"bold: front of {together}" + (", thin: of each seed" if seeds > 1 else "")
    detail += ", view up to the reference point"
    detail = detail if not rows.empty else "no search evaluations"
    for name, table in (("training set", training), ("built architectures", built)):
        if table is not None and not table.empty and (missing := missing_metrics(problem, table)):
            detail += f", {name} without {', '.join(missing)} not shown"
    style.finish(figure, title, detail, label_kind, height=620)
    figure.update_layout(
        legend={"title": {"text": "<b>Hypervolume</b>"}, "x": 1.02, "y": 1, "yanchor": "top", "tracegroupgap": 2}
    )
    _show_reference_box(figure, problem, [rows, *others.values()])
    return figure


def _show_reference_box(figure: go.Figure, problem: Problem, tables: list[pd.DataFrame]) -> None:
    """Show from a little beyond the reference point to the best values: what is worse adds no hypervolume."""
    points = np.concatenate([problem.values(table) for table in tables if not table.empty])
    sign = np.where(problem.maximise, 1.0, -1.0)
    reference = np.array(problem.reference)
    inside = points[(sign * (points - reference) > 0).all(axis=1)]
    if len(inside) == 0:
        return
    best = (sign * inside).max(axis=0) * sign
    low, high = np.minimum(best, reference), np.maximum(best, reference)
    margin = 0.06 * (high - low)
    vertical, *horizontal = zip((low - margin).tolist(), (high + margin).tolist(), strict=True)
    figure.update_yaxes(range=vertical)
    for column, limits in enumerate(horizontal, start=1):
        figure.update_xaxes(range=limits, col=column)


class _Panel(Panel):
    """One pair of objectives: the first objective of the problem against `x`."""

    def __init__(self, figure: go.Figure, column: int, x: Axis, y: Axis, *, stairs: bool) -> None:
        super().__init__(figure, column, x, y)
        self._stairs = stairs

    def cloud(self, name: str, rows: pd.DataFrame) -> None:
        """Every evaluation, light."""
        look = style.variant_style(name)
        marker = {"color": look.colour, "size": 4, "opacity": 0.16}
        self.add(rows, group=name, legend=None, hover=wording.variant(name), mode="markers", marker=marker)

    def fronts(self, problem: Problem, name: str, rows: pd.DataFrame, hypervolume: str) -> None:
        """The front of each seed, thin, and of all seeds, bold."""
        look, text = style.variant_style(name), wording.variant(name)
        for seed, found in rows.groupby("seed", sort=True) if _several_seeds(rows) else ():
            line = {"color": style.faded(look.colour, 0.3), "width": 1, "shape": self._shape()}
            best, hover = front(problem, found), f"{text}, seed {seed}"
            self.add(best, group=name, legend=None, hover=hover, mode=self._mode("lines"), line=line, **_small(look))
        line = {"color": look.colour, "width": 2.5, "dash": look.dash, "shape": self._shape()}
        marker = {"color": look.colour, "size": 7, "symbol": look.symbol, "line": {"color": "white", "width": 0.8}}
        self.add(
            front(problem, rows),
            group=name,
            legend=f"{text}  <b>{hypervolume}</b>",
            hover=f"{text}, hypervolume {hypervolume}",
            mode=self._mode("lines+markers"),
            line=line,
            marker=marker,
        )

    def reference(self) -> None:
        """The hypervolume's reference point."""
        point = pd.DataFrame({self._x.name: [self._x.reference], self._y.name: [self._y.reference]})
        marker = {"color": style.INK, "size": 10, "symbol": "x-thin", "line": {"color": style.INK, "width": 2}}
        self.add(point, group="reference", legend="Reference point", hover="Reference", mode="markers", marker=marker)

    def _shape(self) -> str:
        # What is dominated lies behind the corner: to the right of a point where less of x is better, else left.
        return "hv" if not self._x.maximise else "vh"

    def _mode(self, mode: str) -> str:
        # A front over three objectives is no line in a projection to two.
        return mode if self._stairs else "markers"


def _several_seeds(rows: pd.DataFrame) -> bool:
    return "seed" in rows and len(set(rows["seed"])) > 1


def _small(look: style.VariantStyle) -> dict[str, object]:
    return {"marker": {"color": style.faded(look.colour, 0.35), "size": 4}}


def _add_training(panel: _Panel, rows: pd.DataFrame, hypervolume: str) -> None:
    marker = {"color": style.GREY, "size": 5, "opacity": 0.4}
    text = f"Training set ({len(rows):,})  <b>{hypervolume}</b>"
    panel.add(rows, group=_TRAINING, legend=text, hover="Training set", mode="markers", marker=marker)


def _add_built(panel: _Panel, rows: pd.DataFrame, problem: Problem, comparison: pd.DataFrame | None) -> None:
    symbols = style.target_symbols(map(str, rows["target"]))
    for target, method in dict.fromkeys(zip(rows["target"], rows["method"], strict=True)):
        name = f"built:{target}:{method}"
        found = rows[(rows["target"] == target) & (rows["method"] == method)]
        text, hypervolume = wording.variant(name), _volume(problem, comparison, name, found)
        marker = {
            "color": style.variant_style(name).colour,
            "symbol": symbols[str(target)],
            "size": 9,
            "line": {"color": style.INK, "width": 1},
        }
        legend = f"{text} ({len(found):,})  <b>{hypervolume}</b>"
        panel.add(found, group=name, legend=legend, hover=text, mode="markers", marker=marker)


def _selected(problem: Problem, table: pd.DataFrame | None) -> pd.DataFrame:
    if table is None or table.empty or missing_metrics(problem, table):
        return pd.DataFrame()
    rows = select(problem, table)
    return rows[rows["target"].isin(problem.targets)] if problem.targets and "target" in rows else rows


def _volume(problem: Problem, comparison: pd.DataFrame | None, name: str, rows: pd.DataFrame) -> str:
    if comparison is not None and not comparison.empty:
        match = comparison[(comparison["problem"] == problem.name) & (comparison["variant"] == name)]
        if not match.empty:
            mean, deviation = float(match["hypervolume_mean"].iloc[0]), float(match["hypervolume_std"].iloc[0])
            return wording.spread(mean, deviation) if int(match["seeds"].iloc[0]) > 1 else wording.number(mean)
    if "seed" not in rows:
        return wording.number(volume(problem, rows))
    volumes = pd.Series([volume(problem, found) for _, found in rows.groupby("seed")], dtype="float64")
    return wording.spread(float(volumes.mean()), float(volumes.std()))
