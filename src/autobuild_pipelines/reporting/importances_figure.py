"""Scalars of the FE-MLP beside contextual effects, all targets of a space side by side (the paper's Figs. 3, 9, 10)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from autobuild_pipelines.reporting import style, wording

_VALUE, _PANEL, _GAP = 24, 54, 64
"""Heights in pixels: of a value, of what a panel has beside its values, and between panels."""
_ACROSS = 4
"""Targets in a row; more go below."""
_SCALAR, _EFFECT, _SPREAD = style.SKY, style.BLUE, style.GREY


def importances_figure(
    importances: pd.DataFrame, order: pd.DataFrame, *, label_kind: str, space: str = ""
) -> go.Figure:
    """A row of panels per category; per target its scalars on the left, effects (or spreads) on the right.

    Bars are means over the members of an ensemble with their standard errors. Values never trained on have no bar, and
    the label says so. A panel of scalars names how many pairs of values it orders the other way round than the effects
    do, beyond the errors of both.

    Args:
        importances: Table of the same name: target, category, value, source, member, amount, trained.
        order: Table `importance_order`: target, category, higher, lower, verdict.
        label_kind: Of the space, a key of `wording.LABEL_KINDS`.
        space: The space's title.
    """
    title = "Importance of feature values" + (f" in {space}" if space else "")
    if importances.empty:
        return style.empty(title, "The table of importances is empty.", label_kind)
    summary = _summary(importances)
    targets = [str(target) for target in importances["target"].unique()]
    categories = {str(c): list(rows["value"].unique()) for c, rows in importances.groupby("category", sort=False)}
    blocks = [targets[start : start + _ACROSS] for start in range(0, len(targets), _ACROSS)]
    figure, height = _grid(blocks, categories)
    for block, members in enumerate(blocks):
        for line, (category, values) in enumerate(categories.items()):
            row = block * len(categories) + line + 1
            for place, target in enumerate(members):
                found = summary[(summary["target"] == target) & (summary["category"] == category)]
                pairs = order[(order["target"] == target) & (order["category"] == category)]
                _panel(figure, row, 2 * place + 1, values, found[found["source"] == "scalar"], pairs)
                _panel(figure, row, 2 * place + 2, values, found[found["source"] != "scalar"], pairs.iloc[:0])
    count = importances["member"].nunique()
    detail = f"mean ± standard error of {count} members" if count > 1 else "one predictor per target: no error bars"
    detail += "; left the FE-MLP's scalar (light), right the contextual effect (dark) or the spread of a place (grey)"
    style.finish(figure, title, detail, label_kind, height=height)
    with style.edited_layout(figure) as layout:
        style.change_axes(layout, "xaxis", {"nticks": 4, "tickfont": {"size": 10}, "tickformat": "~g"})
        style.change_axes(layout, "yaxis", {"tickfont": {"size": 11}, "showgrid": False})
        style.change(layout, {"showlegend": False, "bargap": 0.35, "margin": {"l": 130, "t": 130}})
    return figure


def _summary(importances: pd.DataFrame) -> pd.DataFrame:
    keys = ["target", "category", "source", "value"]
    found = importances[importances["trained"]].groupby(keys, sort=False)["amount"]
    return found.agg(["mean", "sem"]).reset_index()


def _grid(blocks: Sequence[Sequence[str]], categories: dict[str, list[str]]) -> tuple[go.Figure, int]:
    across = len(blocks[0])
    heights = [_PANEL + _VALUE * len(values) for _ in blocks for values in categories.values()]
    total = sum(heights) + _GAP * (len(heights) - 1)
    figure = make_subplots(
        rows=len(heights),
        cols=2 * across,
        row_heights=[height / sum(heights) for height in heights],
        vertical_spacing=_GAP / total if len(heights) > 1 else 0.0,
        horizontal_spacing=0.03 if across > 1 else 0.06,
    )
    with style.edited_layout(figure) as layout:
        for row, (category, values) in enumerate([*categories.items()] * len(blocks), start=1):
            for column in range(1, 2 * across + 1):
                layout[figure.get_subplot(row, column).yaxis.plotly_name] |= {
                    "tickvals": [*range(len(values))],
                    "ticktext": [wording.words(value) for value in values],
                    "range": [len(values) - 0.4, -0.6],
                    "showticklabels": column == 1,
                }
            layout[figure.get_subplot(row, 1).yaxis.plotly_name]["title"] = {"text": f"<b>{_category(category)}</b>"}
    for number, block in enumerate(blocks):
        for place, target in enumerate(block):
            panel = figure.get_subplot(number * len(categories) + 1, 2 * place + 1)
            figure.add_annotation(
                text=f"<b>{target}</b>", x=panel.xaxis.domain[0], y=panel.yaxis.domain[1], yshift=20, showarrow=False,
                xref="paper", yref="paper", xanchor="left", yanchor="bottom", font={"size": 14, "color": style.INK},
            )  # fmt: skip
    return figure, total + 200


def _panel(
    figure: go.Figure, row: int, column: int, values: list[str], found: pd.DataFrame, pairs: pd.DataFrame
) -> None:
    if found.empty:
        figure.add_trace(go.Bar(x=[0.0], y=[0], orientation="h", hoverinfo="skip"), row=row, col=column)
        figure.update_xaxes(showticklabels=False, showgrid=False, ticks="", row=row, col=column)
        _note(figure, row, column, "no feature of a node" if column % 2 else "one trained value: no effect")
        return
    source = str(found["source"].iloc[0])
    colour = {"scalar": _SCALAR, "effect": _EFFECT, "spread": _SPREAD}[source]
    places = [values.index(value) for value in found["value"]]
    figure.add_trace(
        go.Bar(
            x=found["mean"],
            y=places,
            orientation="h",
            marker_color=colour,
            width=0.64,
            error_x={"type": "data", "array": found["sem"].fillna(0.0), "thickness": 1.2, "width": 3},
            customdata=np.column_stack([found["value"], found["sem"].fillna(0.0)]),
            hovertemplate=f"{source} of %{{customdata[0]}}: %{{x:.4g}} ± %{{customdata[1]:.2g}}<extra></extra>",
        ),
        row=row,
        col=column,
    )
    for value in values:
        if source == "scalar" and value not in set(found["value"]):
            figure.add_annotation(
                text="not trained", x=0, y=values.index(value), xanchor="left", showarrow=False,
                font={"size": 10, "color": style.SOFT_INK}, row=row, col=column,
            )  # fmt: skip
    turned = pairs[pairs["verdict"] == "reversed"]
    if len(turned):
        words = f"⇅ {len(turned)} of {len(pairs)} pairs reversed"
        named = "<br>".join(f"{low} above {high}" for high, low in zip(turned["higher"], turned["lower"], strict=True))
        _note(figure, row, column, words, hover=f"the scalars put<br>{named}<br>the contextual effects do not")


def _note(figure: go.Figure, row: int, column: int, words: str, hover: str = "") -> None:
    """Words above a panel, in its left corner."""
    figure.add_annotation(
        text=words, x=0, y=1, xref="x domain", yref="y domain", xanchor="left", yanchor="bottom", showarrow=False,
        font={"size": 11, "color": style.VERMILLION if hover else style.SOFT_INK}, hovertext=hover or None,
        row=row, col=column,
    )  # fmt: skip


def _category(name: str) -> str:
    known = {"layer": "Position", "layers": "Layers of<br>a unit", "unit": "Unit"}
    return known.get(name) or wording.quantity(name)
