"""The differentiable rank: its limits, and its gradient against finite differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import rankdata, spearmanr

from autobuild_pipelines.predictors.soft_rank import soft_rank, soft_spearman

finite = st.floats(-50, 50)


def test_values_far_apart_have_their_ordinary_ranks() -> None:
    values = torch.tensor([[30.0, -5.0, 12.0, 100.0]])
    assert soft_rank(values).tolist() == [[3.0, 1.0, 2.0, 4.0]]


def test_close_values_share_their_ranks() -> None:
    assert soft_rank(torch.tensor([[1.0, 1.0, 1.0]])).tolist() == [[2.0, 2.0, 2.0]]
    # Projection of (0, 0.5) onto the segment between (1, 2) and (2, 1): the mean is kept, the gap stays 0.5.
    assert soft_rank(torch.tensor([[0.0, 0.5]])).tolist() == [[1.25, 1.75]]


@given(arrays(np.float64, st.tuples(st.integers(1, 3), st.integers(1, 12)), elements=finite), st.floats(0.1, 10))
def test_ranks_sum_to_n_n_plus_1_over_2_and_keep_the_order(values: np.ndarray, strength: float) -> None:
    ranks = soft_rank(torch.from_numpy(values), strength).numpy()
    n = values.shape[1]
    np.testing.assert_allclose(ranks.sum(axis=1), n * (n + 1) / 2)
    order = np.argsort(values, axis=1, kind="stable")
    assert (np.diff(np.take_along_axis(ranks, order, axis=1), axis=1) >= -1e-9).all()


@given(arrays(np.float64, st.integers(2, 12), elements=st.integers(-20, 20).map(float), unique=True))
def test_with_little_strength_ranks_are_the_ordinary_ones(values: np.ndarray) -> None:
    ranks = soft_rank(torch.from_numpy(values)[None], strength=1e-3).numpy()[0]
    np.testing.assert_allclose(ranks, rankdata(values))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("strength", [0.5, 1.0, 3.0])
def test_the_gradient_equals_finite_differences(seed: int, strength: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    values = (torch.randn(2, 9, generator=generator, dtype=torch.float64) * 3).requires_grad_()
    target = torch.randn(2, 9, generator=generator, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda v: soft_rank(v, strength), (values,), eps=1e-6, atol=1e-6)
    assert torch.autograd.gradcheck(lambda v: soft_spearman(v, target, strength), (values,), eps=1e-6, atol=1e-6)


def test_the_soft_correlation_of_ranks_is_spearmans_when_values_are_far_apart() -> None:
    rng = np.random.default_rng(0)
    values, target = rng.permutation(30) * 10.0, rng.permutation(30).astype(float)
    soft = float(soft_spearman(torch.from_numpy(values)[None], torch.from_numpy(target)))
    assert soft == pytest.approx(spearmanr(values, target).statistic)
