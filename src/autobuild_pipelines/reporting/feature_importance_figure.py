"""FE-MLP scalars of every feature's values, ranked, with their distribution and range (the paper's Table 3)."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from autobuild_pipelines.reporting import style, wording
from autobuild_pipelines.scoring import category_importance, value_importance

_COLUMNS = 4
_ROW, _HEAD, _VALUE = 30, 34, 26
"""Heights in pixels: of a row and the head of the table, of a value in a panel."""
_BELOW = 0.25
"""By how much of a value's height its members stand below the mean."""


def feature_importance_figure(importance: pd.DataFrame, *, label_kind: str, space: str = "") -> go.Figure:
    """A table of categories, and below it a panel per category: its values from the most to the least important.

    Large points are means over an ensemble's members with their standard deviation, small ones the members. With
    several targets one is chosen from a list.

    Args:
        importance: Table of `feature_importance`: target, category, value, member, scalar, trained. Values never
            trained on are named, and have no points.
        label_kind: Of the space, a key of `wording.LABEL_KINDS`.
        space: The space's title.
    """
    title = "Importance of features" + (f" in {space}" if space else "")
    if importance.empty:
        return style.empty(title, "The table of feature importance is empty.", label_kind)
    targets = [str(target) for target in importance["target"].unique()]
    categories = [str(category) for category in importance["category"].unique()]
    figure, height = _grid(importance, categories)
    summary, ranked = category_importance(importance), value_importance(importance)
    for place, target in enumerate(targets):
        figure.add_trace(_table(summary[summary["target"] == target], visible=place == 0), row=1, col=1)
        for panel, category in enumerate(categories):
            members, values = (
                table[(table["target"] == target) & (table["category"] == category)] for table in (importance, ranked)
            )
            for trace in _points(members, values, visible=place == 0, listed=panel == 0):
                figure.add_trace(trace, row=panel // _COLUMNS + 2, col=panel % _COLUMNS + 1)
    count = importance["member"].nunique()
    detail = f"mean ± one standard deviation of {count} members" if count > 1 else "one predictor per target: no spread"
    detail += f"; target {targets[0]}" if len(targets) == 1 else ""
    style.finish(figure, title, f"absolute scalars of the FE-MLP, {detail}", label_kind, height=height + 180)
    labels = {target: _tick_texts(ranked[ranked["target"] == target], categories) for target in targets}
    figure.update_layout(labels[targets[0]])
    highest = float(importance.loc[importance["trained"], "scalar"].max())
    figure.update_xaxes(range=[-0.04 * highest, 1.06 * highest], nticks=5, title_text="Scalar", title_font_size=13)
    for panel, category in enumerate(categories):
        size = int(ranked[ranked["target"] == targets[0]]["category"].eq(category).sum())
        figure.update_yaxes(
            tickvals=[*range(1, size + 1)],
            range=[size + 0.6, 0.4],
            row=panel // _COLUMNS + 2,
            col=panel % _COLUMNS + 1,
        )
    right = 0.82 if len(targets) > 1 else 1
    figure.update_layout(legend={"x": right, "xanchor": "right", "y": 1.01, "yanchor": "bottom", "orientation": "h"})
    if len(targets) > 1:
        figure.update_layout(updatemenus=[_menu(targets, labels, traces=1 + 2 * len(categories))])
    return figure


def _grid(importance: pd.DataFrame, categories: list[str]) -> tuple[go.Figure, int]:
    """The empty figure, and the height of its parts: a table over the whole width, rows of panels as tall as needed."""
    columns, rows = min(len(categories), _COLUMNS), -(-len(categories) // _COLUMNS)
    sizes = importance.groupby("category")["value"].nunique()
    lines = [[int(sizes[c]) for c in categories[i * _COLUMNS : (i + 1) * _COLUMNS]] for i in range(rows)]
    heights = [_HEAD + _ROW * len(categories) + 8, *(max(130, _VALUE * max(line)) for line in lines)]
    gap = 72
    total = sum(heights) + gap * rows
    table: dict[str, object] = {"type": "table", "colspan": columns}
    panels: list[list[dict[str, object] | None]] = [
        [{} if i * _COLUMNS + j < len(categories) else None for j in range(columns)] for i in range(rows)
    ]
    figure = make_subplots(
        rows=rows + 1,
        cols=columns,
        specs=[[table, *[None] * (columns - 1)], *panels],
        row_heights=[height / sum(heights) for height in heights],
        subplot_titles=["", *(wording.quantity(category) for category in categories)],
        vertical_spacing=gap / total,
        horizontal_spacing=0.1,
    )
    style.small_titles(figure)
    return figure, total


def _table(rows: pd.DataFrame, *, visible: bool) -> go.Table:
    known = rows["member_std"].notna().any()
    columns = {
        "Feature": [wording.quantity(str(category)) for category in rows["category"]],
        "Values": [f"{count:d}" for count in rows["values"]],
        "Distribution": [f"N({m:.2f}, {s:.2f})" for m, s in zip(rows["mean"], rows["std"], strict=True)],
        "Range": [f"[{low:.2f}, {high:.2f}]" for low, high in zip(rows["low"], rows["high"], strict=True)],
        **({"Between members": [f"± {s:.2f}" for s in rows["member_std"]]} if known else {}),
    }
    look = {"align": "left", "font": {"size": 14, "color": style.INK}}
    return go.Table(
        header={"values": [f"<b>{name}</b>" for name in columns], "fill_color": style.GRID, "height": _HEAD, **look},
        cells={"values": [*columns.values()], "fill_color": "white", "line_color": style.GRID, "height": _ROW, **look},
        visible=visible,
    )


def _points(members: pd.DataFrame, values: pd.DataFrame, *, visible: bool, listed: bool) -> list[go.Scatter]:
    values, members = values[values["trained"]], members[members["trained"]]
    ranks = dict(zip(values["value"], values["rank"], strict=True))
    several = len(set(members["member"])) > 1
    each = go.Scatter(
        x=members["scalar"] if several else [],
        y=[ranks[value] + _BELOW for value in members["value"]] if several else [],
        customdata=np.column_stack([members["value"], members["member"] + 1]) if several else None,
        name="each member",
        mode="markers",
        marker={"color": style.SKY, "size": 5, "opacity": 0.7},
        hovertemplate="%{customdata[0]}, member %{customdata[1]}: %{x:.3f}<extra></extra>",
        legendgroup="members",
        showlegend=listed and several,
        visible=visible,
    )
    mean = go.Scatter(
        x=values["mean"],
        y=values["rank"],
        error_x={"type": "data", "array": values["std"].fillna(0.0), "thickness": 1.5, "width": 3},
        customdata=values["value"],
        name="mean of the members",
        mode="markers",
        marker={"color": style.BLUE, "size": 9},
        hovertemplate="%{customdata}: %{x:.3f}<extra></extra>",
        legendgroup="mean",
        showlegend=listed and several,
        visible=visible,
    )
    return [each, mean]


def _tick_texts(ranked: pd.DataFrame, categories: list[str]) -> dict[str, list[str]]:
    """The values of every panel in their order, as a change of the layout."""
    return {
        f"yaxis{panel if panel > 1 else ''}.ticktext": [
            _value(str(value)) + ("" if trained else " (not trained)") for value, trained in _named(ranked, category)
        ]
        for panel, category in enumerate(categories, start=1)
    }


def _named(ranked: pd.DataFrame, category: str) -> list[tuple[str, bool]]:
    """A category's values in their order, and whether they are trained."""
    rows = ranked[ranked["category"] == category]
    return list(zip(rows["value"], rows["trained"], strict=True))


def _value(text: str) -> str:
    try:
        number = float(text)
    except ValueError:
        return wording.words(text)
    return f"{number:,.10g}" if math.isfinite(number) else text


def _menu(targets: list[str], labels: dict[str, dict[str, list[str]]], *, traces: int) -> dict[str, object]:
    buttons = [
        {
            "label": target,
            "method": "update",
            "args": [
                {"visible": [trace // traces == place for trace in range(traces * len(targets))]},
                labels[target],
            ],
        }
        for place, target in enumerate(targets)
    ]
    return {"buttons": buttons, "x": 1, "xanchor": "right", "y": 1.02, "yanchor": "bottom", **style.MENU}
