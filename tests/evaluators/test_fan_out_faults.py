"""Workers and drivers that are killed, ledgers that fail in the middle of a run."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fake_sources import FakeSource, expected, started, worker_pids
from fan_out_driver import EVALUATIONS, WORKERS

from autobuild_pipelines.evaluators.fan_out import FannedOut, FanOutSettings
from autobuild_pipelines.evaluators.ledger import EvaluationLedger, LedgerKey
from autobuild_pipelines.evaluators.ledger_errors import LedgerError
from autobuild_pipelines.evaluators.protocol import ERROR
from autobuild_pipelines.evaluators.tasks import Outcome, run_tasks
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace

HERE = Path(__file__).parent
SPACE_FILE = HERE.parents[1] / "conf" / "base" / "spaces" / "ofa_mbv3.yml"
LOKY = FanOutSettings(backend="loky", workers=2, backoff_s=0)


@pytest.fixture
def some(ofa_mbv3: SearchSpace) -> ArchitectureArray:
    return ofa_mbv3.sample(12, np.random.default_rng(0))


@pytest.fixture
def driver(tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts the run of `fan_out_driver`; what it leaves behind is ended."""
    running: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        arguments = [SPACE_FILE, f"sqlite:///{tmp_path}/evaluations.sqlite", tmp_path, tmp_path / "table.json"]
        command = [sys.executable, str(HERE / "fan_out_driver.py"), *map(str, arguments)]
        running.append(subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"}))
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.wait()
    for pid in set(worker_pids(tmp_path)):
        _kill(pid)


@pytest.mark.slow
def test_a_killed_worker_and_a_killed_driver_cost_only_what_was_in_flight(
    driver: Callable[[], subprocess.Popen[bytes]], ofa_mbv3: SearchSpace, tmp_path: Path
) -> None:
    ids = ofa_mbv3.ids(ofa_mbv3.sample(EVALUATIONS, np.random.default_rng(0)))
    first = driver()
    _wait_for(lambda: len(started(tmp_path)) >= 100, first)
    _kill(worker_pids(tmp_path)[-1])
    _wait_for(lambda: len(started(tmp_path)) >= 250, first)
    first.kill()
    first.wait()
    for pid in set(worker_pids(tmp_path)):
        _kill(pid)
    with EvaluationLedger(f"sqlite:///{tmp_path}/evaluations.sqlite") as ledger:
        recorded = set(ledger.table()["architecture_id"])
    before = Counter(started(tmp_path))
    assert set(before) - recorded <= set(ids)
    assert len(set(before) - recorded) <= WORKERS  # lost with the driver
    assert sum(before.values()) - len(before) <= WORKERS  # lost with the worker, and repeated

    second = driver()
    assert second.wait() == 0
    counts = Counter(started(tmp_path))
    assert set(counts) == set(ids)
    assert all(counts[identifier] == before[identifier] for identifier in recorded)
    assert sum(counts.values()) - len(counts) <= 2 * WORKERS
    with EvaluationLedger(f"sqlite:///{tmp_path}/evaluations.sqlite") as ledger:
        assert sorted(ledger.table()["architecture_id"]) == sorted(set(ids))
    table = pd.read_json(tmp_path / "table.json", precise_float=True)
    undisturbed = pd.DataFrame([expected(identifier) for identifier in ids])
    pd.testing.assert_frame_equal(table.drop(columns=ERROR), undisturbed, rtol=1e-13)
    assert table[ERROR].isna().all()


@pytest.mark.slow
def test_a_run_that_is_interrupted_leaves_the_ledger_whole_and_goes_on_from_there(
    driver: Callable[[], subprocess.Popen[bytes]], ofa_mbv3: SearchSpace, tmp_path: Path
) -> None:
    first = driver()
    _wait_for(lambda: len(started(tmp_path)) >= 50, first)
    first.send_signal(signal.SIGINT)
    assert first.wait() != 0
    with EvaluationLedger(f"sqlite:///{tmp_path}/evaluations.sqlite") as ledger:
        table = ledger.table()
    assert len(started(tmp_path)) - WORKERS <= len(table) <= len(started(tmp_path))
    assert table["status"].eq("ok").all()
    assert {row.architecture_id: row["metrics.acc"] for _, row in table.iterrows()} == {
        identifier: expected(identifier)["acc"] for identifier in table["architecture_id"]
    }


@pytest.mark.slow
def test_an_architecture_that_kills_its_worker_fails_alone(
    ofa_mbv3: SearchSpace, some: ArchitectureArray, tmp_path: Path
) -> None:
    ids = ofa_mbv3.ids(some)
    source = FakeSource(str(tmp_path), seconds=0.01, kills=(ids[4], ids[5]))
    settings = LOKY.model_copy(update={"retries": 1, "max_failed_share": 0.5})
    table = FannedOut(ofa_mbv3, source, settings, None, progress=False).evaluate(some)
    assert table[ERROR].notna().tolist() == [row in (4, 5) for row in range(12)]
    assert table[ERROR][4].startswith("its worker died 2 times: TerminatedWorkerError")
    counts = Counter(started(tmp_path))
    assert counts[ids[4]] in (2, 3)
    assert max(counts[identifier] for identifier in ids if identifier not in source.kills) <= 3


def test_a_worker_that_dies_between_two_tasks_costs_nothing() -> None:
    seen: list[int] = []

    def kill_all_workers(number: int, outcome: Outcome) -> None:
        seen.append(outcome.value)
        if number == 3:
            _kill(int(outcome.worker.rpartition(":")[2]))

    run_tasks(abs, range(-10, 0), LOKY, kill_all_workers)
    assert sorted(seen) == list(range(1, 11))


@pytest.mark.parametrize("backend", ["sequential", "loky"])
def test_what_the_receiver_of_outcomes_raises_ends_the_run(backend: str) -> None:
    seen: list[int] = []

    def full(number: int, outcome: Outcome) -> None:
        seen.append(number)
        if len(seen) == 3:
            raise LedgerError("full")

    with pytest.raises(LedgerError, match="full"):
        run_tasks(abs, range(100), FanOutSettings(backend=backend, workers=2, backoff_s=0), full)  # type: ignore[arg-type]
    assert len(seen) == 3


@pytest.mark.parametrize("backend", ["sequential", "loky"])
def test_a_ledger_that_fails_in_the_middle_of_a_run_loses_nothing(
    backend: str, ofa_mbv3: SearchSpace, some: ArchitectureArray, tmp_path: Path
) -> None:
    settings = FanOutSettings(backend=backend, workers=2, backoff_s=0)  # type: ignore[arg-type]
    file = tmp_path / "evaluations.sqlite"
    source = FakeSource(str(tmp_path))
    with EvaluationLedger(f"sqlite:///{file}", retries=0, busy_timeout_s=0.1) as ledger:
        taken = 0
        record = ledger.record

        def breaks(key: LedgerKey, finished: object) -> None:
            nonlocal taken
            taken += 1
            if taken == 5:
                blocker.execute("BEGIN EXCLUSIVE")
            record(key, finished)  # type: ignore[arg-type]

        blocker = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        ledger.record = breaks  # type: ignore[method-assign, assignment]
        with pytest.raises(
            LedgerError, match=r"kept it locked.*1 finished evaluation is not recorded, but kept in .*jsonl"
        ):
            FannedOut(ofa_mbv3, source, settings, ledger, progress=False).evaluate(some)
        blocker.execute("ROLLBACK")
        blocker.close()
    finished = started(tmp_path, "finished")
    with EvaluationLedger(f"sqlite:///{file}") as ledger:
        assert len(ledger.table()) == 5
        table = FannedOut(ofa_mbv3, source, settings, ledger, progress=False).evaluate(some)
        assert len(ledger.table()) == 12
    assert table[ERROR].isna().all()
    assert len(started(tmp_path)) - 12 == len(finished) - 5 <= 1  # the other worker's, in flight when the run stopped
    assert not (tmp_path / "evaluations.sqlite.unrecorded.jsonl").read_text()


def _wait_for(condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    while not condition():
        assert process.poll() is None, "the run ended too early"
        time.sleep(0.005)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
