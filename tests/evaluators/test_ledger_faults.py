"""What an evaluation ledger says when it cannot be read or written, and that nothing is lost then."""

from __future__ import annotations

import json
import logging
import os
import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fake_sources import FakeSource, started
from postgres_server import PASSWORD, PostgresServer

from autobuild_pipelines.evaluators.fan_out import FannedOut, FanOutSettings
from autobuild_pipelines.evaluators.ledger import Evaluation, EvaluationLedger, LedgerKey
from autobuild_pipelines.evaluators.ledger_errors import LedgerError
from autobuild_pipelines.spaces import SearchSpace

KEY = LedgerKey("fake", "settings", "weights", '{"version":1}')


def test_a_locked_ledger_is_an_error_after_the_time_it_may_wait(file: Path) -> None:
    with EvaluationLedger(f"sqlite:///{file}", busy_timeout_s=0.1, retries=1, backoff_s=0) as ledger:
        blocker = sqlite3.connect(file, isolation_level=None)
        blocker.execute("BEGIN EXCLUSIVE")
        with pytest.raises(
            LedgerError, match=r"evaluations\.sqlite: another process has kept it locked.*is not recorded"
        ):
            ledger.record(KEY, [Evaluation("b", {"acc": 2.0})])
        blocker.close()
    with EvaluationLedger(f"sqlite:///{file}") as ledger:
        assert ledger.get(KEY, ["a", "b"]) == {"a": {"acc": 1.0}, "b": {"acc": 2.0}}


def test_a_lock_that_passes_costs_nothing(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocker = sqlite3.connect(file, isolation_level=None)
    monkeypatch.setattr("autobuild_pipelines.evaluators.ledger.time.sleep", lambda _: blocker.execute("ROLLBACK"))
    with EvaluationLedger(f"sqlite:///{file}", busy_timeout_s=0.1, retries=1) as ledger:
        blocker.execute("BEGIN EXCLUSIVE")
        ledger.record(KEY, [Evaluation("b", {"acc": 2.0})])
        assert len(ledger.table()) == 2
    blocker.close()


def test_a_full_disk_is_an_error_and_what_was_finished_is_kept(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    with _small_disk(disk) as mounted:
        if not mounted:
            pytest.skip("a file system cannot be mounted here")
        url = f"sqlite:///{disk}/evaluations.sqlite"
        elsewhere = tmp_path / "unrecorded.jsonl"
        with EvaluationLedger(url, retries=0, unrecorded=elsewhere) as ledger:
            recorded = _fill(ledger)
        assert json.loads(elsewhere.read_text())["architecture_id"] == f"{recorded:06d}"
        (disk / "ballast").unlink()
        with EvaluationLedger(url, unrecorded=elsewhere) as ledger:
            assert len(ledger.table()) == recorded + 1
            ledger.record(KEY, [Evaluation("b", {"acc": 2.0})])
        assert not elsewhere.read_text()


def test_a_database_that_may_not_grow_is_as_good_as_a_full_disk(file: Path) -> None:
    ledger = EvaluationLedger(f"sqlite:///{file}", retries=0)
    connection = ledger._engine.raw_connection()
    connection.execute("PRAGMA max_page_count=12")  # type: ignore[attr-defined]
    connection.close()
    recorded = _fill(ledger)
    ledger.close()
    with EvaluationLedger(f"sqlite:///{file}") as ledger:
        assert len(ledger.table()) == 1 + recorded + 1


def test_what_can_be_kept_nowhere_stands_in_the_log(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    nowhere = file / "unrecorded.jsonl"
    ledger = EvaluationLedger(f"sqlite:///{file}", busy_timeout_s=0.1, retries=0, unrecorded=nowhere)
    with sqlite3.connect(file, isolation_level=None) as blocker:
        blocker.execute("BEGIN EXCLUSIVE")
        with caplog.at_level(logging.ERROR), pytest.raises(LedgerError, match="kept in the log, because"):
            ledger.record(KEY, [Evaluation("b", {"acc": 2.0})])
    blocker.close()
    ledger.close()
    assert '"architecture_id":"b"' in caplog.text
    assert '"metrics":{"acc":2.0}' in caplog.text


def test_a_line_of_kept_evaluations_that_was_cut_off_does_not_cost_the_others(file: Path) -> None:
    kept = Path(f"{file}.unrecorded.jsonl")
    with EvaluationLedger(f"sqlite:///{file}", busy_timeout_s=0.1, retries=0) as ledger:
        blocker = sqlite3.connect(file, isolation_level=None)
        blocker.execute("BEGIN EXCLUSIVE")
        for name in "bc":
            with pytest.raises(LedgerError, match="not recorded"):
                ledger.record(KEY, [Evaluation(name, {"acc": 2.0})])
        blocker.close()
    kept.write_text(kept.read_text()[:-20])
    with EvaluationLedger(f"sqlite:///{file}") as ledger:
        assert ledger.table()["architecture_id"].tolist() == ["a", "b"]


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda content: random.Random(0).randbytes(len(content)), "not an SQLite database"),
        (lambda content: content[:2000], "is damaged|not an SQLite database|does not write"),
        (lambda content: content[:4096] + b"\xff" * (len(content) - 4096), "is damaged"),
    ],
)
def test_a_damaged_file_is_named_and_not_touched(damage: Callable[[bytes], bytes], reason: str, file: Path) -> None:
    content = damage(file.read_bytes())
    file.write_bytes(content)
    with pytest.raises(LedgerError, match=rf"evaluations\.sqlite: .*({reason})"):
        EvaluationLedger(f"sqlite:///{file}", retries=0).table()
    assert file.read_bytes()[100:] == content[100:]


