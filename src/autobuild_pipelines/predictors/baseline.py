"""Ridge regression on one-hot layers: what a predictor must beat to have learned more than linear effects of layers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import Ridge

from autobuild_pipelines.spaces import ABSENT, ArchitectureArray, SearchSpace


def one_hot(space: SearchSpace, array: ArchitectureArray) -> NDArray[np.float64]:
    """[n, columns] one-hot layer of every slot, one-hot depth of every unit, one-hot graph-level features."""
    codes = np.arange(len(space.vocabulary))
    layers = (array.layers[:, :, None] == codes).reshape(len(array), -1)
    blocks = [layers]
    for unit in space.units:
        depth = (array.layers[:, unit.columns] != ABSENT).sum(axis=1)
        blocks.append(depth[:, None] == np.asarray(unit.depths))
    for column, feature in enumerate(space.declaration.graph_features.values()):
        blocks.append(array.graph[:, column, None] == np.arange(len(feature.choices)))
    return np.concatenate(blocks, axis=1).astype(np.float64)


class RidgeBaseline:
    """Ridge regressions of all targets on `one_hot` columns.

    Args:
        space: The search space.
        alpha: Strength of the l2 penalty on coefficients of standardised labels.
    """

    def __init__(self, space: SearchSpace, alpha: float = 1.0) -> None:
        self.space = space
        self._model = Ridge(alpha=alpha)

    def fit(self, array: ArchitectureArray, labels: NDArray[np.float64]) -> RidgeBaseline:
        """Fit on n architectures and labels [targets, n]."""
        self._mean = labels.mean(axis=1, keepdims=True)
        self._std = _nonzero(labels.std(axis=1, keepdims=True))
        self._model.fit(one_hot(self.space, array), ((labels - self._mean) / self._std).T)
        return self

    def predict(self, array: ArchitectureArray) -> NDArray[np.float64]:
        """[targets, n] predicted labels."""
        raw = np.asarray(self._model.predict(one_hot(self.space, array)), dtype=np.float64)
        values: NDArray[np.float64] = raw.reshape(len(array), -1).T * self._std + self._mean
        return values


def _nonzero(std: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(std > 0, std, 1.0)
