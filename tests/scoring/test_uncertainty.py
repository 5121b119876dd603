"""What an ensemble says about the ranks of modules."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import t as student

from autobuild_pipelines.scoring import UncertaintyError, module_leaders, rank_intervals, uncertainty
from autobuild_pipelines.scoring.uncertainty import Floats, shrunken_variance

ENSEMBLES = arrays(
    np.float64,
    st.tuples(st.integers(2, 5), st.integers(1, 12)),
    elements=st.floats(-100, 100, allow_subnormal=False).map(lambda x: round(x, 3)),
)


def noisy(members: int, count: int, seed: int, noise: float = 0.3) -> tuple[Floats, Floats]:
    """True scores [count], and what members say [members, count], each with an offset of its own."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=count)
    return truth, truth + noise * rng.normal(size=(members, count)) + 5 * rng.normal(size=(members, 1))


def depths(count: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.arange(count) % 3 + 2


def ranks(scores: Floats) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    order = np.argsort(-scores, kind="stable")
    out = np.empty(len(scores), dtype=np.int64)
    out[order] = np.arange(1, len(scores) + 1)
    return out


@given(ENSEMBLES)
def test_a_rank_lies_in_its_interval_and_the_best_is_never_worse_than_itself(scores: Floats) -> None:
    known = uncertainty(scores, depths(scores.shape[1]), confidence=0.9)
    rank = ranks(scores.mean(axis=0))
    assert (known.rank_low <= rank).all()
    assert (rank <= known.rank_high).all()
    assert not known.distinguishable[np.argmax(scores.mean(axis=0))]
    assert (known.standard_error >= 0).all()


@given(arrays(np.float64, st.tuples(st.just(2), st.integers(1, 15)), elements=st.integers(0, 9).map(float)))
def test_rank_intervals_are_those_of_counting_pairs(ends: Floats) -> None:
    low, high = ends.min(axis=0), ends.max(axis=0)
    best, worst = rank_intervals(low, high)
    np.testing.assert_array_equal(best, 1 + (low[:, None] > high).sum(axis=0))
    np.testing.assert_array_equal(worst, len(low) - (high[:, None] < low).sum(axis=0))


@given(st.integers(2, 5), st.integers(0, 1000))
def test_offsets_of_members_change_nothing(members: int, seed: int) -> None:
    _, scores = noisy(members, 40, seed)
    moved = scores + np.arange(members)[:, None] * 3
    first, second = (uncertainty(s, depths(40), confidence=0.9) for s in (scores, moved))
    np.testing.assert_allclose(first.standard_error, second.standard_error, rtol=1e-9)
    np.testing.assert_array_equal(first.rank_low, second.rank_low)
    np.testing.assert_array_equal(first.distinguishable, second.distinguishable)


def test_members_that_agree_up_to_an_offset_leave_no_doubt() -> None:
    truth = np.random.default_rng(0).permutation(20).astype(float)
    known = uncertainty(truth + np.array([[0.0], [7.0], [-3.0]]), depths(20), confidence=0.9)
    np.testing.assert_allclose(known.standard_error, 0, atol=1e-12)
    np.testing.assert_array_equal(known.rank_low, ranks(truth))
    np.testing.assert_array_equal(known.rank_high, ranks(truth))
    np.testing.assert_array_equal(known.distinguishable, truth < truth.max())


def test_one_member_bounds_nothing() -> None:
    known = uncertainty(np.random.default_rng(0).normal(size=(1, 9)), depths(9), confidence=0.9)
    assert np.isnan(known.standard_error).all()
    assert set(known.rank_low) == {1}
    assert set(known.rank_high) == {9}
    assert not known.distinguishable.any()


def test_more_confidence_gives_wider_intervals_and_fewer_differences() -> None:
    _, scores = noisy(3, 200, 0)
    looser, surer = (uncertainty(scores, depths(200), confidence=c) for c in (0.8, 0.99))
    assert (surer.rank_low <= looser.rank_low).all()
    assert (surer.rank_high >= looser.rank_high).all()
    assert not (surer.distinguishable & ~looser.distinguishable).any()
    assert surer.distinguishable.sum() < looser.distinguishable.sum()


def test_differences_from_the_best_are_paired_so_that_errors_shared_by_all_cancel() -> None:
    rng = np.random.default_rng(0)
    truth = np.linspace(1, 0, 50)
    half = np.arange(50) < 25  # the better half, of two layers, is over- or underestimated as a whole
    scores = truth + np.where(half, rng.normal(size=(4, 1)), 0)
    known = uncertainty(scores, np.where(half, 2, 3), confidence=0.9)
    assert known.distinguishable[1:25].all()
    assert known.rank_high[0] > 1  # by its own interval alone it might well not be the best


@pytest.mark.parametrize("members", [2, 3, 5])
@pytest.mark.parametrize("shared", [False, True])
def test_intervals_hold_at_least_as_often_as_they_say(members: int, shared: bool) -> None:
    rng = np.random.default_rng(members)
    covered, called_worse = [], []
    for _ in range(200):
        truth = rng.normal(size=300)
        # Errors of their own, or errors in six layers that all modules are made of.
        errors = (
            rng.normal(size=(members, 6)) @ rng.normal(size=(6, 300)) if shared else rng.normal(size=(members, 300))
        )
        known = uncertainty(truth + 0.2 * errors, depths(300), confidence=0.8)
        rank = ranks(truth)
        covered.append(((known.rank_low <= rank) & (rank <= known.rank_high)).mean())
        called_worse.append(known.distinguishable[np.argmax(truth)])
    assert np.mean(covered) >= 0.8
    assert np.mean(called_worse) <= 0.1


def test_a_variance_that_is_small_by_accident_is_not_believed() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(3, 500))
    own = values.var(axis=0, ddof=1)
    shrunken = shrunken_variance(values, np.full(500, 2))
    assert own.min() < 0.01
    assert shrunken.min() > 0.5
    assert shrunken.mean() == pytest.approx(own.mean())


