"""Training on operator graphs: time per epoch and memory, with and without counting equal in-neighbourhoods once.

    python -m benchmarks.operator_training --space ofa_mbv3 --count 600 --epochs 20
    python -m benchmarks.operator_training --count 6000 --epochs 20 --apart 0 --layers 3 4 5 --unfolded

Graphs are those of random architectures, their labels MACs and nodes. `--layers` puts so many layers in units, and
`--unfolded` keeps batch norms: with both, graphs have about 300 nodes, as the authors' have. `--apart` is the number of
epochs in which every node is computed by itself, as if no two were alike: what graphs of unrelated networks would cost.
"""

from __future__ import annotations

import argparse
import resource
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import yaml

from autobuild_pipelines.graphs.neighbourhoods import Hashes
from autobuild_pipelines.graphs.operator_arrays import pack
from autobuild_pipelines.graphs.operator_batch import OperatorBatch
from autobuild_pipelines.networks import NetworkDefinition
from autobuild_pipelines.networks.operator_graphs import operator_graphs
from autobuild_pipelines.predictors import PRESETS
from autobuild_pipelines.predictors.operator_training import train_on_operators
from autobuild_pipelines.spaces import SearchSpace

CONF = Path(__file__).resolve().parents[1] / "conf" / "base"


class ApartBatch(OperatorBatch):
    """A batch whose nodes all count as different."""

    def hashes(self, hops: int) -> Hashes:
        """Every node's number."""
        return np.tile(np.arange(len(self.words), dtype=np.uint64), (hops + 1, 1))


def main() -> None:
    """Build graphs, train, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--space", default="ofa_mbv3")
    parser.add_argument("--count", type=int, default=600)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--apart", type=int, default=2, help="epochs in which every node counts as different")
    parser.add_argument("--targets", type=int, default=3)
    parser.add_argument("--layers", type=int, nargs="+", default=None, help="of every unit, in place of the space's")
    parser.add_argument("--unfolded", action="store_true", help="batch norms as operations of their own")
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[PRESETS["operators"].training.batch_size])
    arguments = parser.parse_args()
    content = yaml.safe_load((CONF / "spaces" / f"{arguments.space}.yml").read_text())[arguments.space]["space"]
    if arguments.layers:
        content["units"] = [{**unit, "layers": arguments.layers} for unit in content["units"]]
        content.pop("restrictions", None)
    space = SearchSpace.from_mapping(arguments.space, content)
    definition = NetworkDefinition.from_yaml(CONF / "networks" / f"{arguments.space}.yml", arguments.space)
    start = time.perf_counter()
    array = space.sample(arguments.count, np.random.default_rng(0))
    graphs = operator_graphs(space, definition, space.decode(array), fold=not arguments.unfolded, progress=True)
    built = time.perf_counter() - start
    start = time.perf_counter()
    batch = OperatorBatch.from_packed(pack(graphs))
    hashes = batch.hashes(4)
    packed = time.perf_counter() - start
    macs = np.asarray([float(graph.macs.sum()) for graph in graphs])
    nodes, kinds = len(batch.words), [len(np.unique(level)) for level in hashes]
    print(f"{len(graphs)} graphs of {nodes / len(graphs):.0f} nodes built in {built:.1f} s, read in {packed:.1f} s")
    print(f"distinct in-neighbourhoods of hop 0 to 4: {kinds} of {nodes} nodes")
    labels = {f"target_{i}": macs**0.5 + i * batch.lengths for i in range(arguments.targets)}
    apart = ApartBatch(**vars(batch))
    for size in arguments.batch_sizes:
        for name, graphs_of, epochs in (
            ("alike once", batch, arguments.epochs),
            ("every node", apart, arguments.apart),
        ):
            if epochs:
                seconds = _epoch(graphs_of, labels, epochs, size)
                print(
                    f"{name}, batches of {size}: {seconds:.2f} s an epoch of {arguments.targets} targets, "
                    f"{_peak():.0f} MB at most so far",
                    flush=True,
                )


def _epoch(batch: OperatorBatch, labels: dict[str, np.ndarray], epochs: int, size: int) -> float:
    preset = PRESETS["operators"]
    start = time.perf_counter()
    settings = replace(preset.training, epochs=epochs, evaluate_every=epochs, batch_size=size)
    train_on_operators(batch, labels, model=preset.model, training=settings)
    return (time.perf_counter() - start) / epochs


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
