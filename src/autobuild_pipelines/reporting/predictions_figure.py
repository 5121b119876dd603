"""Predicted against true labels of the held-out architectures, every target, the predictor beside ridge."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from autobuild_pipelines.reporting import style, wording

_MODELS = {"autobuild": "AutoBuild", "k_gnn": "k-GNN", "ridge": "Ridge"}


def predictions_figure(
    predictions: pd.DataFrame,
    *,
    label_kind: str,
    space: str = "",
    metrics: pd.DataFrame | None = None,
    split: str = "held_out",
) -> go.Figure:
    """Small multiples: a column per target, a row per model.

    Args:
        predictions: Columns target, model ("autobuild", "ridge"), split, label (true value), prediction; one row an
            architecture. Labels and predictions in the target's units.
        label_kind: Of the space, a key of `wording.LABEL_KINDS`.
        space: The space's title.
        metrics: Table `predictor_metrics`; its Spearman and MAE stand in each panel.
        split: The split to show.
    """
    title = "Predicted and true labels" + (f" in {space}" if space else "")
    rows = predictions[predictions["split"] == split] if "split" in predictions else predictions
    rows = rows[np.isfinite(rows["label"]) & np.isfinite(rows["prediction"])] if len(rows) else rows
    if rows.empty:
        return style.empty(title, f"The table of predictions has no rows of the split {split!r}.", label_kind)
    targets = list(dict.fromkeys(rows["target"]))
    models = sorted(dict.fromkeys(rows["model"]), key=lambda m: list(_MODELS).index(m) if m in _MODELS else 9)
    figure = make_subplots(
        rows=len(models),
        cols=len(targets),
        subplot_titles=[str(target) for target in targets] + [""] * (len(targets) * (len(models) - 1)),
        horizontal_spacing=0.06 if len(targets) < 4 else 0.045,
        vertical_spacing=0.1,
    )
    style.small_titles(figure)
    colours = style.target_colours(map(str, targets))
    for column, target in enumerate(targets, start=1):
        shown = rows[rows["target"] == target]
        span = _span(shown)
        for row, model in enumerate(models, start=1):
            found = shown[shown["model"] == model]
            _add_panel(figure, row, column, found, span, colours[str(target)] if model != "ridge" else style.SOFT_INK)
            _annotate(figure, (row - 1) * len(targets) + column, _scores(metrics, str(target), str(model), split))
            if column == 1:
                name = _MODELS.get(str(model), str(model))
                figure.update_yaxes(title_text=f"<b>{name}</b><br>predicted", row=row, col=1)
        figure.update_xaxes(title_text="true", row=len(models), col=column)
    count = int(rows.groupby(["target", "model"]).size().max())
    style.finish(
        figure,
        title,
        f"{count:,} {split.replace('_', '-')} architectures, dashed line: prediction = truth",
        label_kind,
        height=170 + 290 * len(models),
    )
    figure.update_layout(showlegend=False)
    figure.update_xaxes(tickformat=",~g", nticks=5)
    figure.update_yaxes(tickformat=",~g", nticks=5)
    return figure


def _add_panel(
    figure: go.Figure, row: int, column: int, rows: pd.DataFrame, span: tuple[float, float], colour: str
) -> None:
    diagonal = {"color": style.INK, "width": 1, "dash": "dash"}
    line = go.Scatter(x=span, y=span, mode="lines", line=diagonal, hoverinfo="skip", showlegend=False)
    points = go.Scatter(
        x=rows["label"],
        y=rows["prediction"],
        mode="markers",
        marker={"color": colour, "size": 5, "opacity": 0.5},
        hovertemplate="true %{x:,.5~g}<br>predicted %{y:,.5~g}<extra></extra>",
        showlegend=False,
    )
    figure.add_trace(line, row=row, col=column)
    figure.add_trace(points, row=row, col=column)
    figure.update_xaxes(range=span, row=row, col=column)
    figure.update_yaxes(range=span, row=row, col=column)


def _annotate(figure: go.Figure, panel: int, text: str) -> None:
    axis = "" if panel == 1 else str(panel)
    place = {"xref": f"x{axis} domain", "yref": f"y{axis} domain", "x": 0.03, "y": 0.97, "xanchor": "left"}
    figure.add_annotation(
        text=text,
        showarrow=False,
        yanchor="top",
        align="left",
        font={"size": 11.5, "color": style.INK},
        bgcolor="rgba(255,255,255,0.8)",
        **place,
    )


def _span(rows: pd.DataFrame) -> tuple[float, float]:
    values = rows[["label", "prediction"]].to_numpy(dtype=np.float64)
    low, high = float(values.min()), float(values.max())
    margin = 0.04 * (high - low) or 0.04 * (abs(high) or 1.0)
    return low - margin, high + margin


def _scores(metrics: pd.DataFrame | None, target: str, model: str, split: str) -> str:
    if metrics is None or metrics.empty:
        return ""
    keys = (metrics["target"] == target) & (metrics["model"] == model) & (metrics["split"] == split)
    found = dict(zip(metrics.loc[keys, "metric"], metrics.loc[keys, "value"], strict=True))
    lines = [f"Spearman <b>{found['spearman']:.3f}</b>"] if "spearman" in found else []
    lines += [f"MAE {wording.number(found['mae'], 3)}"] if "mae" in found else []
    return "<br>".join(lines)
