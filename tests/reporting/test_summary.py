"""What the table at the end of a run says."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from reporting_tables import VARIANTS, make_comparison, make_metrics
from rich.console import Console

from autobuild_pipelines.reporting import Counts, print_summary
from autobuild_pipelines.reporting.held_out import better

LOCATIONS = {
    f"{space}.{name}": f"data/{layer}/{space}/{name}.parquet/2026-01-01T00.00.00.000Z/{name}.parquet"
    for space in ("ofa_mbv3", "ofa_pn")
    for name, layer in {
        "architectures": "02_intermediate",
        "rejected_architectures": "02_intermediate",
        "evaluations": "07_model_output",
        "comparison": "08_reporting",
    }.items()
}
COUNTS = Counts(read=3000, rejected=2, modules=36_855, space=7371**5, reduced={"cpu": 10**8, "gpu": 10**10})


def printed(comparisons: dict[str, pd.DataFrame], width: int = 100, **given: object) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, highlight=False)
    print_summary(comparisons, given.pop("locations", LOCATIONS), console=console, **given)  # type: ignore[arg-type]
    return out.getvalue()


def test_two_spaces_fit_a_page_of_100_columns(comparison: pd.DataFrame) -> None:
    text = printed(
        {"ofa_mbv3": comparison, "ofa_pn": comparison},
        predictor_metrics=dict.fromkeys(("ofa_mbv3", "ofa_pn"), make_metrics(("acc", "acc_per_cpu"))),
        counts=dict.fromkeys(("ofa_mbv3", "ofa_pn"), COUNTS),
    )
    lines = text.splitlines()
    assert len(lines) <= 42
    assert max(map(len, lines)) <= 100
    assert "…" not in text.partition("Look next")[0]


def test_every_variant_and_the_training_set_have_a_row(comparison: pd.DataFrame) -> None:
    text = printed({"ofa_mbv3": comparison})
    for name in (*VARIANTS, "training_set", "built (best set)"):
        assert sum(line.startswith(name) for line in text.splitlines()) == 1
    best = comparison[(comparison["problem"] == "cpu") & (comparison["variant"] == "stage_full")].iloc[0]
    assert f"{best['hypervolume_mean']:,.0f} ± {best['hypervolume_std']:.0f}" in text
    assert "250 x 5" in text


def test_surrogate_labels_are_called_that_and_others_are_not() -> None:
    surrogate = printed({"a": make_comparison("surrogate")}, predictor_metrics={"a": make_metrics()})
    assert "a · surrogate labels" in surrogate
    assert "surrogate target" in surrogate
    measured = printed({"a": make_comparison("measured")}, predictor_metrics={"a": make_metrics()})
    assert "surrogate" not in measured
    assert "measured labels" in measured


def test_it_counts_what_was_read_and_how_far_the_space_shrank(comparison: pd.DataFrame) -> None:
    text = printed({"ofa_mbv3": comparison}, counts={"ofa_mbv3": COUNTS})
    assert "3,000 architectures, 2 rejected · 36,855 modules scored · space 2.2e19 -> reduced 1.0e8 to 1.0e10" in text


@pytest.mark.parametrize(
    ("ours", "ridge", "word"),
    [
        (0.99, 0.98, "autobuild by 0.010"),
        (0.84, 0.975, "ridge by 0.135"),
        (0.98, 0.98, "equal"),
        (0.9801, 0.9803, "equal"),
        (None, 0.98, "unknown"),
        (float("nan"), 0.98, "unknown"),
    ],
)
def test_it_says_plainly_whether_the_predictor_beats_ridge(ours: float | None, ridge: float | None, word: str) -> None:
    assert better(ours, ridge) == word


def test_an_empty_comparison_is_said_to_be_empty(comparison: pd.DataFrame) -> None:
    for empty in (comparison.iloc[:0], pd.DataFrame()):
        assert "the table of the comparison is empty" in printed({"ofa_mbv3": empty})


def test_missing_problems_and_values_are_dashes(comparison: pd.DataFrame) -> None:
    holes = comparison[(comparison["problem"] == "cpu") | (comparison["variant"] != "layer_full")].copy()
    holes.loc[holes["variant"] == "stage_full", "hypervolume_mean"] = np.nan
    text = printed({"ofa_mbv3": holes})
    assert next(line for line in text.splitlines() if line.startswith("layer_full")).count("–") == 4
    assert "nan" not in text


def test_a_run_without_comparison_still_says_where_things_are() -> None:
    text = printed({}, locations={"ofa_pn.module_scores": "data/07_model_output/ofa_pn/module_scores.parquet"})
    assert "data/07_model_output/ofa_pn/module_scores.parquet" in text
    assert "make viz" in text
    assert "make mlflow" in text


def test_many_locations_are_gathered_by_layer(comparison: pd.DataFrame) -> None:
    last = printed({"ofa_mbv3": comparison}).partition("Look next")[2].splitlines()
    assert "  data/02_intermediate  architectures, rejected_architectures" in last
    assert len(last) == 6


def test_an_ensemble_says_how_many_modules_may_be_the_best_of_their_unit(comparison: pd.DataFrame) -> None:
    leaders = pd.DataFrame({"method": ["eq5"] * 3, "standard_error": 0.1, "tied": [0, 3, 1199]})
    text = printed({"ofa_mbv3": comparison}, leaders={"ofa_mbv3": leaders})
    assert "modules that may be their unit's best: Eq. 5 4 (up to 1,200)" in text
    alone = printed({"ofa_mbv3": comparison}, leaders={"ofa_mbv3": leaders.assign(standard_error=np.nan)})
    assert "may be their" not in alone
