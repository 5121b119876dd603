"""The training and held-out rows of a table, the same wherever they are asked for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def split_rows(count: int, held_out: float, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row numbers of the training and the held-out part, both increasing.

    Args:
        count: Rows of the table.
        held_out: Share held out, in (0, 1).
        seed: Decides which.

    Raises:
        ValueError: The share leaves one part with fewer than two rows.
    """
    size = round(count * held_out)
    if size < 2 or count - size < 2:
        raise ValueError(
            f"predictors.held_out={held_out} of {count} architectures leaves {count - size} to train on and {size} "
            "held out; at least 2 of each are needed"
        )
    order = np.random.default_rng(seed).permutation(count)
    return np.sort(order[size:]), np.sort(order[:size])
