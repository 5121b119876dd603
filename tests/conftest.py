"""Fixtures that many tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from autobuild_pipelines.spaces import SearchSpace
from project_copy import copy_project, run_kedro

PROJECT = Path(__file__).resolve().parents[1]

# No test reads a clock to pass or fail, properties included.
settings.register_profile("project", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("project")


@pytest.fixture(scope="session")
def reference_dir() -> Path:
    """The folder of reference data that AUTOBUILD_REFERENCE_DIR names; skips where it is not set."""
    folder = os.environ.get("AUTOBUILD_REFERENCE_DIR")
    if not folder:
        pytest.skip("AUTOBUILD_REFERENCE_DIR is not set")
    return Path(folder)


@pytest.fixture(scope="session")
def ofa_mbv3() -> SearchSpace:
    """OFA-MBv3 as the project declares it."""
    return SearchSpace.from_yaml(PROJECT / "conf" / "base" / "spaces" / "ofa_mbv3.yml")


@pytest.fixture(scope="session")
def ofa_pn() -> SearchSpace:
    """OFA-PN as the project declares it."""
    return SearchSpace.from_yaml(PROJECT / "conf" / "base" / "spaces" / "ofa_pn.yml")


@pytest.fixture(scope="session")
def sd_fid() -> SearchSpace:
    """The Stable Diffusion U-Nets searched for FID, as the project declares them."""
    return SearchSpace.from_yaml(PROJECT / "conf" / "base" / "spaces" / "sd_fid.yml")


@pytest.fixture(scope="session")
def sd_hardware() -> SearchSpace:
    """The Stable Diffusion U-Nets searched for FID and a hardware metric, as the project declares them."""
    return SearchSpace.from_yaml(PROJECT / "conf" / "base" / "spaces" / "sd_hardware.yml")


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A copy of the project in which the main job has run, small, and what it printed."""
    project = copy_project(tmp_path_factory.mktemp("finished"))
    done = run_kedro(project, "run", "--env=small")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return project, done.stdout + done.stderr
