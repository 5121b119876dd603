"""Training predictors where the parameters say: in this process, or through the fan-out of evaluations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tqdm import tqdm

from autobuild_pipelines.evaluators import FanOutSettings, Outcome, run_tasks
from autobuild_pipelines.predictors import PredictorError, Runner

THREADS, FAN_OUT = "threads", "fan_out"


def training_runner(where: str, fan_out: Mapping[str, Any]) -> Runner | None:
    """What `predictors.run_in` means to `predictors.train`.

    Args:
        where: "threads" of this process, and processes beside it where the work is large (None is returned), or
            "fan_out": a task for every few predictors, in the processes or on the cluster that `fan_out` names.
        fan_out: See `FanOutSettings`.

    Raises:
        PredictorError: It is neither.
    """
    if where not in (THREADS, FAN_OUT):
        raise PredictorError(f"predictors.run_in: {where!r} is not one of {[THREADS, FAN_OUT]}")
    if where == THREADS:
        return None
    settings = FanOutSettings.from_mapping(fan_out)

    def run(function: Callable[[Any], Any], tasks: list[Any]) -> list[Any]:
        results: dict[int, Outcome] = {}
        with tqdm(total=len(tasks), desc="training groups of predictors", unit="group") as bar:

            def finished(number: int, outcome: Outcome) -> None:
                if outcome.error is not None:
                    raise PredictorError(f"training of {list(tasks[number].targets)} failed: {outcome.error}")
                results[number] = outcome
                bar.update()

            run_tasks(function, tasks, settings, finished)
        return [results[number].value for number in range(len(tasks))]

    return run
