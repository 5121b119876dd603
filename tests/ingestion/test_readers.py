"""One architecture, written in every form, is read as the same architecture."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pandas as pd
import pytest

from autobuild_pipelines.ingestion import ingest_records, read_records
from autobuild_pipelines.spaces import SearchSpace, to_table

Writer = Callable[[pd.DataFrame], bytes]


def _objects(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {
            "id": row["architecture_id"],
            "units": json.loads(row["units"]),
            "graph": {"resolution": row["resolution"]},
            "labels": {"acc": row["acc"], "lat": row["lat"]},
        }
        for row in table.to_dict("records")
    ]


def _cache(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {
            "original config": [
                row["resolution"],
                [[f"mbconv3_e{x['expand']}_k{x['kernel']}" for x in unit] for unit in json.loads(row["units"])],
            ],
            "acc": row["acc"],
            "lat": row["lat"],
        }
        for row in table.to_dict("records")
    ]


def _lines(records: list[dict[str, Any]], end: str = "\n") -> bytes:
    return end.join(json.dumps(record) for record in records).encode()


def _parquet(table: pd.DataFrame, **options: Any) -> bytes:
    buffer = io.BytesIO()
    table.to_parquet(buffer, **options)
    return buffer.getvalue()


def _res_in_layers(table: pd.DataFrame) -> list[dict[str, Any]]:
    records = _objects(table)
    for record in records:
        resolution = record.pop("graph")["resolution"]
        record["units"] = [[{**layer, "res": resolution} for layer in unit] for unit in record["units"]]
    return records


FORMS: dict[str, tuple[str, Writer]] = {
    "published cache": ("x.pkl", lambda t: pickle.dumps(_cache(t))),
    "published cache, protocol 2": ("x.pickle", lambda t: pickle.dumps(_cache(t), 2)),
    "cache with numpy labels": (
        "x.pkl",
        lambda t: pickle.dumps([{**r, "acc": np.float64(r["acc"]), "lat": np.array(r["lat"])} for r in _cache(t)]),
    ),
    "compressed cache": ("x.pkl.gz", lambda t: gzip.compress(pickle.dumps(_cache(t)))),
    "json lines": ("x.jsonl", lambda t: _lines(_objects(t))),
    "json lines from Windows": ("x.jsonl", lambda t: b"\xef\xbb\xbf" + _lines(_objects(t), "\r\n\r\n") + b"\r\n"),
    "compressed json lines": ("x.jsonl.gz", lambda t: gzip.compress(_lines(_objects(t)))),
    "json lines named .json.gz": ("x.json.gz", lambda t: gzip.compress(_lines(_objects(t)))),
    "one json array": ("x.json", lambda t: json.dumps(_objects(t), indent=2).encode()),
    "resolution in every layer": ("x.jsonl", lambda t: _lines(_res_in_layers(t))),
    "labels beside units": ("x.jsonl", lambda t: _lines(json.loads(t.to_json(orient="records", double_precision=15)))),
    "parquet": ("x.parquet", lambda t: _parquet(t, index=False)),
    "parquet with an index": ("x.parquet", lambda t: _parquet(t.set_index(pd.Index(range(1, len(t) + 1))))),
    "parquet of categories": ("x.parquet", lambda t: _parquet(t.astype({"units": "category"}), row_group_size=7)),
    "csv": ("x.csv", lambda t: t.to_csv(index=False).encode()),
    "csv with an index": ("x.csv", lambda t: t.to_csv().encode()),
    "csv from Windows": ("X.CSV", lambda t: b"\xef\xbb\xbf" + t.to_csv(index=False, lineterminator="\r\n").encode()),
    "compressed csv": ("x.csv.gz", lambda t: gzip.compress(t.to_csv(index=False).encode())),
}


@pytest.fixture(scope="module")
def table(ofa_mbv3: SearchSpace) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    labels = {"acc": rng.random(20).round(4), "lat": rng.random(20).round(4)}
    return to_table(ofa_mbv3, ofa_mbv3.sample(20, rng), labels)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_table(form: str, table: pd.DataFrame, tmp_path: Path, ofa_mbv3: SearchSpace) -> None:
    name, write = FORMS[form]
    path = tmp_path / name
    path.write_bytes(write(table))
    records = read_records(str(path))
    assert records.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    ingested = ingest_records(ofa_mbv3, records)
    pd.testing.assert_frame_equal(ingested.architectures, table)
    assert ingested.rejected.empty
    assert ingested.defaulted == {}


def test_any_fsspec_path_is_read(table: pd.DataFrame, ofa_mbv3: SearchSpace) -> None:
    path = "memory://datasets/somebody/Data/x.parquet"
    fsspec.filesystem("memory").pipe(path, _parquet(table))
    ingested = ingest_records(ofa_mbv3, read_records(path))
    assert ingested.source == path
    pd.testing.assert_frame_equal(ingested.architectures, table)


def test_line_separators_inside_json_text_do_not_end_a_line(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps({"units": [], "name": "a\u2028b\x85c"}, ensure_ascii=False), encoding="utf-8")
    assert read_records(str(path)).records == [{"units": [], "name": "a\u2028b\x85c"}]


def test_csv_cells_are_numbers_only_when_they_are_plain_numbers(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("units,a,b,c,d,e,f\n[],1,-2.5e3, .5 ,1_0,true,\n")
    assert read_records(str(path)).records == [
        {"units": "[]", "a": 1, "b": -2500.0, "c": 0.5, "d": "1_0", "e": "true", "f": None}
    ]
