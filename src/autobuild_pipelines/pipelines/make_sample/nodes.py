"""Nodes of `make_sample`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from autobuild_pipelines.pipelines.evaluator import make_evaluator
from autobuild_pipelines.sampling import make_sample
from autobuild_pipelines.spaces import SearchSpace


def draw_sample(space: SearchSpace, settings: Mapping[str, Any], **sources: Any) -> pd.DataFrame:
    """Random architectures, labelled as the settings say.

    Args:
        space: The search space.
        settings: `labels`, evaluators as elsewhere; all others are arguments of `sampling.make_sample`.
        sources: What these are made from, as fields of `EvaluatorSources`.
    """
    drawn = {key: value for key, value in settings.items() if key != "labels"}
    return make_sample(space, make_evaluator(space, settings["labels"], **sources), **drawn)
