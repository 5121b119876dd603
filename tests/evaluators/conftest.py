"""Ledgers of both kinds, for the tests of what is built on them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from postgres_server import PostgresServer, programs

from autobuild_pipelines.evaluators.ledger import Evaluation, EvaluationLedger, LedgerKey

KEY = LedgerKey("fake", "settings", "weights", '{"version":1}')


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    if programs() is None:
        pytest.skip("PostgreSQL is not installed")
    pytest.importorskip("psycopg")
    server = PostgresServer()
    yield server
    server.close()


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    """A server that a test may stop."""
    if programs() is None:
        pytest.skip("PostgreSQL is not installed")
    pytest.importorskip("psycopg")
    server = PostgresServer()
    yield server
    server.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty ledger of either kind."""
    monkeypatch.chdir(tmp_path)
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/evaluations.sqlite"
    url: str = request.getfixturevalue("server").url
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    return url


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where an SQLite ledger with one evaluation is."""
    file = tmp_path / "evaluations.sqlite"
    with EvaluationLedger(f"sqlite:///{file}") as ledger:
        ledger.record(KEY, [Evaluation("a", {"acc": 1.0})])
    return file
