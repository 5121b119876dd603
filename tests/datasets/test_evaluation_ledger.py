"""The evaluation ledger in the catalog."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from kedro.io import DataCatalog
from kedro.io.core import DatasetError

from autobuild_pipelines.datasets.evaluation_ledger import EvaluationLedgerDataset
from autobuild_pipelines.evaluators.ledger import Evaluation, LedgerKey

KEY = LedgerKey("fake", "settings", "")


def _catalog(entry: dict[str, Any], credentials: dict[str, Any] | None = None) -> DataCatalog:
    kind = "autobuild_pipelines.datasets.evaluation_ledger.EvaluationLedgerDataset"
    return DataCatalog.from_config({"evaluation_ledger": {"type": kind, **entry}}, credentials=credentials)


def test_nodes_record_through_what_is_loaded_and_later_runs_find_it(tmp_path: Path) -> None:
    entry = {"url": f"sqlite:///{tmp_path}/new/evaluations.sqlite"}
    with _catalog(entry).load("evaluation_ledger") as ledger:
        ledger.record(KEY, [Evaluation("a", {"acc": 1.0})])
    assert _catalog(entry).load("evaluation_ledger").table()["metrics.acc"].tolist() == [1.0]


def test_the_url_may_stand_in_the_credentials(tmp_path: Path) -> None:
    secret = {"ledger": {"url": f"sqlite:///{tmp_path}/evaluations.sqlite"}}
    _catalog({"credentials": "ledger"}, secret).load("evaluation_ledger").close()
    assert (tmp_path / "evaluations.sqlite").exists()


def test_a_password_is_shown_nowhere() -> None:
    dataset = EvaluationLedgerDataset(url="postgresql://tester:s3cret@127.0.0.1:1/evaluations")
    assert "s3cret" not in repr(dataset) + str(dataset._describe())
    with pytest.raises(DatasetError, match="not saved") as raised:
        dataset.save({})  # type: ignore[arg-type]
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({}, "give either `url` or `credentials`"),
        ({"url": "sqlite:///a", "credentials": {"url": "sqlite:///b"}}, "give either `url` or `credentials`"),
        ({"url": "oracle://host/db"}, "'oracle' is not supported"),
    ],
)
def test_an_entry_that_names_no_ledger_is_refused(arguments: dict[str, Any], reason: str) -> None:
    with pytest.raises(DatasetError, match=reason):
        EvaluationLedgerDataset(**arguments)


def test_a_ledger_that_cannot_be_opened_is_a_dataset_error_that_says_why(tmp_path: Path) -> None:
    (tmp_path / "evaluations.sqlite").write_bytes(b"nonsense" * 1000)
    with pytest.raises(DatasetError, match="the file is not an SQLite database: move it away"):
        EvaluationLedgerDataset(url=f"sqlite:///{tmp_path}/evaluations.sqlite").load()
