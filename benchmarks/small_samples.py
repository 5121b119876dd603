"""An ensemble by folds from fewer than 100 architectures (§7.9): trained jointly, against plain torch_geometric.

    python -m benchmarks.small_samples --space sd_fid --epochs 1000 --plain-epochs 50

The plain program trains a predictor for each fold, one after the other; each learns from what its fold leaves. Both are
timed in rounds that alternate, the plain one for `--plain-epochs` epochs, and compared by time per epoch; processor
time stands beside it, which other programs disturb less. Architectures are random, with a made-up label.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch
from numpy.typing import NDArray

from autobuild_pipelines.predictors import ModelSettings, TrainingSettings, folds, train
from benchmarks.data import made_up, read_space
from benchmarks.plain_pyg import graphs_of, train_plain


def main() -> None:
    """Alternate both programs and print the times per epoch of an ensemble and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--space", default="sd_fid")
    parser.add_argument("--architectures", type=int, default=68)
    parser.add_argument("--ensemble", type=int, default=5)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--epochs", type=int, default=1000)
    parser.add_argument("--plain-epochs", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    space = read_space(arguments.space)
    count, ensemble = arguments.architectures, arguments.ensemble
    array, labels = made_up(space, count)
    graphs, sizes = graphs_of(space, array, (labels - labels.mean()) / labels.std())
    fold = folds(count, ensemble, seed=0).tolist()
    settings = TrainingSettings(epochs=arguments.epochs, batch_size=count, device="cpu")
    plain, ours = [], []
    for _ in range(arguments.rounds):
        start = _now()
        for member in range(ensemble):
            part = [graph for graph, of in zip(graphs, fold, strict=True) if of != member]
            train_plain(part, sizes, arguments.plain_epochs, layers=arguments.layers, batch_size=count)
        plain.append((_now() - start) / arguments.plain_epochs)
        start = _now()
        train(
            space,
            array,
            {"label": labels},
            model=ModelSettings(layers=arguments.layers),
            training=settings,
            ensemble=ensemble,
            members="folds",
            progress=False,
        )
        ours.append((_now() - start) / arguments.epochs)
    print(
        f"{space.name}: {count} architectures, ensemble of {ensemble}, {arguments.layers} layers, "
        f"{torch.get_num_threads()} threads"
    )
    for name, seconds in (("plain torch_geometric", np.median(plain, axis=0)), ("joint", np.median(ours, axis=0))):
        wall, processor = 1000 * seconds
        print(
            f"{name:22} {wall:7.1f} ms per epoch ({processor:6.1f} of processors), "
            f"{arguments.epochs * seconds[0]:6.1f} s for {arguments.epochs} epochs"
        )
    wall, processor = np.median(np.divide(plain, ours), axis=0)
    print(f"ratio                  {wall:7.1f}              ({processor:6.1f})")


def _now() -> NDArray[np.float64]:
    """Wall-clock and processor time in seconds."""
    return np.array([time.perf_counter(), time.process_time()])


if __name__ == "__main__":
    main()
