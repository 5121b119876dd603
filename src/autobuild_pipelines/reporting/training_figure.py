"""Training curves: each recorded quantity against the epoch, a line per target."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from autobuild_pipelines.reporting import style

_COLUMNS = 3
_WIDE = 30
"""A quantity whose largest value is this many times its smallest gets a logarithmic axis."""
_TITLES = {
    "error": "Error (standardised labels)",
    "held_out_spearman": "Held-out Spearman ρ",
    "mse": "MSE (standardised labels)",
    "mae": "MAE (standardised labels)",
    "ranking_loss": "Ranking loss (mean of 1 − ρ)",
}


def training_figure(history: pd.DataFrame, *, label_kind: str, space: str = "") -> go.Figure:
    """A panel per recorded quantity.

    Args:
        history: Table `training_history`: target, epoch, then one numeric column a quantity.
        label_kind: Of the space, a key of `wording.LABEL_KINDS`.
        space: The space's title.
    """
    title = "Training curves" + (f" in {space}" if space else "")
    numeric = history.select_dtypes("number").columns.drop(["epoch"], errors="ignore")
    quantities = [str(column) for column in numeric if history[column].notna().any()]
    if history.empty or not quantities:
        return style.empty(title, "The training history holds no epoch.", label_kind)
    columns = min(len(quantities), _COLUMNS)
    rows = -(-len(quantities) // columns)
    titles = [_TITLES.get(name, name.replace("_", " ").capitalize()) for name in quantities]
    figure = make_subplots(
        rows=rows, cols=columns, subplot_titles=titles, horizontal_spacing=0.07, vertical_spacing=0.25 / rows
    )
    style.small_titles(figure)
    targets = list(dict.fromkeys(history["target"]))
    colours = style.target_colours(map(str, targets))
    for place, quantity in enumerate(quantities):
        for target in targets:
            found = history[(history["target"] == target) & history[quantity].notna()].sort_values("epoch")
            trace = go.Scatter(
                x=found["epoch"],
                y=found[quantity],
                name=str(target),
                legendgroup=str(target),
                showlegend=place == 0,
                mode="lines" if len(found) > 20 else "lines+markers",
                line={"color": colours[str(target)], "width": 2},
                hovertemplate="epoch %{x:,d}: %{y:.4~g}",
            )
            figure.add_trace(trace, row=place // columns + 1, col=place % columns + 1)
    epochs = int(history["epoch"].max())
    counted = f"{epochs:,} epochs" if epochs != 1 else "1 epoch"
    style.finish(figure, title, counted, label_kind, height=150 + 300 * rows)
    figure.update_xaxes(title_text="Epoch", tickformat=",d")
    for place, quantity in enumerate(quantities):
        low, high = float(history[quantity].min()), float(history[quantity].max())
        if low > 0 and high / low > _WIDE:
            figure.update_yaxes(type="log", dtick=1, row=place // columns + 1, col=place % columns + 1)
    figure.update_layout(legend={"x": 1.02, "y": 1, "yanchor": "top"})
    return figure
