"""Measuring how long every layer of a network family takes on this machine's CPU.

An architecture's latency is then a sum over a table (`evaluators.LayerLatencyTable`), which costs nothing to look
up. What such a sum leaves out: layers that follow each other may share caches or be fused.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from pydantic import Field
from torch import Tensor, nn
from tqdm import tqdm

from autobuild_pipelines.networks.blueprint import first_block, stage_input_size
from autobuild_pipelines.networks.costs import (
    Position,
    layer_block,
    layer_input_size,
    positions,
    resolutions,
)
from autobuild_pipelines.networks.definition import NetworkDefinition
from autobuild_pipelines.networks.machine import cpu_name, settle_allocator, threads_text
from autobuild_pipelines.networks.modules import ResidualBlock, Subnet
from autobuild_pipelines.spaces import SearchSpace
from autobuild_pipelines.spaces.settings import FrozenSettings
from autobuild_pipelines.torch_threads import torch_threads

LATENCY = "latency_cpu_ms"
PARTS = ("stem", "layer", "head")


class TimingSettings(FrozenSettings):
    """How layers are timed.

    Attributes:
        threads: Torch threads.
        batch: Images per call.
        rounds: How often every layer is visited. All layers are visited before any is visited again, in a new random
            order, so that a busy moment of the machine does not fall on one layer.
        warm_up: Untimed calls per visit.
        calls: Timed calls per visit; the fastest counts.
        quantile: Which quantile over the rounds is reported. A low one leaves out moments when other programs, or the
            memory allocator asking the system for pages, were timed too.
        seed: Seed of weights, inputs and orders.
    """

    threads: int = Field(default=1, ge=1)
    batch: int = Field(default=1, ge=1)
    rounds: int = Field(default=31, ge=1)
    warm_up: int = Field(default=2, ge=0)
    calls: int = Field(default=5, ge=1)
    quantile: float = Field(default=0.1, ge=0, le=1)
    seed: int = 0


@dataclass(frozen=True, slots=True)
class _Job:
    row: Mapping[str, object]
    call: Callable[[Tensor], Tensor]
    inputs: Tensor


def measure_layer_latencies(
    space: SearchSpace,
    definition: NetworkDefinition,
    settings: TimingSettings | None = None,
    *,
    clock: Callable[[], float] = time.perf_counter,
) -> pd.DataFrame:
    """Time every layer at every place and resolution, and the fixed stem and head.

    Batch 1 unless set otherwise, float32, eager torch in inference mode, unfused batch normalisation.

    Args:
        space: The search space.
        definition: Its networks.
        settings: How to time.
        clock: Seconds of a monotonic clock.

    Returns:
        One row each: `part` (stem, layer or head), `unit` (1-based; 0 for stem and head), `position` ("first", "rest"
        or ""), the layer features, the resolution, `latency_cpu_ms` (the quantile over rounds of the fastest call
        of a round, per image), `spread` (interquartile range over the rounds divided by the median), `measured_on`.
    """
    settings = settings or TimingSettings()
    definition.check_fits(space)
    with torch_threads(settings.threads), torch.inference_mode():
        torch.manual_seed(settings.seed)
        settle_allocator()
        jobs = list(_jobs(space, definition, settings))
        seconds = _time(jobs, settings, clock) / settings.batch
    quartiles = np.quantile(seconds * 1000, [0.25, 0.5, 0.75], axis=1)
    table = pd.DataFrame([job.row for job in jobs])
    table[LATENCY] = np.quantile(seconds * 1000, settings.quantile, axis=1).round(4)
    table["spread"] = ((quartiles[2] - quartiles[0]) / quartiles[1]).round(3)
    table["measured_on"] = _describe(settings)
    return table


def _jobs(space: SearchSpace, definition: NetworkDefinition, settings: TimingSettings) -> Iterator[_Job]:
    outer = Subnet(definition, [first_block(definition)]).eval()
    stem = nn.Sequential(outer.first_conv, *outer.blocks)
    name = definition.features.resolution
    last = definition.channels(definition.stages[-1].width)
    blank = dict.fromkeys(space.features, "")
    for resolution in resolutions(space, definition):
        row = {"unit": 0, "position": "", **blank, name: resolution}
        yield _Job({"part": "stem", **row}, stem, _inputs(settings, definition.input_channels, resolution))
        size = stage_input_size(definition, len(definition.stages), resolution)
        yield _Job({"part": "head", **row}, outer.forward_head, _inputs(settings, last, size))
    for position in positions(space):
        yield from _layer_jobs(space, definition, settings, position)


def _layer_jobs(
    space: SearchSpace, definition: NetworkDefinition, settings: TimingSettings, position: Position
) -> Iterator[_Job]:
    for code in space.units[position.unit - 1].codes:
        block = layer_block(space, definition, position, code)
        module = ResidualBlock(block, definition.batch_norm).eval()
        channels = (block.expansion or block.depthwise).inputs
        for resolution in resolutions(space, definition):
            row = {
                "part": "layer",
                "unit": position.unit,
                "position": position.name,
                **dict(space.layers[code]),
                definition.features.resolution: resolution,
            }
            size = layer_input_size(definition, position, resolution)
            yield _Job(row, module, _inputs(settings, channels, size))


def _inputs(settings: TimingSettings, channels: int, size: int) -> Tensor:
    return torch.randn(settings.batch, channels, size, size)


def _time(jobs: list[_Job], settings: TimingSettings, clock: Callable[[], float]) -> np.ndarray:
    """[jobs, rounds] seconds of the fastest call."""
    order = list(range(len(jobs)))
    shuffle = random.Random(settings.seed).shuffle
    seconds = np.empty((len(jobs), settings.rounds))
    for done in tqdm(range(settings.rounds), desc="timing layers", unit="round"):
        shuffle(order)
        for index in order:
            job = jobs[index]
            for _ in range(settings.warm_up):
                job.call(job.inputs.clone())
            fastest = np.inf
            for _ in range(settings.calls):
                inputs = job.inputs.clone()
                start = clock()
                job.call(inputs)
                fastest = min(fastest, clock() - start)
            seconds[index, done] = fastest
    return seconds


def _describe(settings: TimingSettings) -> str:
    return (
        f"{cpu_name()}; torch {torch.__version__}; {threads_text(settings.threads)}; batch {settings.batch}; "
        "float32 eval eager; "
        f"{settings.quantile:g} quantile over {settings.rounds} rounds of the fastest of {settings.calls} calls"
    )
