"""Fixtures that many tests share."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from hypothesis import HealthCheck, settings

from autobuild_pipelines.graphs.operator_graph import Attributes, OperatorGraph
from autobuild_pipelines.spaces import SearchSpace
from project_copy import copy_project, run_kedro, run_kedro_anew

PROJECT = Path(__file__).resolve().parents[1]

LONGEST = (
    "browser/test_mlflow.py",
    "end_to_end/test_panoptic.py",
    "end_to_end/test_sd_inpainting.py",
    "end_to_end/test_main_job.py",
    "end_to_end/test_readme.py",
    "notebooks/test_notebooks.py",
    "browser/test_report.py",
    "evaluators/test_fan_out_faults.py",
    "evaluators/test_fan_out_clusters.py",
    "networks/test_operator_graphs.py",
    "search/test_released_search.py",
    "test_registry.py",
    "browser/test_site.py",
)
"""Files that come first, so that none is left to a single process at the end.

The first makes the shared runs; the next ones, which another process starts with, do not wait for them.
"""

# No test reads a clock to pass or fail, properties included.
settings.register_profile("project", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("project")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first."""
    places = {PROJECT / "tests" / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


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
def residual_graph() -> Callable[[Sequence[int]], OperatorGraph]:
    """Makes operator graphs of residual blocks: conv (16 -> 16 e), relu, conv (16 e -> 16), add, for every e given."""

    def make(expansions: Sequence[int], *, width: int = 16, size: int = 8) -> OperatorGraph:
        nodes: list[tuple[str, Attributes, int, int, str]] = [("conv", {"kernel": 3, "groups": 1}, 3, width, "stem")]
        edges, last = [], 0
        for unit, e in enumerate(expansions, start=1):
            wide, first, part = width * e, len(nodes), f"unit {unit}"
            nodes.append(("conv", {"kernel": 1, "groups": 1}, width, wide, part))
            nodes.append(("relu", {}, wide, wide, part))
            nodes.append(("conv", {"kernel": 1, "groups": 1}, wide, width, part))
            nodes.append(("add", {}, width, width, part))
            edges += [(last, first), (first, first + 1), (first + 1, first + 2), (first + 2, first + 3)]
            edges.append((last, first + 3))
            last = first + 3
        operations, attributes, before, after, parts = zip(*nodes, strict=True)
        shape = [[size, size]] * len(nodes)
        return OperatorGraph(
            operations=operations,
            attributes=attributes,
            in_shapes=np.column_stack([before, shape]).astype(np.int64),
            out_shapes=np.column_stack([after, shape]).astype(np.int64),
            edges=np.asarray(edges, dtype=np.int64).reshape(-1, 2).T,
            macs=np.zeros(len(nodes), dtype=np.int64),
            names=tuple(f"node.{i}" for i in range(len(nodes))),
            parts=parts,
        )

    return make


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A copy of the project in which the main job has run, small, and what it printed. Read it, run in copies of it."""

    def run(project: Path) -> str:
        done = run_kedro_anew(copy_project(project), "run", "--env=small")
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout + done.stderr

    return made_once(tmp_path_factory, "finished", run)


@pytest.fixture(scope="session")
def compared(finished: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the finished project in whose records another seed has trained and searched again, in one space."""

    def run(project: Path) -> str:
        shutil.copytree(finished[0], project)
        again = "--pipelines=ingest,predictors,search,evaluation"
        done = run_kedro(project, "run", "--env=small", again, "--params=space=ofa_pn,seed=7")
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout + done.stderr

    return made_once(tmp_path_factory, "compared", run)[0]


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], str]) -> tuple[Path, str]:
    """A folder that the first of the test processes that needs it makes, and what was printed as it was made."""
    workers = "PYTEST_XDIST_WORKER" in os.environ
    folder = (factory.getbasetemp().parent if workers else factory.getbasetemp()) / f"{name}-project"
    printed = folder.with_suffix(".txt")
    with FileLock(folder.with_suffix(".lock")):
        if not printed.is_file():
            shutil.rmtree(folder, ignore_errors=True)
            text = make(folder)
            printed.write_text(text)
    return folder, printed.read_text()
