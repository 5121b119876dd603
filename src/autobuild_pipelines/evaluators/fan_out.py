"""Evaluations of many architectures, one task each, recorded as they finish."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from autobuild_pipelines.evaluators.fan_out_settings import FanOutSettings
from autobuild_pipelines.evaluators.ledger import Evaluation, EvaluationLedger, LedgerKey
from autobuild_pipelines.evaluators.protocol import ERROR, EvaluationError
from autobuild_pipelines.evaluators.single import ArchitectureEvaluator, measured
from autobuild_pipelines.evaluators.tasks import Outcome, run_tasks
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace

__all__ = ["FanOutSettings", "FannedOut"]

_BEFORE_STOPPING = 5
"""So many evaluations must be finished before their share of failures means anything."""


class FannedOut:
    """An evaluator of single architectures as one of many at once: what the ledger knows is not evaluated again.

    Every evaluation is committed to the ledger when it finishes, and its worker gets the next one after that; so what a
    kill can cost is what was in flight, one evaluation a worker. One that fails becomes a row with its error and NaN
    metrics. It is tried again by the next run, not by this object.

    Args:
        space: The search space.
        source: Measures one architecture.
        fan_out: Where and how often.
        ledger: Where evaluations are recorded; None keeps them only in this object.
        progress: Whether to show a progress bar with the expected end.

    Raises:
        EvaluationError: The source's settings are not plain JSON values.
    """

    support: ArchitectureArray | None = None

    def __init__(
        self,
        space: SearchSpace,
        source: ArchitectureEvaluator,
        fan_out: FanOutSettings,
        ledger: EvaluationLedger | None,
        *,
        progress: bool = True,
    ) -> None:
        self.metrics: tuple[str, ...] = tuple(source.metrics)
        self._space, self._source, self._settings, self._ledger = space, source, fan_out, ledger
        self._progress = progress
        self._key = LedgerKey.of(source)
        self._known: dict[str, dict[str, float]] = {}
        self._failed: dict[str, str] = {}

    def evaluate(self, array: ArchitectureArray) -> pd.DataFrame:
        """[n rows] the metrics (float64; NaN where the evaluation failed) and the column `ERROR` (a string or None).

        Values and order are the same whatever finishes first, and wherever it runs.

        Raises:
            EvaluationError: More than `max_failed_share` failed, with the most frequent error; or the workers cannot be
                had. What had finished is recorded.
            LedgerError: The ledger cannot be read or written. What it could not take is kept, see `EvaluationLedger`.
        """
        ids = self._space.ids(array)
        row_of = {identifier: row for row, identifier in reversed(list(enumerate(ids)))}
        distinct = sorted(row_of, key=row_of.__getitem__)
        before = self._recall(distinct)
        missing = [identifier for identifier in distinct if identifier not in self._known | self._failed]
        failed: dict[str, str] = {}
        if missing:
            with self._bar(len(distinct), len(distinct) - len(missing), before) as bar:
                failed = self._evaluate(missing, [row_of[identifier] for identifier in missing], array, bar)
            self._recall(missing)
            self._failed |= {identifier: error for identifier, error in failed.items() if identifier not in self._known}
        lost = dict.fromkeys(self.metrics, np.nan)
        table = pd.DataFrame([self._known.get(identifier, lost) for identifier in ids], columns=list(self.metrics))
        errors = [None if identifier in self._known else self._failed[identifier] for identifier in ids]
        return table.astype(np.float64).assign(**{ERROR: pd.Series(errors, dtype=object)})

    def _recall(self, ids: Sequence[str]) -> int:
        """Learn from the ledger what it knows, which may be another machine's; how many it knew that were unknown."""
        if self._ledger is None:
            return 0
        found = self._ledger.get(self._key, ids)
        new = sum(identifier not in self._known for identifier in found)
        self._known |= found
        return new

    def _evaluate(
        self, ids: Sequence[str], rows: Sequence[int], array: ArchitectureArray, bar: tqdm[Any]
    ) -> dict[str, str]:
        failed: dict[str, str] = {}
        done = 0

        def finished(number: int, outcome: Outcome) -> None:
            nonlocal done
            evaluation = Evaluation(
                ids[number], outcome.value, outcome.error, outcome.attempts, outcome.seconds, outcome.worker
            )
            if self._ledger is not None:
                self._ledger.record(self._key, [evaluation])
            done += 1
            if outcome.error is None:
                self._known[ids[number]] = outcome.value
            else:
                failed[ids[number]] = outcome.error
                bar.set_postfix(failed=len(failed))
            bar.update()
            self._stop_if_too_many(failed, done, len(ids))

        architectures = self._space.decode(array.take(rows))
        run_tasks(partial(measured, self._source), architectures, self._settings, finished)
        return failed

    def _stop_if_too_many(self, failed: dict[str, str], done: int, asked: int) -> None:
        share = self._settings.max_failed_share
        allowed = max(share * asked, 1) if share else 0  # one failure alone stops nothing, unless none is allowed
        if len(failed) <= allowed or (share and done < min(_BEFORE_STOPPING, asked)):
            return
        ((error, count),) = Counter(failed.values()).most_common(1)
        raise EvaluationError(
            f"evaluator {self._source.kind!r}: {len(failed)} of {done} evaluations failed ({asked} were asked for), "
            f"more than max_failed_share={share:g} allows; the most frequent error, {count} times: {error}"
        )

    def _bar(self, total: int, known: int, from_ledger: int) -> tqdm[Any]:
        name = f"{self._source.kind} ({from_ledger} from the ledger)" if from_ledger else self._source.kind
        return tqdm(total=total, initial=known, desc=name, unit="architecture", disable=not self._progress)
