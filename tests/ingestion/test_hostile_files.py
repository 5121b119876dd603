"""Every hostile or broken file is one clear error that names it, or a rejected row; nothing of it runs."""

from __future__ import annotations

import builtins
import gzip
import io
import json
import os
import pickle
import struct
import subprocess
import zipfile
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from autobuild_pipelines.ingestion import IngestError, ingest_records, read_records
from autobuild_pipelines.spaces import SearchSpace

SIZE_LIMIT = 2**20
UNITS = [["mbconv3_e3_k3"] * 2] * 5
GOOD = {"original config": [224, UNITS], "acc": 0.77}

Build = Callable[[str], bytes]
"""Bytes of a file, given a shell command that creates the canary."""


class _Reduce:
    """Pickles as a call of `function` with `arguments`."""

    def __init__(self, *reduced: Any) -> None:
        self.reduced = reduced

    def __reduce__(self) -> tuple[Any, ...]:
        return self.reduced


def calls(function: Any, *arguments: Any, protocol: int = 4) -> bytes:
    return pickle.dumps([{**GOOD, "acc": _Reduce(function, arguments)}], protocol)


def text_global(module: str, name: str, command: str) -> bytes:
    """Protocol 0: the name in clear text, as written by Python 2."""
    return f"c{module}\n{name}\n(S'{command}'\ntR.".encode()


def stack_global(module: str, name: str, command: str) -> bytes:
    def text(value: str) -> bytes:
        return b"\x8c" + bytes([len(value)]) + value.encode()

    return b"\x80\x04" + text(module) + text(name) + b"\x93" + b"(" + text(command) + b"tR."


def jsonl(*records: Any) -> bytes:
    return "\n".join(json.dumps(record) for record in records).encode()


