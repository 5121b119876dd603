"""Real files: the published cache format and three measured tables of other spaces."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from autobuild_pipelines.ingestion import IngestError, ingest_records, load_plain_pickle, read_records
from autobuild_pipelines.spaces import SearchSpace

pytestmark = pytest.mark.reference


def _mbv3_units() -> list[dict[str, Any]]:
    return [{"name": f"stage{n}", "layers": [2, 3, 4]} for n in range(1, 6)]


HELP = SearchSpace.from_mapping(
    "help_ofa_mbv3",
    {
        "layer_features": {"expand": {"choices": [3, 4, 6]}, "kernel": {"choices": [3, 5, 7]}},
        "graph_features": {"resolution": {"choices": list(range(128, 225, 4)), "aliases": ["res"]}},
        "units": _mbv3_units(),
    },
)
IMAGENET = SearchSpace.from_mapping(
    "ofa_mbv3_imagenet",
    {
        "layer_features": {"expand": {"choices": [3, 4, 6]}, "kernel": {"choices": [3, 5, 7]}},
        "graph_features": {"resolution": {"choices": [128, 160, 192], "aliases": ["res"]}},
        "units": _mbv3_units(),
    },
)
ACCEL = SearchSpace.from_mapping(
    "accel_nasbench",
    {
        "layer_features": {
            "expand": {"choices": [1, 4, 6]},
            "kernel": {"choices": [3, 5]},
            "se": {"choices": [0, 1]},
        },
        "units": [{"name": f"stage{n}", "layers": [1, 2, 3, 4] if n == 6 else [1, 2, 3]} for n in range(1, 8)],
        "constraints": {"equal_within_unit": {"features": ["expand", "kernel", "se"]}},
    },
)


@pytest.mark.parametrize("name", ["ofa_mbv3", "ofa_pn"])
def test_the_published_caches_are_read_as_pickle_would(
    name: str, reference_dir: Path, request: pytest.FixtureRequest
) -> None:
    space: SearchSpace = request.getfixturevalue(name)
    path = reference_dir / "autobuild" / f"{name}_custom_cache.pkl"
    records = read_records(str(path))
    assert records.records == pickle.loads(path.read_bytes())
    labels = ["acc", "latency_gpu", "latency_cpu", "latency_npu"]
    ingested = ingest_records(space, records, labels=labels)
    assert (len(ingested.architectures), len(ingested.rejected), ingested.collapsed) == (3000, 0, 0)
    assert list(ingested.architectures) == ["architecture_id", "resolution", "units", *labels]
    assert set(ingested.architectures["resolution"]) == {224}
    expected = pd.DataFrame(records.records)[labels]
    pd.testing.assert_frame_equal(ingested.architectures[labels], expected)


def test_a_cache_of_one_space_is_not_one_of_another(reference_dir: Path, ofa_mbv3: SearchSpace) -> None:
    path = str(reference_dir / "autobuild" / "ofa_pn_custom_cache.pkl")
    with pytest.raises(IngestError, match="3000 of 3000 records are rejected"):
        ingest_records(ofa_mbv3, read_records(path), labels=["acc"])


def test_the_released_configurations_are_plain_values(reference_dir: Path) -> None:
    paths = sorted((reference_dir / "autobuild" / "l1_models").glob("*_config.pkl"))
    assert len(paths) == 8
    for path in paths:
        assert load_plain_pickle(path) == pickle.loads(path.read_bytes())


@pytest.mark.parametrize(
    ("folder", "space", "label", "rows", "rejected"),
    [
        ("help_ofa_mbv3_latency", HELP, "lat_2080ti_1", 5000, 0),
        ("ofa_mbv3_imagenet", IMAGENET, "acc", 2610, 0),
        # 13 networks were trained twice, with another accuracy each time (README: 5138 rows, 5125 architectures).
        ("accel_nasbench", ACCEL, "val_top1", 5138, 13),
    ],
)
def test_the_measured_tables_are_read(
    folder: str, space: SearchSpace, label: str, rows: int, rejected: int, reference_dir: Path
) -> None:
    path = str(reference_dir / "tables" / folder / "table.jsonl.gz")
    ingested = ingest_records(space, read_records(path), labels=[label])
    assert (ingested.rows, len(ingested.rejected), ingested.collapsed) == (rows, rejected, 0)
    assert len(ingested.architectures) == rows - rejected
    assert ingested.defaulted == {}


def test_missing_labels_of_a_measured_table_reject_rows_only_where_they_are_required(reference_dir: Path) -> None:
    records = read_records(str(reference_dir / "tables" / "accel_nasbench" / "table.jsonl.gz"))
    optional = ingest_records(ACCEL, records, labels=["val_top1"])
    assert sorted(optional.dropped_labels) == [
        "latency_vck190", "latency_zcu102", "throughput_3090", "throughput_tpuv2", "throughput_tpuv3",
        "throughput_vck190", "throughput_zcu102",
    ]  # fmt: skip
    required = ingest_records(ACCEL, records, labels=["val_top1", "latency_zcu102"])
    assert required.rejected["reason"].eq("label 'latency_zcu102' is missing").sum() == 2
