"""Panels of curves over evaluations, one curve a search variant, with a band of what its seeds differ by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from autobuild_pipelines.reporting import style, wording

_COLUMNS = 3


@dataclass(frozen=True, eq=False)
class Panel:
    """One panel.

    Attributes:
        title: Its title, shown where there are several.
        y_title: Of the vertical axis.
        curves: Columns variant, evaluation, middle, low, high, note (what stands behind the value on hover).
        levels: Further traces, listed once in the legend by their `legendgroup`.
    """

    title: str
    y_title: str
    curves: pd.DataFrame
    levels: tuple[go.Scatter, ...] = ()


def variant_curves(panels: Sequence[Panel], *, title: str, detail: str, band: str, label_kind: str) -> go.Figure:
    """The panels as a figure; every variant stands in the legend once.

    Args:
        panels: At least one.
        title: The figure's title.
        detail: Behind the kind of labels in its subtitle.
        band: What the band is, such as "quartiles".
        label_kind: Of the space, a key of `wording.LABEL_KINDS`.
    """
    columns = min(len(panels), _COLUMNS)
    rows = -(-len(panels) // columns)
    figure = make_subplots(
        rows=rows,
        cols=columns,
        subplot_titles=[panel.title for panel in panels] if len(panels) > 1 else None,
        horizontal_spacing=0.09,
        vertical_spacing=0.25 / rows,
    )
    style.small_titles(figure)
    listed: set[str] = set()
    for place, panel in enumerate(panels):
        where = {"row": place // columns + 1, "col": place % columns + 1}
        traces: list[go.Scatter] = []
        for name in dict.fromkeys(map(str, panel.curves["variant"])):
            traces += _variant_traces(name, panel.curves[panel.curves["variant"] == name], band)
        for trace in [*traces, *panel.levels]:
            trace.showlegend = trace.showlegend is not False and trace.legendgroup not in listed
            listed |= {trace.legendgroup} if trace.showlegend else set()
            figure.add_trace(trace, **where)
        figure.update_yaxes(title_text=panel.y_title, **where)
    style.finish(figure, title, detail, label_kind, height=160 + (400 if rows == 1 else 320 * rows))
    figure.update_xaxes(title_text="Evaluations", tickformat=",d")
    figure.update_yaxes(tickformat=",~g")
    figure.update_layout(hovermode="x unified", legend={"x": 1.02, "y": 1, "yanchor": "top"})
    return figure


def _variant_traces(name: str, rows: pd.DataFrame, band: str) -> list[go.Scatter]:
    """The band, if seeds differ, then the curve."""
    look, text = style.variant_style(name), wording.variant(name)
    rows = rows.sort_values("evaluation")
    traces = []
    if (rows["high"] > rows["low"]).any():
        traces.append(
            go.Scatter(
                x=[*rows["evaluation"], *rows["evaluation"][::-1]],
                y=[*rows["high"], *rows["low"][::-1]],
                fill="toself",
                fillcolor=style.faded(look.colour, 0.14),
                line={"width": 0},
                mode="lines",
                hoverinfo="skip",
                showlegend=False,
                legendgroup=name,
                name=f"{text}, {band}",
            )
        )
    line = go.Scatter(
        x=rows["evaluation"],
        y=rows["middle"],
        name=text,
        legendgroup=name,
        customdata=rows["note"],
        mode="markers" if len(rows) == 1 else "lines",
        line={"color": look.colour, "width": 2.5, "dash": look.dash},
        marker={"color": look.colour, "symbol": look.symbol, "size": 9},
        hovertemplate="%{y:,.4~g}%{customdata}",
    )
    return [*traces, line]
