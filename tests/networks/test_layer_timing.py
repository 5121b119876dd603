from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pandas as pd
import torch

from autobuild_pipelines.networks import NetworkDefinition
from autobuild_pipelines.networks.layer_timing import TimingSettings, measure_layer_latencies
from autobuild_pipelines.networks.machine import cpu_name
from autobuild_pipelines.spaces import SearchSpace

Family = tuple[SearchSpace, NetworkDefinition]
QUICK = TimingSettings(rounds=2, calls=1, warm_up=0)


def ticking(step: float) -> Callable[[], float]:
    ticks = count()
    return lambda: step * next(ticks)


def test_every_layer_place_and_resolution_is_timed_once(small: Family) -> None:
    table = measure_layer_latencies(*small, QUICK)
    assert len(table) == 2 * 2 + 2 * 2 * 2  # (stem, head) and layers x places, at two resolutions
    assert not table.duplicated(["part", "unit", "position", "expand", "kernel", "resolution"]).any()
    assert (table["latency_cpu_ms"] > 0).all()


def test_a_latency_is_the_clocks_difference_per_image_in_milliseconds(small: Family) -> None:
    settings = TimingSettings(rounds=3, calls=2, warm_up=0, batch=2)
    table = measure_layer_latencies(*small, settings, clock=ticking(0.004))
    assert table["latency_cpu_ms"].tolist() == [2.0] * len(table)
    assert table["spread"].tolist() == [0.0] * len(table)


def test_the_table_says_where_and_how_it_was_measured(small: Family) -> None:
    note = measure_layer_latencies(*small, QUICK)["measured_on"].iloc[0]
    for part in (cpu_name(), f"torch {torch.__version__}", "1 thread", "batch 1", "2 rounds"):
        assert part in note


def test_timing_leaves_torchs_threads_as_they_were(small: Family) -> None:
    before = torch.get_num_threads()
    measure_layer_latencies(*small, QUICK)
    assert torch.get_num_threads() == before


def test_a_table_survives_csv(small: Family, tmp_path: object) -> None:
    table = measure_layer_latencies(*small, QUICK)
    path = f"{tmp_path}/table.csv"
    table.to_csv(path, index=False)
    assert pd.read_csv(path)["latency_cpu_ms"].tolist() == table["latency_cpu_ms"].tolist()
