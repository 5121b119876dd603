"""Labels that predictors predict: the project's own, or released ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autobuild_pipelines.evaluators.protocol import EvaluationError
from autobuild_pipelines.spaces import ArchitectureArray


class TargetPredictors(Protocol):
    """Trained predictors of several targets."""

    @property
    def targets(self) -> tuple[str, ...]:
        """Names of the targets."""
        ...

    def predict(self, array: ArchitectureArray) -> NDArray[np.float64]:
        """[targets, n] predictions in the targets' units."""
        ...


class LabelPredictor(Protocol):
    """A trained predictor of one label."""

    def predict(self, array: ArchitectureArray) -> NDArray[np.float64]:
        """[n] predictions in the label's unit."""
        ...


class PredictedTargets:
    """Metrics from trained predictors of several targets, which run once for all of them.

    Args:
        predictors: Trained on the space.
        targets: Metric to the name of a target.
        factors: Metric to what its prediction is multiplied by, 1 by default: -1 makes a FID of the target `-fid`.

    Raises:
        EvaluationError: There is no predictor of a target.
    """

    support: ArchitectureArray | None = None

    def __init__(
        self, predictors: TargetPredictors, targets: Mapping[str, str], factors: Mapping[str, float] | None = None
    ) -> None:
        for metric, target in targets.items():
            if target not in predictors.targets:
                raise EvaluationError(
                    f"metric {metric!r}: there is no predictor of target {target!r}, only of {list(predictors.targets)}"
                )
        self.metrics = tuple(targets)
        self._predictors = predictors
        self._rows = [predictors.targets.index(target) for target in targets.values()]
        self._factors = np.asarray([(factors or {}).get(metric, 1.0) for metric in targets])

    def evaluate(self, array: ArchitectureArray) -> pd.DataFrame:
        """The predictions [n, metrics]."""
        predictions = np.asarray(self._predictors.predict(array), dtype=np.float64)[self._rows]
        predictions = predictions * self._factors[:, None]
        return pd.DataFrame(dict(zip(self.metrics, predictions, strict=True)))


class PredictedLabel:
    """One metric from one predictor, such as a released one.

    Args:
        metric: Its name.
        predictor: The predictor.
    """

    support: ArchitectureArray | None = None

    def __init__(self, metric: str, predictor: LabelPredictor) -> None:
        self.metrics: tuple[str, ...] = (metric,)
        self._predictor = predictor

    def evaluate(self, array: ArchitectureArray) -> pd.DataFrame:
        """The predictions [n, 1]."""
        return pd.DataFrame({self.metrics[0]: np.asarray(self._predictor.predict(array), dtype=np.float64)})
