"""Modules grouped by which slots they fill, so that each group is a rectangular array of layers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from autobuild_pipelines.spaces import ABSENT, Codes


def by_layout(modules: Codes) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """(filled slots, rows of the modules that fill exactly these) for every layout among `modules` [n, slots]."""
    filled = modules != ABSENT
    layouts, which = np.unique(filled, axis=0, return_inverse=True)
    for index, layout in enumerate(layouts):
        yield np.flatnonzero(layout), np.flatnonzero(which.reshape(-1) == index)