def test_variances_that_really_differ_are_kept_apart() -> None:
    rng = np.random.default_rng(0)
    deviation = np.where(np.arange(500) < 250, 0.1, 3.0)
    shrunken = shrunken_variance(deviation * rng.normal(size=(8, 500)), np.full(500, 2))
    assert np.median(shrunken[:250]) < np.median(shrunken[250:]) / 3


def test_modules_of_another_number_of_layers_do_not_change_a_variance() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(3, 100)) * np.where(np.arange(100) < 50, 1, 10)
    cells = np.where(np.arange(100) < 50, 2, 3)
    np.testing.assert_allclose(
        shrunken_variance(values, cells)[:50], shrunken_variance(values[:, :50], cells[:50]), rtol=1e-12
    )


def test_with_own_variances_the_interval_is_students() -> None:
    scores = np.array([[1.0, 5.0], [2.0, 4.0], [4.0, 4.5]])
    known = uncertainty(scores, np.array([2, 3]), confidence=0.9)  # each alone in its cell
    centred = scores - scores.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(known.standard_error, centred.std(axis=0, ddof=1) / np.sqrt(3))
    difference = scores[:, 1] - scores[:, 0]
    margin = student.ppf(0.95, 2) * difference.std(ddof=1) / np.sqrt(3)
    assert known.distinguishable.tolist() == [bool(difference.mean() > margin), False]


@pytest.mark.parametrize("confidence", [0, 1, 90, -0.1])
def test_a_confidence_outside_0_to_1_is_an_error_that_names_the_key(confidence: float) -> None:
    with pytest.raises(UncertaintyError, match=r"scoring\.confidence: expected a number between 0 and 1"):
        uncertainty(np.zeros((3, 4)), depths(4), confidence=confidence)


def test_leaders_say_which_module_is_best_how_many_tie_with_it_and_how_sure_the_cut_is() -> None:
    scores = pd.DataFrame(
        {
            "unit": 1,
            "module": ["[c]", "[a]", "[b]"],
            "layers": 2,
            "target": "acc",
            "method": "eq5",
            "score": [1.0, 3.0, 2.0],
            "standard_error": [0.1, 0.2, 0.1],
            "rank": [3, 1, 2],
            "rank_low": [3, 1, 1],
            "rank_high": [3, 2, 2],
            "distinguishable": [True, False, False],
        }
    )
    (row,) = module_leaders(scores, 2).to_dict("records")
    assert row == {
        **{"unit": 1, "target": "acc", "method": "eq5", "modules": 3, "module": "[a]", "layers": 2, "score": 3.0},
        **{"standard_error": 0.2, "tied": 1, "cut": 2, "cut_low": 1, "cut_high": 2},
    }
    assert module_leaders(scores, 25)["cut"].tolist() == [3]
