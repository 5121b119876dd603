"""Hypervolume against evaluations spent, per problem and search variant."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from autobuild_pipelines.reporting import style, wording
from autobuild_pipelines.reporting.curves import Panel, variant_curves
from autobuild_pipelines.reporting.objectives import axes, missing_metrics, select, volume
from autobuild_pipelines.search import Problem
from autobuild_pipelines.search.anytime import running_hypervolume


def hypervolume_history(evaluations: pd.DataFrame, problem: Problem) -> pd.DataFrame:
    """Hypervolume after every evaluation of every variant and seed of `problem`.

    Returns:
        Columns variant, seed, evaluation (1-based), hypervolume (product of the objectives' units).
    """
    rows = select(problem, evaluations)
    parts = []
    for (variant, seed), found in rows.groupby(["variant", "seed"], sort=False) if not rows.empty else ():
        ordered = found.sort_values("evaluation")
        volumes = running_hypervolume(problem, problem.values(ordered))
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
    panels = [_panel(problem, history, training) for problem, history in histories]
    seeds = max(history["seed"].nunique() for _, history in histories)
    detail = f"mean of {seeds} seeds, band: ± one standard deviation" if seeds > 1 else "one seed"
    return variant_curves(panels, title=title, detail=detail, band="± one standard deviation", label_kind=label_kind)


def _panel(problem: Problem, history: pd.DataFrame, training: pd.DataFrame | None) -> Panel:
    curves = pd.concat([_curve(str(name), rows) for name, rows in history.groupby("variant", sort=False)])
    levels: tuple[go.Scatter, ...] = ()
    if training is not None and not training.empty and not missing_metrics(problem, training):
        levels = (_training_level(problem, training, history),)
    units = " × ".join(axis.unit for axis in axes(problem))
    return Panel(wording.words(problem.name), f"Hypervolume [{units}]   better →", curves, levels)


def _curve(name: str, rows: pd.DataFrame) -> pd.DataFrame:
    """Mean and deviation over the seeds of one variant, as `Panel` wants them."""
    # A search may stop early in a small space: its last value holds for the rest of the budget.
    wide = rows.pivot_table(index="evaluation", columns="seed", values="hypervolume").sort_index().ffill()
    mean, deviation = wide.mean(axis=1), wide.std(axis=1).fillna(0.0)
    notes = [f" ± {wording.number(value, digits=2)}" for value in deviation]
    ends = {"middle": mean, "low": mean - deviation, "high": mean + deviation, "note": notes}
    return pd.DataFrame({"variant": name, **ends}).reset_index(names="evaluation")


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
