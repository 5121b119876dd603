"""Labels looked up in a table of evaluated architectures: a closed benchmark, or the networks one already has."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from autobuild_pipelines.evaluators.protocol import EvaluationError
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace, from_table, label_columns


class TableEvaluator:
    """Looks metrics up by architecture. Its support is the table's architectures.

    Args:
        space: The search space.
        table: One row per architecture as `spaces.to_table` writes it, with label columns.
        columns: Metric to label column.
        encoded: `from_table(space, table)`, when it is at hand.

    Raises:
        EvaluationError: The table lacks a column, repeats an architecture, or has no finite labels.
        ArchitectureError: A row is not of the space.
    """

    def __init__(
        self,
        space: SearchSpace,
        table: pd.DataFrame,
        columns: Mapping[str, str],
        encoded: ArchitectureArray | None = None,
    ) -> None:
        for metric, column in columns.items():
            if column not in table.columns:
                known = label_columns(space, table)
                raise EvaluationError(f"metric {metric!r}: the table has no column {column!r}; its labels are {known}")
        array = from_table(space, table) if encoded is None else encoded
        labels = pd.DataFrame({m: table[c].to_numpy(dtype=np.float64) for m, c in columns.items()})
        known_rows = np.flatnonzero(np.isfinite(labels.to_numpy()).all(axis=1))
        if not len(known_rows):
            raise EvaluationError(f"metrics {list(columns)}: the table has no row with finite labels for all of them")
        self.space = space
        self.metrics = tuple(columns)
        self.support: ArchitectureArray | None = array.take(known_rows)
        self._labels = labels.iloc[known_rows].reset_index(drop=True)
        self._row_of: dict[bytes, int] = {}
        for row, key in enumerate(array.take(known_rows).keys()):
            if key in self._row_of:
                first = known_rows[self._row_of[key]]
                raise EvaluationError(
                    f"metrics {list(columns)}: rows {first} and {known_rows[row]} of the table are one architecture"
                )
            self._row_of[key] = row

    def evaluate(self, array: ArchitectureArray) -> pd.DataFrame:
        """The labels of the architectures [n, metrics].

        Raises:
            EvaluationError: An architecture is not in the table.
        """
        keys = array.keys()
        rows = [self._row_of.get(key, -1) for key in keys]
        if -1 in rows:
            index = rows.index(-1)
            raise EvaluationError(
                f"metrics {list(self.metrics)}: architecture {self.space.ids(array.take([index]))[0]} (number "
                f"{index + 1} of {len(array)}) is not in the table of {len(self._labels)}; {rows.count(-1)} are not"
            )
        return self._labels.iloc[rows].reset_index(drop=True)
