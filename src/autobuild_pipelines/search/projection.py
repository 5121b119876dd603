"""Searching a closed table: every proposal becomes the nearest architecture that can still be evaluated."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from autobuild_pipelines.spaces import ArchitectureArray


class NearestSupported:
    """The architectures that an evaluator can evaluate, and the nearest of them to any architecture.

    Distance is the number of slots that differ (Hamming distance over `ArchitectureArray.layers`, an absent layer
    being one more value); ties go to the architecture that stands first.

    Args:
        support: The architectures, distinct.
    """

    def __init__(self, support: ArchitectureArray) -> None:
        self.support = support

    def project(self, proposals: ArchitectureArray, taken: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
        """The supported architecture nearest to each proposal.

        Args:
            proposals: Any architectures of the space.
            taken: [support] what must not be used again; then no two proposals get the same architecture either.
                Without it every proposal gets its nearest one.

        Returns:
            Indices into the support, one per proposal; fewer when the support runs out.
        """
        distances = self.distances(proposals)
        if taken is None:
            return np.asarray(distances.argmin(axis=1), dtype=np.int64)
        free = ~taken
        chosen = []
        for row in distances:
            if not free.any():
                break
            index = int(np.where(free, row, np.iinfo(row.dtype).max).argmin())
            free[index] = False
            chosen.append(index)
        return np.asarray(chosen, dtype=np.int64)

    def distances(self, proposals: ArchitectureArray) -> NDArray[np.int64]:
        """[proposals, support] numbers of slots that differ."""
        out = np.zeros((len(proposals), len(self.support)), dtype=np.int64)
        for slot in range(self.support.layers.shape[1]):
            out += proposals.layers[:, slot, None] != self.support.layers[None, :, slot]
        return out
