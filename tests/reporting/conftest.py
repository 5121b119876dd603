"""Synthetic tables of a run for all tests of reporting."""

from __future__ import annotations

import pandas as pd
import pytest
from reporting_tables import make_comparison, make_evaluations, problem_settings

from autobuild_pipelines.search import Problem


@pytest.fixture(scope="session")
def problem() -> Problem:
    return Problem.from_mapping("cpu", problem_settings("cpu"))


@pytest.fixture(scope="session")
def evaluations() -> pd.DataFrame:
    return make_evaluations(seeds=2, budget=40)


@pytest.fixture(scope="session")
def comparison() -> pd.DataFrame:
    return make_comparison()
