"""Cluster engines, Dask and Ray: joined by address, or started on this machine; kept open for the next call."""

from __future__ import annotations

import atexit
import importlib
import math
import re
import socket
from collections.abc import Callable
from typing import Any, Protocol

from joblib import cpu_count

from autobuild_pipelines.evaluators.fan_out_settings import FanOutSettings
from autobuild_pipelines.evaluators.protocol import EvaluationError

_CONNECT_S = 30


class Cluster(Protocol):
    """One engine that calls functions elsewhere.

    Attributes:
        workers: How many calls it can run at a time.
        worker_died: The errors that mean that the process of a call ended, whatever the reason.
    """

    workers: int
    worker_died: tuple[type[BaseException], ...]

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function on a worker and wait for what it returns; from several threads at once."""
        ...

    def cancel(self) -> None:
        """Make all calls that wait raise."""
        ...

    def alive(self) -> bool:
        """Whether it can still be used."""
        ...

    def close(self) -> None:
        """Leave the cluster, and stop it when it was started here."""
        ...


class DaskCluster:
    """A Dask cluster, https://distributed.dask.org.

    A scheduler that is joined repeats a task whose worker died by itself, as often as its `allowed-failures` says.
    """

    def __init__(self, settings: FanOutSettings) -> None:
        dask: Any = importlib.import_module("dask")
        distributed: Any = importlib.import_module("distributed")

        self.worker_died: tuple[type[BaseException], ...] = (distributed.KilledWorker,)
        self._resources = dict(settings.resources)
        self._futures: set[Any] = set()
        self._local: Any = None
        self._client: Any = None
        if settings.address is None:
            workers = settings.workers or cpu_count()
            # A killed worker is this project's to count; the scheduler would repeat its task three times on its own.
            with dask.config.set({"distributed.scheduler.allowed-failures": 0}):
                self._local = distributed.LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,
                    dashboard_address=None,
                    resources=self._resources or None,
                    silence_logs=50,
                )
        try:
            self._client = distributed.Client(self._local or settings.address, timeout=_CONNECT_S)
            self._client.wait_for_workers(1, timeout=_CONNECT_S)
            self._check_offers()
        except EvaluationError:
            self.close()
            raise
        except Exception as error:  # Dask raises many kinds
            self.close()
            raise EvaluationError(
                f"fan_out.address: no Dask scheduler with a worker answers at {settings.address!r} within "
                f"{_CONNECT_S} s: {error}"
            ) from error
        self.workers = settings.workers or sum(self._client.nthreads().values())

    def _check_offers(self) -> None:
        offers = [worker["resources"] for worker in self._client.scheduler_info(n_workers=-1)["workers"].values()]
        for name, amount in self._resources.items():
            if not any(offer.get(name, 0) >= amount for offer in offers):
                raise EvaluationError(
                    f"fan_out.resources.{name}: no worker of the Dask cluster offers {amount:g}; start workers with "
                    f"`dask worker --resources '{name}={amount:g}'`"
                )

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function on a worker and wait for what it returns."""
        future = self._client.submit(function, *arguments, pure=False, resources=self._resources or None)
        self._futures.add(future)
        try:
            return future.result()
        finally:
            self._futures.discard(future)

    def cancel(self) -> None:
        """Make all calls that wait raise; a call that runs already is not stopped, its result is dropped."""
        self._client.cancel(list(self._futures), force=True)

    def alive(self) -> bool:
        """Whether the client is connected."""
        return bool(self._client.status == "running")

    def close(self) -> None:
        """Leave the cluster, and stop it when it was started here."""
        if self._client is not None:
            self._client.close(timeout=5)
        if self._local is not None:
            self._local.close(timeout=5)


