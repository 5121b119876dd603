"""Nodes of `measure_latency`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import pandas as pd
from pydantic import Field

from autobuild_pipelines.evaluators import EvaluationError, Evaluator
from autobuild_pipelines.evaluators.latency import LATENCY_MS, SPREAD
from autobuild_pipelines.evaluators.protocol import ERROR
from autobuild_pipelines.networks.latency import LatencySettings, measured_on
from autobuild_pipelines.sampling import sample_architectures
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace, to_table
from autobuild_pipelines.spaces.settings import StrictSettings, read_settings

logger = logging.getLogger(__name__)

MEASURED_ON = "measured_on"
STEADY = 0.1
"""On an idle machine, repeats of a network spread less than this."""


class MeasureSettings(StrictSettings):
    """Which architectures are measured.

    Attributes:
        count: How many distinct architectures are drawn.
        label: The label by which ingest, targets and evaluators know the latency, in milliseconds of a batch.
        graph: Graph-level values of all of them, such as a resolution; those left out are drawn.
    """

    count: int = Field(ge=1)
    label: str = "latency_cpu_ms"
    graph: dict[str, Any] = Field(default_factory=dict)


def measure_sample(
    space: SearchSpace, evaluator: Evaluator, settings: Mapping[str, Any], latency: Mapping[str, Any], seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw architectures and measure them, one after the other in random order.

    Args:
        space: The search space.
        evaluator: Gives `latency_ms` and what else it knows of the repeats, and an error where it could not measure.
        settings: See `MeasureSettings`.
        latency: See `LatencySettings`; says in the table how was measured.
        seed: Seed of the draw.

    Returns:
        Tables `latency_samples`, in the form that ingest reads, and `latency_failures`.

    Raises:
        EvaluationError: A setting is wrong, or not one architecture could be measured.
    """
    chosen = read_settings(
        MeasureSettings, settings, what="measure_latency", example="count", source="", refusal=EvaluationError
    )
    note = measured_on(LatencySettings.from_mapping(latency))
    array = _sample(space, chosen, seed)
    measured = evaluator.evaluate(array).reset_index(drop=True)
    errors = measured.pop(ERROR) if ERROR in measured else pd.Series([None] * len(measured), dtype=object)
    table = pd.concat([to_table(space, array), measured.rename(columns={LATENCY_MS: chosen.label})], axis=1)
    failed = errors.notna()
    failures = table.loc[failed, ["architecture_id", *space.graph_features, "units"]].assign(reason=errors[failed])
    if failed.all():
        raise EvaluationError(f"none of {len(table)} architectures could be measured; the first: {errors.iloc[0]}")
    for identifier, reason in zip(failures["architecture_id"].head(), failures["reason"].head(), strict=True):
        logger.warning("architecture %s is not measured: %s", identifier, reason)
    logger.info("%d architectures measured, %d failed; %s", (~failed).sum(), failed.sum(), note)
    samples = table[~failed].reset_index(drop=True).assign(**{MEASURED_ON: note})
    _warn_of_other_programs(samples)
    return samples, failures.reset_index(drop=True).astype({"reason": "str"})


def _warn_of_other_programs(samples: pd.DataFrame) -> None:
    unsteady = int((samples[SPREAD] > STEADY).sum()) if SPREAD in samples else 0
    if unsteady > 0.25 * len(samples):
        logger.warning(
            "the repeats of %d of %d networks spread by more than %g of their median: other programs ran beside them, "
            "and the latencies rank networks poorly; measure again on an idle machine, or bind latency.cores",
            unsteady,
            len(samples),
            STEADY,
        )


def _sample(space: SearchSpace, settings: MeasureSettings, seed: int) -> ArchitectureArray:
    """Distinct random architectures with the settings' graph-level values."""
    array = sample_architectures(space, settings.count, seed)
    codes = space.graph_code(settings.graph)
    graph = array.graph.copy()
    for column, name in enumerate(space.graph_features):
        if name in settings.graph:
            graph[:, column] = codes[column]
    array = ArchitectureArray(array.layers, graph)
    first = {key: row for row, key in reversed(list(enumerate(array.keys())))}
    return array.take(sorted(first.values()))
