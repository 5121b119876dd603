"""Several evaluators as one, every metric from exactly one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import pandas as pd

from autobuild_pipelines.evaluators.protocol import ERROR, EvaluationError, Evaluator, checked_evaluation
from autobuild_pipelines.spaces import ArchitectureArray


class CombinedEvaluator:
    """Asks every part once and puts the metrics side by side.

    Args:
        parts: The evaluators.
        order: The order of the metrics' columns; the parts' order by default.

    Raises:
        EvaluationError: Two parts give the same metric, or no architecture is in the support of all.
    """

    def __init__(self, parts: Sequence[Evaluator], order: Sequence[str] | None = None) -> None:
        given = [metric for part in parts for metric in part.metrics]
        if twice := sorted({metric for metric in given if given.count(metric) > 1}):
            raise EvaluationError(f"metric {twice[0]!r}: two evaluators give it; it needs exactly one source")
        if not given:
            raise EvaluationError("evaluators: there are none; give at least one metric a source")
        self.metrics = tuple(order) if order is not None else tuple(given)
        if sorted(self.metrics) != sorted(given):
            raise EvaluationError(f"evaluators: give {sorted(given)}, expected {sorted(self.metrics)}")
        self._parts = tuple(parts)
        if self.support is not None and not len(self.support):
            raise EvaluationError(f"metrics {list(self.metrics)}: no architecture can be evaluated for all of them")

    @cached_property
    def support(self) -> ArchitectureArray | None:
        """The architectures that every part can evaluate, in the first finite part's order; None means all."""
        finite = [part.support for part in self._parts if part.support is not None]
        if not finite:
            return None
        common, *others = finite
        for other in others:
            keys = set(other.keys())
            common = common.take([row for row, key in enumerate(common.keys()) if key in keys])
        return common

    def evaluate(self, array: ArchitectureArray) -> pd.DataFrame:
        """All metrics [n, metrics], float64, and the column `ERROR` if a part may fail.

        An architecture that one part could not evaluate keeps the metrics of the others; the errors are joined.

        Raises:
            EvaluationError: An architecture is outside a part's support, or a part returned something else.
        """
        tables = [checked_evaluation(part, array) for part in self._parts]
        errors = [table.pop(ERROR) for table in tables if ERROR in table]
        metrics = pd.concat(tables, axis=1)[list(self.metrics)]
        if not errors:
            return metrics
        joined = ["; ".join(map(str, filter(None, row))) or None for row in zip(*errors, strict=True)]
        return metrics.assign(**{ERROR: pd.Series(joined, index=metrics.index, dtype=object)})


class RenamedEvaluator:
    """An evaluator whose metrics go by other names.

    Args:
        part: The evaluator.
        names: Its metric to the new name; metrics left out are dropped.

    Raises:
        EvaluationError: It has no such metric.
    """

    def __init__(self, part: Evaluator, names: Mapping[str, str]) -> None:
        for old, new in names.items():
            if old not in part.metrics:
                raise EvaluationError(f"metric {new!r}: its source gives {list(part.metrics)}, not {old!r}")
        self.metrics = tuple(names.values())
        self.support = part.support
        self._part = part
        self._names = dict(names)

    def evaluate(self, array: ArchitectureArray) -> pd.DataFrame:
        """The renamed metrics [n, metrics], and the column `ERROR` if the evaluator gives it."""
        table = self._part.evaluate(array)
        kept = [*self._names, *([ERROR] if ERROR in table else [])]
        return table[kept].rename(columns=self._names)
