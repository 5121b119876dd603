"""Evaluations of single architectures, fanned out."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fake_sources import FakeSource, expected, started

from autobuild_pipelines.evaluators.fan_out import FannedOut, FanOutSettings
from autobuild_pipelines.evaluators.ledger import Evaluation, EvaluationLedger, LedgerKey
from autobuild_pipelines.evaluators.protocol import ERROR, EvaluationError
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace

HERE = FanOutSettings(backend="sequential", backoff_s=0)
LOKY = FanOutSettings(backend="loky", workers=2, backoff_s=0)


@pytest.fixture
def some(ofa_mbv3: SearchSpace) -> ArchitectureArray:
    return ofa_mbv3.sample(12, np.random.default_rng(0))


@pytest.fixture
def ledger(tmp_path: Path) -> EvaluationLedger:
    return EvaluationLedger(f"sqlite:///{tmp_path}/evaluations.sqlite")


def fanned(
    space: SearchSpace, source: FakeSource, settings: FanOutSettings, ledger: EvaluationLedger | None
) -> FannedOut:
    return FannedOut(space, source, settings, ledger, progress=False)


def test_every_row_has_its_metrics_in_the_order_asked_for(
    ofa_mbv3: SearchSpace, some: ArchitectureArray, ledger: EvaluationLedger, tmp_path: Path
) -> None:
    for settings in (HERE, LOKY):
        log = tmp_path / settings.backend
        log.mkdir()
        table = fanned(ofa_mbv3, FakeSource(str(log)), settings, None).evaluate(some)
        wanted = pd.DataFrame([expected(identifier) for identifier in ofa_mbv3.ids(some)])
        pd.testing.assert_frame_equal(table.drop(columns=ERROR), wanted)
        assert table[ERROR].isna().all()


def test_loky_runs_nothing_in_this_process_even_with_one_worker(
    ofa_mbv3: SearchSpace, some: ArchitectureArray, ledger: EvaluationLedger, tmp_path: Path
) -> None:
    one = FanOutSettings(backend="loky", workers=1)
    fanned(ofa_mbv3, FakeSource(str(tmp_path)), one, ledger).evaluate(some)
    assert not any(worker.endswith(f":{os.getpid()}") for worker in ledger.table()["worker"])


def test_what_the_ledger_knows_is_not_evaluated_again(
    ofa_mbv3: SearchSpace, some: ArchitectureArray, ledger: EvaluationLedger, tmp_path: Path
) -> None:
    source = FakeSource(str(tmp_path))
    first = fanned(ofa_mbv3, source, HERE, ledger).evaluate(some.take(slice(8)))
    second = fanned(ofa_mbv3, source, LOKY, ledger).evaluate(some)
    assert sorted(started(tmp_path)) == sorted(ofa_mbv3.ids(some))
    pd.testing.assert_frame_equal(second.iloc[:8], first)


@pytest.mark.parametrize("changed", [{"version": 2}, {"weights": "other"}, {"kind": "other"}, {"metrics": ("acc",)}])
def test_another_evaluator_setting_or_weights_file_is_another_evaluation(
    changed: dict[str, object],
    ofa_mbv3: SearchSpace,
    some: ArchitectureArray,
    ledger: EvaluationLedger,
    tmp_path: Path,
) -> None:
    fanned(ofa_mbv3, FakeSource(str(tmp_path)), HERE, ledger).evaluate(some)
    fanned(ofa_mbv3, FakeSource(str(tmp_path), **changed), HERE, ledger).evaluate(some)  # type: ignore[arg-type]
    assert len(started(tmp_path)) == len(ledger.table()) == 24


def test_an_architecture_that_is_asked_for_twice_is_evaluated_once(
    ofa_mbv3: SearchSpace, some: ArchitectureArray, tmp_path: Path
) -> None:
    evaluator = fanned(ofa_mbv3, FakeSource(str(tmp_path)), LOKY, None)
    twice = evaluator.evaluate(some.take([3, 1, 3, 3, 1]))
    evaluator.evaluate(some.take([1]))
    assert sorted(started(tmp_path)) == sorted(ofa_mbv3.ids(some.take([3, 1])))
    assert twice["acc"].nunique() == 2
    assert len(set(twice["acc"].iloc[[0, 2, 3]])) == 1


def test_no_architectures_give_an_empty_table(ofa_mbv3: SearchSpace, some: ArchitectureArray, tmp_path: Path) -> None:
    table = fanned(ofa_mbv3, FakeSource(str(tmp_path)), LOKY, None).evaluate(some.take(slice(0)))
    assert table.columns.tolist() == ["acc", "loss", ERROR]
    assert not len(table)


@pytest.mark.parametrize("settings", [HERE, LOKY])
def test_an_architecture_that_fails_is_a_row_with_its_error(
    settings: FanOutSettings, ofa_mbv3: SearchSpace, some: ArchitectureArray, ledger: EvaluationLedger, tmp_path: Path
) -> None:
    ids = ofa_mbv3.ids(some)
    source = FakeSource(str(tmp_path), fails=(ids[4],))
    table = fanned(ofa_mbv3, source, settings, ledger).evaluate(some)
    assert table[ERROR].tolist() == [None] * 4 + ["ValueError: the weights do not fit"] + [None] * 7
    assert table[["acc", "loss"]].isna().all(axis=1).tolist() == [row == 4 for row in range(12)]
    assert started(tmp_path).count(ids[4]) == 3
    assert ledger.failures(LedgerKey.of(source), ids) == {ids[4]: "ValueError: the weights do not fit"}
    assert ledger.table().set_index("architecture_id")["attempts"][ids[4]] == 3


def test_a_failure_is_tried_again_by_the_next_run_but_not_by_the_same(
    ofa_mbv3: SearchSpace, some: ArchitectureArray, ledger: EvaluationLedger, tmp_path: Path
) -> None:
    ids = ofa_mbv3.ids(some)
    broken = fanned(ofa_mbv3, FakeSource(str(tmp_path), fails=(ids[4],)), HERE, ledger)
    broken.evaluate(some)
    broken.evaluate(some)
    assert started(tmp_path).count(ids[4]) == 3
    table = fanned(ofa_mbv3, FakeSource(str(tmp_path)), HERE, ledger).evaluate(some)
    assert table[ERROR].isna().all()
    assert len(started(tmp_path)) == 12 + 2 + 1
    assert ledger.table()["status"].tolist() == ["ok"] * 12


def test_what_fails_now_and_then_succeeds_when_repeated(
    ofa_mbv3: SearchSpace, some: ArchitectureArray, ledger: EvaluationLedger, tmp_path: Path
) -> None:
    table = fanned(ofa_mbv3, FakeSource(str(tmp_path), fails_before=2), HERE, ledger).evaluate(some)
    assert table[ERROR].isna().all()
    assert ledger.table()["attempts"].tolist() == [3] * 12


@pytest.mark.parametrize("settings", [HERE, LOKY])
def test_too_many_failures_stop_the_run_with_the_most_frequent_error(
    settings: FanOutSettings, ofa_mbv3: SearchSpace, some: ArchitectureArray, ledger: EvaluationLedger, tmp_path: Path
) -> None:
    source = FakeSource(str(tmp_path), fails=tuple(ofa_mbv3.ids(some)))
    with pytest.raises(EvaluationError, match=r"'fake': 5 of 5 .*12 were asked.*max_failed_share=0\.1.*, 5 times: Val"):
        fanned(ofa_mbv3, source, settings, ledger).evaluate(some)
    assert len(ledger.table()) == 5
    assert len(started(tmp_path)) <= 3 * 7


def test_one_failure_among_few_does_not_stop_the_run_unless_none_is_allowed(
    ofa_mbv3: SearchSpace, some: ArchitectureArray, tmp_path: Path
) -> None:
    source = FakeSource(str(tmp_path), fails=tuple(ofa_mbv3.ids(some.take([0]))))
    assert fanned(ofa_mbv3, source, HERE, None).evaluate(some.take([0, 1])).isna().sum().tolist() == [1, 1, 1]
    with pytest.raises(EvaluationError, match="1 of 1 evaluations failed"):
        fanned(ofa_mbv3, source, HERE.model_copy(update={"max_failed_share": 0.0}), None).evaluate(some)


def test_a_metric_that_is_not_finite_or_not_there_is_a_failure(
    ofa_mbv3: SearchSpace, some: ArchitectureArray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for found, reason in (({"acc": float("nan"), "loss": 1}, "'acc' is nan"), ({"acc": 1}, r"not \['loss'\]")):
        monkeypatch.setattr(FakeSource, "evaluate", lambda _, __, found=found: found)
        table = fanned(ofa_mbv3, FakeSource(str(tmp_path)), HERE, None).evaluate(some.take([0]))
        assert table[ERROR].str.contains(reason).all()


def test_a_source_that_cannot_be_sent_to_workers_is_one_clear_error(
    ofa_mbv3: SearchSpace, some: ArchitectureArray, tmp_path: Path
) -> None:
    source = FakeSource(str(tmp_path))
    object.__setattr__(source, "lock", (tmp_path / "open").open("w"))
    with pytest.raises(EvaluationError, match=r"backend 'loky' cannot run the evaluations: .*[pP]ickl"):
        fanned(ofa_mbv3, source, LOKY, None).evaluate(some)


def test_the_progress_bar_says_how_many_came_from_the_ledger(
    ofa_mbv3: SearchSpace,
    some: ArchitectureArray,
    ledger: EvaluationLedger,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source = FakeSource(str(tmp_path))
    fanned(ofa_mbv3, source, HERE, ledger).evaluate(some.take(slice(8)))
    FannedOut(ofa_mbv3, source, HERE, ledger).evaluate(some)
    shown = capsys.readouterr().err
    assert "fake (8 from the ledger)" in shown
    assert "12/12" in shown


def test_of_two_machines_that_evaluate_the_same_both_get_the_first_result(
    ofa_mbv3: SearchSpace,
    some: ArchitectureArray,
    ledger: EvaluationLedger,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = FakeSource(str(tmp_path))
    key, ids, record = LedgerKey.of(source), ofa_mbv3.ids(some), ledger.record

    def second(key: LedgerKey, finished: list[Evaluation]) -> None:
        record(key, [Evaluation(one.architecture_id, {"acc": 1.0, "loss": 2.0}) for one in finished])
        record(key, finished)

    monkeypatch.setattr(ledger, "record", second)
    table = fanned(ofa_mbv3, source, HERE, ledger).evaluate(some)
    assert table[["acc", "loss"]].to_numpy().tolist() == [[1.0, 2.0]] * 12
    assert ledger.get(key, ids) == {identifier: {"acc": 1.0, "loss": 2.0} for identifier in ids}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"backend": "loky", "resources": {"GPU": 1}}, "resources: backend 'loky' takes none; dask and ray do"),
        ({"address": "tcp://host:8786"}, "address: backend 'loky' takes none; dask and ray do"),
        ({"backend": "dask", "resources": {"GPU": 0}}, r"resources\.GPU: must be above 0"),
        ({"backend": "spark"}, "fan_out in parameters: backend: Input should be 'sequential', 'loky', 'dask' or 'ray'"),
        ({"workers": 0}, "workers: "),
        ({"worker": 2}, "worker: unknown key"),
    ],
)
def test_settings_that_mean_nothing_are_refused(content: dict[str, object], reason: str) -> None:
    with pytest.raises(EvaluationError, match=reason):
        FanOutSettings.from_mapping(content)


def test_an_engine_that_is_not_installed_is_named_with_its_extra(
    ofa_mbv3: SearchSpace, some: ArchitectureArray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for backend, package in (("dask", "distributed"), ("ray", "ray")):
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(EvaluationError, match=rf"backend: '{backend}' needs the extra \[{backend}\]"):
            fanned(ofa_mbv3, FakeSource(str(tmp_path)), FanOutSettings(backend=backend), None).evaluate(some)
