"""MACs and parameters of many architectures from the cost tables, against counting them on built torch modules.

    python -m benchmarks.network_costs --space ofa_mbv3 --count 100000 --sample 10

Modules are built on torch's meta device and counted by `FlopCounterMode`, on a sample of architectures scaled up. Both
ways' numbers are compared.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from autobuild_pipelines.networks import (
    NetworkDefinition,
    build_subnet,
    example_input,
    macs,
    parameters,
    resolution_of,
)
from autobuild_pipelines.spaces import Architecture, SearchSpace
from benchmarks.data import ROOT


def main() -> None:
    """Time both ways and print their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--space", default="ofa_mbv3")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--sample", type=int, default=10)
    arguments = parser.parse_args()
    space = SearchSpace.from_yaml(ROOT / f"conf/base/spaces/{arguments.space}.yml")
    definition = NetworkDefinition.from_yaml(ROOT / f"conf/base/networks/{arguments.space}.yml", arguments.space)
    array = space.sample(arguments.count, np.random.default_rng(0), law="depths")
    start = time.perf_counter()
    found = np.stack([macs(space, definition, array), parameters(space, definition, array)], axis=1)
    fast = time.perf_counter() - start
    architectures = space.decode(array.take(slice(arguments.sample)))
    counted(space, definition, architectures[0])
    start = time.perf_counter()
    wanted = [counted(space, definition, architecture) for architecture in architectures]
    slow = (time.perf_counter() - start) / len(architectures) * arguments.count
    if found[: len(wanted)].tolist() != wanted:
        raise SystemExit("the tables and the modules disagree")
    print(f"{arguments.count} architectures of {space.name}: MACs and parameters of all in {fast:.3f} s from tables")
    print(f"{slow:.0f} s by building and counting modules (scaled up from {len(wanted)}), ratio {slow / fast:.0f}")


def counted(space: SearchSpace, definition: NetworkDefinition, architecture: Architecture) -> list[int]:
    """MACs (half of torch's flops) and parameters of the built module."""
    with torch.device("meta"):
        network = build_subnet(space, definition, architecture)
        images = example_input(definition, resolution_of(definition, architecture))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(images)
    return [counter.get_total_flops() // 2, sum(p.numel() for p in network.parameters())]


if __name__ == "__main__":
    main()
