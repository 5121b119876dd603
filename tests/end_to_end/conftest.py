"""A copy of the project in which the main job has run."""

from __future__ import annotations

from pathlib import Path

import pytest
from project_copy import copy_project, run_kedro


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A copy in which the main job has run, and what it printed."""
    project = copy_project(tmp_path_factory.mktemp("finished"))
    done = run_kedro(project, "run", "--env=small")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return project, done.stdout + done.stderr
