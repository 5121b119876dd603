"""What the evaluation ledger adds to an evaluation: a run that records every one against the bare loop, in one run.

    python -m benchmarks.ledger --evaluations 10000

The evaluation itself does next to nothing, so that the difference is the ledger's. Architectures are encoded and hashed
before the clock starts. Every round starts with a new ledger; a last one asks for what is all known.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from autobuild_pipelines.evaluators.fan_out import FannedOut, FanOutSettings
from autobuild_pipelines.evaluators.ledger import Evaluation, EvaluationLedger, LedgerKey
from autobuild_pipelines.evaluators.single import measured
from autobuild_pipelines.spaces import Architecture, SearchSpace

SPACE_FILE = Path(__file__).parents[1] / "conf" / "base" / "spaces" / "ofa_mbv3.yml"


class Depth:
    """The number of layers, as an evaluation that costs nothing."""

    metrics = ("layers",)
    kind = "depth"

    def settings(self) -> dict[str, Any]:
        """None."""
        return {}

    def data_hash(self) -> str:
        """None."""
        return ""

    def evaluate(self, architecture: Architecture) -> dict[str, float]:
        """The number of layers."""
        return {"layers": float(sum(len(unit) for unit in architecture.units))}


def main() -> None:
    """Alternate both loops and print the time per evaluation, its difference and ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--evaluations", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--url", default=None, help="an empty ledger to use once, instead of new SQLite files")
    arguments = parser.parse_args()
    space = SearchSpace.from_yaml(SPACE_FILE)
    array = space.sample(arguments.evaluations, np.random.default_rng(0))
    ids, architectures = space.ids(array), space.decode(array)
    source = Depth()
    key = LedgerKey.of(source)
    count = arguments.evaluations
    here = FanOutSettings(backend="sequential")
    bare, recorded, fanned, known = [], [], [], []
    with tempfile.TemporaryDirectory(dir=".") as folder:
        for number in range(1 if arguments.url else arguments.rounds):
            start = time.perf_counter()
            for architecture in architectures:
                measured(source, architecture)
            bare.append((time.perf_counter() - start) / count)
            with EvaluationLedger(arguments.url or f"sqlite:///{folder}/record{number}.sqlite") as ledger:
                start = time.perf_counter()
                for identifier, architecture in zip(ids, architectures, strict=True):
                    ledger.record(key, [Evaluation(identifier, measured(source, architecture))])
                recorded.append((time.perf_counter() - start) / count)
                start = time.perf_counter()
                FannedOut(space, source, here, ledger, progress=False).evaluate(array)
                known.append((time.perf_counter() - start) / count)
            if arguments.url is None:
                with EvaluationLedger(f"sqlite:///{folder}/fanned{number}.sqlite") as ledger:
                    start = time.perf_counter()
                    FannedOut(space, source, here, ledger, progress=False).evaluate(array)
                    fanned.append((time.perf_counter() - start) / count)
    print(f"{count} evaluations, milliseconds each (median of {len(bare)}), and their ratio to the bare loop")
    rows = [("bare loop", bare), ("loop that records each", recorded), ("FannedOut, new ledger", fanned)]
    rows.append(("FannedOut, all in the ledger", known))
    for name, seconds in rows:
        if seconds:
            print(f"{name:30} {np.median(seconds) * 1000:8.4f} ms   ratio {np.median(np.divide(seconds, bare)):8.1f}")
    print(f"ledger's share                 {(np.median(recorded) - np.median(bare)) * 1000:8.4f} ms an evaluation")


if __name__ == "__main__":
    main()
