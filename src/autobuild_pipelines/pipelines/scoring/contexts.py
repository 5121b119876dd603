"""What scores are measured on: the architectures that predictors have learned from, and contexts for modules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from autobuild_pipelines.predictors import split_rows
from autobuild_pipelines.scoring import choose_contexts
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace


def training_architectures(
    graphs: Mapping[str, NDArray[Any]], predictor_settings: Mapping[str, Any], seed: int
) -> ArchitectureArray:
    """The encoded architectures that the predictors have learned from."""
    array = ArchitectureArray(graphs["layers"], graphs["graph"])
    rows, _ = split_rows(len(array), predictor_settings["held_out"], seed)
    return array.take(rows)


def scoring_contexts(
    space: SearchSpace, training: ArchitectureArray, scoring: Mapping[str, Any], seed: int
) -> ArchitectureArray:
    """The contexts that the parameters `scoring` ask for, the same for module scores and for effects."""
    return choose_contexts(
        space, training, scoring["contexts"], seed, source=scoring["contexts_from"], graph=scoring["graph"]
    )
