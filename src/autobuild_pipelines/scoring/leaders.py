"""Which modules lead their unit, and how many are as good as far as an ensemble can tell."""

from __future__ import annotations

from typing import Any

import pandas as pd

KEYS = ["unit", "target", "method"]


def module_leaders(module_scores: pd.DataFrame, top: int) -> pd.DataFrame:
    """Table `module_leaders`: one row per unit, target and method.

    Args:
        module_scores: Table `module_scores`.
        top: Modules of a unit that a reduced space takes (the paper's K).

    Returns:
        unit, target, method, modules (of the unit), module (the best), layers, score, standard_error (of the best; NaN
        with one member per target), tied (modules that are not distinguishable from the best, without itself), cut
        (rank of the last module within `top`), cut_low, cut_high (its rank interval).
    """
    rows = []
    for key, group in module_scores.groupby(KEYS, sort=False):
        by_rank = group.set_index("rank")
        best, cut = by_rank.loc[1], min(top, len(group))
        row: dict[str, Any] = dict(zip(KEYS, key if isinstance(key, tuple) else (key,), strict=True))
        row |= {"modules": len(group), **best[["module", "layers", "score", "standard_error"]]}
        row |= {"tied": int((~group["distinguishable"]).sum()) - 1, "cut": cut}
        row |= {f"cut_{end}": by_rank.loc[cut, f"rank_{end}"] for end in ("low", "high")}
        rows.append(row)
    return pd.DataFrame(rows)
