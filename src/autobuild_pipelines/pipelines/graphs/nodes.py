"""Nodes of `graphs`."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autobuild_pipelines.spaces import SearchSpace, from_table


def encode_graphs(space: SearchSpace, architectures: pd.DataFrame) -> dict[str, NDArray[np.int16]]:
    """Sequence graphs of all architectures as integer codes, rows aligned with the table.

    Returns:
        `layers` [n, slots], -1 where a unit has fewer layers, and `graph` [n, graph features]. Edges run from each
        layer to the next, and a node's features follow from its slot and codes, so nothing else needs storing.
    """
    array = from_table(space, architectures)
    return {"layers": array.layers, "graph": array.graph}
