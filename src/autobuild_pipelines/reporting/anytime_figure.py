"""How soon each variant gets how far: median hypervolume against evaluations spent."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from autobuild_pipelines.reporting import style, wording
from autobuild_pipelines.reporting.curves import Panel, variant_curves
from autobuild_pipelines.reporting.objectives import axes
from autobuild_pipelines.search import Problem


def anytime_figure(curves: pd.DataFrame, problems: Sequence[Problem], *, label_kind: str, space: str = "") -> go.Figure:
    """Median hypervolume over the seeds against evaluations spent, a panel per problem, band: quartiles.

    Args:
        curves: Table `hypervolume_curves`.
        problems: Their objectives.
        label_kind: Of the space, a key of `wording.LABEL_KINDS`.
        space: The space's title.
    """
    title = "Hypervolume after so many evaluations" + (f" in {space}" if space else "")
    panels = [_panel(problem, curves[curves["problem"] == problem.name]) for problem in problems]
    panels = [panel for panel in panels if not panel.curves.empty]
    if not panels:
        return style.empty(title, "The table of hypervolume curves is empty.", label_kind)
    seeds = int(curves["seeds"].max())
    detail = f"median of {seeds} seeds, band: quartiles" if seeds > 1 else "one seed"
    return variant_curves(panels, title=title, detail=detail, band="quartiles", label_kind=label_kind)


def _panel(problem: Problem, curves: pd.DataFrame) -> Panel:
    ends = zip(curves["hypervolume_lower"], curves["hypervolume_upper"], strict=True)
    found = pd.DataFrame(
        {
            "variant": curves["variant"],
            "evaluation": curves["evaluation"],
            "middle": curves["hypervolume_median"],
            "low": curves["hypervolume_lower"],
            "high": curves["hypervolume_upper"],
            "note": [f" ({wording.number(low)} to {wording.number(high)})" for low, high in ends],
        }
    )
    units = " × ".join(axis.unit for axis in axes(problem))
    return Panel(wording.words(problem.name), f"Hypervolume [{units}]   better →", found)
