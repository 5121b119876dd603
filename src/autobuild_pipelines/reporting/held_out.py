"""What tables of metrics say of predictors on held-out architectures, beside ridge regression."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

_HOP = "spearman_hop_"


def held_out(metrics: pd.DataFrame) -> dict[tuple[str, str, str], float]:
    """(target, model, metric) → value on held-out architectures."""
    rows = metrics[metrics["split"] == "held_out"]
    names = zip(rows["target"], rows["model"], rows["metric"], strict=True)
    return dict(zip(names, rows["value"].astype(float).tolist(), strict=True))


def assessed_hops(values: Iterable[tuple[str, str, str]]) -> list[int]:
    """The hops at which correlations are known, of the keys of `held_out`."""
    return sorted({int(metric.removeprefix(_HOP)) for _, _, metric in values if metric.startswith(_HOP)})


def better(ours: float | None, ridge: float | None) -> str:
    """Which of two held-out Spearman correlations is better in a plain word, "equal" to three decimals."""
    if ours is None or ridge is None or ours != ours or ridge != ridge:
        return "unknown"
    difference = round(ours, 3) - round(ridge, 3)
    if abs(difference) < 5e-4:
        return "equal"
    return f"{'autobuild' if difference > 0 else 'ridge'} by {abs(difference):.3f}"


def correlation(value: float | None) -> str:
    """A correlation to three decimals; "–" where there is none."""
    return "–" if value is None or value != value else f"{value:.3f}"
