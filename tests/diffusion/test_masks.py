"""Masks are of 0 and 1, neither empty nor full, and follow from the generator."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobuild_pipelines.diffusion.masks import box_mask, brush_mask, random_mask


@given(st.integers(2, 64), st.integers(0, 2**32 - 1))
def test_a_mask_leaves_something_and_hides_something(size: int, seed: int) -> None:
    mask = random_mask(size, np.random.default_rng(seed))
    assert mask.shape == (size, size)
    assert set(np.unique(mask)) == {0.0, 1.0}


@pytest.mark.parametrize("make", [box_mask, brush_mask, random_mask])
def test_the_same_generator_gives_the_same_mask(make: type) -> None:
    masks = [make(64, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert np.array_equal(masks[0], masks[1])
    assert not np.array_equal(masks[0], masks[2])


def test_masks_hide_a_realistic_part_of_an_image() -> None:
    rng = np.random.default_rng(0)
    parts = [random_mask(64, rng).mean() for _ in range(300)]
    assert 0.1 < np.mean(parts) < 0.35
    assert max(parts) < 0.8
