"""What a run found, in a few lines."""

from __future__ import annotations

import math

import pandas as pd

from autobuild_pipelines.reporting.description import LONGEST, Failure, SpaceRecord, describe_run, headlines

COMPARISON = pd.DataFrame(
    {
        "problem": "cpu",
        "variant": ["layer_full", "autobuild_nas", "built:acc:eq5", "built:acc:contextual", "training_set"],
        "seeds": [5, 5, 1, 1, 1],
        "evaluations": [250.0, 250.0, 3.0, 3.0, 400.0],
        "hypervolume_mean": [40.0, 60.0, 20.0, 30.0, 50.0],
        "hypervolume_std": [1.0, 2.0, math.nan, math.nan, math.nan],
        "best_latency_cpu_ms": [20.0, 10.0, 15.0, 14.0, 12.0],
    }
)
METRICS = pd.DataFrame(
    [
        (target, model, "held_out", "spearman", value)
        for target, ours in (("acc", 0.9), ("lat", 0.8))
        for model, value in (("autobuild", ours), ("ridge", 0.5))
    ],
    columns=["target", "model", "split", "metric", "value"],
)
RECORD = SpaceRecord("A space", "surrogate", {"comparison": COMPARISON, "predictor_metrics": METRICS}, ("comparison",))


def test_the_first_line_of_a_space_has_its_headline_numbers() -> None:
    first = describe_run({"a": RECORD}).splitlines()[0]
    assert first == (
        "- **a** (surrogate labels): cpu hypervolume **60.00** (20.0 % above the training set) · "
        "predictors' held-out ρ 0.850 (ridge 0.500)"
    )


def test_the_best_search_is_named_against_the_others_and_what_was_built() -> None:
    text = describe_run({"a": RECORD})
    assert "**AutoBuild-NAS** searches best, hypervolume 60.00 after 250 evaluations × 5 seeds" in text
    assert "Layer-Full 40.00; training set 50.00." in text
    assert "Best built without search: acc · contextual, 30.00 from 3 architectures." in text
    assert "| AutoBuild-NAS | 250 × 5 | 60.00 ± 2.00 | 10.00 |" in text


def test_surrogate_labels_are_said_to_be_that() -> None:
    assert "Surrogate labels" in describe_run({"a": RECORD})
    assert "urrogate" not in describe_run({"a": SpaceRecord("A", "measured", RECORD.tables)})


def test_the_same_numbers_have_the_same_names_in_every_run() -> None:
    assert headlines("a", RECORD) == {
        "a/cpu.best_hypervolume": 60.0,
        "a/cpu.over_training_percent": 100 * (60 / 50 - 1),
        "a/held_out_spearman": (0.9 + 0.8) / 2,
        "a/held_out_spearman_ridge": 0.5,
    }


def test_a_failure_comes_first_and_says_where_and_what_was_saved() -> None:
    failure = Failure("a.search.search_architectures", ValueError("row 17: 5 layers\nexpected 2-4"))
    text = describe_run({"a": RECORD}, failure=failure)
    assert text.startswith("**Failed** in node `a.search.search_architectures`: ValueError")
    assert "> row 17: 5 layers\n> expected 2-4" in text
    assert "Saved: `comparison`." in text


def test_a_run_that_compares_nothing_names_what_it_saved() -> None:
    text = describe_run({"a": SpaceRecord("a", "measured", saved=("module_scores", "module_scores_figure"))})
    assert "Saved: `module_scores`." in text


def test_a_description_is_never_longer_than_mlflow_takes() -> None:
    text = describe_run({f"space_{i}": RECORD for i in range(40)})
    assert len(text) <= LONGEST
    assert text.endswith("the rest is in the run's tables)")