def test_a_file_that_is_damaged_during_a_run_loses_nothing_that_is_recorded_after(file: Path) -> None:
    ledger = EvaluationLedger(f"sqlite:///{file}", retries=0)
    ledger.close()
    file.write_bytes(b"nonsense" * 1000)
    with pytest.raises(
        LedgerError, match=r"not an SQLite database.*1 finished evaluation is not recorded, but kept in"
    ):
        ledger.record(KEY, [Evaluation("b", {"acc": 2.0})])
    ledger.close()
    file.unlink()
    with EvaluationLedger(f"sqlite:///{file}") as ledger:
        assert ledger.get(KEY, ["b"]) == {"b": {"acc": 2.0}}


def test_a_ledger_of_a_newer_program_is_refused(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE evaluation_ledger SET version = 7")
    connection.close()
    with pytest.raises(LedgerError, match="has version 7, this program knows version 1"):
        EvaluationLedger(f"sqlite:///{file}")


def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "other.sqlite"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE evaluations (id INTEGER)")
    connection.close()
    with pytest.raises(LedgerError, match="holds another program's table 'evaluations'"):
        EvaluationLedger(f"sqlite:///{file}")
    with sqlite3.connect(file) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("evaluations",)]
    connection.close()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("evaluations.sqlite", "its url is none"),
        ("mysql://root@host/evaluations", "'mysql' is not supported, only sqlite and postgresql are"),
        ("sqlite://", "sqlite needs a file"),
        ("sqlite:////proc/nowhere/evaluations.sqlite", "its folder cannot be made"),
    ],
)
def test_a_url_that_names_no_ledger_is_refused(url: str, reason: str) -> None:
    with pytest.raises(LedgerError, match=reason):
        EvaluationLedger(url)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_file_that_may_not_be_written_is_an_error(file: Path) -> None:
    file.chmod(0o444)
    file.parent.chmod(0o555)
    with pytest.raises(LedgerError, match="may not be written"):
        EvaluationLedger(f"sqlite:///{file}").record(KEY, [Evaluation("b", {"acc": 2.0})])
    file.parent.chmod(0o755)


def test_a_driver_that_is_not_installed_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(LedgerError, match=r"needs the extra \[postgres\]") as raised:
        EvaluationLedger(f"postgresql://tester:{PASSWORD}@127.0.0.1/evaluations")
    assert PASSWORD not in str(raised.value)


@pytest.mark.parametrize(
    ("host", "reason"),
    [("127.0.0.1:1", "no PostgreSQL server listens there"), ("host.invalid", "no host of that name is known")],
)
def test_a_server_that_is_not_there_is_an_error_without_the_password(host: str, reason: str) -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(
        LedgerError, match=rf"postgresql\+psycopg://tester:\*\*\*@{host}/evaluations: {reason}"
    ) as raised:
        EvaluationLedger(f"postgresql://tester:{PASSWORD}@{host}/evaluations", retries=0)
    assert PASSWORD not in str(raised.value)


