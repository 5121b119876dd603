"""The tables of the evaluation ledger, and how its database is opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from autobuild_pipelines.evaluators.ledger_errors import LedgerError, shown

VERSION = 1
"""Raised when the tables change."""

_metadata = sa.MetaData()

evaluations = sa.Table(
    "evaluations",
    _metadata,
    sa.Column("architecture_id", sa.String(64), primary_key=True),
    sa.Column("evaluator", sa.String(64), primary_key=True),
    sa.Column("settings_hash", sa.String(64), primary_key=True),
    sa.Column("data_hash", sa.String(64), primary_key=True),
    sa.Column("status", sa.String(8), nullable=False),  # "ok" or "failed"
    sa.Column("metrics", sa.JSON(none_as_null=True)),
    sa.Column("error", sa.Text),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("worker", sa.Text, nullable=False),
    sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
)
"""One row per architecture and key. `finished_at` and `worker` are for people: no result depends on them."""

evaluator_settings = sa.Table(
    "evaluator_settings",
    _metadata,
    sa.Column("evaluator", sa.String(64), primary_key=True),
    sa.Column("settings_hash", sa.String(64), primary_key=True),
    sa.Column("settings", sa.Text, nullable=False),
)
"""What the hashes of settings stand for."""

_version = sa.Table("evaluation_ledger", _metadata, sa.Column("version", sa.Integer, primary_key=True))


def read_url(text: str) -> URL:
    """The URL of a ledger: `sqlite:///path` or `postgresql://user:password@host/database`.

    Raises:
        LedgerError: It is no URL, or of another database.
    """
    try:
        url = make_url(text)
    except ArgumentError:
        raise LedgerError(
            "evaluation ledger: its url is none; expected sqlite:///path/of/file or postgresql://user@host/database"
        ) from None
    name = url.get_backend_name()
    if name in ("postgresql", "postgres"):
        url = url.set(drivername="postgresql+psycopg")
    elif name != "sqlite":
        raise LedgerError(f"evaluation ledger {shown(url)}: {name!r} is not supported, only sqlite and postgresql are")
    elif url.database in (None, "", ":memory:"):
        raise LedgerError("evaluation ledger: sqlite needs a file, such as sqlite:///data/evaluations.sqlite")
    return url


def open_engine(url: URL, busy_timeout_s: float) -> Engine:
    """An engine whose SQLite connections write ahead, and whose PostgreSQL connections do not wait for ever.

    With `synchronous=NORMAL` a committed evaluation survives the death of any process. A power cut may take the last
    ones with it, but never damages the file.

    Raises:
        LedgerError: The driver is not installed.
    """
    arguments: dict[str, Any] = {"connect_timeout": 10, "client_encoding": "utf8"}
    if url.get_backend_name() == "sqlite":
        arguments = {"timeout": busy_timeout_s}
        Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    try:
        engine = sa.create_engine(url, connect_args=arguments)
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise LedgerError(
            f"evaluation ledger {shown(url)}: needs the extra [postgres]: "
            f"pip install 'autobuild-pipelines[postgres]' ({error})"
        ) from error
    if url.get_backend_name() == "sqlite":

        @sa.event.listens_for(engine, "connect")
        def _write_ahead(connection: Any, _: Any) -> None:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")

    return engine


def prepare(connection: Connection, url: URL) -> None:
    """Make the tables that are not there.

    Raises:
        LedgerError: The database holds tables of another program, or of a newer version of this one.
    """
    inspector = sa.inspect(connection)
    if not inspector.has_table(_version.name):
        if foreign := [table.name for table in (evaluations, evaluator_settings) if inspector.has_table(table.name)]:
            raise LedgerError(
                f"evaluation ledger {shown(url)}: holds another program's table {foreign[0]!r}; name another database"
            )
        if url.get_backend_name() == "postgresql":  # two that create tables at once would collide
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(7302111)"))
        _metadata.create_all(connection)
        connection.execute(insert(connection.dialect.name, _version).values(version=VERSION).on_conflict_do_nothing())
    found = connection.execute(sa.select(sa.func.max(_version.c.version))).scalar()
    if found != VERSION:
        raise LedgerError(
            f"evaluation ledger {shown(url)}: has version {found}, this program knows version {VERSION}; "
            "use the program that wrote it, or name another database"
        )


def insert(dialect: str, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """An insert that can say what happens when the row is there."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def first_success_stands(dialect: str) -> sqlite.Insert | postgresql.Insert:
    """An insert of evaluations that replaces failures and leaves successes alone."""
    statement = insert(dialect, evaluations)
    key = evaluations.primary_key.columns.keys()
    return statement.on_conflict_do_update(
        index_elements=key,
        set_={column.name: statement.excluded[column.name] for column in evaluations.c if column.name not in key},
        where=evaluations.c.status != "ok",
    )
