"""How well embedding norms rank held-out architectures at every hop, beside the predictor's and ridge's ranking."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from autobuild_pipelines.reporting import style

_HOP = "spearman_hop_"


def spearman_figure(metrics: pd.DataFrame, *, label_kind: str, space: str = "", split: str = "held_out") -> go.Figure:
    """Spearman correlation per hop: a line per target, its ridge baseline as a dashed level of the same colour.

    The last marker, "head", is the predictor's own output.

    Args:
        metrics: Table `predictor_metrics`: target, model, split, metric, value.
        label_kind: Of the space, a key of `wording.LABEL_KINDS`.
        space: The space's title.
        split: The split to show.
    """
    title = "Spearman correlation per hop" + (f" in {space}" if space else "")
    rows = metrics[metrics["split"] == split] if "split" in metrics else metrics
    names = rows["metric"].astype(str) if "metric" in rows else pd.Series(dtype=str)
    hops = sorted({int(name.removeprefix(_HOP)) for name in names if name.startswith(_HOP)})
    if not hops:
        return style.empty(title, f"The predictor metrics hold no {_HOP}N of the split {split!r}.", label_kind)
    categories = [str(hop) for hop in hops]
    has_head = ((rows["model"] == "autobuild") & (rows["metric"] == "spearman")).any()
    figure = go.Figure()
    targets = list(dict.fromkeys(rows["target"]))
    colours = style.target_colours(map(str, targets))
    ticks = [*categories, "head"] if has_head else categories
    for target in targets:
        found = rows[rows["target"] == target].set_index(["model", "metric"])["value"]
        heights = [found.get(("autobuild", f"{_HOP}{hop}")) for hop in hops]
        heights += [found.get(("autobuild", "spearman"))] if has_head else []
        colour = colours[str(target)]
        _add_line(figure, str(target), ticks, heights, colour)
        if (level := found.get(("ridge", "spearman"))) is not None:
            _add_level(figure, str(target), ticks, float(level), colour)
    detail = f"embedding norms on {split.replace('_', '-')} architectures, dashed: ridge, head: the prediction"
    style.finish(figure, title, detail, label_kind, height=480)
    figure.update_xaxes(
        title_text="Hop (0: FE-MLP, then message passing; head: the prediction)",
        type="category",
        categoryorder="array",
        categoryarray=ticks,
    )
    figure.update_yaxes(title_text="Spearman ρ   better →")
    figure.update_layout(legend={"x": 1.02, "y": 1, "yanchor": "top"}, hovermode="x unified")
    return figure


def _add_line(figure: go.Figure, target: str, ticks: list[str], heights: list[float | None], colour: str) -> None:
    figure.add_trace(
        go.Scatter(
            x=ticks,
            y=heights,
            name=target,
            legendgroup=target,
            mode="lines+markers",
            line={"color": colour, "width": 2.5},
            marker={"size": 8, "color": colour},
            hovertemplate="%{y:.3f}",
        )
    )


def _add_level(figure: go.Figure, target: str, ticks: list[str], level: float, colour: str) -> None:
    figure.add_trace(
        go.Scatter(
            x=ticks,
            y=[level] * len(ticks),
            name=f"ridge, {target}",
            legendgroup=target,
            mode="lines" if len(ticks) > 1 else "markers",
            line={"color": colour, "width": 1.5, "dash": "dash"},
            marker={"symbol": "line-ew-open", "color": colour},
            hovertemplate="%{y:.3f}",
        )
    )
