"""The same evaluations on Dask and Ray: a local cluster of two workers each."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fake_sources import FakeSource, started

from autobuild_pipelines.evaluators.clusters import close_clusters
from autobuild_pipelines.evaluators.fan_out import FannedOut, FanOutSettings
from autobuild_pipelines.evaluators.ledger import EvaluationLedger
from autobuild_pipelines.evaluators.ledger_errors import LedgerError
from autobuild_pipelines.evaluators.protocol import ERROR, EvaluationError
from autobuild_pipelines.evaluators.tasks import Outcome, run_tasks
from autobuild_pipelines.search import SearchSettings, read_problems, run_search
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace

pytestmark = [pytest.mark.cluster, pytest.mark.slow]
ENGINES = {"dask": "distributed", "ray": "ray"}


@pytest.fixture(scope="module", params=ENGINES)
def cluster(request: pytest.FixtureRequest) -> Iterator[FanOutSettings]:
    """Settings of a local cluster of two workers, whose processes can import this folder's modules."""
    pytest.importorskip(ENGINES[request.param])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
        patch.setenv("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
        yield FanOutSettings(backend=request.param, workers=2, backoff_s=0)
        close_clusters()


@pytest.fixture
def some(ofa_mbv3: SearchSpace) -> ArchitectureArray:
    return ofa_mbv3.sample(20, np.random.default_rng(0))


def test_a_cluster_gives_the_table_that_loky_gives(
    cluster: FanOutSettings, ofa_mbv3: SearchSpace, some: ArchitectureArray, tmp_path: Path
) -> None:
    ids = ofa_mbv3.ids(some)
    tables = {}
    for settings in (FanOutSettings(backend="loky", workers=2, backoff_s=0), cluster):
        log = tmp_path / settings.backend
        log.mkdir()
        with EvaluationLedger(f"sqlite:///{log}/evaluations.sqlite") as ledger:
            source = FakeSource(str(log), fails=(ids[7],))
            tables[settings.backend] = FannedOut(ofa_mbv3, source, settings, ledger, progress=False).evaluate(some)
            assert len(ledger.table()) == 20
            workers = set(ledger.table()["worker"])
        assert sorted(set(started(log))) == sorted(ids)
        assert not any(worker.endswith(f":{os.getpid()}") for worker in workers)
    pd.testing.assert_frame_equal(tables["loky"], tables[cluster.backend])
    assert tables["loky"][ERROR].notna().tolist() == [row == 7 for row in range(20)]

    # An architecture that takes its worker down fails alone, on the same cluster.
    log = tmp_path / "kills"
    log.mkdir()
    source = FakeSource(str(log), kills=(ids[3],))
    killed = FannedOut(ofa_mbv3, source, cluster.model_copy(update={"retries": 1}), None, progress=False).evaluate(some)
    assert killed[ERROR].notna().tolist() == [row == 3 for row in range(20)]
    assert "its worker died 2 times" in killed[ERROR][3]
    assert Counter(started(log))[ids[3]] in (2, 3)

    # What the receiver of results raises ends the run, and the cluster can be used again.
    seen: list[int] = []

    def full(number: int, outcome: Outcome) -> None:
        seen.append(number)
        if len(seen) == 3:
            raise LedgerError("full")

    with pytest.raises(LedgerError, match="full"):
        run_tasks(abs, range(50), cluster, full)
    assert len(seen) == 3
    seen.clear()
    run_tasks(abs, range(-10, 0), cluster, lambda _, outcome: seen.append(outcome.value))
    assert sorted(seen) == list(range(1, 11))

    # What no worker offers is an error at once, not a wait for ever.
    greedy = cluster.model_copy(update={"resources": {"GPU": 64.0}})
    if cluster.backend == "ray":
        with pytest.raises(EvaluationError, match=r"resources\.GPU: a task needs 64, the Ray cluster has"):
            FannedOut(ofa_mbv3, source, greedy, None, progress=False).evaluate(some)


def test_a_search_gives_the_same_evaluations_on_a_cluster_as_with_loky(
    cluster: FanOutSettings, ofa_mbv3: SearchSpace, tmp_path: Path
) -> None:
    variants = {"Layer-Full": {"mutation": "layer", "space": "full", "sampling": "depths"}}
    budget = SearchSettings.from_mapping(
        {"seeds": 1, "initial": 8, "iterations": 2, "per_iteration": 4, "variants": variants}
    )
    objectives = {"acc": {"direction": "max", "reference": 0}, "loss": {"direction": "min", "reference": 1}}
    problems = read_problems({"plain": {"objectives": objectives}})
    tables = []
    for settings in (FanOutSettings(backend="loky", workers=2, backoff_s=0), cluster):
        log = tmp_path / settings.backend
        log.mkdir()
        with EvaluationLedger(f"sqlite:///{log}/evaluations.sqlite") as ledger:
            evaluator = FannedOut(ofa_mbv3, FakeSource(str(log)), settings, ledger, progress=False)
            tables.append(run_search(ofa_mbv3, problems, budget, evaluator, {}, seed=0, progress=False))
            assert len(ledger.table()) == tables[-1]["architecture_id"].nunique()
    pd.testing.assert_frame_equal(*tables)


def test_tasks_reserve_resources_that_the_workers_were_started_with(
    cluster: FanOutSettings, ofa_mbv3: SearchSpace, some: ArchitectureArray, tmp_path: Path
) -> None:
    settings = cluster.model_copy(update={"resources": {"board": 1.0}})
    table = FannedOut(ofa_mbv3, FakeSource(str(tmp_path)), settings, None, progress=False).evaluate(some)
    assert table[ERROR].isna().all()
