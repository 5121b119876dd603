"""Tables of architectures: one row each, `architecture_id`, graph-level features, `units`, then labels."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from autobuild_pipelines.spaces.architecture import ABSENT, ArchitectureArray
from autobuild_pipelines.spaces.errors import ArchitectureError
from autobuild_pipelines.spaces.space import SearchSpace

ID = "architecture_id"
UNITS = "units"


def to_table(
    space: SearchSpace, array: ArchitectureArray, labels: Mapping[str, ArrayLike] | None = None
) -> pd.DataFrame:
    """A table of encoded architectures.

    Returns:
        Columns `architecture_id`, every graph-level feature, `units` (canonical JSON: a list of units of layer
        objects) and the labels, in this order.
    """
    columns: dict[str, object] = {
        ID: space.ids(array),
        **space.graph_values(array),
        UNITS: space.units_json(array.layers),
    }
    return pd.DataFrame({**columns, **(labels or {})})


def from_table(space: SearchSpace, table: pd.DataFrame) -> ArchitectureArray:
    """Encode the rows of a table made by `to_table` (or of the same form).

    Raises:
        ArchitectureError: A row is not an architecture of `space`; names the row.
    """
    layers = np.full((len(table), space.slots), ABSENT, dtype=np.int16)
    graph = np.zeros((len(table), len(space.graph_features)), dtype=np.int16)
    graph_rows = table[list(space.graph_features)].to_dict("records") if space.graph_features else [{}] * len(table)
    for row, (units, values) in enumerate(zip(table[UNITS], graph_rows, strict=True)):
        try:
            item = space.architecture(json.loads(units), {str(k): v for k, v in values.items()})
        except (ArchitectureError, ValueError) as error:
            raise ArchitectureError(f"row {row}: {error}") from None
        encoded = space.encode([item])
        layers[row], graph[row] = encoded.layers[0], encoded.graph[0]
    return ArchitectureArray(layers, graph)


def label_columns(space: SearchSpace, table: pd.DataFrame) -> list[str]:
    """The columns of a table that are labels."""
    known = {ID, UNITS, *space.graph_features}
    return [str(c) for c in table.columns if c not in known]