def parquet(table: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    table.to_parquet(buffer)
    return buffer.getvalue()


def zipped(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


def nested_lists(depth: int) -> bytes:
    return b"\x80\x04" + b"]" * depth + b"a" * (depth - 1) + b"."


def laughs(levels: int) -> bytes:
    """A list of ten references to a list of ten references to ... : 10**levels values in a few hundred bytes."""
    out = b"\x80\x04(]\x94"
    for level in range(levels):
        out += b"](" + b"h" + bytes([level]) + (b"h" + bytes([level])) * 9 + b"e\x94"
    return out + b"t."


class _ExecutedOnLoad:
    def __setstate__(self, state: Any) -> None:
        os.system(state)


GOOD_PICKLE = pickle.dumps([GOOD] * 50)
GOOD_TABLE = pd.DataFrame({"units": [json.dumps(UNITS)], "resolution": [224], "acc": [0.77]})
GOOD_PARQUET = parquet(GOOD_TABLE)

# name: (file name, content, what the error must say beside the file's name)
REFUSED: dict[str, tuple[str, Build, str]] = {
    # pickles that call
    "os.system": ("x.pkl", lambda c: calls(os.system, c), r"(posix|nt)\.system"),
    "os.system protocol 0": ("x.pkl", lambda c: calls(os.system, c, protocol=0), r"(posix|nt)\.system"),
    "os.system under its own name": ("x.pkl", lambda c: text_global("os", "system", c), r"os\.system"),
    "posix.system": ("x.pkl", lambda c: text_global("posix", "system", c), r"posix\.system"),
    "builtins.eval": ("x.pkl", lambda c: calls(eval, f"__import__('os').system({c!r})"), r"builtins\.eval"),
    "builtins.exec": ("x.pkl", lambda c: calls(exec, f"import os; os.system({c!r})"), r"builtins\.exec"),
    "python 2 eval": ("x.pkl", lambda c: text_global("__builtin__", "eval", "1"), r"__builtin__\.eval"),
    "import": ("x.pkl", lambda c: calls(builtins.__import__, "os"), r"builtins\.__import__"),
    "open": ("x.pkl", lambda c: calls(open, c.split()[-1], "w"), r"(io|_io|builtins)\.open"),
    "subprocess.Popen": ("x.pkl", lambda c: calls(subprocess.Popen, c.split()), r"subprocess\.Popen"),
    "subprocess in a config": ("x.pickle", lambda c: calls(subprocess.check_output, c.split()), r"check_output"),
    "stack global": ("x.pkl", lambda c: stack_global("os", "system", c), r"os\.system"),
    "dotted stack global": ("x.pkl", lambda c: stack_global("collections", "OrderedDict.__init__", c), "OrderedDict"),
    "path through numpy": ("x.pkl", lambda c: stack_global("numpy", "f2py.os.system", c), r"numpy\.f2py\.os\.system"),
    "names that are no text": ("x.pkl", lambda c: b"\x80\x04K\x01K\x02\x93.", "a name made of int"),
    "nested reduces": (
        "x.pkl",
        lambda c: calls(OrderedDict, [("a", _Reduce(getattr, (_Reduce(__import__, ("os",)), "system")))]),
        r"builtins\.(getattr|__import__)",
    ),
    "getattr chain": ("x.pkl", lambda c: calls(getattr, [], "__class__"), r"builtins\.getattr"),
    "functools.partial": ("x.pkl", lambda c: pickle.dumps([partial(os.system, c)]), r"functools\.partial"),
    "instance opcode": ("x.pkl", lambda c: f"(S'{c}'\nios\nsystem\n.".encode(), r"os\.system"),
    "object opcode": ("x.pkl", lambda c: f"(cos\nsystem\nS'{c}'\no.".encode(), r"os\.system"),
    "instance of an allowed class": ("x.pkl", lambda c: b"(icollections\nOrderedDict\n.", "an instance of"),
    "new object of an allowed class": ("x.pkl", lambda c: b"\x80\x02ccollections\nOrderedDict\n)\x81.", "NEWOBJ"),
    "own class": ("x.pkl", lambda c: pickle.dumps([_ExecutedOnLoad()]), "_ExecutedOnLoad"),
    "copyreg": ("x.pkl", lambda c: text_global("copyreg", "_reconstructor", c), r"copyreg\._reconstructor"),
    "defaultdict with a factory": ("x.pkl", lambda c: pickle.dumps(defaultdict(list)), r"collections\.defaultdict"),
    "pickle in a pickle": ("x.pkl", lambda c: calls(pickle.loads, calls(os.system, c)), r"_?pickle\.loads"),
    "shutil.rmtree": ("x.pkl", lambda c: text_global("shutil", "rmtree", c.split()[-1]), r"shutil\.rmtree"),
    "torch tensor": ("x.pkl", lambda c: text_global("torch._utils", "_rebuild_tensor_v2", "1"), "_rebuild_tensor_v2"),
    "network graph class": ("x.pkl", lambda c: b"\x80\x02connx_ir.graph\nGraph\n)\x81.", r"onnx_ir\.graph\.Graph"),
    "extension registry": ("x.pkl", lambda c: b"\x80\x02\x82\x01.", "EXT1 1"),
    "extension registry, four bytes": ("x.pkl", lambda c: b"\x80\x02\x84\x01\x00\x00\x00.", "EXT4"),
    "persistent id": ("x.pkl", lambda c: b"Pos.system\n.", "PERSID"),
    "binary persistent id": ("x.pkl", lambda c: b"\x80\x04K\x01Q.", "BINPERSID"),
    "out-of-band buffer": ("x.pkl", lambda c: b"\x80\x05\x97.", "NEXT_BUFFER"),
    "state for a list": ("x.pkl", lambda c: b"\x80\x04]}b.", "attributes for list"),
    "state for an allowed name": ("x.pkl", lambda c: b"\x80\x02ccollections\nOrderedDict\n}b.", "attributes for"),
    "an allowed name as a value": ("x.pkl", lambda c: b"\x80\x02ccollections\nOrderedDict\n.", "as a value"),
    "call of a value": ("x.pkl", lambda c: b"\x80\x04]" + b")R.", "a call of list"),
    # pickles that exhaust
    "numpy object array": ("x.pkl", lambda c: pickle.dumps(np.array([{}, os.system], dtype=object)), "system|object"),
    "numpy object array of numbers": ("x.pkl", lambda c: pickle.dumps(np.array([1, 2], dtype=object)), "object array"),
    "numpy structured array": ("x.pkl", lambda c: pickle.dumps(np.zeros(2, dtype=[("a", "f8")])), "plain number type"),
    "numpy text array": ("x.pkl", lambda c: pickle.dumps(np.array(["a"])), "plain number type"),
    "giant bytearray": ("x.pkl", lambda c: calls(bytearray, 10**12), r"builtins\.bytearray with arguments \(int\)"),
    "giant range": ("x.pkl", lambda c: calls(set, range(10**12)), r"builtins\.range|builtins\.set"),
    "giant numpy array": (
        "x.pkl",
        lambda c: (
            b"\x80\x04cnumpy.core.numeric\n_frombuffer\n(C\x00cnumpy\ndtype\n\x8c\x02f8\x85R"
            b"\x8a\x06\x00\x00\x00\x00\x00\x01\x85\x8c\x01CtR."
        ),
        "shape",
    ),
    "numpy array without end": (
        "x.pkl",
        lambda c: b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85C\x01btR.",
        "lacks its content",
    ),
    "giant memo index": ("x.pkl", lambda c: b"\x80\x02]r\xff\xff\xff\xff0j\xff\xff\xff\xfe.", "unknown value"),
    "unknown memo": ("x.pkl", lambda c: b"\x80\x02h\x07.", "unknown value 7"),
    "length beyond the file": ("x.pkl", lambda c: b"\x80\x04\x8d" + struct.pack("<Q", 2**40) + b"abc.", "expected"),
    "bytes length beyond the address space": ("x.pkl", lambda c: b"\x80\x04\x8e" + b"\xff" * 8 + b".", "bytes"),
    "deep nesting": ("x.pkl", lambda c: nested_lists(100_000), "nested"),
    "deep tuple as a key": ("x.pkl", lambda c: b"\x80\x04})" + b"\x85" * 100_000 + b"K\x01s.", "tuple as a dict"),
    "a list that holds itself": ("x.pkl", lambda c: b"\x80\x04]\x94h\x00a.", "holds itself"),
    "ten billion references": ("x.pkl", lambda c: laughs(10), "more than"),
    "one set built over and over": (
        "x.pkl",
        lambda c: (
            b"\x80\x02cbuiltins\nset\nq\x00(" + b"K\x01" * 1000 + b"lq\x01\x85q\x02" + b"h\x00h\x02R" * 1000 + b"."
        ),
        "over and over",
    ),
    "integers that collide": ("x.pkl", lambda c: pickle.dumps({2**61 * i for i in range(5)}), "member of a set"),
    # pickles that are broken
    "truncated pickle": ("x.pkl", lambda c: GOOD_PICKLE[:-100], "not a complete pickle"),
    "pickle without its end": ("x.pkl", lambda c: GOOD_PICKLE[:-1], "not a complete pickle"),
    "half a header": ("x.pkl", lambda c: b"\x80", "not a complete pickle"),
    "two pickles in one file": ("x.pkl", lambda c: GOOD_PICKLE * 2, "follow its end"),
    "pop from nothing": ("x.pkl", lambda c: b"\x80\x040.", "not a complete pickle"),
    "mark left over": ("x.pkl", lambda c: b"\x80\x04(].", "unfinished"),
    "append to nothing": ("x.pkl", lambda c: b"\x80\x04(K\x01a.", "lacks its operand"),
    "dictionary with a missing value": ("x.pkl", lambda c: b"\x80\x04}(K\x01u.", "lacks its last value"),
    "protocol of the future": ("x.pkl", lambda c: b"\x80\x63N.", "protocol 99"),
    "text named pickle": ("x.pkl", lambda c: b"hello, I am not a pickle\n", "not a complete pickle"),
    "unpaired surrogates": ("x.pkl", lambda c: b"\x80\x04\x8c\x02\xed\xa0.", "not a complete pickle"),
    "pickled dict instead of a list": ("x.pkl", lambda c: pickle.dumps(GOOD), "expected a list of dicts"),
    "empty list": ("x.pkl", lambda c: pickle.dumps([]), "no records"),
    "pickle over the size limit": ("x.pkl", lambda c: pickle.dumps([b"0" * (SIZE_LIMIT + 1)]), "larger than the limit"),
    # wrong magic
    "zip named pickle": ("x.pkl", lambda c: zipped("data.pkl", GOOD_PICKLE), "a zip archive"),
    "gzip named pickle": ("x.pkl", lambda c: gzip.compress(GOOD_PICKLE), "gzip-compressed"),
    "parquet named csv": ("x.csv", lambda c: GOOD_PARQUET, "a Parquet file"),
    "csv named parquet": ("x.parquet", lambda c: GOOD_TABLE.to_csv().encode(), "not a complete Parquet file"),
    "pickle named jsonl": ("x.jsonl", lambda c: GOOD_PICKLE, "not UTF-8|not JSON|zero bytes"),
    "jsonl named gz": ("x.jsonl.gz", lambda c: jsonl(GOOD), "not gzip-compressed"),
    "a web page": ("x.jsonl", lambda c: b"<!DOCTYPE html><html><body>404</body></html>", "a web page"),
    "a git-lfs pointer": ("x.pkl", lambda c: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git-lfs"),
    "a program": ("x.pkl", lambda c: b"\x7fELF\x02\x01\x01", "a program"),
    "no suffix": ("architectures", lambda c: GOOD_PICKLE, "not known by its suffix"),
    "unknown suffix": ("x.xlsx", lambda c: b"1", "not known by its suffix"),
    # empty
    "empty pickle": ("x.pkl", lambda c: b"", "is empty"),
    "empty json": ("x.jsonl", lambda c: b"", "is empty"),
    "blank json": ("x.jsonl", lambda c: b"\n \r\n\n", "no records"),
    "empty csv": ("x.csv", lambda c: b"", "is empty"),
    "csv with a header only": ("x.csv", lambda c: b"units,acc\r\n", "no records"),
    "empty parquet": ("x.parquet", lambda c: parquet(GOOD_TABLE.iloc[:0]), "no records"),
    "gzip of nothing": ("x.jsonl.gz", lambda c: gzip.compress(b""), "is empty"),
    # gzip
    "gzip bomb": ("x.jsonl.gz", lambda c: gzip.compress(b" " * (50 * SIZE_LIMIT)), "larger than the limit"),
    "gzip bomb, pickle": ("x.pkl.gz", lambda c: gzip.compress(pickle.dumps(b"0" * (9 * SIZE_LIMIT))), "larger than"),
    "truncated gzip": ("x.jsonl.gz", lambda c: gzip.compress(jsonl(GOOD))[:-12], "broken or cut off"),
    "gzip with a wrong checksum": ("x.jsonl.gz", lambda c: gzip.compress(jsonl(GOOD))[:-8] + b"\0" * 8, "broken"),
    "gzip with garbage behind": ("x.jsonl.gz", lambda c: gzip.compress(jsonl(GOOD)) + b"garbage", "broken"),
    # json
    "truncated json": ("x.jsonl", lambda c: jsonl(GOOD, GOOD)[:-30], r"line 2: is not JSON \(cut off\?\)"),
    "json with a repeated key": ("x.jsonl", lambda c: b'{"units": [], "acc": 1, "acc": 2}', "'acc' twice"),
    "json with a repeated key inside": ("x.jsonl", lambda c: b'{"units": [[{"k": 3, "k": 5}]]}', "'k' twice"),
    "deep json": ("x.jsonl", lambda c: b"[" * 500_000, "nested too deep"),
    "deep json object": ("x.jsonl", lambda c: b'{"a":' * 200_000, "nested too deep"),
    "an integer of 100,000 digits": ("x.jsonl", lambda c: b'{"acc": ' + b"9" * 100_000 + b"}", "not JSON|integer"),
    "latin-1 json": ("x.jsonl", lambda c: '{"name": "é"}'.encode("latin-1"), "not UTF-8"),
    "utf-16 json": ("x.jsonl", lambda c: json.dumps(GOOD).encode("utf-16"), "not UTF-8"),
    "zero bytes": ("x.jsonl", lambda c: b"\0" * 100, "zero bytes"),
    "single quotes": ("x.jsonl", lambda c: b"{'units': []}", "line 1: is not JSON"),
    # csv
    "csv with an open quote": ("x.csv", lambda c: b'units,acc\r\n"[[1]],0.7\r\n', "quotes"),
    "csv with text behind a quote": ("x.csv", lambda c: b'units,acc\r\n"[[1]]"x,0.7\r\n', "quotes"),
    "csv with a missing cell": ("x.csv", lambda c: b"acc,units,lat\n1,2\n", "line 2: has 2 cells, its header 3"),
    "csv with semicolons": ("x.csv", lambda c: b"units;acc\n[];1\n", "no column 'units'"),
    "csv with a repeated column": ("x.csv", lambda c: b"units,acc,acc\n[],1,1\n", "'acc' twice"),
    "csv with a cell beyond reason": ("x.csv", lambda c: b"units,acc\n" + b"[" * 200_000 + b",1\n", "not CSV"),
    # parquet
    "truncated parquet": ("x.parquet", lambda c: GOOD_PARQUET[:-200], "not a complete Parquet file"),
    "parquet with a broken footer": (
        "x.parquet",
        lambda c: GOOD_PARQUET[:-60] + b"\0" * 52 + GOOD_PARQUET[-8:],
        "is not a readable Parquet file",
    ),
    "parquet with a hole": (
        "x.parquet",
        lambda c: b"PAR1" + b"\xff" * 300 + GOOD_PARQUET[300:],
        "is not a readable Parquet file",
    ),
    "parquet with other columns": ("x.parquet", lambda c: parquet(pd.DataFrame({"a": [1]})), "no column 'units'"),
    "parquet with nested units": ("x.parquet", lambda c: parquet(pd.DataFrame({"units": [UNITS]})), "is nested"),
    "parquet bomb": ("x.parquet", lambda c: parquet(pd.DataFrame({"units": ["0" * 2 * SIZE_LIMIT]})), "larger than"),
}


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    return tmp_path / "canary"


def read_and_ingest(space: SearchSpace, path: Path) -> Any:
    return ingest_records(space, read_records(str(path), size_limit=SIZE_LIMIT), labels=["acc"])


@pytest.mark.parametrize("case", REFUSED)
def test_a_hostile_or_broken_file_is_one_error_and_runs_nothing(
    case: str, tmp_path: Path, canary: Path, ofa_mbv3: SearchSpace
) -> None:
    name, build, reason = REFUSED[case]
    path = tmp_path / "in" / name
    path.parent.mkdir()
    path.write_bytes(build(f"touch {canary}"))
    with pytest.raises(IngestError, match=reason) as caught:
        read_and_ingest(ofa_mbv3, path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    assert len(message) < 1000
    assert not canary.exists()
    assert list(tmp_path.rglob("*")) == [path.parent, path]


def test_the_canary_is_real(tmp_path: Path, canary: Path) -> None:
    pickle.loads(calls(os.system, f"touch {canary}"))
    assert canary.exists()


@pytest.mark.parametrize("name", ["x.pkl", "x.jsonl", "x.csv", "x.parquet"])
def test_a_missing_file_or_a_folder_is_an_error_that_names_it(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    with pytest.raises(IngestError, match=f"{name}: no such file"):
        read_records(str(path))
    path.mkdir()
    with pytest.raises(IngestError, match="is a folder"):
        read_records(str(path))


@pytest.mark.parametrize("name", ["häuser.pkl", "层.pkl", "with space.pkl"])
def test_a_file_may_have_any_name(name: str, tmp_path: Path, ofa_mbv3: SearchSpace) -> None:
    path = tmp_path / name
    path.write_bytes(pickle.dumps([GOOD]))
    assert len(read_and_ingest(ofa_mbv3, path).architectures) == 1


# name: (the bad record, what the reason must say)
BAD_RECORDS: dict[str, tuple[Any, str]] = {
    "unknown block": ({"net": [["mbconv9_e3_k3"] * 2, *UNITS[1:]], "acc": 0.7}, r"unit 1 .* unknown layer 'mbconv9"),
    "block of another space": ({"net": [["mbconv2_e3_k3"] * 2] * 5, "acc": 0.7}, "unknown layer 'mbconv2_e3_k3'"),
    "unit too deep": ({"net": [["mbconv3_e3_k3"] * 5, *UNITS[1:]], "acc": 0.7}, "unit 1 .* has 5 layers, expected 2-4"),
    "unit too shallow": ({"net": [*UNITS[:4], ["mbconv3_e3_k3"]], "acc": 0.7}, "unit 5 .* has 1 layers"),
    "empty unit": ({"net": [[], *UNITS[1:]], "acc": 0.7}, "unit 1 .* has 0 layers"),
    "unit too many": ({"net": [*UNITS, ["mbconv3_e3_k3"]], "acc": 0.7}, "has 6 units, expected 5"),
    "units that are text": ({"net": "mbconv3_e3_k3", "acc": 0.7}, "not JSON"),
    "units that are a number": ({"net": 5, "acc": 0.7}, "expected a list of lists"),
    "units that are a dict": ({"units": {"a": 1}, "acc": 0.7}, "expected a list of lists"),
    "a unit that is text": ({"net": ["mbconv3_e3_k3"] * 5, "acc": 0.7}, "unit 1 .*expected a list of layers"),
    "a layer that is a list": ({"net": [[["x"], ["x"]], *UNITS[1:]], "acc": 0.7}, "expected a layer name or an object"),
    "a layer that is nothing": ({"net": [[None, None], *UNITS[1:]], "acc": 0.7}, "expected a layer name or an object"),
    "a huge number in a layer": (
        {"units": [[{"expand": 10**3000, "kernel": 3}] * 2, *UNITS[1:]], "acc": 0.7},
        "is not one of 3, 4, 6",
    ),
    "a boolean in a layer": ({"units": [[{"expand": True, "kernel": 3}] * 2, *UNITS[1:]], "acc": 0.7}, "not one of"),
    "a list in a layer": ({"units": [[{"expand": [3], "kernel": 3}] * 2, *UNITS[1:]], "acc": 0.7}, "not one of"),
    "a feature too many": ({"units": [[{"expand": 3, "kernel": 3, "se": 1}] * 2, *UNITS[1:]], "acc": 0.7}, "'se'"),
    "unknown resolution": ({"original config": [200, UNITS], "acc": 0.7}, "resolution=200 is not one of 192, 208, 224"),
    "resolution given twice": ({"original config": [192, UNITS], "res": 224, "acc": 0.7}, "is given twice"),
    "resolution that is a list": ({"original config": [[224], UNITS], "acc": 0.7}, "is not one of 192, 208, 224"),
    "config without units": ({"original config": [224], "acc": 0.7}, "is not .resolution, "),
    "config that is a number": ({"original config": 224, "acc": 0.7}, "is not .resolution, "),
    "no units": ({"acc": 0.7}, "has no 'units'"),
    "units that are null": ({"units": None, "acc": 0.7}, "has no 'units'"),
    "label missing": ({"net": UNITS, "lat": 1.0}, "label 'acc' is missing"),
    "label null": ({"net": UNITS, "acc": None}, "label 'acc' is missing"),
    "label NaN": ({"net": UNITS, "acc": float("nan")}, "label 'acc' is nan, expected a finite number"),
    "label infinite": ({"net": UNITS, "acc": float("-inf")}, "label 'acc' is -inf"),
    "label boolean": ({"net": UNITS, "acc": True}, r"label 'acc' is True \(bool\)"),
    "label text": ({"net": UNITS, "acc": "0.7"}, r"label 'acc' is '0.7' \(str\)"),
    "label unicode digits": ({"net": UNITS, "acc": "٠.٧"}, r"\(str\)"),
    "label a formula": ({"net": UNITS, "acc": "=cmd|' /C calc'!A0"}, r"\(str\)"),
    "label a huge integer": ({"net": UNITS, "acc": 10**400}, "too large for a number"),
    "label a list": ({"net": UNITS, "acc": [0.7]}, "label 'acc' is missing"),
    "label given twice": ({"net": UNITS, "acc": 0.7, "labels": {"acc": 0.8}}, "label 'acc' is given twice"),
    "labels that are a list": ({"net": UNITS, "labels": [0.7]}, "'labels' is a list"),
    "label named as a feature": ({"net": UNITS, "labels": {"acc": 0.7, "resolution": 224}}, "cannot be the name"),
    "unknown graph feature": ({"net": UNITS, "graph": {"width": 1.2}, "acc": 0.7}, "unknown graph feature 'width'"),
    "not a mapping": ([1, 2, 3], "expected a mapping"),
    "nothing": (None, "expected a mapping"),
    "a different label for the same architecture": ({"net": UNITS, "acc": 0.5}, "row 1 with a different label"),
}


@pytest.mark.parametrize("form", ["pkl", "jsonl"])
@pytest.mark.parametrize("case", BAD_RECORDS)
def test_a_bad_record_is_rejected_with_its_row_and_reason(
    case: str, form: str, tmp_path: Path, ofa_mbv3: SearchSpace
) -> None:
    record, reason = BAD_RECORDS[case]
    rows = [{"net": UNITS, "acc": 0.77}, record, {"original config": [192, UNITS], "acc": 0.76}]
    path = tmp_path / f"x.{form}"
    path.write_bytes(pickle.dumps(rows) if form == "pkl" else jsonl(*rows))
    records = read_records(str(path))
    ingested = ingest_records(ofa_mbv3, records, labels=["acc"], max_rejected=0.5)
    assert ingested.rejected["row"].tolist() == [2]
    assert len(ingested.architectures) == 2
    assert ingested.rejected["content"].str.len().max() <= 200
    pd.testing.assert_series_equal(
        ingested.rejected["reason"].str.contains(reason, regex=True), pd.Series([True], name="reason")
    )
    with pytest.raises(IngestError, match="1 of 3 records are rejected") as caught:
        ingest_records(ofa_mbv3, records, labels=["acc"])
    assert f"{path} row 2" in str(caught.value)


CELLS = ["nan", "inf", "-Infinity", "1e999", "", "True", "0,7", "1_0", "0x10", "=1+1", "٧", " "]


@pytest.mark.parametrize("cell", CELLS)
def test_a_cell_that_is_no_finite_number_rejects_its_row(cell: str, tmp_path: Path, ofa_mbv3: SearchSpace) -> None:
    table = pd.DataFrame({"units": [json.dumps(UNITS)] * 2, "res": ["192", "224"], "acc": ["0.7", cell]})
    path = tmp_path / "x.csv"
    table.to_csv(path, index=False)
    ingested = ingest_records(ofa_mbv3, read_records(str(path)), labels=["acc"], max_rejected=0.5)
    assert ingested.rejected["row"].tolist() == [2]
    assert ingested.architectures["acc"].tolist() == [0.7]


def test_records_of_two_spaces_stop_with_the_first_five_named(
    tmp_path: Path, ofa_mbv3: SearchSpace, ofa_pn: SearchSpace
) -> None:
    block = "mbconv2_e3_k3"
    foreign = {"original config": [224, [[block] * 2] * 5 + [[block]]], "acc": 0.7}
    path = tmp_path / "mixed.pkl"
    path.write_bytes(pickle.dumps([GOOD, *[foreign] * 7]))
    with pytest.raises(IngestError, match="7 of 8 records are rejected") as caught:
        read_and_ingest(ofa_mbv3, path)
    assert [f"{path} row {row}:" in str(caught.value) for row in range(1, 9)] == [False, *[True] * 5, False, False]
    assert "and 2 more" in str(caught.value)
