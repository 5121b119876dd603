"""The top modules of every unit with their standard errors, those that are worse than the best beyond doubt in grey."""

from __future__ import annotations

import json

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from autobuild_pipelines.reporting import style, wording

_COLUMNS = 3
_TRACES = 2
"""Per panel and choice: the modules that may be the best, and those that are not."""


def module_scores_figure(
    module_scores: pd.DataFrame, *, top: int, confidence: float, label_kind: str, space: str = ""
) -> go.Figure:
    """Score ± standard error of the best modules against their rank, a panel per unit; target and method are chosen.

    Args:
        module_scores: Table `module_scores`.
        top: How many modules of each unit.
        confidence: With which modules are distinguished from the best.
        label_kind: Of the space, a key of `wording.LABEL_KINDS`.
        space: The space's title.
    """
    title = "Best modules of every unit" + (f" in {space}" if space else "")
    if module_scores.empty:
        return style.empty(title, "The table of module scores is empty.", label_kind)
    shown = module_scores[module_scores["rank"] <= top]
    choices = [(str(t), str(m)) for t, m in shown[["target", "method"]].drop_duplicates().itertuples(index=False)]
    units = sorted(set(shown["unit"].astype(int)))
    columns = min(len(units), _COLUMNS)
    rows = -(-len(units) // columns)
    figure = make_subplots(
        rows=rows,
        cols=columns,
        subplot_titles=[f"Unit {unit}" for unit in units],
        horizontal_spacing=0.08,
        vertical_spacing=0.25 / rows,
    )
    style.small_titles(figure)
    for place, (target, method) in enumerate(choices):
        chosen = shown[(shown["target"] == target) & (shown["method"] == method)]
        for panel, unit in enumerate(units):
            found = chosen[chosen["unit"] == unit].sort_values("rank")
            for trace in _traces(found, visible=place == 0, listed=panel == 0):
                figure.add_trace(trace, row=panel // columns + 1, col=panel % columns + 1)
    known = module_scores["standard_error"].notna().any()
    detail = (
        f"± one standard error, grey: worse than the best at {100 * confidence:g} % confidence"
        if known
        else "one predictor per target: no error estimate"
    )
    style.finish(figure, title, detail, label_kind, height=170 + 320 * rows)
    figure.update_xaxes(title_text="Rank", tickformat=",d", rangemode="tozero")
    figure.update_yaxes(tickformat=",~g", nticks=7)
    for row in range(1, rows + 1):
        figure.update_yaxes(title_text="Score   better →", row=row, col=1)
    figure.update_layout(legend={"x": 1.02, "y": 0.8, "yanchor": "top"}, updatemenus=[_menu(choices, len(units))])
    return figure


def _traces(rows: pd.DataFrame, *, visible: bool, listed: bool) -> list[go.Scatter]:
    looks = ((False, "may be the best", style.BLUE), (True, "worse than the best", style.GREY))
    return [
        _points(rows[rows["distinguishable"] == worse], name, colour, visible=visible, listed=listed)
        for worse, name, colour in looks
    ]


def _points(rows: pd.DataFrame, name: str, colour: str, *, visible: bool, listed: bool) -> go.Scatter:
    labels = [
        f"{_module(str(text))}<br>rank {int(low):,} to {int(high):,}"
        for text, low, high in zip(rows["module"], rows["rank_low"], rows["rank_high"], strict=True)
    ]
    return go.Scatter(
        x=rows["rank"],
        y=rows["score"],
        error_y={"type": "data", "array": rows["standard_error"].fillna(0.0), "thickness": 1.2, "width": 2},
        text=labels,
        name=name,
        legendgroup=name,
        showlegend=listed,
        visible=visible,
        mode="markers",
        marker={"color": colour, "size": 6},
        hovertemplate="%{x:,d}: %{y:,.5~g}<br>%{text}<extra></extra>",
    )


def _menu(choices: list[tuple[str, str]], units: int) -> dict[str, object]:
    """A list of target and method; choosing one shows its traces and hides all others."""
    each = units * _TRACES
    buttons = [
        {
            "label": f"{target} · {wording.words(method)}",
            "method": "update",
            "args": [{"visible": [trace // each == place for trace in range(each * len(choices))]}],
        }
        for place, (target, method) in enumerate(choices)
    ]
    return {"buttons": buttons, "x": 1.02, "xanchor": "left", "y": 1, "yanchor": "top", **style.MENU}


def _module(text: str) -> str:
    """A module's JSON as one line a layer."""
    return "<br>".join(", ".join(f"{name} {value}" for name, value in layer.items()) for layer in json.loads(text))
