"""Training groups of predictors on this machine: in threads, or, where it takes long, in processes beside this one.

Threads share the interpreter, which makes every call of an operation, and calls are half of training's time. Processes
share nothing, but take some seconds to start.
"""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from typing import Any

from joblib import Parallel, cpu_count, delayed
from joblib.externals.loky import get_reusable_executor
from tqdm import tqdm

from autobuild_pipelines.predictors.fitting import Fit, Fitted, fit, fit_alone
from autobuild_pipelines.predictors.stacked import PredictorError
from autobuild_pipelines.predictors.threads import one_thread_per_operation

IDLE_SECONDS = 60
"""How long a process waits for the next space's predictors before it ends."""


def fit_in_threads(tasks: list[Fit], bar: tqdm[Any]) -> list[Fitted]:
    """Train every task in a thread of its own, as many at a time as there are cores."""
    with one_thread_per_operation():
        found: list[Fitted] = Parallel(n_jobs=min(len(tasks), cpu_count()), prefer="threads")(
            delayed(fit)(task, bar) for task in tasks
        )
    return found


def fit_in_processes(tasks: list[Fit], bar: tqdm[Any]) -> list[Fitted]:
    """Train as many tasks at a time as there are cores, one of them always in this process.

    The bar is told of this process's epochs as they end, and of another's when its task has.

    Raises:
        PredictorError: Training diverged, or another process was killed.
    """
    cores = min(len(tasks), cpu_count())
    if cores == 1:
        return fit_in_threads(tasks, bar)
    executor = get_reusable_executor(max_workers=cores - 1, timeout=IDLE_SECONDS)
    elsewhere = {n: executor.submit(_fit_beside, task, os.getpid()) for n, task in enumerate(tasks) if n % cores}
    try:
        with one_thread_per_operation():
            here = {n: fit(task, bar) for n, task in enumerate(tasks) if n % cores == 0}
        there = {n: _result(tasks[n], future, bar) for n, future in elsewhere.items()}
    except BaseException:
        executor.shutdown(wait=True, kill_workers=True)
        raise
    found = {**here, **there}
    return [found[n] for n in range(len(tasks))]


def _fit_beside(task: Fit, parent: int) -> Fitted:
    """`fit_alone` in a process that does not outlive the one that asked for it, however that ends."""
    _end_with(parent)
    return fit_alone(task)


@cache
def _end_with(parent: int) -> None:
    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _result(task: Fit, future: Future[Fitted], bar: tqdm[Any]) -> Fitted:
    try:
        fitted = future.result()
    except BrokenProcessPool as error:
        raise PredictorError(
            f"training of {sorted(set(task.targets))}: its process was killed, perhaps for want of memory; see "
            "predictors.run_in"
        ) from error
    bar.update(task.settings.epochs)
    return fitted
