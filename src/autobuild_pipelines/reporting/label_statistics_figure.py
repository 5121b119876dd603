"""Label statistics per unit and number of layers (the paper's Table 2), as means with deviations."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from autobuild_pipelines.reporting import style

_COLUMNS = 3


def label_statistics_figure(statistics: pd.DataFrame, *, label_kind: str, space: str = "") -> go.Figure:
    """Mean ± standard deviation of each target over the architectures whose unit u has l layers.

    Args:
        statistics: Table `label_statistics`: target, unit (1-based), layers, mean, std (target's units), count.
        label_kind: Of the space, a key of `wording.LABEL_KINDS`.
        space: The space's title.
    """
    title = "Labels by unit and number of layers" + (f" in {space}" if space else "")
    if statistics.empty:
        return style.empty(title, "The table of label statistics is empty.", label_kind)
    targets = list(dict.fromkeys(statistics["target"]))
    columns = min(len(targets), _COLUMNS)
    rows = -(-len(targets) // columns)
    figure = make_subplots(
        rows=rows,
        cols=columns,
        subplot_titles=[str(target) for target in targets],
        horizontal_spacing=0.08,
        vertical_spacing=0.22 / rows,
    )
    style.small_titles(figure)
    depths = sorted(set(statistics["layers"].astype(int)))
    colours = style.depth_colours(depths)
    for place, target in enumerate(targets):
        for step, layers in enumerate(depths):
            found = statistics[(statistics["target"] == target) & (statistics["layers"] == layers)]
            shift = (step - (len(depths) - 1) / 2) * min(0.2, 0.7 / len(depths))
            trace = _points(found, layers, shift, colours[layers], first=place == 0)
            figure.add_trace(trace, row=place // columns + 1, col=place % columns + 1)
    style.finish(figure, title, "mean ± one standard deviation, counts on hover", label_kind, height=140 + 330 * rows)
    units = sorted(set(statistics["unit"].astype(int)))
    figure.update_xaxes(title_text="Unit", tickvals=units, showgrid=False)
    figure.update_yaxes(tickformat=",~g", nticks=7)
    for row in range(1, rows + 1):
        figure.update_yaxes(title_text="Target", row=row, col=1)
    figure.update_layout(legend={"title": {"text": "<b>Layers</b>"}, "x": 1.02, "y": 1, "yanchor": "top"})
    return figure


def _points(rows: pd.DataFrame, layers: int, shift: float, colour: str, *, first: bool) -> go.Scatter:
    return go.Scatter(
        x=rows["unit"].astype(float) + shift,
        y=rows["mean"],
        error_y={"type": "data", "array": rows["std"], "thickness": 1.5, "width": 3},
        customdata=rows[["unit", "std", "count"]].to_numpy(),
        name=str(layers),
        legendgroup=str(layers),
        showlegend=first,
        mode="markers",
        marker={"color": colour, "size": 8},
        hovertemplate=(
            f"unit %{{customdata[0]}}, {layers} layers<br>%{{y:,.5~g}} ± %{{customdata[1]:,.3~g}}"
            "<br>%{customdata[2]:,d} architectures<extra></extra>"
        ),
    )
