from __future__ import annotations

import builtins
import os
from collections.abc import Callable, Iterator
from itertools import count
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from unets import TINY, as_architecture, tiny, unet_space

from autobuild_pipelines.networks import NetworkDefinition, latency
from autobuild_pipelines.networks.latency import (
    Latency,
    LatencySettings,
    machine_facts,
    measure_latency,
    measure_network,
    measured_on,
)
from autobuild_pipelines.networks.machine import cpu_name, on_cores
from autobuild_pipelines.networks.runtimes import LatencyError, prepare
from autobuild_pipelines.spaces import Architecture, SearchSpace

affinity = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system binds no threads to cores")
Small = tuple[SearchSpace, NetworkDefinition, Architecture]


@pytest.fixture
def network(small: tuple[SearchSpace, NetworkDefinition]) -> Small:
    """A small family, and an architecture of it."""
    space, definition = small
    return space, definition, space.architecture([[{"expand": 3, "kernel": 3}]], {"resolution": 32})


def clock_of(durations: list[float]) -> Callable[[], float]:
    """A clock that lets every timed pass last as long as told [s]."""

    def times() -> Iterator[float]:
        now = 0.0
        for duration in durations:
            yield now
            now += duration
            yield now

    return times().__next__


def test_a_latency_is_the_median_time_of_a_pass_of_the_whole_batch_in_milliseconds(network: Small) -> None:
    settings = LatencySettings(batch=4, repeats=3, warm_up=2)
    found = measure_latency(*network, settings, clock=clock_of([0.010, 0.030, 0.011]))
    assert found.ms_per_batch == pytest.approx((10.0, 30.0, 11.0))
    assert found.median_ms_per_batch == pytest.approx(11.0)


def test_the_spread_is_the_interquartile_range_over_the_median() -> None:
    assert Latency((1.0, 2.0, 3.0, 4.0, 5.0)).spread == pytest.approx(2 / 3)


def test_an_outlier_is_counted_and_still_part_of_the_median() -> None:
    calm = [10.0, 10.1, 9.9, 10.2, 9.8]
    assert Latency(tuple(calm)).outliers == 0
    disturbed = Latency((*calm, 50.0))
    assert disturbed.outliers == 1
    assert disturbed.median_ms_per_batch == np.median([*calm, 50.0])


def test_warm_up_passes_run_and_are_not_timed(network: Small) -> None:
    class Counting(nn.Module):
        passes = 0

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.passes += 1
            return x

    network, ticks = Counting(), count()
    settings = LatencySettings(warm_up=3, repeats=5)
    found = measure_network(network, torch.zeros(1, 3, 8, 8), settings, clock=lambda: float(next(ticks)))
    assert network.passes == 8
    assert found.ms_per_batch == (1000.0,) * 5


def test_a_pass_on_a_gpu_is_timed_from_idle_to_done(monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: events.append("wait"))

    def clock() -> float:
        events.append("clock")
        return 0.0

    def network(images: Any) -> None:
        events.append("pass")

    images: Any = SimpleNamespace(is_cuda=True)
    measure_network(network, images, LatencySettings(warm_up=1, repeats=1), clock=clock)  # type: ignore[arg-type]
    assert events == ["pass", "wait", "clock", "pass", "wait", "clock"]


