"""Evaluations of single architectures that cost nothing, leave a trace, and fail or die where they are told to."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autobuild_pipelines.spaces import Architecture


@dataclass(frozen=True)
class FakeSource:
    """Two metrics that follow from the architecture's id.

    Attributes:
        log: Folder in which every process appends the ids that it started and that it finished, one a line.
        seconds: How long an evaluation takes.
        fails: The ids that fail.
        kills: The ids that take their worker down.
        fails_before: How often every id fails before it succeeds.
        version: One of its settings.
    """

    log: str
    seconds: float = 0.0
    fails: tuple[str, ...] = ()
    kills: tuple[str, ...] = ()
    fails_before: int = 0
    version: int = 1
    weights: str = "w"
    kind: str = "fake"
    metrics: tuple[str, ...] = ("acc", "loss")

    def settings(self) -> dict[str, Any]:
        return {"version": self.version}

    def data_hash(self) -> str:
        return self.weights

    def evaluate(self, architecture: Architecture) -> dict[str, float]:
        identifier = architecture.id
        self._note("started", identifier)
        if identifier in self.kills:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(self.seconds)
        if identifier in self.fails:
            raise ValueError("the weights do not fit")
        if started(self.log, "started").count(identifier) <= self.fails_before:
            raise RuntimeError("out of memory")
        self._note("finished", identifier)
        return expected(identifier)

    def _note(self, what: str, identifier: str) -> None:
        descriptor = os.open(Path(self.log) / what, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, f"{identifier} {os.getpid()}\n".encode())
        os.close(descriptor)


def expected(identifier: str) -> dict[str, float]:
    """What `FakeSource` gives."""
    number = int(identifier, 16)
    return {"acc": number / 2**64 * 100, "loss": 1 / (1 + number % 1013)}


def started(log: str | Path, what: str = "started") -> list[str]:
    """The ids that were started (or finished), in order."""
    path = Path(log) / what
    return [line.split()[0] for line in path.read_text().splitlines()] if path.exists() else []


def worker_pids(log: str | Path) -> list[int]:
    """The processes that started evaluations, in order."""
    path = Path(log) / "started"
    return [int(line.split()[1]) for line in path.read_text().splitlines() if " " in line] if path.exists() else []
