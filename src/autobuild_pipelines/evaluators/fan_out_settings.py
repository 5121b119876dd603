"""How evaluations are spread over processes and machines."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from autobuild_pipelines.evaluators.protocol import EvaluationError
from autobuild_pipelines.spaces.settings import StrictSettings, read_settings

CLUSTERS = ("dask", "ray")
"""The backends that reach other machines and can reserve GPUs."""


class FanOutSettings(StrictSettings):
    """Parameters of a fan-out.

    Attributes:
        backend: Where tasks run: "sequential" in this process, "loky" in processes of this machine, "dask" and "ray" on
            a cluster of that engine.
        workers: How many tasks run at a time. None: one per core of this machine, or all that the cluster has.
        address: The Dask scheduler or Ray cluster to join, such as "tcp://host:8786" or "auto". None: one of `workers`
            processes is started on this machine and lives as long as this process.
        resources: What a task reserves on a cluster, by name: {"GPU": 0.5}. Ray knows "CPU", "GPU" and "memory" (bytes)
            itself; every other name, and every name in Dask, is one that the cluster's workers were started with.
        retries: How often a task that failed, or that killed its worker, is repeated.
        backoff_s: Seconds before the first repetition; twice as long before every further one.
        max_failed_share: Share of the evaluations of a call that may fail; more stop the run.
    """

    backend: Literal["sequential", "loky", "dask", "ray"] = "loky"
    workers: int | None = Field(None, ge=1)
    address: str | None = None
    resources: dict[str, float] = Field(default_factory=dict)
    retries: int = Field(2, ge=0)
    backoff_s: float = Field(1.0, ge=0)
    max_failed_share: float = Field(0.1, ge=0, le=1)

    @model_validator(mode="after")
    def _cluster_keys(self) -> FanOutSettings:
        if self.backend not in CLUSTERS:
            for key, value in (("address", self.address), ("resources", self.resources)):
                if value:
                    raise ValueError(f"{key}: backend {self.backend!r} takes none; {' and '.join(CLUSTERS)} do")
        if bad := [name for name, amount in self.resources.items() if not amount > 0]:
            raise ValueError(f"resources.{bad[0]}: must be above 0")
        return self

    @classmethod
    def from_mapping(cls, content: Any) -> FanOutSettings:
        """Read them from parameters.

        Raises:
            EvaluationError: Names the key that is wrong.
        """
        return read_settings(
            cls, content, what="fan_out", example="backend", source="parameters", refusal=EvaluationError
        )
