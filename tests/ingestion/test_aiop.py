"""AIO-P's caches, as far as their public code says what is in them, are read without their classes."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from aiop_files import MBV3, cache, classes, graph, record

from autobuild_pipelines.ingestion import IngestError, ingest_records, load_plain_pickle, read_records
from autobuild_pipelines.ingestion.aiop import CLASSES
from autobuild_pipelines.ingestion.pickle_values import InertRecord
from autobuild_pipelines.spaces import SearchSpace

OTHER = [["mbconv3_e6_k5"] * 4] * 5


def write(folder: Path, content: bytes) -> Path:
    path = folder / "gpi_ofa_mbv3_pan_seg_coco_ind_comp_graph_cache.pkl"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_cache_gives_architectures_with_the_labels_that_autobuilds_own_caches_name(
    tmp_path: Path, ofa_mbv3: SearchSpace, protocol: int
) -> None:
    path = write(tmp_path, cache({}, {"original config": (224, OTHER), "flops": 180.5}, protocol=protocol))
    table = ingest_records(ofa_mbv3, read_records(str(path)), labels=["pan_seg_PQ", "flops_pan_seg"]).architectures
    assert table["flops_pan_seg"].tolist() == [172.9, 180.5]
    assert table["pan_seg_PQ"].tolist() == [37.45, 37.45]
    assert table["params_pan_seg"].tolist() == [24.1, 24.1]
    assert table["resolution"].tolist() == [192, 224]
    assert table["architecture_id"][0] == ofa_mbv3.architecture(MBV3, {"resolution": 192}).id
    assert "acc" not in table, "the metric that was written over the classification accuracy is no accuracy"
    assert not [name for name in sys.modules if name.startswith("model_src")]


def test_a_metric_that_is_there_as_acc_alone_and_plain_flops_are_brought_to_points_and_billions(tmp_path: Path) -> None:
    path = write(tmp_path, cache({"pan_seg_PQ": None, "flops": 172.9e9}))
    (found,) = read_records(str(path)).records
    assert found["pan_seg_PQ"] == pytest.approx(37.45)
    assert found["flops_pan_seg"] == pytest.approx(172.9)


def test_the_names_before_the_scripts_removed_them_win(tmp_path: Path) -> None:
    (found,) = read_records(str(write(tmp_path, cache({"flops_pan_seg": 170.0, "flops": 0.3})))).records
    assert found["flops_pan_seg"] == 170.0


def test_a_cache_of_another_task_names_its_flops_after_that(tmp_path: Path) -> None:
    path = write(tmp_path, cache({"metric_map": "val_PCK->acc", "val_PCK": 0.8}))
    (found,) = read_records(str(path)).records
    assert (found["val_PCK"], found["flops_hpe"]) == (0.8, 172.9)


@pytest.mark.parametrize("text", ["pan_seg_PQ", "pan_seg_PQ->flops", "->acc", "a b->acc", 3])
def test_a_metric_map_that_says_something_else_is_an_error_with_file_and_row(tmp_path: Path, text: Any) -> None:
    path = write(tmp_path, cache({}, {"metric_map": text}))
    with pytest.raises(IngestError, match=rf"{path.name} row 2: 'metric_map' is .*, expected a text such as"):
        read_records(str(path))


def test_a_record_without_a_configuration_is_a_rejected_row(tmp_path: Path, ofa_mbv3: SearchSpace) -> None:
    records = read_records(str(write(tmp_path, cache({}, {"original config": None}))))
    ingested = ingest_records(ofa_mbv3, records, labels=["pan_seg_PQ"], max_rejected=0.5)
    assert ingested.rejected[["row", "reason"]].to_numpy().tolist() == [
        [2, "has no 'units' (nor 'original config', nor 'net')"]
    ]


def test_a_classification_cache_with_graphs_is_read_too(tmp_path: Path, ofa_mbv3: SearchSpace) -> None:
    path = write(tmp_path, cache({"metric_map": None}))
    table = ingest_records(ofa_mbv3, read_records(str(path)), labels=["acc"]).architectures
    assert table["acc"].tolist() == [0.3745]


def test_autobuilds_own_panoptic_caches_keep_both_labels(tmp_path: Path, ofa_mbv3: SearchSpace) -> None:
    labels = {"pan_seg_PQ": 36.9, "flops_pan_seg": 171.3}
    path = tmp_path / "ofa_mbv3_pan_seg_custom_cache.pkl"
    path.write_bytes(pickle.dumps([{"original config": [192, MBV3], **labels}, {"net": OTHER, **labels}]))
    table = ingest_records(ofa_mbv3, read_records(str(path)), labels=list(labels)).architectures
    assert table[["pan_seg_PQ", "flops_pan_seg"]].to_numpy().tolist() == [[36.9, 171.3]] * 2


def load(build: Callable[[ModuleType], Any], protocol: int = 4) -> Any:
    with classes() as module:
        content = pickle.dumps(build(module), protocol)
    return load_plain_pickle(content, inert=CLASSES)


def test_an_object_becomes_its_classs_name_and_nothing_else() -> None:
    assert load(lambda m: [graph(m), m.RegularNode()]) == [
        InertRecord("model_src.comp_graph.tf_comp_graph.ComputeGraph"),
        InertRecord("model_src.comp_graph.tf_comp_graph.RegularNode"),
    ]


def test_texts_and_numbers_that_a_graph_shares_with_its_record_are_kept() -> None:
    text, pair = "a text that both refer to", (224, "mbconv3_e3_k3")

    def build(module: ModuleType) -> Any:
        made = graph(module)
        made.__dict__.update(text=text, pair=pair, numbers=[np.float64(1.5)], first=np.float64(2.5))
        return [made, text, pair, np.float64(3.5), {"PQ": np.float64(0.25)}]

    assert load(build)[1:] == [text, pair, 3.5, {"PQ": 0.25}]


def test_without_being_asked_no_object_is_read() -> None:
    with pytest.raises(IngestError, match=r"refused: the pickle holds model_src\.comp_graph\.tf_comp_graph\.ComputeG"):
        load_plain_pickle(cache({}))


class _Calls:
    """Pickles as a call."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.reduced = (function, arguments)

    def __reduce__(self) -> tuple[Any, ...]:
        return self.reduced


