"""Ensembles by folds: a member's loss is that of the architectures it learns from, and nothing else reaches it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from autobuild_pipelines.predictors import ModelSettings, TrainingSettings, folds, train
from autobuild_pipelines.predictors.cards import from_files, to_files
from autobuild_pipelines.predictors.losses import LOSSES
from autobuild_pipelines.spaces import SearchSpace

QUICK = TrainingSettings(epochs=3, learning_rate=3e-3, batch_size=16, device="cpu")


@given(st.integers(2, 12), st.integers(2, 60), st.integers(0, 2**32 - 1))
def test_folds_hold_every_architecture_once_and_differ_in_size_by_at_most_one(
    ensemble: int, count: int, seed: int
) -> None:
    count = max(count, ensemble)
    sizes = torch.bincount(folds(count, ensemble, seed), minlength=ensemble)
    assert len(sizes) == ensemble
    assert int(sizes.sum()) == count
    assert int(sizes.max() - sizes.min()) <= 1


@given(st.data())
@pytest.mark.parametrize("loss", ["autobuild", "latency"])
def test_a_masked_loss_and_its_gradient_are_those_of_the_subset(loss: str, data: st.DataObject) -> None:
    members, n = data.draw(st.integers(1, 3)), data.draw(st.integers(2, 9))
    masks = st.lists(st.lists(st.booleans(), min_size=n, max_size=n).filter(any), min_size=members, max_size=members)
    mask = torch.tensor(data.draw(masks))
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 1000)))
    y = torch.randn(members, n, generator=generator, dtype=torch.float64)
    predicted = torch.randn(members, n, generator=generator, dtype=torch.float64).requires_grad_()
    hops = [torch.randn(members, n, 3, generator=generator, dtype=torch.float64).requires_grad_() for _ in range(2)]
    inputs = [predicted, *(hops if loss == "autobuild" else [])]
    masked = LOSSES[loss](predicted, hops, y, 0.7, 0.5, mask)
    whole = torch.autograd.grad(sum(term.sum() for term in masked), inputs)
    for member, rows in enumerate(mask):
        part: list[Tensor] = [t[member : member + 1, rows].detach().requires_grad_() for t in (predicted, *hops)]
        alone = LOSSES[loss](part[0], part[1:], y[member : member + 1, rows], 0.7, 0.5, None)
        for term, expected in zip(masked, alone, strict=True):
            torch.testing.assert_close(term[member], expected[0])
        gradients = torch.autograd.grad(sum(term.sum() for term in alone), part[: len(inputs)])
        for gradient, expected in zip(whole, gradients, strict=True):
            torch.testing.assert_close(gradient[member, rows], expected[0])
            assert not gradient[member, ~rows].any()


def test_a_member_without_rows_in_a_batch_has_no_gradient() -> None:
    predicted = torch.randn(2, 4).requires_grad_()
    hop = torch.randn(2, 4, 3).requires_grad_()
    mask = torch.tensor([[False] * 4, [True] * 4])
    error, ranking = LOSSES["autobuild"](predicted, [hop], torch.randn(2, 4), 1.0, 1.0, mask)
    (error + ranking).sum().backward()  # type: ignore[no-untyped-call]
    assert not error[0].any()
    for leaf in (predicted, hop):
        assert leaf.grad is not None
        assert not leaf.grad[0].any()
        assert leaf.grad[1].any()


def test_labels_of_a_fold_do_not_reach_the_member_that_leaves_it_out(ofa_mbv3: SearchSpace) -> None:
    array = ofa_mbv3.sample(20, np.random.default_rng(0), law="depths")
    y = np.random.default_rng(1).normal(size=20)
    # Two labels of fold 0 change places: standardised labels of all others stay what they were, to the last bit.
    first, second = np.flatnonzero(folds(20, 3, seed=4).numpy() == 0)[:2]
    swapped = y.copy()
    swapped[[first, second]] = y[[second, first]]
    found = [
        train(ofa_mbv3, array, {"y": labels}, training=QUICK, ensemble=3, members="folds", seed=4, progress=False)[
            0
        ].describe(array)[0][0]
        for labels in (y, swapped)
    ]
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-6)
    for member in (1, 2):
        assert not np.allclose(found[0][member], found[1][member], rtol=1e-4)


def test_members_by_folds_start_from_the_weights_of_members_by_seeds(ofa_mbv3: SearchSpace) -> None:
    array = ofa_mbv3.sample(20, np.random.default_rng(0), law="depths")
    still = TrainingSettings(epochs=1, learning_rate=1e-12, weight_decay=0.0, device="cpu")
    one, other = (
        train(ofa_mbv3, array, {"y": np.arange(20.0)}, training=still, ensemble=3, members=members, progress=False)[
            0
        ].model.fe_mlp.embedding
        for members in ("seeds", "folds")
    )
    torch.testing.assert_close(one, other)
    assert not torch.allclose(one[0], one[1])


def test_the_card_says_how_members_differ(ofa_mbv3: SearchSpace) -> None:
    array = ofa_mbv3.sample(12, np.random.default_rng(0), law="depths")
    for members in ("seeds", "folds"):
        trained, _ = train(
            ofa_mbv3,
            array,
            {"y": np.arange(12.0)},
            model=ModelSettings(layers=1),
            training=QUICK,
            ensemble=2,
            members=members,
            progress=False,
        )
        assert from_files(to_files(trained)).provenance["members"] == members


@pytest.mark.parametrize("how", [lambda n: folds(n, 1, 0), lambda n: folds(n, n + 1, 0)])
def test_folds_need_two_members_and_an_architecture_for_each(how: Callable[[int], Tensor]) -> None:
    with pytest.raises(ValueError, match=r"predictors\.members: folds need an ensemble of 2 or more"):
        how(5)


def test_an_unknown_kind_of_members_is_refused(ofa_mbv3: SearchSpace) -> None:
    with pytest.raises(ValueError, match=r"predictors\.members: 'bags' is not one of \['seeds', 'folds'\]"):
        train(ofa_mbv3, ofa_mbv3.sample(4, np.random.default_rng(0)), {"y": np.arange(4.0)}, members="bags")
