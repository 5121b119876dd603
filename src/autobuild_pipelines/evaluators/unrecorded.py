"""Finished evaluations that their ledger could not take: JSON lines, read when the ledger is back."""

from __future__ import annotations

import fcntl
import json
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from autobuild_pipelines.spaces.architecture import to_json

_logger = logging.getLogger(__name__)


class UnrecordedFile:
    """The file, locked while it is written or read, so that several processes can share it.

    Args:
        path: Where it is. It is there only while something is unrecorded.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def keep(self, rows: Sequence[dict[str, Any]]) -> str:
        """Append rows, on the disk when this returns; where even that fails, into the log. Says where they are."""
        lines = "".join(to_json(row) + "\n" for row in rows)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                file.write(lines.encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            _logger.error(
                "%s cannot be written (%s); append these lines to it by hand:\n%s", self.path, error, lines.rstrip()
            )
            return f"the log, because {self.path} cannot be written either ({error})"
        return f"{self.path}, which is read when the ledger is opened next"

    def take(self, record: Callable[[list[dict[str, Any]]], None]) -> int:
        """Hand all rows to `record` and empty the file if that does not raise; how many there were."""
        if not self.path.exists():
            return 0
        with self.path.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            rows = [row for line in file.read().splitlines() if (row := _read(line, self.path)) is not None]
            if rows:
                record(rows)
                file.truncate(0)
        return len(rows)


def _read(line: bytes, path: Path) -> dict[str, Any] | None:
    """A row; None for the line that a kill or a full disk cut off."""
    try:
        row = json.loads(line)
    except ValueError:
        _logger.warning("%s: a line is cut off and left out: %.200r", path, line)
        return None
    return row if isinstance(row, dict) else None
