"""Sources of labels that take one architecture at a time: real measurements, which cost seconds to hours each."""

from __future__ import annotations

import math
from typing import Any, Protocol

from autobuild_pipelines.spaces import Architecture


class ArchitectureEvaluator(Protocol):
    """Measures one architecture, in whatever process it is sent to.

    Instances are pickled into every task: they keep paths, not weights, and open files in the worker. They keep nothing
    from one architecture to the next that a result could depend on.
    """

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of what `evaluate` returns."""
        ...

    @property
    def kind(self) -> str:
        """Its name in the evaluation ledger, such as "imagenet"."""
        ...

    def settings(self) -> dict[str, Any]:
        """Everything that changes the result, as plain JSON values; never a path, never a device's number."""
        ...

    def data_hash(self) -> str:
        """Hash of the files or the machine that the result depends on; "" when there is none."""
        ...

    def evaluate(self, architecture: Architecture) -> dict[str, float]:
        """The metrics of one architecture; raises whatever went wrong."""
        ...


def measured(source: ArchitectureEvaluator, architecture: Architecture) -> dict[str, float]:
    """What `source` gives for one architecture, held to its metrics: all there, plain floats, finite.

    Raises:
        ValueError: Names the metric that is missing or not finite.
        Exception: Whatever the evaluation raises.
    """
    found = source.evaluate(architecture)
    if missing := [metric for metric in source.metrics if metric not in found]:
        raise ValueError(f"the evaluation returned {sorted(found)}, not {missing}")
    metrics = {metric: float(found[metric]) for metric in source.metrics}
    for metric, value in metrics.items():
        if not math.isfinite(value):
            raise ValueError(f"metric {metric!r} is {value}")
    return metrics
