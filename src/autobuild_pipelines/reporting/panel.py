"""One panel of a figure of objectives: traces of the first objective of a problem against another."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from autobuild_pipelines.reporting.objectives import Axis


class Panel:
    """One pair of objectives.

    Args:
        figure: The figure, one row of panels.
        column: Which of them, from 1.
        x, y: The objectives.
    """

    def __init__(self, figure: go.Figure, column: int, x: Axis, y: Axis) -> None:
        self._figure, self._column, self._x, self._y = figure, column, x, y
        self._hover = f"<br>{y.title}: %{{y:,.4~g}}<br>{x.title}: %{{x:,.4~g}}<extra></extra>"

    def add(self, rows: pd.DataFrame, *, group: str, legend: str | None, hover: str, **trace: object) -> None:
        """One trace over `rows`; `legend` is its text there, None for a trace without an entry."""
        self._figure.add_trace(
            go.Scatter(
                x=rows[self._x.name],
                y=rows[self._y.name],
                name=legend or hover,
                legendgroup=group,
                showlegend=legend is not None and self._column == 1,
                hovertemplate=f"<b>{hover}</b>{self._hover}",
                **trace,
            ),
            row=1,
            col=self._column,
        )
