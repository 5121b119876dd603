"""Label moments per (unit, number of layers), the distributions that Eq. 5 shifts scores to (§7.3, Table 2)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace, module_depths


def label_statistics(
    space: SearchSpace, array: ArchitectureArray, labels: Mapping[str, NDArray[np.float64]]
) -> pd.DataFrame:
    """Mean, standard deviation and count of each target over architectures whose ranking unit has l layers.

    Returns:
        One row per target, unit (1-based ranking unit) and layers, cells without architectures included (count 0):
        target, unit, layers, mean, std (population), count. Mean and std are NaN where count is 0.
    """
    rows = []
    for target, y in labels.items():
        for unit in space.ranking_units:
            depths = module_depths(array.layers[:, unit.columns])
            for depth in unit.depths:
                values = y[depths == depth]
                mean, std = (float(values.mean()), float(values.std())) if len(values) else (np.nan, np.nan)
                rows.append((target, unit.number, depth, mean, std, len(values)))
    return pd.DataFrame(rows, columns=["target", "unit", "layers", "mean", "std", "count"])
