"""Wall time of every run of a search, kept beside its tables: those are the same for the same seed, time never is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pandas as pd


class Stopwatch:
    """Takes the time of single runs.

    Args:
        clock: Gives seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._rows: list[tuple[str, str, int, float]] = []

    @contextmanager
    def run(self, problem: str, variant: str, seed: int) -> Iterator[None]:
        """Time what is done inside; a run that fails leaves no time."""
        started = self._clock()
        yield
        self.record(problem, variant, seed, self._clock() - started)

    def record(self, problem: str, variant: str, seed: int, wall_s: float) -> None:
        """Add a time that was taken elsewhere, in another process."""
        self._rows.append((problem, variant, seed, wall_s))

    def table(self) -> pd.DataFrame:
        """Table `search_times`: problem, variant, seed, wall_s, in the order of the runs."""
        table = pd.DataFrame(self._rows, columns=["problem", "variant", "seed", "wall_s"])
        return table.astype({"problem": str, "variant": str, "seed": "int64", "wall_s": "float64"})
