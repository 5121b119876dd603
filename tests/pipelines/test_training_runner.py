"""Predictors train where the parameters say, with the same result."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from autobuild_pipelines.pipelines.predictors.runner import training_runner
from autobuild_pipelines.predictors import PredictorError, TrainingSettings, train
from autobuild_pipelines.spaces import SearchSpace

SETTINGS = TrainingSettings(epochs=2)


def trained(space: SearchSpace, where: str, labels: dict[str, Any] | None = None, **fan_out: Any) -> Any:
    array = space.sample(60, np.random.default_rng(0))
    y = np.random.default_rng(1).normal(size=60)
    runner = training_runner(where, {"workers": 2, **fan_out})
    predictors, history = train(
        space, array, labels or {"y": y}, training=SETTINGS, ensemble=3, runner=runner, progress=False
    )
    return predictors.predict(array), history


@pytest.mark.slow
@pytest.mark.parametrize(
    "backend",
    ["loky", pytest.param("dask", marks=pytest.mark.cluster), pytest.param("ray", marks=pytest.mark.cluster)],
)
def test_processes_and_clusters_train_the_predictors_that_threads_do(ofa_mbv3: SearchSpace, backend: str) -> None:
    here, history = trained(ofa_mbv3, "threads")
    there, history_there = trained(ofa_mbv3, "fan_out", backend=backend)
    np.testing.assert_array_equal(here, there)
    pd.testing.assert_frame_equal(history, history_there)


def test_a_place_that_there_is_not_is_refused() -> None:
    with pytest.raises(PredictorError, match=r"predictors\.run_in: 'moon' is not one of \['threads', 'fan_out'\]"):
        training_runner("moon", {})


def test_training_that_fails_elsewhere_names_the_targets(ofa_mbv3: SearchSpace) -> None:
    runner = training_runner("fan_out", {"backend": "sequential", "retries": 0})
    labels = {"huge": np.random.default_rng(0).normal(size=60)}
    settings = TrainingSettings(epochs=3, learning_rate=1e30)
    with pytest.raises(PredictorError, match=r"training of \['huge'\] failed: PredictorError: .* diverged"):
        train(
            ofa_mbv3,
            ofa_mbv3.sample(60, np.random.default_rng(0)),
            labels,
            training=settings,
            runner=runner,
            progress=False,
        )
