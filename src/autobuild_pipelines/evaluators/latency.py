"""Latency measured on the machine that evaluates: an architecture's network is built, run and timed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from autobuild_pipelines.networks import NetworkDefinition
from autobuild_pipelines.networks.latency import LatencySettings, machine_facts, measure_latency
from autobuild_pipelines.networks.unet_definition import UNetDefinition, read_network
from autobuild_pipelines.spaces import Architecture, SearchSpace

LATENCY_MS = "latency_ms"
"""Metric: median milliseconds of a forward pass of a whole batch."""
SPREAD = "latency_spread"
"""Metric: interquartile range of the repeats, divided by their median."""
OUTLIERS = "latency_outliers"
"""Metric: repeats further from the median than three deviations; they are in the median all the same."""


class LatencyEvaluator:
    """Measures one architecture at a time, as `ArchitectureEvaluator` asks.

    A latency belongs to a machine and is only true while nothing else runs there: evaluate with one worker a machine.
    Batch normalisation is not folded into convolutions, unless the runtime does so itself (see `networks.latency`).

    Args:
        space: The search space.
        network: The network definition, or its mapping.
        settings: How to measure, or a mapping of it.

    Raises:
        NetworkError: The definition does not fit the space.
        LatencyError: A setting is wrong, or asks for a device that is not there.
    """

    kind = "latency"
    metrics: tuple[str, ...] = (LATENCY_MS, SPREAD, OUTLIERS)

    def __init__(
        self,
        space: SearchSpace,
        network: NetworkDefinition | UNetDefinition | Mapping[str, Any],
        settings: LatencySettings | Mapping[str, Any] | None = None,
    ) -> None:
        network = read_network(space.name, network)
        network.check_fits(space)
        if not isinstance(settings, LatencySettings):
            settings = LatencySettings.from_mapping(settings or {})
        self._space, self._network, self._settings = space, network, settings
        self._machine = machine_facts(settings)

    def settings(self) -> dict[str, Any]:
        """How is measured, on which kind of device, and the network definition."""
        how = self._settings.model_dump(mode="json")
        return {**how, "device": self._settings.torch_device.type, "network": self._network.model_dump(mode="json")}

    def data_hash(self) -> str:
        """SHA-256 of what tells the machine: processor, system, GPU, and versions of what runs the network.

        It is the machine on which this object was made; workers elsewhere are taken to be like it.
        """
        return hashlib.sha256(json.dumps(self._machine, sort_keys=True).encode()).hexdigest()

    def evaluate(self, architecture: Architecture) -> dict[str, float]:
        """`latency_ms`, `latency_spread` and `latency_outliers` of one architecture.

        Raises:
            LatencyError: The runtime is missing, or cannot run the network.
            NetworkError: The architecture is of another space.
        """
        latency = measure_latency(self._space, self._network, architecture, self._settings)
        return {
            LATENCY_MS: latency.median_ms_per_batch,
            SPREAD: latency.spread,
            OUTLIERS: float(latency.outliers),
        }