class RayCluster:
    """A Ray cluster, https://docs.ray.io."""

    _KNOWN = ("CPU", "GPU", "memory")

    def __init__(self, settings: FanOutSettings) -> None:
        ray: Any = importlib.import_module("ray")
        self._ray = ray
        self.worker_died: tuple[type[BaseException], ...] = (
            ray.exceptions.WorkerCrashedError,
            ray.exceptions.NodeDiedError,
            ray.exceptions.OutOfMemoryError,
        )
        self._running: set[Any] = set()
        self._started = not ray.is_initialized()
        wanted = {"CPU": 1.0, **settings.resources}
        own = {name: amount for name, amount in wanted.items() if name not in self._KNOWN}
        if self._started:
            self._start(settings, own)
        total = ray.cluster_resources()
        for name, amount in wanted.items():
            if total.get(name, 0) < amount:
                self.close()
                raise EvaluationError(
                    f"fan_out.resources.{name}: a task needs {amount:g}, the Ray cluster has {total.get(name, 0):g}"
                )
        room = min(math.floor(total[name] / amount) for name, amount in wanted.items())
        self.workers = min(settings.workers or room, room)
        self._options: dict[str, Any] = {"num_cpus": wanted["CPU"], "max_retries": 0}
        if "GPU" in wanted:
            self._options["num_gpus"] = wanted["GPU"]
        if "memory" in wanted:
            self._options["memory"] = wanted["memory"]
        if own:
            self._options["resources"] = own

    def _start(self, settings: FanOutSettings, own: dict[str, float]) -> None:
        quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
        if settings.address is not None:
            try:
                if match := re.fullmatch(r"(?:ray://)?(.+):(\d+)", settings.address):  # Ray itself tries for minutes
                    socket.create_connection((match[1], int(match[2])), timeout=_CONNECT_S).close()
                self._ray.init(address=settings.address, **quiet)
            except (OSError, RuntimeError, ValueError) as error:
                raise EvaluationError(
                    f"fan_out.address: no Ray cluster answers at {settings.address!r}: {error}"
                ) from error
            return
        workers = settings.workers or cpu_count()
        each = max(1, math.ceil(settings.resources.get("CPU", 1)))
        self._ray.init(
            address="local",
            num_cpus=workers * each,
            resources={name: amount * workers for name, amount in own.items()} or None,
            include_dashboard=False,
            **quiet,
        )

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function on a worker and wait for what it returns."""
        reference = self._ray.remote(**self._options)(function).remote(*arguments)
        self._running.add(reference)
        try:
            return self._ray.get(reference)
        finally:
            self._running.discard(reference)

    def cancel(self) -> None:
        """Make all calls that wait raise, and end those that run."""
        for reference in list(self._running):
            self._ray.cancel(reference, force=True)

    def alive(self) -> bool:
        """Whether this process is connected."""
        return bool(self._ray.is_initialized())

    def close(self) -> None:
        """Leave the cluster, and stop it when it was started here."""
        if self._started:
            self._ray.shutdown()


_ENGINES: dict[str, tuple[type[DaskCluster] | type[RayCluster], str]] = {
    "dask": (DaskCluster, "distributed"),
    "ray": (RayCluster, "ray"),
}
_open: dict[str, tuple[str, Cluster]] = {}


def open_cluster(settings: FanOutSettings) -> Cluster:
    """The cluster that the settings name, as it was left by the last call if that asked for the same.

    Raises:
        EvaluationError: The engine is not installed, cannot be reached, or lacks the resources.
    """
    engine, package = _ENGINES[settings.backend]
    try:
        importlib.import_module(package)
    except ImportError as error:
        raise EvaluationError(
            f"fan_out.backend: {settings.backend!r} needs the extra [{settings.backend}]: "
            f"pip install 'autobuild-pipelines[{settings.backend}]' ({error})"
        ) from error
    asked = settings.model_dump_json(include={"workers", "address", "resources"})
    known, cluster = _open.get(settings.backend, ("", None))
    if cluster is not None and known == asked and cluster.alive():
        return cluster
    if cluster is not None:
        del _open[settings.backend]
        cluster.close()
    cluster = engine(settings)
    _open[settings.backend] = (asked, cluster)
    return cluster


@atexit.register
def close_clusters() -> None:
    """Leave all clusters, and stop those that were started here."""
    while _open:
        _open.popitem()[1][1].close()
