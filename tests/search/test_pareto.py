"""Pareto sets and hypervolumes of points that are better upwards or downwards."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobuild_pipelines.search import hypervolume, pareto_mask

points = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), min_size=1, max_size=12)
directions = st.tuples(st.booleans(), st.booleans())


def covered_cells(rows: list[tuple[int, int]], reference: tuple[int, int], maximise: tuple[bool, bool]) -> int:
    """Unit squares between the points and the reference, counted one by one."""
    signs = np.where(maximise, 1, -1)
    better = np.asarray(rows) * signs - np.asarray(reference) * signs
    return sum(bool(((better > (x, y)).all(axis=1)).any()) for x in range(9) for y in range(9))


@given(rows=points, maximise=directions)
def test_the_hypervolume_is_the_area_counted_by_hand(rows: list[tuple[int, int]], maximise: tuple[bool, bool]) -> None:
    reference = (0 if maximise[0] else 8, 0 if maximise[1] else 8)
    assert hypervolume(rows, reference, maximise) == covered_cells(rows, reference, maximise)


@given(rows=points, maximise=directions)
def test_the_front_is_what_no_other_point_dominates(rows: list[tuple[int, int]], maximise: tuple[bool, bool]) -> None:
    values = np.asarray(rows) * np.where(maximise, 1, -1)
    dominated = [any((other >= row).all() and (other > row).any() for other in values) for row in values]
    assert pareto_mask(rows, maximise).tolist() == [not d for d in dominated]


def test_equal_points_of_the_front_are_all_kept() -> None:
    assert pareto_mask([[1, 1], [1, 1], [0, 0]], [True, True]).tolist() == [True, True, False]


def test_points_beyond_the_reference_add_nothing() -> None:
    assert hypervolume([[75, 9], [80, 12], [73, 1]], (74, 11), (True, False)) == pytest.approx(2)


def test_no_points_have_no_hypervolume_and_no_front() -> None:
    assert hypervolume(np.empty((0, 2)), (0, 0), (True, True)) == 0
    assert len(pareto_mask(np.empty((0, 2)), (True, True))) == 0


def test_points_that_could_not_be_evaluated_dominate_nothing_and_add_nothing() -> None:
    points = [[1.0, 1.0], [np.nan, 9.0], [2.0, 0.5], [9.0, np.nan]]
    assert pareto_mask(points, [True, True]).tolist() == [True, False, True, False]
    assert hypervolume(points, (0, 0), (True, True)) == hypervolume(points[::2], (0, 0), (True, True))
    assert pareto_mask([[np.nan, 1.0]], [True, True]).tolist() == [False]
    assert hypervolume([[np.nan, 1.0]], (0, 0), (True, True)) == 0
