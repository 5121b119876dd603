"""The comparison of searches, built architectures and the training set."""

import numpy as np
import pandas as pd
import pytest
from search_run import PROBLEMS, SPACE, Metrics, search

from autobuild_pipelines.pipelines.evaluation.schemas import BUDGET_PROGRESS
from autobuild_pipelines.search import compare, progress_under_budgets, read_problems
from autobuild_pipelines.spaces import to_table

PROBLEM, PLAIN = read_problems(PROBLEMS)


def labelled(count: int, seed: int = 0) -> pd.DataFrame:
    array = SPACE.sample(count, np.random.default_rng(seed), law="depths")
    return to_table(SPACE, array, dict(Metrics().evaluate(array).items()))


def built() -> pd.DataFrame:
    table = labelled(40, 1)
    table = table[table["resolution"] == 32].head(10).reset_index(drop=True)
    return table.assign(target="gain", method="eq5", rank=range(1, 11), sum_of_scores=0.0)


def test_there_is_one_row_per_problem_and_variant() -> None:
    table = compare(SPACE, [PROBLEM, PLAIN], search(), built=built(), training=labelled(100), label_kind="measured")
    names = table[table["problem"] == "insight"]["variant"].tolist()
    searched = ["Layer-Full", "Layer-Insight", "Stage-Full", "AutoBuild-NAS"]
    assert names == [*searched, "built:gain:eq5", "training_set"]
    assert "built:gain:eq5" not in set(table[table["problem"] == "plain"]["variant"])
    assert set(table["label_kind"]) == {"measured"}


def test_hypervolume_and_best_values_are_means_over_seeds() -> None:
    evaluations = search()
    row = compare(SPACE, [PROBLEM], evaluations, label_kind="measured").set_index("variant").loc["Stage-Full"]
    runs = evaluations[(evaluations["problem"] == "insight") & (evaluations["variant"] == "Stage-Full")].groupby("seed")
    volumes = [PROBLEM.hypervolume(run[["gain_percent", "cost"]]) for _, run in runs]
    assert row["seeds"] == 2
    assert row["evaluations"] == 28
    assert row["hypervolume_mean"] == pytest.approx(np.mean(volumes))
    assert row["hypervolume_std"] == pytest.approx(np.std(volumes, ddof=1))
    assert row["best_gain_percent"] == pytest.approx(runs["gain_percent"].max().mean())
    assert row["best_cost"] == pytest.approx(runs["cost"].min().mean())


def test_training_rows_count_only_at_the_resolution_of_the_problem() -> None:
    training = labelled(100)
    row = compare(SPACE, [PROBLEM], search(), training=training, label_kind="measured").set_index("variant")
    assert row.loc["training_set", "evaluations"] == (training["resolution"] == 32).sum()
    assert np.isnan(row.loc["training_set", "hypervolume_std"])


def test_a_training_set_without_the_metrics_is_left_out_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    table = compare(SPACE, [PROBLEM], search(), training=labelled(9).drop(columns="cost"), label_kind="measured")
    assert "training_set" not in set(table["variant"])
    assert "training_set is not compared, it has no cost" in caplog.text


def test_a_fine_tuned_set_is_a_row_of_its_own_on_the_same_terms() -> None:
    fine_tuned = labelled(60, seed=5)
    table = compare(SPACE, [PROBLEM], search(), fine_tuned=fine_tuned, label_kind="measured").set_index("variant")
    known = fine_tuned[fine_tuned["resolution"] == 32]
    assert table.loc["fine_tuned", "evaluations"] == len(known)
    assert table.loc["fine_tuned", "hypervolume_mean"] == pytest.approx(
        PROBLEM.hypervolume(PROBLEM.evaluate(known).to_numpy())
    )
    assert "fine_tuned" not in set(compare(SPACE, [PROBLEM], search(), label_kind="measured")["variant"])


def test_progress_counts_the_first_evaluations_in_order() -> None:
    evaluations = search()
    table = progress_under_budgets(SPACE, [PROBLEM], evaluations, [5, 10, 28], built=built(), label_kind="measured")
    chosen = table[(table["variant"] == "Layer-Full") & (table["budget"] == 5)].set_index("measure")["mean"]
    rows = evaluations[
        (evaluations["problem"] == "insight")
        & (evaluations["variant"] == "Layer-Full")
        & (evaluations["evaluation"] <= 5)
    ]
    assert chosen["gain_percent"] == pytest.approx(rows.groupby("seed")["gain_percent"].max().mean())
    assert chosen["cost"] == pytest.approx(rows.groupby("seed")["cost"].min().mean())
    assert set(table[table["variant"] == "built:gain:eq5"]["budget"]) == {5, 10}


def test_progress_is_a_table_without_rows_where_no_search_spends_a_budget() -> None:
    table = progress_under_budgets(SPACE, [PROBLEM], search(), [1000], label_kind="measured")
    assert BUDGET_PROGRESS.validate(table).empty


def test_progress_never_gets_worse() -> None:
    table = progress_under_budgets(SPACE, [PROBLEM], search(), [5, 10, 20, 28], label_kind="measured")
    volumes = table[table["measure"] == "hypervolume"].pivot_table(index="budget", columns="variant", values="mean")
    assert (volumes.diff().dropna() >= 0).all().all()
