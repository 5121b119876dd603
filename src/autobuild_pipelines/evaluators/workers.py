"""The workers that tasks run on, as joblib backends that hand every result over before they take the next task.

Joblib's own loop dispatches tasks, keeps as many in flight as there are workers, and stops everything when one breaks.
What differs from its stock backends, and why:

- A result goes to `delivered` in the callback of its task, and only then is the next task dispatched: what is computed
  but not yet recorded never exceeds the number of workers. A generator of results would lose those that had finished
  but were not yet taken when a worker died.
- Joblib's Dask backend never learns of a task whose worker was killed and waits for ever; `ray.util.joblib` queues
  tasks on actors in turn, busy or not, and reserves resources per actor. Here a thread per task in flight asks the
  engine itself and waits for its answer.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from joblib import cpu_count
from joblib._parallel_backends import LokyBackend, ParallelBackendBase, SequentialBackend
from joblib.externals.loky.process_executor import BrokenProcessPool, TerminatedWorkerError

from autobuild_pipelines.evaluators.clusters import Cluster, open_cluster
from autobuild_pipelines.evaluators.fan_out_settings import FanOutSettings

Delivered = Callable[[int, Any], None]
"""Takes the number of a task and what it returned; called for one task at a time."""


class Observed:
    """What the backends have in common: they know which tasks are in flight and deliver results in the callback.

    Attributes:
        worker_died: The errors that mean that a worker, not its task, failed.
        workers: How many tasks it runs at a time.
        in_flight: Numbers of the tasks that were given to workers and whose results were not delivered.
    """

    worker_died: tuple[type[BaseException], ...]
    workers: int

    def observe(self, delivered: Delivered) -> None:
        """Say what is to be done with results."""
        self.in_flight: set[int] = set()
        self._delivered = delivered

    def _deliver(self, results: list[tuple[int, Any]]) -> list[None]:
        for number, result in results:
            self._delivered(number, result)
            self.in_flight.discard(number)
        return [None] * len(results)


class LokyWorkers(Observed, LokyBackend):  # type: ignore[misc]
    """Processes of this machine. They are never fewer than two, or joblib would run the tasks in this process."""

    worker_died = (TerminatedWorkerError,)

    def __init__(self, settings: FanOutSettings) -> None:
        self.workers = settings.workers or cpu_count()
        threads = int(os.environ.get("OMP_NUM_THREADS", 0)) or max(cpu_count() // self.workers, 1)
        super().__init__(inner_max_num_threads=threads)

    def submit(self, func: Any, callback: Any = None) -> Any:
        """Give a task to the executor; one that broke since the last result is reported like any other loss."""
        self.in_flight.add(_number(func))
        try:
            return super().submit(func, callback)
        except BrokenProcessPool as error:
            future: Future[Any] = Future()
            future.set_exception(error)
            future.add_done_callback(callback)
            return future

    def retrieve_result_callback(self, future: Any) -> list[None]:
        """Deliver a result."""
        return self._deliver(super().retrieve_result_callback(future))


class ClusterWorkers(Observed, ParallelBackendBase):  # type: ignore[misc]
    """Workers of a cluster engine."""

    supports_retrieve_callback = True

    def __init__(self, cluster: Cluster) -> None:
        super().__init__()
        self._cluster = cluster
        self.worker_died = cluster.worker_died
        self.workers = cluster.workers
        self._threads: ThreadPoolExecutor | None = None

    def effective_n_jobs(self, n_jobs: int) -> int:
        """At least two, or joblib would run the tasks in this process."""
        return max(2, self.workers)

    def configure(self, n_jobs: int = 1, parallel: Any = None, **_: Any) -> int:
        """Be ready for tasks."""
        self.parallel = parallel
        self._threads = ThreadPoolExecutor(self.effective_n_jobs(n_jobs), thread_name_prefix="evaluation")
        return self.effective_n_jobs(n_jobs)

    def get_nested_backend(self) -> Any:
        """What joblib uses inside a task."""
        return SequentialBackend(nesting_level=1), None

    def submit(self, func: Any, callback: Any = None) -> Any:
        """Give a task to the cluster and wait for it in a thread."""
        self.in_flight.add(_number(func))
        ((function, arguments, _),) = func.items
        assert self._threads is not None
        future = self._threads.submit(self._cluster.call, function, *arguments)
        future.add_done_callback(callback)
        return future

    def retrieve_result_callback(self, future: Any) -> list[None]:
        """Deliver a result."""
        return self._deliver([future.result()])

    def abort_everything(self, ensure_ready: bool = True) -> None:
        """Drop the tasks in flight."""
        self._cluster.cancel()
        self.terminate()

    def terminate(self) -> None:
        """Let the waiting threads go."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None


def workers_of(settings: FanOutSettings) -> LokyWorkers | ClusterWorkers:
    """The workers that the settings (of another backend than "sequential") ask for.

    Raises:
        EvaluationError: The engine is not installed, cannot be reached, or lacks the resources.
    """
    return LokyWorkers(settings) if settings.backend == "loky" else ClusterWorkers(open_cluster(settings))


def _number(func: Any) -> int:
    ((_, (number, *_), _),) = func.items
    return int(number)
