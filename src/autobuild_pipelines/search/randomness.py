"""Random generators that depend on names and numbers only, never on the process."""

from __future__ import annotations

import hashlib

import numpy as np


def generator(seed: int, *names: str, index: int = 0) -> np.random.Generator:
    """The generator of one named use of a seed: the same in every process, independent of all other names.

    Args:
        seed: The run's seed.
        names: What it is for, such as a problem and a variant.
        index: Which repetition.
    """
    digest = hashlib.sha256("\0".join(names).encode()).digest()
    key = (*np.frombuffer(digest[:16], dtype="<u4").tolist(), index)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
