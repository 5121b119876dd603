"""Latency samples in the layout that the block-profiling paper's public loader reads; made by hand after it."""

from __future__ import annotations

from pathlib import Path

import pytest

from autobuild_pipelines.ingestion import IngestError, ingest_records, read_records
from autobuild_pipelines.ingestion.block_profiling import block_profiling_record
from autobuild_pipelines.spaces import SearchSpace

HEADER = "net_id,net_str,device,resolution,lat unit,end-to-end lat"
STAGES = ["mbconv3_e6_k7->mbconv3_e3_k5"] * 4 + ["mbconv3_e6_k7->mbconv3_e4_k3->mbconv3_e3_k3"]


def write(path: Path, *lines: str) -> str:
    path.write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
    return str(path)


def line(
    number: int = 0, net: str = "|".join(STAGES), size: str = "208", unit: str = "us", latency: str = "5250"
) -> str:
    return f"{number},{net},npu,{size},{unit},{latency}"


def test_a_file_becomes_architectures_with_their_latency_in_milliseconds(tmp_path: Path, ofa_mbv3: SearchSpace) -> None:
    path = write(tmp_path / "ofa_mbv3_npu_lat_data.csv", line(), line(1, size="224", latency="6000.5"))
    table = ingest_records(ofa_mbv3, read_records(path), labels=["latency_ms"]).architectures
    assert table["latency_ms"].tolist() == pytest.approx([5.25, 6.0005])
    assert table["resolution"].tolist() == [208, 224]
    assert table["units"].iloc[0].count("kernel") == 11


def test_a_proxylessnas_file_has_six_stages(tmp_path: Path, ofa_pn: SearchSpace) -> None:
    net = "|".join(["mbconv2_e6_k7->mbconv2_e3_k5"] * 5 + ["mbconv2_e6_k3"])
    path = write(tmp_path / "ofa_pn_cpu_lat_data.csv", line(net=net, unit="s", latency="0.125"))
    table = ingest_records(ofa_pn, read_records(path), labels=["latency_ms"]).architectures
    assert table["latency_ms"].tolist() == [125.0]


@pytest.mark.parametrize(("unit", "latency_ms"), [("s", 2000.0), ("ms", 2.0), ("us", 0.002), ("MS", 2.0)])
def test_every_unit_becomes_milliseconds(unit: str, latency_ms: float) -> None:
    cells = ["0", "a->b|c", "gpu", "192", unit, "2"]
    record = block_profiling_record(cells, "file line 2")
    assert record == {"units": [["a", "b"], ["c"]], "resolution": 192, "latency_ms": pytest.approx(latency_ms)}


def test_a_network_of_another_space_is_rejected_by_its_row(tmp_path: Path, ofa_pn: SearchSpace) -> None:
    path = write(tmp_path / "ofa_pn_gpu_lat_data.csv", line(unit="ms"))
    with pytest.raises(IngestError, match=r"ofa_pn_gpu_lat_data\.csv row 1: "):
        ingest_records(ofa_pn, read_records(path), labels=["latency_ms"])


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (line(unit="cycles"), r"line 2: 'lat unit' is 'cycles', expected one of \['s', 'ms', 'us', 'µs'\]"),
        (line(latency="fast"), "line 2: 'end-to-end lat' is 'fast', expected a number"),
        (line(size="big"), "line 2: 'resolution' is 'big', expected a number"),
        ("0,net", "line 2: has 2 cells, its header 6"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, broken: str, message: str) -> None:
    with pytest.raises(IngestError, match=message):
        read_records(write(tmp_path / "ofa_mbv3_npu_lat_data.csv", broken))
