"""Measuring how long a whole network takes on this machine, on its CPU or its GPU.

A latency is the time of one forward pass of a whole batch, images already on the device, the result waited for.
Weights are random: what a convolution costs does not depend on them, and batch normalisation is given the moments of
its inputs, so that no value is so small that the processor takes a slow path. Nothing is folded or fused here;
`torch.compile` and ONNX Runtime do what they do (the latter folds batch normalisation into convolutions), which is why
the runtime is part of what a latency means.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from autobuild_pipelines.networks.calibration import recalibrate_batch_norm
from autobuild_pipelines.networks.definition import NetworkDefinition
from autobuild_pipelines.networks.machine import cpu_name, on_cores, settle_allocator, threads_text
from autobuild_pipelines.networks.modules import build_subnet, resolution_of
from autobuild_pipelines.networks.runtimes import LatencyError, Runtime, prepare
from autobuild_pipelines.networks.unet import InpaintingUNet, OneStep, example_latents
from autobuild_pipelines.networks.unet_arrays import read_unet
from autobuild_pipelines.networks.unet_definition import UNetDefinition
from autobuild_pipelines.spaces import Architecture, SearchSpace
from autobuild_pipelines.spaces.settings import FROM_LIST, StrictSettings, read_settings
from autobuild_pipelines.torch_threads import torch_threads

MADS = 3.0
_NORMAL_MAD = 0.6745  # median absolute deviation of a standard normal
_CALIBRATION_IMAGES = 2  # the fewest that give moments after the global pooling


class LatencySettings(StrictSettings):
    """How a network's latency is measured.

    Attributes:
        device: "cpu", "cuda", or "auto" (CUDA when present).
        runtime: "eager", "compile" (`torch.compile`) or "onnxruntime".
        batch: Images per forward pass.
        threads: Threads of the CPU that one operation is split over.
        cores: Cores that these threads are bound to; none leaves it to the system. Linux only.
        warm_up: Untimed passes before the first timed one.
        repeats: Timed passes.
        seed: Seed of weights and images.
    """

    device: Literal["cpu", "cuda", "auto"] = "cpu"
    runtime: Runtime = "eager"
    batch: int = Field(default=1, ge=1)
    threads: int = Field(default=1, ge=1)
    cores: Annotated[tuple[int, ...], FROM_LIST] = ()
    warm_up: int = Field(default=3, ge=0)
    repeats: int = Field(default=20, ge=1)
    seed: int = 0

    @classmethod
    def from_mapping(cls, content: object, *, what: str = "latency") -> LatencySettings:
        """Check settings as they stand in parameters.

        Raises:
            LatencyError: Names the key that is wrong and the reason.
        """
        return read_settings(cls, content, what=what, example="runtime", source="", refusal=LatencyError)

    @property
    def torch_device(self) -> torch.device:
        """Where the network runs.

        Raises:
            LatencyError: CUDA is asked for and there is none.
        """
        present = torch.cuda.is_available()
        if self.device == "cuda" and not present:
            raise LatencyError(
                "latency.device: torch sees no CUDA device here; expected cpu, or auto for what there is"
            )
        return torch.device("cuda" if present and self.device != "cpu" else "cpu")


@dataclass(frozen=True, slots=True)
class Latency:
    """Repeated measurements of one network.

    Attributes:
        ms_per_batch: [repeats] milliseconds of every timed pass of a batch, in order; none is left out.
    """

    ms_per_batch: tuple[float, ...]

    @property
    def median_ms_per_batch(self) -> float:
        """The median over all repeats, outliers included."""
        return float(np.median(self.ms_per_batch))

    @property
    def spread(self) -> float:
        """Interquartile range divided by the median."""
        low, high = np.quantile(self.ms_per_batch, [0.25, 0.75])
        return float((high - low) / self.median_ms_per_batch)

    @property
    def outliers(self) -> int:
        """Repeats further from the median than three deviations, estimated as median absolute deviation / 0.6745."""
        distance = np.abs(np.asarray(self.ms_per_batch) - self.median_ms_per_batch)
        return int((distance > MADS * np.median(distance) / _NORMAL_MAD).sum())


def measure_latency(
    space: SearchSpace,
    definition: NetworkDefinition | UNetDefinition,
    architecture: Architecture,
    settings: LatencySettings | None = None,
    *,
    clock: Callable[[], float] = time.perf_counter,
) -> Latency:
    """Build an architecture's network and time it in float32: a MobileNet at the architecture's resolution, or one step
    of a U-Net at the definition's size of latent.

    Args:
        space: The search space.
        definition: Its networks.
        architecture: The architecture.
        settings: How to measure.
        clock: Seconds of a monotonic clock.

    Raises:
        LatencyError: The device, the runtime or a core is not there, or the runtime computes something else than
            eager torch.
        NetworkError: The definition does not fit the space.
    """
    settings = settings or LatencySettings()
    device = settings.torch_device
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        network: nn.Module
        if isinstance(definition, UNetDefinition):
            unet = read_unet(space, architecture, definition.features)
            network = OneStep(InpaintingUNet(definition, unet)).eval()
            images, _ = example_latents(definition, settings.batch)
        else:
            network = build_subnet(space, definition, architecture)
            size = resolution_of(definition, architecture)
            images = torch.randn(max(settings.batch, _CALIBRATION_IMAGES), definition.input_channels, size, size)
            with torch_threads(settings.threads):
                recalibrate_batch_norm(network, [images[:_CALIBRATION_IMAGES]])
    return measure_network(network.to(device), images[: settings.batch].to(device), settings, clock=clock)


def measure_network(
    network: nn.Module,
    images: Tensor,
    settings: LatencySettings,
    *,
    clock: Callable[[], float] = time.perf_counter,
) -> Latency:
    """Time passes of `images` [batch, channels, height, width] through a network on the same device.

    Raises:
        LatencyError: As for `measure_latency`.
    """
    wait = torch.cuda.synchronize if images.is_cuda else _nothing
    try:
        with on_cores(settings.cores), torch_threads(settings.threads), torch.inference_mode():
            settle_allocator()
            call = prepare(settings.runtime, network, images, threads=settings.threads)
            for _ in range(settings.warm_up):
                call()
            return Latency(tuple(_timed(call, wait, clock) * 1000 for _ in range(settings.repeats)))
    except OSError as error:
        raise LatencyError(f"latency.cores: {error}") from error


def machine_facts(settings: LatencySettings) -> dict[str, str]:
    """What a latency belongs to: processor, system, and versions of what runs the network.

    Raises:
        LatencyError: CUDA is asked for and there is none.
    """
    facts = {"cpu": cpu_name(), "system": f"{platform.system()} {platform.machine()}", "torch": str(torch.__version__)}
    if settings.torch_device.type == "cuda":
        facts |= {"gpu": torch.cuda.get_device_name(), "cuda": str(torch.version.cuda)}
    if settings.runtime == "onnxruntime":
        facts["onnxruntime"] = _version("onnxruntime-gpu") or _version("onnxruntime") or "not installed"
    return facts


def measured_on(settings: LatencySettings) -> str:
    """Where and how latencies are measured, on one line for a table."""
    facts = machine_facts(settings)
    versions = [f"{name} {facts[name]}" for name in ("torch", "cuda", "onnxruntime") if name in facts]
    cores = [f"cores {', '.join(map(str, settings.cores))}"] if settings.cores else []
    how = [threads_text(settings.threads), *cores, f"batch {settings.batch}", f"float32 {settings.runtime}"]
    passes = f"median over {settings.repeats} passes of a batch after {settings.warm_up}"
    return "; ".join([facts.get("gpu", facts["cpu"]), *versions, *how, passes])


def _timed(call: Callable[[], object], wait: Callable[[], object], clock: Callable[[], float]) -> float:
    wait()
    start = clock()
    call()
    wait()
    return clock() - start


def _nothing() -> None:
    """A CPU's result is there when the call returns."""


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
