"""How far the members of an ensemble agree on the order of feature values: scalars beside contextual effects."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from autobuild_pipelines.reporting import style, wording

_COLUMNS, _LINE = 3, 44
_LOOKS = {
    "scalar": ("the FE-MLP's scalars", style.ORANGE, "diamond", -0.16),
    "effect": ("contextual effects", style.BLUE, "circle", 0.16),
    "spread": ("contextual spreads of a place", style.SOFT_INK, "square", 0.16),
}


def importance_stability_figure(stability: pd.DataFrame, *, label_kind: str, space: str = "") -> go.Figure:
    """Kendall's rank correlation of a category's values between any two members, a panel per target.

    Args:
        stability: Table `importance_stability`.
        label_kind: Of the space, a key of `wording.LABEL_KINDS`.
        space: The space's title.
    """
    title = "Do predictors agree on the order of feature values?" + (f" {space}" if space else "")
    if stability.empty:
        reason = "One predictor per target: nothing can be said about spread.<br>"
        reason += "Train several with predictors.ensemble: 2 or more (--params predictors.ensemble=5)."
        return style.empty(title, reason, label_kind)
    targets = [str(target) for target in stability["target"].unique()]
    categories = [str(category) for category in stability["category"].unique()]
    columns = min(len(targets), _COLUMNS)
    rows = -(-len(targets) // columns)
    figure = make_subplots(
        rows=rows,
        cols=columns,
        subplot_titles=targets,
        shared_yaxes=True,
        horizontal_spacing=0.04,
        vertical_spacing=0.24 / rows,
    )
    style.small_titles(figure)
    for panel, target in enumerate(targets):
        place = {"row": panel // columns + 1, "col": panel % columns + 1}
        of_target = stability[stability["target"] == target]
        for source in _LOOKS:
            for trace in _traces(of_target[of_target["source"] == source], source, categories, listed=panel == 0):
                figure.add_trace(trace, **place)
    members = int(stability["second"].max()) + 1
    detail = f"Kendall's τ between any two of {members} members (small) and its mean (large); 1 is the same order"
    style.finish(figure, title, detail, label_kind, height=210 + rows * (70 + _LINE * len(categories)))
    figure.update_xaxes(range=[-1.08, 1.08], tickvals=[-1, -0.5, 0, 0.5, 1], title_text="Kendall's τ")
    figure.update_yaxes(
        tickvals=[*range(len(categories))],
        ticktext=[_category(category) for category in categories],
        range=[len(categories) - 0.45, -0.55],
    )
    figure.update_layout(legend={"orientation": "h", "x": 0, "y": -60 / (rows * (70 + _LINE * len(categories))),
                                 "yanchor": "top"}, margin={"t": 120, "b": 110})  # fmt: skip
    return figure


def _traces(rows: pd.DataFrame, source: str, categories: list[str], *, listed: bool) -> list[go.Scatter]:
    name, colour, symbol, shift = _LOOKS[source]
    if rows.empty:
        return []
    pairs = np.column_stack([rows["first"] + 1, rows["second"] + 1])
    means = rows.groupby("category", sort=False)["kendall"].mean()
    return [
        go.Scatter(
            x=rows["kendall"],
            y=[categories.index(category) + shift for category in rows["category"]],
            mode="markers",
            marker={"color": colour, "size": 5, "opacity": 0.45, "symbol": symbol},
            customdata=pairs,
            hovertemplate="members %{customdata[0]} and %{customdata[1]}: τ = %{x:.2f}<extra></extra>",
            showlegend=False,
        ),
        go.Scatter(
            x=means,
            y=[categories.index(str(category)) + shift for category in means.index],
            mode="markers",
            marker={"color": colour, "size": 12, "symbol": symbol, "line": {"color": "white", "width": 1}},
            name=name,
            legendgroup=source,
            hovertemplate=f"{name}: mean τ = %{{x:.2f}}<extra></extra>",
            showlegend=listed,
        ),
    ]


def _category(name: str) -> str:
    known = {"layer": "Position", "layers": "Layers of a unit", "unit": "Unit"}
    return known.get(name) or wording.quantity(name)
