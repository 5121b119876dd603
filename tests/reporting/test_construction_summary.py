"""What is printed at the end of a run that builds without searching."""

from __future__ import annotations

import io

import pandas as pd
import pytest
from rich.console import Console

from autobuild_pipelines.reporting import print_constructions
from autobuild_pipelines.spaces import SearchSpace

SPACE = SearchSpace.from_mapping(
    "mine", {"layer_features": {"kernel": {"choices": [3, 5]}}, "units": [{"name": "a", "layers": [1, 2]}]}
)


def comparison(label_kind: str = "surrogate", **ranks: object) -> pd.DataFrame:
    known = {"best_true_value": -11.0, "best_true_rank": 2, "best_true_percentile": 0.0012, "mean_true_percentile": 3.0}
    rows = [
        {"target": "fid", "method": method, "count": 4, "best_value": value, "mean_value": value - 1, **known, **ranks}
        for method, value in {"norm_constrained": -11.2, "exhaustive": -11.9}.items()
    ]
    table = pd.DataFrame(rows).assign(label_kind=label_kind)
    return table.astype({"best_true_rank": "Int64"})


def gains() -> pd.DataFrame:
    row = {"problem": "latency", "target": "fid", "method": "exhaustive", "gain_percent": 4.25}
    return pd.DataFrame([row])


def printed(table: pd.DataFrame, found: pd.DataFrame | None = None) -> str:
    out = io.StringIO()
    console = Console(file=out, width=120, highlight=False)
    tables = {} if found is None else {"mine": found}
    print_constructions({"mine": table}, tables, {"mine": SPACE}, {"mine.graphs": "data/x"}, console=console)
    return out.getvalue()


def test_sizes_best_values_and_true_ranks_are_told_by_method() -> None:
    text = printed(comparison(), gains())
    assert "mine: 6 architectures, 6 modules" in text
    assert "of 6" in text
    (ours,) = [line for line in text.splitlines() if "AutoBuild Constrained" in line]
    assert ours.split()[-6:] == ["4", "-11.20", "-12.20", "2", "0.0012", "3.00"]
    assert "Exhaustive Search" in text
    assert "+4.2 %" in text or "+4.3 %" in text
    assert "data/x" in text


def test_made_up_labels_are_called_surrogates() -> None:
    assert "surrogate labels" in printed(comparison())
    assert "surrogate" not in printed(comparison("measured"))


@pytest.mark.parametrize("found", [None, gains().head(0)])
def test_without_truth_or_fronts_there_is_nothing_of_them(found: pd.DataFrame | None) -> None:
    unknown = comparison(best_true_rank=pd.NA, best_true_percentile=float("nan"), mean_true_percentile=float("nan"))
    text = printed(unknown, found)
    assert "true rank" not in text
    assert "hypervolume" not in text
    assert "-11.20" in text