def with_attribute(module: ModuleType, value: Any) -> bytes:
    made = record(module)
    made["compute graph"].__dict__["more"] = value
    return pickle.dumps([made], 4)


def with_shared_list(module: ModuleType) -> bytes:
    made, shared = graph(module), [1, 2]
    made.__dict__["shared"] = shared
    return pickle.dumps([made, shared], 4)


Build = Callable[[ModuleType, str], bytes]
"""Bytes of a file, given the module of AIO-P's classes and a shell command that creates the canary."""
NAME = b"cmodel_src.comp_graph.tf_comp_graph\nComputeGraph\n"
HOSTILE: dict[str, tuple[Build, str]] = {
    "a class beside the three": (lambda m, c: pickle.dumps([m.Other()]), r"tf_comp_graph\.Other"),
    "a class of another module": (lambda m, c: b"\x80\x02cmodel_src.comp_graph\nComputeGraph\n)\x81.", "ComputeGraph"),
    "a path through their class": (lambda m, c: b"\x80\x04" + NAME[:-1] + b".__init__\n)R.", "__init__"),
    "a call of their class": (lambda m, c: b"\x80\x02" + NAME + b")R.", "a call of model_src"),
    "their class as a value": (lambda m, c: b"\x80\x02" + NAME + b".", "ComputeGraph as a value"),
    "their class made of arguments": (lambda m, c: b"\x80\x02" + NAME + b"K\x01\x85\x81.", "made of arguments"),
    "their class with named arguments": (lambda m, c: b"\x80\x04" + NAME + b")}\x92.", "NEWOBJ_EX"),
    "an instance by the old operation": (lambda m, c: b"(i" + NAME[1:] + b".", "ComputeGraph"),
    "a second description": (lambda m, c: b"\x80\x02" + NAME + b")\x81}b}b.", "a second description of model_src"),
    "attributes for a number inside": (lambda m, c: b"\x80\x02" + NAME + b")\x81K\x01}bb.", "attributes for int"),
    "a list of a graph outside of it": (
        lambda m, c: with_shared_list(m),
        "a part of an object outside of it",
    ),
    "a graph as a key": (lambda m, c: b"\x80\x02}" + NAME + b")\x81}bK\x01s.", "as a dictionary key"),
    "a call inside a graph": (lambda m, c: with_attribute(m, _Calls(os.system, c)), r"(posix|nt)\.system"),
    "an object array inside": (lambda m, c: with_attribute(m, np.array([{}], dtype=object)), "object array"),
    "a graph that never ends": (lambda m, c: b"\x80\x02" + NAME + b")\x81(.", "unfinished"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_graph_is_refused_and_nothing_of_it_runs(case: str, tmp_path: Path) -> None:
    build, message = HOSTILE[case]
    with classes() as module:
        content = build(module, f"touch {tmp_path / 'canary'}")
    path = write(tmp_path, content)
    with pytest.raises(IngestError, match=message) as caught:
        read_records(str(path))
    assert str(caught.value).startswith(str(path))
    assert list(tmp_path.iterdir()) == [path]
    assert not [name for name in sys.modules if name.startswith("model_src")]


def test_what_describes_graphs_does_not_count_as_operations_of_the_records(monkeypatch: pytest.MonkeyPatch) -> None:
    from autobuild_pipelines.ingestion import restricted_pickle

    monkeypatch.setattr(restricted_pickle, "MAX_OPERATIONS", 300)
    with classes() as module:
        content = pickle.dumps([graph(module, nodes=200)], 4)
        plain = pickle.dumps([["x"] for _ in range(300)], 4)
    assert len(load_plain_pickle(content, inert=CLASSES)) == 1
    with pytest.raises(IngestError, match="more than 300 operations"):
        load_plain_pickle(plain, inert=CLASSES)
    monkeypatch.setattr(restricted_pickle, "MAX_INERT_OPERATIONS", 1000)
    with pytest.raises(IngestError, match="more than 1000 operations"):
        load_plain_pickle(content, inert=CLASSES)
