"""True ranks among a whole space, and what is compared of constructed architectures."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from autobuild_pipelines.pipelines.compare_built import schemas
from autobuild_pipelines.search import (
    OPTIMUM,
    RANDOM,
    Problem,
    SearchError,
    TrueValues,
    constructed_table,
    construction_table,
    pareto_gains,
)
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace, to_table

SPACE = SearchSpace.from_mapping(
    "small",
    {"layer_features": {"kernel": {"choices": [3, 5, 7]}}, "units": [{"name": n, "layers": [1, 2]} for n in "ab"]},
)
KERNELS = np.asarray([*(dict(layer)["kernel"] for layer in SPACE.layers), 0])


class Costs:
    """A quality and a cost that every architecture has; many have the same."""

    metrics = ("quality", "cost")
    support: ArchitectureArray | None = None

    def evaluate(self, array: ArchitectureArray) -> pd.DataFrame:
        kernels = KERNELS[array.layers]
        return pd.DataFrame({"quality": np.sqrt(kernels.sum(axis=1)), "cost": (kernels**2).sum(axis=1).astype(float)})


TARGETS = {"quality": "quality", "both": "quality - 0.05 * cost"}
PROBLEM = Problem.from_mapping(
    "both",
    {
        "objectives": {
            "quality": {"direction": "max", "reference": 0},
            "cost": {"direction": "min", "reference": 200},
        },
        "targets": ["both"],
    },
)


def labelled(rows: list[int], **more: object) -> pd.DataFrame:
    array = SPACE.enumeration.architectures(np.asarray(rows))
    return to_table(SPACE, array, dict(Costs().evaluate(array))).assign(metric_sources="made up", **more)


def built(rows: list[int]) -> pd.DataFrame:
    of_targets = [labelled(rows, target=target, rank=np.arange(1, len(rows) + 1)) for target in TARGETS]
    return pd.concat(of_targets, ignore_index=True)


def constructed(truth: TrueValues | None = None) -> pd.DataFrame:
    return constructed_table(
        SPACE,
        TARGETS,
        Costs.metrics,
        built=built([5, 9, 40]).assign(method="ours"),
        exhaustive=built([100, 3]),
        random=labelled([7, 8]),
        training=labelled([1, 2, 30, 60]),
        truth=truth,
    )


def test_ranks_count_the_architectures_that_are_better() -> None:
    truth = TrueValues(SPACE, Costs(), TARGETS)
    everything = SPACE.enumeration.architectures(range(SPACE.size))
    for target, values in truth.values(everything).items():
        expected = 1 + (values[None, :] > values[:, None] + 1e-9).sum(axis=1)
        assert truth.ranks(target, values).tolist() == expected.tolist()
    assert truth.percentiles([1, SPACE.size]).tolist() == [100 / SPACE.size, 100]


def test_a_space_that_is_too_large_or_partly_known_has_no_true_ranks() -> None:
    large = SearchSpace.from_mapping(
        "large", {"layer_features": {"kernel": {"choices": [3, 5, 7]}}, "units": [{"name": "a", "layers": [20]}]}
    )
    with pytest.raises(SearchError, match=r"truth: space 'large' has 3,486,784,401 architectures"):
        TrueValues(large, Costs(), TARGETS)
    partly = Costs()
    partly.support = SPACE.enumeration.architectures(range(3))
    with pytest.raises(SearchError, match=r"truth: its evaluators know 3 architectures, not all"):
        TrueValues(SPACE, partly, TARGETS)


def test_everything_that_is_compared_stands_in_one_table_with_its_true_rank() -> None:
    truth = TrueValues(SPACE, Costs(), TARGETS)
    table = schemas.CONSTRUCTED_ARCHITECTURES.validate(constructed(truth))
    assert table.groupby(["target", "method"]).size().to_dict() == {
        (target, method): count
        for target in TARGETS
        for method, count in {"ours": 3, "exhaustive": 2, OPTIMUM: 1, RANDOM: 2}.items()
    }
    assert table["target_value"].tolist() == pytest.approx(table["true_value"].tolist())  # nothing is noisy here
    best = table[(table["method"] == OPTIMUM) & (table["target"] == "quality")]
    assert best["quality"].item() == labelled([1, 2, 30, 60])["quality"].max()


def test_without_truth_ranks_are_empty_and_values_are_compared() -> None:
    table = schemas.CONSTRUCTED_ARCHITECTURES.validate(constructed())
    assert table[["true_value", "true_rank", "true_percentile"]].isna().all(axis=None)
    compared = schemas.CONSTRUCTION_COMPARISON.validate(construction_table(table, label_kind="measured"))
    assert compared["best_true_rank"].isna().all()
    ours = compared.set_index(["target", "method"]).loc[("both", "ours")]
    assert ours["count"] == 3
    assert ours["best_value"] == table[(table["target"] == "both") & (table["method"] == "ours")]["target_value"].max()


def test_the_best_true_rank_of_a_method_is_that_of_its_best_architecture() -> None:
    table = constructed(TrueValues(SPACE, Costs(), TARGETS))
    compared = schemas.CONSTRUCTION_COMPARISON.validate(construction_table(table, label_kind="surrogate"))
    for row in compared.to_dict("records"):
        mine = table[(table["target"] == row["target"]) & (table["method"] == row["method"])]
        assert row["best_true_rank"] == mine["true_rank"].min()
        assert row["best_true_value"] == mine["true_value"].max()


def test_what_is_built_can_only_add_to_the_training_sets_hypervolume() -> None:
    training, table = labelled([1, 2, 30, 60]), constructed()
    gains = schemas.PARETO_GAINS.validate(pareto_gains([PROBLEM], training, table, label_kind="surrogate"))
    assert gains["method"].tolist() == ["ours", "exhaustive", RANDOM]
    for row in gains.to_dict("records"):
        mine = table[(table["target"] == "both") & (table["method"] == row["method"])]
        both = pd.concat([training, mine], ignore_index=True)
        assert row["hypervolume_joint"] == pytest.approx(PROBLEM.hypervolume(PROBLEM.evaluate(both)))
        assert (row["gain"] > 0) <= (row["beyond_front"] > 0)


def test_the_training_sets_own_architectures_add_nothing() -> None:
    training = labelled([1, 2, 30, 60])
    table = constructed_table(
        SPACE,
        TARGETS,
        Costs.metrics,
        built=built([1, 2]).assign(method="ours"),
        exhaustive=built([30]),
        random=labelled([60]),
        training=training,
    )
    gains = pareto_gains([PROBLEM], training, table, label_kind="surrogate")
    assert gains["gain"].tolist() == pytest.approx([0, 0, 0])
    assert gains["beyond_front"].tolist() == [0, 0, 0]


def test_a_problem_that_the_training_set_has_no_metric_for_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    training = labelled([1, 2]).drop(columns="cost")
    gains = schemas.PARETO_GAINS.validate(pareto_gains([PROBLEM], training, constructed(), label_kind="measured"))
    assert gains.empty
    assert "problem both: the training set has no cost" in caplog.text