def test_a_wrong_password_is_an_error_that_does_not_show_it(server: PostgresServer) -> None:
    with pytest.raises(LedgerError, match="user or password is wrong") as raised:
        EvaluationLedger(server.url.replace(PASSWORD, "wr0ng"), retries=0)
    assert "wr0ng" not in str(raised.value)


def test_a_server_that_goes_down_costs_nothing_that_was_finished(
    own_server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ledger = EvaluationLedger(own_server.url, retries=1, backoff_s=0)
    ledger.record(KEY, [Evaluation("a", {"acc": 1.0})])
    own_server.stop()
    with pytest.raises(LedgerError, match=r"no PostgreSQL server.*1 finished evaluation is not recorded") as raised:
        ledger.record(KEY, [Evaluation("b", {"acc": 2.0})])
    with pytest.raises(LedgerError, match="no PostgreSQL server"):
        ledger.get(KEY, ["a"])
    assert PASSWORD not in str(raised.value)
    assert PASSWORD not in "".join(path.name + path.read_text() for path in tmp_path.glob("*.jsonl"))
    own_server.start()
    ledger.record(KEY, [Evaluation("c", {"acc": 3.0})])  # the same ledger goes on when the server is back
    ledger.close()
    with EvaluationLedger(own_server.url) as ledger:
        assert ledger.get(KEY, list("abc")) == {"a": {"acc": 1.0}, "b": {"acc": 2.0}, "c": {"acc": 3.0}}


def test_a_server_that_goes_down_during_a_run_stops_it_and_the_next_run_goes_on(
    own_server: PostgresServer, ofa_mbv3: SearchSpace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    array = ofa_mbv3.sample(12, np.random.default_rng(0))
    settings = FanOutSettings(backend="loky", workers=2, backoff_s=0)
    with EvaluationLedger(own_server.url, retries=0) as ledger:
        monkeypatch.setattr(ledger, "record", _then(ledger.record, 5, own_server.stop))
        with pytest.raises(LedgerError, match=r"1 finished evaluation is not recorded, but kept in"):
            FannedOut(ofa_mbv3, FakeSource(str(tmp_path)), settings, ledger, progress=False).evaluate(array)
    own_server.start()
    finished = len(started(tmp_path, "finished"))
    with EvaluationLedger(own_server.url) as ledger:
        assert len(ledger.table()) == 6
        FannedOut(ofa_mbv3, FakeSource(str(tmp_path)), settings, ledger, progress=False).evaluate(array)
        assert len(ledger.table()) == 12
    assert len(started(tmp_path, "finished")) - finished == 6


def _then(record: Callable[..., None], count: int, happens: Callable[[], None]) -> Callable[..., None]:
    """`record`, before whose call number `count` + 1 something happens."""
    calls: list[object] = []

    def wrapped(*arguments: object) -> None:
        if len(calls) == count:
            happens()
        calls.append(arguments)
        record(*arguments)

    return wrapped


def _fill(ledger: EvaluationLedger) -> int:
    """Record until the ledger is full; how many it took."""
    for number in range(100_000):
        try:
            ledger.record(KEY, [Evaluation(f"{number:06d}", {"acc": 1.0}, worker="w" * 500)])
        except LedgerError as error:
            if "the disk is full" not in str(error) or "1 finished evaluation is not recorded, but" not in str(error):
                raise
            return number
    raise AssertionError("the ledger never filled up")


class _small_disk:
    """A file system of half a MiB with 200 KiB of ballast, where this process may mount one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mounted = False

    def __enter__(self) -> bool:
        if os.geteuid() == 0:
            command = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(self._folder)]
            self._mounted = subprocess.run(command, check=False, capture_output=True).returncode == 0
        if self._mounted:
            (self._folder / "ballast").write_bytes(b"\0" * 200 * 1024)
        return self._mounted

    def __exit__(self, *_: object) -> None:
        if self._mounted:
            subprocess.run(["umount", str(self._folder)], check=True)
