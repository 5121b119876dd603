"""What the sections of a report read: the results of a space by the names of their datasets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from autobuild_pipelines.reporting.report.content import Block, Figure, Table, Text, plain
from autobuild_pipelines.spaces import SearchSpace

FIGURE = "_figure"
"""Ending of the names of figures."""


@dataclass(frozen=True)
class SavedResult:
    """A result that another run saved.

    Attributes:
        content: What was saved.
        version: Its version, "" where it has none.
        stale: Whether it is older than what the report is about, and so not shown.
    """

    content: Any
    version: str = ""
    stale: bool = False


@dataclass
class Results:
    """Everything known of one space.

    Attributes:
        space: The search space.
        settings: Its parameters, section by section.
        made: What its chain of steps made, by the name of the dataset without the space.
        further: What other pipelines saved.
        shown: Figures that some section has taken.
    """

    space: SearchSpace
    settings: Mapping[str, Any]
    made: Mapping[str, Any]
    further: Mapping[str, SavedResult] = field(default_factory=dict)
    shown: set[str] = field(default_factory=set)
    _wanted: dict[str, list[str]] = field(default_factory=dict, repr=False)

    @property
    def label_kind(self) -> str:
        """Of the space."""
        return str(self.settings["label_kind"])

    def get(self, name: str) -> Any | None:
        """A result, None where there is none but a stale one."""
        if name in self.made:
            return self.made[name]
        saved = self.further.get(name)
        return None if saved is None or saved.stale else saved.content

    def table(self, name: str) -> pd.DataFrame | None:
        """A table with rows, None where there is none."""
        found = self.get(name)
        return found if isinstance(found, pd.DataFrame) and len(found) else None

    def section(self, name: str) -> Mapping[str, Any]:
        """A section of the parameters, empty where it is left out or turned off."""
        found = self.settings.get(name)
        return found if isinstance(found, Mapping) else {}

    def figures(self, prefix: str) -> list[str]:
        """Names of the figures that begin so."""
        known = dict.fromkeys([*self.made, *self.further])
        return [name for name in known if name.startswith(prefix) and name.endswith(FIGURE)]

    def figure(
        self,
        name: str,
        says: str,
        table: Table | None = None,
        *,
        made_by: tuple[str, str] | None = None,
        width: int = 640,
    ) -> list[Block]:
        """A figure with its text alternative and numbers; nothing where it has not been made.

        Args:
            name: Of the dataset.
            says: What a reader sees in it.
            table: The numbers behind it.
            made_by: The pipeline that makes it beside the main job, and what it shows: for `missing`.
            width: Least width.
        """
        self.shown.add(name)
        found = self.get(name)
        if isinstance(found, go.Figure) and not found.data:  # it has nothing but words that say why
            words = " ".join(plain(str(note.text)) for note in found.layout.annotations)
            return [Text(f"{plain(str(found.layout.title.text).partition('<br>')[0])}: {words}", "missing")]
        if isinstance(found, go.Figure):
            return [*self.origin(name), Figure(name, found, says, table, width)]
        if made_by is not None:
            pipeline, what = made_by
            old = self.further.get(name)
            self._wanted.setdefault(pipeline, []).append(f"{what} (version {old.version} is outdated)" if old else what)
        return []

    def missing(self) -> list[Block]:
        """What asked for figures were not there since the last call, and how to make them."""
        space = f"--params space={self.space.name}"
        notes: list[Block] = [
            Text(
                f"Not made yet: {', '.join(wanted)}. `kedro run --pipeline={pipeline} {space}` does, and "
                f"`kedro run --pipeline=reporting {space}` then shows them here.",
                "missing",
            )
            for pipeline, wanted in self._wanted.items()
        ]
        self._wanted.clear()
        return notes

    def origin(self, name: str) -> list[Block]:
        """Where a result of another pipeline comes from."""
        if name in self.made or name not in self.further:
            return []
        version = self.further[name].version
        return [Text("Of a run of its own" + (f", version {version}." if version else "."))]
