"""Targets, evaluators and search problems for the labels of a table."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autobuild_pipelines.drafting.columns import Label

MAX_PROBLEMS = 2
"""Search problems that are drafted; each is searched by every variant, which is what takes the time."""


def goals(labels: list[Label]) -> dict[str, Any]:
    """The parameters `targets`, `evaluators` and `problems`.

    The first label to be high (else the first) is the quality that modules are ranked for. It is weighed against each
    of the next `MAX_PROBLEMS` labels: a target in which a deviation of the one is worth a deviation of the other, and a
    search problem of the two. What searches evaluate are predictions, so the whole space is within their reach.
    """
    quality = next((label for label in labels if label.high), labels[0])
    others = [label for label in labels if label is not quality][:MAX_PROBLEMS]
    high = quality.name if quality.high else f"-{quality.name}"
    ranked = quality.name if quality.high else f"low_{quality.name}"
    targets = {ranked: high}
    problems = {}
    for other in others:
        balanced = f"{ranked}_and_{other.name}" if other.high else f"{ranked}_for_{other.name}"
        weight = _rounded(float(np.std(quality.values)) / float(np.std(other.values)))
        targets[balanced] = f"{high} {'+' if other.high else '-'} {weight} * {other.name}"
        objectives = {label.name: _objective(label) for label in (quality, other)}
        problems[other.name] = {"objectives": objectives, "targets": [ranked, balanced]}
    if not others:
        problems[quality.name] = {"objectives": {quality.name: _objective(quality)}, "targets": [ranked]}
    evaluators = {label.name: {"type": "predictor"} for label in (quality, *others)}
    return {"targets": targets, "evaluators": evaluators, "problems": problems}


def _objective(label: Label) -> dict[str, Any]:
    """Direction, and a reference just beyond the worst value of the table."""
    low, high = float(np.min(label.values)), float(np.max(label.values))
    beyond = low - 0.05 * (high - low) if label.high else high + 0.05 * (high - low)
    return {"direction": "max" if label.high else "min", "reference": _rounded(beyond, up=not label.high)}


def _rounded(value: float, up: bool | None = None) -> float:
    """Three significant digits; up or down on request."""
    if value == 0 or not math.isfinite(value):
        return value
    step = 10.0 ** (math.floor(math.log10(abs(value))) - 2)
    steps = value / step
    whole = round(steps) if up is None else math.ceil(steps) if up else math.floor(steps)
    return float(f"{whole * step:.3g}")
