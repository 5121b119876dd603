"""Released predictors: found by name, read when called, never unpickled as objects."""

from __future__ import annotations

import json
import os
import pickle
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from kedro.io.core import DatasetError

from autobuild_pipelines.datasets import ReleasedPredictorsDataset


@pytest.fixture(autouse=True)
def plain_checkpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loader that gives back what it gets."""

    def load_released(weights: bytes, config: Mapping[str, Any], *, name: str) -> Any:
        return weights, dict(config)

    module = ModuleType("autobuild_pipelines.predictors.checkpoints")
    module.load_released = load_released  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "acc_srcc1_predictor.pt").write_bytes(b"one")
    (tmp_path / "acc_srcc1_config.pkl").write_bytes(pickle.dumps({"gnn_type": "GraphConv"}))
    (tmp_path / "gatv2").mkdir()
    (tmp_path / "gatv2" / "predictor.pt").write_bytes(b"two")
    (tmp_path / "gatv2" / "config.json").write_text(json.dumps({"gnn_type": "GATv2Conv"}))
    return tmp_path


def test_both_layouts_are_found_and_loaded_when_called(folder: Path) -> None:
    released = ReleasedPredictorsDataset(path=str(folder)).load()
    assert list(released) == ["acc_srcc1", "gatv2"]
    assert released["acc_srcc1"]() == (b"one", {"gnn_type": "GraphConv"})
    assert released["gatv2"]() == (b"two", {"gnn_type": "GATv2Conv"})


@pytest.mark.parametrize("path", [None, "", "{tmp}/absent"])
def test_a_missing_folder_is_an_empty_mapping_that_says_what_to_set(path: str | None, tmp_path: Path) -> None:
    dataset = ReleasedPredictorsDataset(path=path and path.format(tmp=tmp_path), set_by="AUTOBUILD_MODELS_DIR")
    released = dataset.load()
    assert len(released) == 0
    assert not dataset.exists()
    with pytest.raises(KeyError, match=r"'acc': .*set it by AUTOBUILD_MODELS_DIR") as caught:
        released["acc"]
    assert str(caught.value).startswith("no released predictor")
    if path:
        assert str(tmp_path) in str(caught.value)


def test_an_unknown_name_is_answered_with_the_names_there_are(folder: Path) -> None:
    with pytest.raises(KeyError, match=r"no released predictor 'lat': looked in .*there are acc_srcc1, gatv2"):
        ReleasedPredictorsDataset(path=str(folder)).load()["lat"]


def test_a_hostile_configuration_is_refused_and_not_run(folder: Path, tmp_path: Path) -> None:
    canary = tmp_path / "canary"

    class Payload:
        def __reduce__(self) -> Any:
            return os.system, (f"touch {canary}",)

    (folder / "acc_srcc1_config.pkl").write_bytes(pickle.dumps({"gnn_type": Payload()}))
    with pytest.raises(DatasetError, match=r"acc_srcc1_config\.pkl: refused: the pickle holds .*system"):
        ReleasedPredictorsDataset(path=str(folder)).load()["acc_srcc1"]()
    assert not canary.exists()


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("acc_srcc1_config.json", b"{", "is not JSON"),
        ("acc_srcc1_config.json", b"[1]", "holds a list, expected a mapping"),
        ("acc_srcc1_config.pkl", b"", "is empty"),
        ("acc_srcc1_config.pkl", None, "has no configuration beside it"),
    ],
)
def test_a_broken_configuration_is_named(name: str, content: bytes | None, reason: str, folder: Path) -> None:
    (folder / name).unlink(missing_ok=True)
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(DatasetError, match=reason):
        ReleasedPredictorsDataset(path=str(folder)).load()["acc_srcc1"]()


def test_it_is_read_only(folder: Path) -> None:
    with pytest.raises(DatasetError, match=r"read-only"):
        ReleasedPredictorsDataset(path=str(folder)).save({})  # type: ignore[arg-type]


@pytest.mark.reference
def test_the_authors_folder_is_found(reference_dir: Path) -> None:
    released = ReleasedPredictorsDataset(path=str(reference_dir / "autobuild")).load()
    assert list(released) == ["gatv2_mbv3_acc"]
    released = ReleasedPredictorsDataset(path=str(reference_dir / "autobuild" / "l1_models")).load()
    assert len(released) == 8
    weights, config = released["minMAE_ofa_pn_custom_acc_GraphConv_sum_directed_srcc1"]()
    assert (weights[:2], config["gnn_type"], config["gnn_dim"]) == (b"PK", "GraphConv", 128)
