"""A table of evaluated architectures as an evaluator."""

import numpy as np
import pandas as pd
import pytest

from autobuild_pipelines.evaluators import CombinedEvaluator, EvaluationError, TableEvaluator
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace, to_table


@pytest.fixture
def known(ofa_mbv3: SearchSpace) -> ArchitectureArray:
    return ofa_mbv3.sample(30, np.random.default_rng(0))


@pytest.fixture
def table(ofa_mbv3: SearchSpace, known: ArchitectureArray) -> pd.DataFrame:
    return to_table(ofa_mbv3, known, {"acc": np.arange(30.0), "latency": np.arange(30) * 2})


def test_labels_are_found_by_architecture_in_any_order(
    ofa_mbv3: SearchSpace, known: ArchitectureArray, table: pd.DataFrame
) -> None:
    order = np.random.default_rng(1).permutation(30)
    evaluator = TableEvaluator(ofa_mbv3, table, {"top1": "acc", "ms": "latency"})
    found = evaluator.evaluate(known.take(order))
    assert found["top1"].tolist() == order.tolist()
    assert found["ms"].tolist() == (2 * order).tolist()


def test_its_support_is_its_architectures_with_finite_labels(
    ofa_mbv3: SearchSpace, known: ArchitectureArray, table: pd.DataFrame
) -> None:
    table.loc[[3, 7], "latency"] = float("nan")
    evaluator = TableEvaluator(ofa_mbv3, table, {"latency": "latency"})
    assert evaluator.support is not None
    assert evaluator.support.keys() == known.take([i for i in range(30) if i not in (3, 7)]).keys()


def test_an_architecture_outside_the_table_is_named(
    ofa_mbv3: SearchSpace, known: ArchitectureArray, table: pd.DataFrame
) -> None:
    evaluator = TableEvaluator(ofa_mbv3, table.drop(index=2), {"acc": "acc"})
    identifier = ofa_mbv3.ids(known.take([2]))[0]
    with pytest.raises(EvaluationError, match=rf"'acc'\]: architecture {identifier} \(number 3 of 30\) is not in the"):
        evaluator.evaluate(known)


def test_an_architecture_that_stands_twice_is_refused(ofa_mbv3: SearchSpace, table: pd.DataFrame) -> None:
    with pytest.raises(EvaluationError, match="rows 4 and 30 of the table are one architecture"):
        TableEvaluator(ofa_mbv3, pd.concat([table, table.iloc[[4]]], ignore_index=True), {"acc": "acc"})


def test_supports_of_several_tables_intersect(
    ofa_mbv3: SearchSpace, known: ArchitectureArray, table: pd.DataFrame
) -> None:
    first = TableEvaluator(ofa_mbv3, table.iloc[:20], {"acc": "acc"})
    second = TableEvaluator(ofa_mbv3, table.iloc[10:], {"latency": "latency"})
    combined = CombinedEvaluator([first, second])
    assert combined.support is not None
    assert combined.support.keys() == known.take(slice(10, 20)).keys()
    assert len(combined.evaluate(combined.support)) == 10


def test_tables_without_a_common_architecture_are_refused(ofa_mbv3: SearchSpace, table: pd.DataFrame) -> None:
    first = TableEvaluator(ofa_mbv3, table.iloc[:20], {"acc": "acc"})
    second = TableEvaluator(ofa_mbv3, table.iloc[20:], {"latency": "latency"})
    with pytest.raises(EvaluationError, match="no architecture can be evaluated for all of them"):
        CombinedEvaluator([first, second])


def test_a_metric_with_two_sources_is_refused(ofa_mbv3: SearchSpace, table: pd.DataFrame) -> None:
    part = TableEvaluator(ofa_mbv3, table, {"acc": "acc"})
    with pytest.raises(EvaluationError, match="metric 'acc': two evaluators give it"):
        CombinedEvaluator([part, part])