def test_the_network_sees_the_batch_at_the_architectures_resolution(
    network: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    def spy(network: nn.Module, images: torch.Tensor, *_: Any, **__: Any) -> Latency:
        seen.append((tuple(images.shape), network.training))
        return Latency((1.0,))

    monkeypatch.setattr(latency, "measure_network", spy)
    measure_latency(*network, LatencySettings(batch=3))
    assert seen == [((3, 3, 32, 32), False)]


def test_no_activation_is_small_enough_to_slow_the_processor_down(
    network: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[float] = []

    def spy(network: nn.Module, images: torch.Tensor, *_: Any, **__: Any) -> Latency:
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.register_forward_hook(lambda _m, _i, out: sizes.append(float(out.std())))
        with torch.inference_mode():
            network(images)
        return Latency((1.0,))

    monkeypatch.setattr(latency, "measure_network", spy)
    measure_latency(*network)
    assert sizes
    assert min(sizes) > 0.05


@affinity
def test_measuring_leaves_threads_cores_and_random_numbers_as_they_were(network: Small) -> None:
    cores, threads, state = os.sched_getaffinity(0), torch.get_num_threads(), torch.get_rng_state()
    inside: list[Any] = []

    def clock() -> float:
        inside.append((os.sched_getaffinity(0), torch.get_num_threads()))
        return float(len(inside))

    core = min(cores)
    measure_latency(*network, LatencySettings(threads=2, cores=(core,), repeats=1), clock=clock)
    assert inside[0] == ({core}, 2)
    assert (os.sched_getaffinity(0), torch.get_num_threads()) == (cores, threads)
    assert torch.equal(torch.get_rng_state(), state)


@affinity
def test_a_core_that_is_not_there_is_named(network: Small) -> None:
    with pytest.raises(LatencyError, match=r"latency\.cores: this process has no core 99999"):
        measure_latency(*network, LatencySettings(cores=(99999,)))


@affinity
def test_a_system_without_affinity_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_setaffinity")
    with pytest.raises(OSError, match="cannot bind threads to cores"), on_cores((0,)):
        pass


def test_settings_name_the_key_that_is_wrong() -> None:
    with pytest.raises(LatencyError, match=r"latency: runtime: .*'eager', 'compile' or 'onnxruntime'"):
        LatencySettings.from_mapping({"runtime": "tensorrt"})
    with pytest.raises(LatencyError, match="latency: repeat: unknown key"):
        LatencySettings.from_mapping({"repeat": 3})


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_cuda_without_a_device_says_what_would_work() -> None:
    with pytest.raises(LatencyError, match=r"latency\.device: torch sees no CUDA device.*auto"):
        machine_facts(LatencySettings(device="cuda"))
    assert LatencySettings(device="auto").torch_device.type == "cpu"


@pytest.mark.slow
def test_onnx_runtime_measures_the_same_network(network: Small) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    found = measure_latency(*network, LatencySettings(runtime="onnxruntime", repeats=3))
    assert len(found.ms_per_batch) == 3
    assert found.median_ms_per_batch > 0


@pytest.mark.slow
def test_a_compiled_network_is_measured() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()).eval()  # every further operation takes seconds to compile
    found = measure_network(network, torch.ones(1, 3, 8, 8), LatencySettings(runtime="compile", repeats=2))
    assert found.median_ms_per_batch > 0


def test_a_runtime_that_computes_something_else_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "compile", lambda network, **_: lambda x: network(x) * 1.01)
    with pytest.raises(LatencyError, match=r"compile computes another output than eager torch .*1\.0e-02"):
        prepare("compile", nn.Flatten(), torch.ones(1, 3, 4, 4), threads=1)


def test_a_runtime_that_is_not_installed_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "onnxruntime":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(LatencyError, match=r"needs the package 'onnxruntime'.*autobuild-pipelines\[onnx\]"):
        prepare("onnxruntime", nn.Flatten(), torch.ones(1, 3, 4, 4), threads=1)


def test_a_compiler_that_fails_says_what_would_work(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(network: nn.Module, **_: Any) -> Any:
        raise RuntimeError("no working\nC++ compiler")

    monkeypatch.setattr(torch, "compile", broken)
    with pytest.raises(
        LatencyError, match=r"compile cannot run the network \(RuntimeError: no working C\+\+ compiler\)"
    ):
        prepare("compile", nn.Flatten(), torch.ones(1, 3, 4, 4), threads=1)


def test_the_note_says_where_and_how_was_measured() -> None:
    note = measured_on(LatencySettings(threads=2, cores=(0, 1), batch=8, repeats=7))
    for part in (cpu_name(), f"torch {torch.__version__}", "2 threads", "cores 0, 1", "batch 8", "eager", "7 passes"):
        assert part in note


@pytest.mark.parametrize("batch", [1, 2])
def test_a_u_nets_step_is_timed_at_the_definitions_size_of_latent(batch: int) -> None:
    pytest.importorskip("diffusers")
    space = unet_space()
    settings = LatencySettings(batch=batch, repeats=2, warm_up=1)
    found = measure_latency(space, TINY, as_architecture(space, tiny()), settings, clock=clock_of([0.25, 0.5]))
    assert found.ms_per_batch == (250.0, 500.0)


@pytest.mark.slow
def test_onnx_runtime_runs_u_nets_too() -> None:
    pytest.importorskip("diffusers")
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    space = unet_space()
    settings = LatencySettings(runtime="onnxruntime", repeats=1)
    shallow = tiny(input_residuals=(1,) * 4, output_residuals=(2,) * 4)
    assert measure_latency(space, TINY, as_architecture(space, shallow), settings).median_ms_per_batch > 0
