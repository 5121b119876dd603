"""Directions between the objectives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobuild_pipelines.design import directions


@given(objectives=st.integers(2, 4), more=st.integers(0, 8))
def test_no_objective_is_left_out_of_any_direction_and_no_two_are_the_same(objectives: int, more: int) -> None:
    found = directions(objectives + more, objectives)
    assert found.shape == (objectives + more, objectives)
    assert (found > 0).all()
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1)
    assert len(np.unique(found.round(6), axis=0)) == len(found)


@given(count=st.integers(2, 12))
def test_two_objectives_are_weighed_from_the_first_to_the_second_and_alike_from_both_ends(count: int) -> None:
    found = directions(count, 2)
    assert (np.diff(found[:, 0]) < 0).all()
    np.testing.assert_allclose(found, found[::-1, ::-1])


def test_four_directions_of_two_objectives_are_the_chebyshev_nodes_of_the_quarter_circle() -> None:
    angles = np.degrees(np.arctan2(*directions(4, 2).T[::-1]))
    # 45 degrees less 45 * cos(pi / 8), 45 * cos(3 pi / 8), and so on
    np.testing.assert_allclose(angles, [3.4254, 27.7792, 62.2208, 86.5746], atol=1e-4)


@pytest.mark.parametrize("objectives", [3, 4])
def test_more_objectives_get_each_one_nearly_alone_and_then_all_alike(objectives: int) -> None:
    found = directions(objectives + 1, objectives)
    shares = found**2
    alone = shares[shares.max(axis=1) > 0.9]
    assert sorted(alone.argmax(axis=1).tolist()) == list(range(objectives))
    assert any(np.allclose(row, 1 / objectives) for row in shares)
    assert found[0].argmax() == 0
    assert (np.diff(found[:, 0]) <= 1e-12).all()


@pytest.mark.parametrize(("count", "objectives"), [(1, 2), (2, 3), (4, 1)])
def test_fewer_directions_than_objectives_are_refused(count: int, objectives: int) -> None:
    with pytest.raises(ValueError, match="as many directions"):
        directions(count, objectives)
