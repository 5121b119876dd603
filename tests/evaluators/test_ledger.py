"""The evaluation ledger: what it keeps, and for whom."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from fake_sources import FakeSource
from hypothesis import given
from hypothesis import strategies as st

from autobuild_pipelines.evaluators.ledger import Evaluation, EvaluationLedger, LedgerKey
from autobuild_pipelines.evaluators.protocol import EvaluationError

KEY = LedgerKey("fake", "settings", "weights", '{"version":1}')
WRITER = """
import sys
from autobuild_pipelines.evaluators.fan_out import FannedOut, FanOutSettings
from autobuild_pipelines.evaluators.ledger import Evaluation, EvaluationLedger, LedgerKey
_, url, name = sys.argv
with EvaluationLedger(url) as ledger:
    for number in range(200):
        shared = Evaluation(f"shared-{number}", {"writer": float(name == "b")}, worker=name)
        own = Evaluation(f"{name}-{number}", {"writer": 0.0}, worker=name)
        ledger.record(LedgerKey("fake", "settings", "weights"), [shared])
        ledger.record(LedgerKey("fake", "settings", "weights"), [own])
"""


def test_what_is_recorded_is_read_back_exactly_by_another_process(url: str) -> None:
    metrics = {"acc": 0.1 + 0.2, "latency": 1e-300, "top1": 77.123456789012345}
    with EvaluationLedger(url) as ledger:
        ledger.record(KEY, [Evaluation("a", metrics), Evaluation("b", None, "ValueError: no", 3, 1.5, "host:1")])
    with EvaluationLedger(url) as ledger:
        assert ledger.get(KEY, ["a", "b", "c"]) == {"a": metrics}
        assert ledger.failures(KEY, ["a", "b", "c"]) == {"b": "ValueError: no"}


def test_the_first_success_stands_and_failures_give_way(url: str) -> None:
    with EvaluationLedger(url) as ledger:
        for metrics in (None, {"acc": 1.0}, {"acc": 2.0}, None):
            ledger.record(KEY, [Evaluation("a", metrics, None if metrics else "broken")])
            ledger.record(KEY, [Evaluation("b", None, f"broken after {metrics}")])
        assert ledger.get(KEY, ["a"]) == {"a": {"acc": 1.0}}
        assert ledger.failures(KEY, ["a", "b"]) == {"b": "broken after None"}
        assert len(ledger.table()) == 2


def test_the_table_has_a_row_per_evaluation_and_a_column_per_metric(url: str) -> None:
    other = LedgerKey("latency", "s", "", "{}")
    with EvaluationLedger(url) as ledger:
        assert not len(ledger.table())
        ledger.record(other, [Evaluation("a", {"ms": 2.0}, seconds=0.5)])
        ledger.record(KEY, [Evaluation("b", {"acc": 1.0}), Evaluation("a", None, "broken")])
        table = ledger.table()
        assert table[["architecture_id", "evaluator", "status"]].to_numpy().tolist() == [
            ["a", "fake", "failed"],
            ["a", "latency", "ok"],
            ["b", "fake", "ok"],
        ]
        assert table["metrics.ms"].isna().tolist() == [True, False, True]
        assert table["metrics.acc"].tolist()[2] == 1.0
        assert ledger.table("latency")["seconds"].tolist() == [0.5]
        assert ledger.settings().to_numpy().tolist() == [["fake", "settings", '{"version":1}'], ["latency", "s", "{}"]]


def test_more_ids_are_asked_for_than_fit_into_one_query(url: str) -> None:
    ids = [f"{number:05d}" for number in range(3500)]
    with EvaluationLedger(url) as ledger:
        ledger.record(KEY, [Evaluation(identifier, {"acc": float(identifier)}) for identifier in ids])
        assert ledger.get(KEY, ids) == {identifier: {"acc": float(identifier)} for identifier in ids}
        assert ledger.get(KEY, []) == {}


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.none() | st.floats(allow_nan=False, allow_infinity=False)), max_size=12
    )
)
def test_any_order_of_results_keeps_the_first_success_of_each(results: list[tuple[str, float | None]]) -> None:
    with tempfile.TemporaryDirectory() as folder, EvaluationLedger(f"sqlite:///{folder}/l.sqlite") as ledger:
        for identifier, value in results:
            ledger.record(KEY, [Evaluation(identifier, None if value is None else {"acc": value}, "failed")])
        first: dict[str, dict[str, float]] = {}
        for identifier, value in results:
            if value is not None:
                first.setdefault(identifier, {"acc": value})
        assert ledger.get(KEY, list("abc")) == first


def test_two_processes_that_write_at_once_lose_nothing(url: str) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, url, name]) for name in "ab"]
    assert [writer.wait() for writer in writers] == [0, 0]
    with EvaluationLedger(url) as ledger:
        table = ledger.table().set_index("architecture_id")
    assert len(table) == 600
    shared = table[table.index.str.startswith("shared")]
    assert (shared["metrics.writer"] == (shared["worker"] == "b")).all()


def test_sqlite_writes_ahead(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_keys_differ_by_metrics_settings_data_and_kind_alone(tmp_path: Path) -> None:
    key = LedgerKey.of(FakeSource("log"))
    assert LedgerKey.of(FakeSource("elsewhere", seconds=3.0)) == key
    changes: list[dict[str, object]] = [{"version": 2}, {"weights": "x"}, {"kind": "x"}, {"metrics": ("acc",)}]
    assert len({key, *(LedgerKey.of(FakeSource("log", **change)) for change in changes)}) == 5  # type: ignore[arg-type]


def test_settings_that_are_not_plain_values_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeSource, "settings", lambda _: {"path": Path("x")})
    with pytest.raises(EvaluationError, match="'fake': its settings are not plain values"):
        LedgerKey.of(FakeSource("log"))
