"""Choosing among candidates: whole fronts, well spread, or those that add the most hypervolume."""

from __future__ import annotations

import heapq

import numpy as np
from numpy.typing import NDArray

from autobuild_pipelines.search.pareto import pareto_mask
from autobuild_pipelines.search.problem import Problem

Floats = NDArray[np.float64]


def best_fronts(values: Floats, maximise: list[bool], count: int, *, most: int | None = None) -> NDArray[np.int64]:
    """The best `count` rows: front after front, and of the front that does not fit the best spread ones.

    Args:
        values: [n, objectives].
        maximise: Per objective, whether more is better.
        count: How many.
        most: No more than this many fronts.

    Returns:
        Their indices; fewer when there are fewer.
    """
    left, kept, fronts = np.arange(len(values)), [], 0
    missing = count
    while len(left) and missing and fronts != most:
        first = pareto_mask(values[left], maximise)
        front = left[first]
        if len(front) > missing:
            front = front[spread(values[front], missing)]
        kept.append(front)
        missing -= len(front)
        left = left[~first]
        fronts += 1
    return np.concatenate(kept) if kept else np.empty(0, dtype=np.int64)


def spread(values: Floats, count: int) -> NDArray[np.int64]:
    """`count` rows far from each other: from the one with the greatest first value, always the farthest from those
    chosen (objectives in shares of their ranges, distances in the Manhattan norm)."""
    scaled = (values - values.min(axis=0)) / np.maximum(np.ptp(values, axis=0), 1e-12)
    chosen = [int(scaled[:, 0].argmax())]
    distance = np.abs(scaled - scaled[chosen[0]]).sum(axis=1)
    while len(chosen) < min(count, len(values)):
        chosen.append(int(distance.argmax()))
        distance = np.minimum(distance, np.abs(scaled - scaled[chosen[-1]]).sum(axis=1))
    return np.asarray(chosen, dtype=np.int64)


def greatest_gains(problem: Problem, reached: Floats, candidates: Floats, count: int) -> NDArray[np.int64]:
    """Candidates that one after the other add the most hypervolume to what is reached.

    Hypervolume is submodular: a gain only falls as more is chosen. So a candidate whose old gain is below another's new
    one need not be looked at again.

    Args:
        problem: Gives objectives and reference point.
        reached: [k, objectives] evaluated objectives.
        candidates: [n, objectives] predicted objectives.
        count: How many.

    Returns:
        Indices of candidates in the order chosen; fewer when there are fewer. Where no gain is left, the rest
        comes in the order of the candidates.
    """
    front = reached[problem.front(reached)] if len(reached) else reached.reshape(0, candidates.shape[1])
    volume = problem.hypervolume(front)
    chosen: list[int] = []

    def gain(index: int) -> float:
        return problem.hypervolume(np.vstack([front, candidates[index : index + 1]])) - volume

    gains = [gain(index) for index in range(len(candidates))]
    heap = [(-value, index, 0) for index, value in enumerate(gains) if value > 0]
    heapq.heapify(heap)
    useless = [index for index, value in enumerate(gains) if not value > 0]
    while heap and len(chosen) < count:
        _, index, seen = heapq.heappop(heap)
        if seen < len(chosen):
            value = gain(index)
            if value > 0:
                heapq.heappush(heap, (-value, index, len(chosen)))
            else:
                useless.append(index)
            continue
        chosen.append(index)
        front = np.vstack([front, candidates[index : index + 1]])
        front = front[problem.front(front)]
        volume = problem.hypervolume(front)
    chosen += sorted(useless)[: count - len(chosen)]
    return np.asarray(chosen, dtype=np.int64)
