"""One function on many items by many workers: repeated when it fails, and when it takes its worker down with it."""

from __future__ import annotations

import os
import socket
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from joblib import Parallel, delayed

from autobuild_pipelines.evaluators.fan_out_settings import FanOutSettings
from autobuild_pipelines.evaluators.protocol import EvaluationError
from autobuild_pipelines.evaluators.workers import workers_of

_LONGEST_ERROR = 2000


@dataclass(frozen=True)
class Outcome:
    """What became of one item.

    Attributes:
        value: What the function returned; None if it failed.
        error: The last error's type and message; None if it did not fail. Never an exception: some cannot be pickled.
        attempts: How often it was tried.
        seconds: How long the last attempt took.
        worker: The process it ran in, "host:pid".
    """

    value: Any
    error: str | None
    attempts: int
    seconds: float
    worker: str


def run_tasks(
    function: Callable[[Any], Any],
    items: Sequence[Any],
    settings: FanOutSettings,
    finished: Callable[[int, Outcome], None],
) -> None:
    """Call `function` on every item, one task an item, and hand every outcome over as soon as it is there.

    An item is repeated up to `settings.retries` times, in its worker and with back-off, before it counts as failed.
    When a worker dies, the items in flight are repeated one at a time, so that one that kills its worker is known from
    those beside it; after as many repetitions, it has failed. Everything that was handed over stays so.

    Args:
        function: Sent to the workers with cloudpickle, as the items are.
        items: What it is called on.
        settings: Where it runs. `max_failed_share` is the caller's business.
        finished: Takes an item's number and its outcome, in the order of completion and one at a time, perhaps in
            another thread. A worker gets its next item when this has returned. What it raises ends the run.

    Raises:
        EvaluationError: The workers cannot be had, or cannot take the function or its results.
    """
    if settings.backend == "sequential":
        for number, item in enumerate(items):
            finished(number, attempt(number, function, item, settings.retries, settings.backoff_s)[1])
        return
    run = _Run(function, items, settings, finished)
    run.all(list(range(len(items))))


def attempt(
    number: int, function: Callable[[Any], Any], item: Any, retries: int, backoff_s: float
) -> tuple[int, Outcome]:
    """Call `function` on an item in this process until it returns, at most `retries` + 1 times."""
    worker = f"{socket.gethostname()}:{os.getpid()}"
    outcome = Outcome(None, "", 0, 0.0, worker)
    for tried in range(1, retries + 2):
        start = time.perf_counter()
        try:
            value, error = function(item), None
        except (Exception, SystemExit) as raised:
            value, error = None, f"{type(raised).__name__}: {raised}"[:_LONGEST_ERROR]
        outcome = replace(outcome, value=value, error=error, attempts=tried, seconds=time.perf_counter() - start)
        if error is None:
            break
        if tried <= retries:
            time.sleep(backoff_s * 2 ** (tried - 1))
    return number, outcome


class _Run:
    """One call of `run_tasks` on workers other than this process."""

    def __init__(
        self,
        function: Callable[[Any], Any],
        items: Sequence[Any],
        settings: FanOutSettings,
        finished: Callable[[int, Outcome], None],
    ) -> None:
        self._function, self._items, self._settings, self._finished = function, items, settings, finished
        self._done: set[int] = set()
        self._refusal: BaseException | None = None

    def all(self, numbers: Sequence[int]) -> None:
        """Run all items at once, and those in flight when a worker dies one at a time."""
        while waiting := [number for number in numbers if number not in self._done]:
            lost, _ = self._round(waiting, alone=False)
            self._alone(lost)

    def _alone(self, suspects: Sequence[int]) -> None:
        deaths = Counter[int]()
        while waiting := [number for number in suspects if number not in self._done]:
            lost, died = self._round(waiting, alone=True)
            for number in lost:
                deaths[number] += 1
                if deaths[number] > self._settings.retries:
                    error = f"its worker died {deaths[number]} times: {died}"
                    self._deliver(number, Outcome(None, error, deaths[number], 0.0, ""))
                else:
                    time.sleep(self._settings.backoff_s * 2 ** (deaths[number] - 1))

    def _round(self, numbers: Sequence[int], *, alone: bool) -> tuple[list[int], str]:
        """Run items until all are done or a worker dies: the items then in flight, and what was said of the death."""
        settings, workers = self._settings, workers_of(self._settings)
        workers.observe(self._deliver)
        task = delayed(attempt)
        parallel = Parallel(
            n_jobs=max(2, workers.workers), backend=workers, batch_size=1, pre_dispatch=1 if alone else workers.workers
        )
        try:
            parallel(
                task(number, self._function, self._items[number], settings.retries, settings.backoff_s)
                for number in numbers
            )
        except Exception as error:
            if self._refusal is not None:
                raise self._refusal from None
            said = f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]
            lost = [number for number in numbers if number in workers.in_flight]
            if lost and isinstance(error, workers.worker_died):
                return lost, said
            raise EvaluationError(
                f"fan_out: backend {settings.backend!r} cannot run the evaluations: {said}"
            ) from error
        return [], ""

    def _deliver(self, number: int, outcome: Outcome) -> None:
        try:
            self._finished(number, outcome)
        except BaseException as error:
            self._refusal = error
            raise
        self._done.add(number)
