"""The Kedro context, and how the pipeline registry learns which spaces there are.

Kedro calls `register_pipelines()` without saying which environment or folder of configuration it is for. `kedro run`,
`kedro viz` and notebooks all create a context first, so the context hands its spaces and jobs over; a plugin hook would
not do, because `kedro viz` runs none. Without a context (`kedro registry list`) the configuration is read as a context
of the default environment would read it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from kedro.framework.context import KedroContext
from kedro.framework.project import pipelines, settings

from autobuild_pipelines.config import Job, LayeredConfigLoader, SpaceOutline, project_root


@dataclass(frozen=True)
class Registered:
    """What the pipelines are made for.

    Attributes:
        spaces: The active spaces, which the pipelines of single steps are for.
        jobs: The jobs.
        of_jobs: The spaces of all jobs.
    """

    spaces: dict[str, SpaceOutline]
    jobs: dict[str, Job]
    of_jobs: dict[str, SpaceOutline]

    @classmethod
    def of(cls, loader: LayeredConfigLoader) -> Registered:
        """What a configuration asks for."""
        return cls(loader.outlines(), loader.jobs(), loader.job_outlines())


_latest: Registered | None = None
"""Of the latest context."""


class SpacesContext(KedroContext):
    """A context whose pipelines are those of the spaces in its own configuration."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if isinstance(self.config_loader, LayeredConfigLoader):
            global _latest
            _latest = Registered.of(self.config_loader)
            # What was registered before belongs to another context: have it made anew when next asked for.
            pipelines.configure(f"{self._package_name or __package__}.pipeline_registry")


def registered() -> Registered:
    """What the latest context asks for, or a context of the default environment would."""
    if _latest is not None:
        return _latest
    source = project_root() / settings.CONF_SOURCE
    return Registered.of(LayeredConfigLoader(source, os.getenv("KEDRO_ENV"), **settings.CONFIG_LOADER_ARGS))
