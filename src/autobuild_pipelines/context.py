"""The Kedro context, and how the pipeline registry learns which spaces there are.

Kedro calls `register_pipelines()` without saying which environment or folder of configuration it is for. `kedro run`,
`kedro viz` and notebooks all create a context first, so the context hands its spaces and jobs over; a plugin hook would
not do, because `kedro viz` runs none. Without a context (`kedro registry list`) the configuration is read as a context
of the default environment would read it.
"""

from __future__ import annotations

import os
from typing import Any

from kedro.framework.context import KedroContext
from kedro.framework.project import pipelines, settings

from autobuild_pipelines.config import LayeredConfigLoader, SpaceOutline, project_root

_outlines: tuple[dict[str, SpaceOutline], dict[str, dict[str, SpaceOutline]]] | None = None
"""Of the latest context: `LayeredConfigLoader.outlines()` and `.jobs()`."""


class SpacesContext(KedroContext):
    """A context whose pipelines are those of the spaces in its own configuration."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if isinstance(self.config_loader, LayeredConfigLoader):
            global _outlines
            _outlines = self.config_loader.outlines(), self.config_loader.jobs()
            # What was registered before belongs to another context: have it made anew when next asked for.
            pipelines.configure(f"{self._package_name or __package__}.pipeline_registry")


def registered_spaces() -> dict[str, SpaceOutline]:
    """The spaces that the pipelines of single steps are made for."""
    return _registered()[0]


def registered_jobs() -> dict[str, dict[str, SpaceOutline]]:
    """The jobs, each with the spaces that it runs the whole chain on."""
    return _registered()[1]


def _registered() -> tuple[dict[str, SpaceOutline], dict[str, dict[str, SpaceOutline]]]:
    if _outlines is not None:
        return _outlines
    source = project_root() / settings.CONF_SOURCE
    loader = LayeredConfigLoader(source, os.getenv("KEDRO_ENV"), **settings.CONFIG_LOADER_ARGS)
    return loader.outlines(), loader.jobs()
