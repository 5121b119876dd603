"""A search whose evaluations stand in the ledger pays for none of them again."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from fake_sources import FakeSource, started

from autobuild_pipelines.evaluators import EvaluationLedger, FannedOut, FanOutSettings
from autobuild_pipelines.search import SearchSettings, read_problems, run_search
from autobuild_pipelines.spaces import SearchSpace

PROBLEMS = read_problems(
    {
        "both": {
            "objectives": {
                "acc": {"direction": "max", "reference": 0},
                "loss": {"direction": "min", "reference": 1},
            }
        }
    }
)
SETTINGS = SearchSettings.from_mapping(
    {
        "initial": 8,
        "iterations": 2,
        "per_iteration": 5,
        "seeds": 1,
        "variants": {"stage_full": {"mutation": "module", "space": "full"}},
    }
)


def search(space: SearchSpace, source: FakeSource, ledger: Path) -> pd.DataFrame:
    with EvaluationLedger(f"sqlite:///{ledger}") as opened:
        evaluator = FannedOut(space, source, FanOutSettings(backend="sequential", retries=0), opened, progress=False)
        return run_search(space, PROBLEMS, SETTINGS, evaluator, {}, seed=3, progress=False)


def test_the_same_search_again_evaluates_nothing_and_finds_the_same(ofa_mbv3: SearchSpace, tmp_path: Path) -> None:
    source = FakeSource(str(tmp_path))
    first = search(ofa_mbv3, source, tmp_path / "ledger.db")
    assert len(started(tmp_path)) == 18
    pd.testing.assert_frame_equal(search(ofa_mbv3, source, tmp_path / "ledger.db"), first)
    assert len(started(tmp_path)) == 18


def test_a_search_stopped_halfway_goes_on_to_the_result_of_one_that_was_not(
    ofa_mbv3: SearchSpace, tmp_path: Path
) -> None:
    whole = search(ofa_mbv3, FakeSource(str(tmp_path)), tmp_path / "whole.db")
    half = tmp_path / "half"
    half.mkdir()
    source = FakeSource(str(half))
    evaluated = iter(range(11))

    class Stopped(FakeSource):
        def evaluate(self, architecture):  # type: ignore[no-untyped-def]
            if next(evaluated, None) is None:
                raise KeyboardInterrupt
            return super().evaluate(architecture)

    with pytest.raises(KeyboardInterrupt):
        search(ofa_mbv3, Stopped(str(half)), tmp_path / "half.db")
    assert len(started(half)) == 11
    pd.testing.assert_frame_equal(search(ofa_mbv3, source, tmp_path / "half.db"), whole)
    assert len(started(half)) == 18


def test_other_settings_of_the_evaluator_are_paid_for(ofa_mbv3: SearchSpace, tmp_path: Path) -> None:
    search(ofa_mbv3, FakeSource(str(tmp_path)), tmp_path / "ledger.db")
    search(ofa_mbv3, FakeSource(str(tmp_path), version=2), tmp_path / "ledger.db")
    assert len(started(tmp_path)) == 36
