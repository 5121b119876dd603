"""A run of 500 slow evaluations, as a process that a test can kill; its arguments are those of `main`."""

import signal
import sys

import numpy as np
from fake_sources import FakeSource

from autobuild_pipelines.evaluators.fan_out import FannedOut, FanOutSettings
from autobuild_pipelines.evaluators.ledger import EvaluationLedger
from autobuild_pipelines.spaces import SearchSpace

EVALUATIONS, WORKERS = 500, 2


def main(space_file: str, url: str, log: str, table: str) -> None:
    """Evaluate 500 architectures, each in 25 ms, and write the table that comes of it."""
    space = SearchSpace.from_yaml(space_file)
    array = space.sample(EVALUATIONS, np.random.default_rng(0))
    settings = FanOutSettings(backend="loky", workers=WORKERS, backoff_s=0)
    with EvaluationLedger(url) as ledger:
        evaluator = FannedOut(space, FakeSource(log, seconds=0.025), settings, ledger, progress=False)
        evaluator.evaluate(array).to_json(table, double_precision=15)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a run in the background inherits as ignored
    main(*sys.argv[1:])
