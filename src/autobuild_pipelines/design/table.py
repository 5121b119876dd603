"""Designed targets as a table, and as the mapping that parameters take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from autobuild_pipelines.design.settings import DesignError
from autobuild_pipelines.design.targets import DesignedTarget


def target_equations(designed: Sequence[DesignedTarget]) -> dict[str, str]:
    """Name → equation, as the parameter `targets` has them."""
    return {target.name: target.equation for target in designed}


def merged_targets(targets: Mapping[str, str], equations: Mapping[str, str]) -> dict[str, str]:
    """The targets of a space with the designed ones behind them.

    Raises:
        DesignError: Names the target that is written by hand and designed, with different equations.
    """
    for name in targets.keys() & equations.keys():
        if targets[name].strip() != equations[name]:
            raise DesignError(
                f"targets.{name}: {targets[name]!r} has the name of a designed target, {equations[name]!r}; give it "
                "another, or set design.count to 0"
            )
    return {**targets, **equations}


def designed_targets_table(designed: Mapping[str, Sequence[DesignedTarget]], *, label_kind: str) -> pd.DataFrame:
    """Table `designed_targets`: one row an equation.

    Args:
        designed: Problem to its equations.
        label_kind: Of the labels that they were designed from, a key of `reporting.wording.LABEL_KINDS`.

    Returns:
        problem, target, equation, shape, best (architectures that make its region), ideal_score, high and high_score,
        low and low_score (the targets whose points they are; "" and empty where there is none), margin, gap, checked,
        reason, then of every objective (empty for other problems') coefficient_<objective>, ideal_<objective>,
        region_min_<objective>, region_max_<objective>; last label_kind. See `DesignedTarget`.
    """
    rows = [{"problem": problem, **_row(target)} for problem, targets in designed.items() for target in targets]
    table = pd.DataFrame(rows) if rows else pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in _HEAD.items()})
    return table.assign(label_kind=pd.Series(label_kind, index=table.index, dtype=str))


_HEAD = {
    "problem": "str",
    "target": "str",
    "equation": "str",
    "shape": "str",
    "best": "int64",
    "ideal_score": "float64",
    "high": "str",
    "high_score": "float64",
    "low": "str",
    "low_score": "float64",
    "margin": "float64",
    "gap": "float64",
    "checked": "bool",
    "reason": "str",
}
"""Columns of a table without rows, and their types."""


def _row(target: DesignedTarget) -> dict[str, object]:
    row: dict[str, object] = {
        "target": target.name,
        "equation": target.equation,
        "shape": target.sum.shape,
        "best": len(target.architectures),
        "ideal_score": target.ideal.score,
    }
    for side, point in (("high", target.high), ("low", target.low)):
        row[side] = "" if point is None else point.target
        row[f"{side}_score"] = float("nan") if point is None else point.score
    row |= {"margin": target.margin, "gap": target.gap, "checked": target.checked, "reason": target.reason}
    for (name, (least, greatest)), coefficient in zip(target.region.items(), target.sum.coefficients, strict=True):
        row |= {
            f"coefficient_{name}": coefficient,
            f"ideal_{name}": target.ideal.objectives[name],
            f"region_min_{name}": least,
            f"region_max_{name}": greatest,
        }
    return row
