"""What a report knows of the run that makes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class RunRecord:
    """Where a run comes from; empty where nobody said.

    Attributes:
        command: The command line that makes it again.
        environment: Folder of configuration over `base`.
        save_version: The version folder of what it saves.
        git_revision: The commit of the checkout, or "unknown".
        git_dirty: Whether files differ from it.
        versions: Of Python and of packages.
        rebuilt: Whether the run made the report alone, from what earlier runs saved.
        node_seconds: How long every node before the report took, by its name.
    """

    command: str = ""
    environment: str = ""
    save_version: str = ""
    git_revision: str = "unknown"
    git_dirty: bool = False
    rebuilt: bool = False
    versions: Mapping[str, str] = field(default_factory=dict)
    node_seconds: Mapping[str, float] = field(default_factory=dict)
