"""Nodes of `scoring`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autobuild_pipelines.predictors import TrainedPredictors, split_rows
from autobuild_pipelines.scoring import choose_contexts, score_modules
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace


def score_all_modules(
    space: SearchSpace,
    predictors: TrainedPredictors,
    graphs: Mapping[str, NDArray[np.int16]],
    label_statistics: pd.DataFrame,
    settings: Mapping[str, Any],
    predictor_settings: Mapping[str, Any],
    seed: int,
) -> pd.DataFrame:
    """Score every module of every unit for every target, by Eq. 5, in context, or both."""
    array = ArchitectureArray(graphs["layers"], graphs["graph"])
    rows, _ = split_rows(len(array), predictor_settings["held_out"], seed)
    contexts = choose_contexts(
        space,
        array.take(rows),
        settings["contexts"],
        seed,
        source=settings["contexts_from"],
        graph=settings["graph"],
    )
    return score_modules(
        predictors.require(space),
        methods=settings["methods"],
        label_statistics=label_statistics,
        contexts=contexts,
        graph=settings["graph"],
        min_count=settings["min_count"],
    )
