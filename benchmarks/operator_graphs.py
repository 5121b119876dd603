"""Operator graphs of many architectures joined from exports of their layers, against exporting each network whole.

    OMP_NUM_THREADS=1 python -m benchmarks.operator_graphs --space ofa_mbv3 --count 1000 --sample 10

Both ways' graphs are compared on the sample. Whole exports are timed on it too and scaled up; they run on the meta
device, as the layers' do.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np

from autobuild_pipelines.graphs import pack
from autobuild_pipelines.networks import NetworkDefinition, macs, operator_graphs
from autobuild_pipelines.networks.operator_graphs import whole_operator_graph
from autobuild_pipelines.spaces import SearchSpace
from benchmarks.data import ROOT


def main() -> None:
    """Time both ways, compare them, and print rates, sizes and the peak memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--space", default="ofa_mbv3")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--sample", type=int, default=10)
    arguments = parser.parse_args()
    space = SearchSpace.from_yaml(ROOT / f"conf/base/spaces/{arguments.space}.yml")
    definition = NetworkDefinition.from_yaml(ROOT / f"conf/base/networks/{arguments.space}.yml", arguments.space)
    array = space.sample(arguments.count, np.random.default_rng(0))
    architectures = space.decode(array)
    whole_operator_graph(space, definition, architectures[0])
    before = _peak()
    start = time.perf_counter()
    graphs = operator_graphs(space, definition, architectures, progress=True)
    fast, peak = time.perf_counter() - start, _peak()
    start = time.perf_counter()
    wanted = [whole_operator_graph(space, definition, a) for a in architectures[: arguments.sample]]
    slow = (time.perf_counter() - start) / len(wanted) * len(graphs)
    if graphs[: len(wanted)] != wanted:
        raise SystemExit("graphs joined from layers and exports of whole networks disagree")
    if [int(graph.macs.sum()) for graph in graphs] != macs(space, definition, array).tolist():
        raise SystemExit("graphs and the cost table disagree on MACs")
    nodes, packed = np.asarray([len(graph) for graph in graphs]), pack(graphs)
    size = sum(values.nbytes for values in packed.values()) / 2**20
    print(f"{len(graphs)} graphs of {space.name} in {fast:.1f} s, {len(graphs) / fast:.0f} a second")
    print(f"{slow:.0f} s by exporting each network (scaled up from {len(wanted)}), ratio {slow / fast:.0f}")
    print(f"{nodes.mean():.0f} nodes a graph ({nodes.min()}-{nodes.max()}), {size:.1f} MiB as arrays")
    print(f"peak memory {peak:.2f} GiB ({before:.2f} before)")


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    main()
