"""The evaluation ledger: every finished evaluation, committed at once, shared by runs, processes and machines."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from autobuild_pipelines.evaluators.evaluation import Evaluation, LedgerKey
from autobuild_pipelines.evaluators.ledger_errors import LedgerError, explained, passes, shown
from autobuild_pipelines.evaluators.ledger_schema import (
    evaluations,
    evaluator_settings,
    first_success_stands,
    insert,
    open_engine,
    prepare,
    read_url,
)
from autobuild_pipelines.evaluators.unrecorded import UnrecordedFile

__all__ = ["Evaluation", "EvaluationLedger", "LedgerKey"]

T = TypeVar("T")
_logger = logging.getLogger(__name__)
_IDS_PER_QUERY = 1000


class EvaluationLedger:
    """A database of evaluations that is never paid twice.

    The first success of an architecture stands: it is never overwritten, and whoever measured it too gets what stands.
    A failure gives way to any later result. Several processes and machines may use one ledger at a time; on a network
    file system use PostgreSQL, because SQLite's write-ahead log needs one machine.

    What cannot be recorded, after some repetitions, is appended to the file `unrecorded`, and the error says so. The
    next ledger that is opened with the same file records it.

    Args:
        url: `sqlite:///path/of/file` or `postgresql://user:password@host/database`.
        busy_timeout_s: How long an SQLite ledger waits for a lock of another process.
        retries: How often a write or read that a lock, a full disk or a lost connection stopped is repeated.
        backoff_s: Seconds before the first repetition; twice as long before every further one.
        unrecorded: File for what could not be recorded. By default it stands beside the SQLite file, or in the current
            folder for a server.

    Raises:
        LedgerError: It cannot be opened.
    """

    def __init__(
        self,
        url: str,
        *,
        busy_timeout_s: float = 10.0,
        retries: int = 4,
        backoff_s: float = 0.5,
        unrecorded: str | Path | None = None,
    ) -> None:
        self._url = read_url(url)
        self._retries, self._backoff_s = retries, backoff_s
        self._unrecorded = UnrecordedFile(Path(unrecorded) if unrecorded else self._beside())
        self._described: set[tuple[str, str]] = set()
        try:
            self._engine = open_engine(self._url, busy_timeout_s)
        except OSError as error:
            raise LedgerError(f"evaluation ledger {self}: its folder cannot be made: {error}") from error
        dialect = self._engine.dialect.name
        self._upsert = first_success_stands(dialect)
        self._describe = insert(dialect, evaluator_settings).on_conflict_do_nothing()
        self._repeated(lambda connection: prepare(connection, self._url))
        if count := self._unrecorded.take(self._write):
            _logger.info("%s: %d evaluations that it could not take before are recorded now", self, count)

    def __str__(self) -> str:
        return shown(self._url)

    def get(self, key: LedgerKey, ids: Sequence[str]) -> dict[str, dict[str, float]]:
        """The metrics of the architectures among `ids` that were evaluated with success.

        Raises:
            LedgerError: It cannot be read.
        """
        return {row.architecture_id: dict(row.metrics) for row in self._find(key, ids, "ok")}

    def failures(self, key: LedgerKey, ids: Sequence[str]) -> dict[str, str]:
        """The errors of the architectures among `ids` whose last evaluation failed.

        Raises:
            LedgerError: It cannot be read.
        """
        return {row.architecture_id: row.error for row in self._find(key, ids, "failed")}

    def record(self, key: LedgerKey, finished: Sequence[Evaluation]) -> None:
        """Commit finished evaluations; once this returns they survive the death of every process.

        Raises:
            LedgerError: They could not be recorded; says how many and where they are kept instead.
        """
        rows = [
            {
                "architecture_id": one.architecture_id,
                "evaluator": key.evaluator,
                "settings_hash": key.settings_hash,
                "data_hash": key.data_hash,
                "status": "failed" if one.metrics is None else "ok",
                "metrics": None if one.metrics is None else dict(one.metrics),
                "error": one.error,
                "attempts": one.attempts,
                "seconds": one.seconds,
                "worker": one.worker,
                "settings": key.settings,
            }
            for one in finished
        ]
        try:
            self._write(rows)
        except LedgerError as error:
            kept = self._unrecorded.keep(rows)
            many = "s are" if len(rows) > 1 else " is"
            raise LedgerError(
                f"{error}. {len(rows)} finished evaluation{many} not recorded, but kept in {kept}"
            ) from error

    def table(self, evaluator: str | None = None) -> pd.DataFrame:
        """One row an evaluation, in the order of the key: the ledger's columns, and "metrics.NAME" for every metric.

        Args:
            evaluator: Only those of this kind.

        Raises:
            LedgerError: It cannot be read.
        """
        query = sa.select(evaluations).order_by(*evaluations.primary_key)
        if evaluator is not None:
            query = query.where(evaluations.c.evaluator == evaluator)
        rows = self._repeated(lambda connection: connection.execute(query).mappings().all())
        table = pd.DataFrame(rows, columns=[column.name for column in evaluations.c])
        metrics = pd.DataFrame([row or {} for row in table.pop("metrics")], index=table.index, dtype="float64")
        return table.join(metrics.sort_index(axis="columns").add_prefix("metrics."))

    def settings(self) -> pd.DataFrame:
        """What the hashes of settings stand for: evaluator, settings_hash, settings (canonical JSON).

        Raises:
            LedgerError: It cannot be read.
        """
        query = sa.select(evaluator_settings).order_by(*evaluator_settings.primary_key)
        rows = self._repeated(lambda connection: connection.execute(query).mappings().all())
        return pd.DataFrame(rows, columns=[column.name for column in evaluator_settings.c])

    def close(self) -> None:
        """Close its connections."""
        self._engine.dispose()

    def __enter__(self) -> EvaluationLedger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # -- private -------------------------------------------------------------------------------------------------

    def _find(self, key: LedgerKey, ids: Sequence[str], status: str) -> list[Any]:
        table = evaluations.c
        query = sa.select(table.architecture_id, table.metrics, table.error).where(
            table.evaluator == key.evaluator,
            table.settings_hash == key.settings_hash,
            table.data_hash == key.data_hash,
            table.status == status,
        )
        found: list[Any] = []
        for start in range(0, len(ids), _IDS_PER_QUERY):
            some = query.where(table.architecture_id.in_(ids[start : start + _IDS_PER_QUERY]))
            found += self._repeated(lambda connection, some=some: connection.execute(some).all())  # type: ignore[misc]
        return found

    def _write(self, rows: Sequence[dict[str, Any]]) -> None:
        """Commit rows with their settings in one transaction."""
        texts = {(row["evaluator"], row["settings_hash"]): row["settings"] for row in rows}
        new = [
            {"evaluator": evaluator, "settings_hash": settings_hash, "settings": text}
            for (evaluator, settings_hash), text in texts.items()
            if (evaluator, settings_hash) not in self._described
        ]
        values = [{name: value for name, value in row.items() if name != "settings"} for row in rows]

        def write(connection: Connection) -> None:
            if new:
                connection.execute(self._describe, new)
            connection.execute(self._upsert, values)

        if values:
            self._repeated(write)
            self._described.update(texts)

    def _repeated(self, action: Callable[[Connection], T]) -> T:
        """Run a transaction, again with back-off when what stopped it may pass."""
        for repeated in range(self._retries + 1):
            try:
                with self._engine.begin() as connection:
                    return action(connection)
            except DBAPIError as error:
                if not passes(error) or repeated == self._retries:
                    raise explained(self._url, error) from None
                time.sleep(self._backoff_s * 2**repeated)
        raise AssertionError("unreachable")

    def _beside(self) -> Path:
        if self._url.get_backend_name() == "sqlite":
            return Path(f"{self._url.database}.unrecorded.jsonl")
        server = hashlib.sha256(str(self).encode()).hexdigest()[:8]
        return Path(f"{self._url.database}-{server}.unrecorded.jsonl")
