"""What was expected of built architectures, and what was measured."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from autobuild_pipelines.reporting import style, wording


def verification_figure(verified: pd.DataFrame, metrics: pd.DataFrame, *, metric: str, space: str = "") -> go.Figure:
    """Measured against expected latency, a colour per target, and the line on which both are equal.

    Args:
        verified: Table `verified_architectures`.
        metrics: Table `verification_metrics`; the values over all architectures stand in the title.
        metric: The metric whose values were expected.
        space: The space's title.
    """
    title = f"Latency of built architectures, expected and measured{f' in {space}' if space else ''}"
    if verified.empty:
        return style.empty(title, "No built architecture could be measured.", "measured")
    figure = go.Figure()
    low = float(verified[["expected_ms", "measured_ms"]].min().min())
    high = float(verified[["expected_ms", "measured_ms"]].max().max())
    margin = 0.05 * (high - low) or 0.05 * high
    span = [low - margin, high + margin]
    diagonal = {"color": style.INK, "width": 1, "dash": "dash"}
    figure.add_scatter(x=span, y=span, mode="lines", line=diagonal, name="measured = expected", hoverinfo="skip")
    colours = style.target_colours(verified["target"])
    symbols = style.target_symbols(verified["target"])
    for target, rows in verified.groupby("target", sort=False):
        name = str(target)
        figure.add_scatter(
            x=rows["expected_ms"],
            y=rows["measured_ms"],
            error_y={"array": rows["measured_ms"] * rows["measured_spread"] / 2, "thickness": 1, "width": 3},
            mode="markers",
            marker={"color": colours[name], "symbol": symbols[name], "size": 9},
            name=f"built for {wording.words(name)}",
            customdata=rows[["rank", "architecture_id"]],
            hovertemplate="rank %{customdata[0]}, %{customdata[1]}<br>expected %{x:,.4~g} ms<br>measured %{y:,.4~g} ms"
            "<extra></extra>",
        )
    figure.update_xaxes(title_text=f"expected: {wording.quantity(metric)}", range=span)
    figure.update_yaxes(title_text="measured on this machine [ms]", range=span)
    style.finish(figure, title, f"bars: quartiles of the repeats; {foretold(metrics)}", "measured", height=620)
    return figure


def foretold(metrics: pd.DataFrame, target: str = "all") -> str:
    """How well latencies were foretold, in words: "20 networks, Spearman 0.91, mean error 4.2 %, bias +0.3 ms"."""
    rows = metrics[metrics["target"] == target]
    found = dict(zip(rows["metric"], rows["value"], strict=True))
    parts = [f"{int(found.get('architectures', 0))} networks"]
    if "spearman" in found:
        parts += [
            f"Spearman {found['spearman']:.3f}",
            f"mean error {100 * found['mean_ape']:.1f} %",
            f"bias {found['bias_ms']:+.2f} ms",
        ]
    if found.get("failed"):
        parts.append(f"{int(found['failed'])} failed")
    return ", ".join(parts)
