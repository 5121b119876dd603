"""The best combinations of modules are exact and never need the product."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autobuild_pipelines.building import best_combinations, combination_count

# Quarters add exactly and give many ties; thirds round.
quarters = st.integers(-6, 6).map(lambda i: i / 4)
thirds = st.integers(-6, 6).map(lambda i: i / 3)


def brute_force(lists: list[list[float]], count: int) -> list[tuple[tuple[int, ...], float]]:
    """All combinations in the documented order."""
    ranks = [{i: r for r, i in enumerate(sorted(range(len(x)), key=lambda i: (-x[i], i)))} for x in lists]

    def key(index: tuple[int, ...]) -> tuple[object, ...]:
        sums = [lists[0][index[0]]]
        for unit in range(1, len(lists)):
            sums.append(sums[-1] + lists[unit][index[unit]])
        return tuple(-s for s in reversed(sums)), tuple(r[i] for r, i in zip(ranks, index, strict=True))

    ordered = sorted(product(*(range(len(x)) for x in lists)), key=key)[:count]
    return [(index, -key(index)[0][0]) for index in ordered]  # type: ignore[index]


@settings(max_examples=200)
@given(
    lists=st.one_of(
        st.lists(st.lists(scores, min_size=1, max_size=5), min_size=1, max_size=4) for scores in (quarters, thirds)
    ),
    count=st.integers(0, 40),
)
def test_the_best_combinations_are_those_of_the_whole_product_in_the_documented_order(
    lists: list[list[float]], count: int
) -> None:
    indices, sums = best_combinations(lists, count)
    expected = brute_force(lists, count)
    assert list(map(tuple, indices.tolist())) == [index for index, _ in expected]
    assert sums.tolist() == [total for _, total in expected]


def test_a_thousand_of_the_full_mbv3_product_come_without_forming_it() -> None:
    rng = np.random.default_rng(0)
    lists = [rng.normal(size=7371) for _ in range(5)]
    indices, sums = best_combinations(lists, 1000)
    assert combination_count(lists) == 7371**5
    assert len(np.unique(indices, axis=0)) == 1000
    assert np.all(np.diff(sums) <= 0)
    assert sums[0] == pytest.approx(sum(values.max() for values in lists))
    np.testing.assert_allclose(sums, sum(values[i] for values, i in zip(lists, indices.T, strict=True)))


def test_fewer_combinations_than_asked_for_are_all_returned() -> None:
    indices, _ = best_combinations([[1.0, 2.0], [3.0]], 10)
    assert indices.tolist() == [[1, 0], [0, 0]]


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ([], "at least one unit"),
        ([[1.0], []], "unit 2: expected a non-empty list"),
        ([[1.0, float("nan")]], "unit 1: the score of item 1 is not finite"),
    ],
)
def test_unusable_scores_are_refused(scores: list[list[float]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        best_combinations(scores, 3)
