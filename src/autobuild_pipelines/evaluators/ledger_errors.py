"""What can go wrong between an evaluation and its ledger, in words."""

from __future__ import annotations

from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, OperationalError

from autobuild_pipelines.evaluators.protocol import EvaluationError


class LedgerError(EvaluationError):
    """The evaluation ledger cannot be opened, read or written; the message says which, why and what would help."""


_REMEDIES = (
    ("disk is full", "the disk is full: free some space and run again"),
    ("no space left", "the disk is full: free some space and run again"),
    ("could not extend file", "the server's disk is full: free some space and run again"),
    ("is locked", "another process has kept it locked; find it, or raise `busy_timeout_s`"),
    ("not a database", "the file is not an SQLite database: move it away, or name another file"),
    (
        "malformed",
        "the file is damaged: move it away and restore a copy, or save what is readable with `sqlite3 .recover`",
    ),
    ("readonly", "the file or its folder may not be written"),
    ("unable to open", "the file cannot be opened: is its folder there, and may it be written?"),
    ("disk i/o error", "the disk does not write: it is full or failing"),
    ("password authentication failed", "user or password is wrong"),
    ("does not exist", "create it on the server first"),
    ("connection refused", "no PostgreSQL server listens there: is it running, are host and port right?"),
    ("failed to resolve host", "no host of that name is known"),
    ("name or service not known", "no host of that name is known"),
    ("timeout expired", "the server does not answer: is it running, is host right, does a firewall stand between?"),
    ("connection", "the connection to the server was lost: is it running?"),
    ("server closed", "the connection to the server was lost: is it running?"),
    ("shutting down", "the server is shutting down"),
)


def shown(url: URL) -> str:
    """The URL as it may stand in messages, without its password."""
    return url.render_as_string(hide_password=True)


def explained(url: URL, error: DBAPIError) -> LedgerError:
    """A database's error with what would help, without the statement, its values or the password."""
    said = " ".join(str(error.orig).split())
    if url.password:
        said = said.replace(str(url.password), "***")
    remedy = next((remedy for sign, remedy in _REMEDIES if sign in said.lower()), "")
    return LedgerError(f"evaluation ledger {shown(url)}: {remedy or 'the database refuses'} ({said[:300]})")


def passes(error: DBAPIError) -> bool:
    """Whether the same may work a little later: locks, full disks, lost connections; not a damaged file."""
    return isinstance(error, OperationalError) or error.connection_invalidated
