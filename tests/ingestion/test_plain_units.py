"""Units as people type them into a spreadsheet."""

from __future__ import annotations

import pytest

from autobuild_pipelines.ingestion.records import RecordError, units_of


def test_names_with_spaces_between_layers_and_bars_between_units_are_units() -> None:
    assert units_of({"units": "e4_k3 | e6_k5  e4_k3|e1_k3 "}) == (
        "units",
        [["e4_k3"], ["e6_k5", "e4_k3"], ["e1_k3"]],
    )


def test_json_text_stays_json_text_even_with_bars_in_names() -> None:
    assert units_of({"units": '[["a|b"]]'}) == ("units", [["a|b"]])


def test_other_text_is_refused_as_no_json() -> None:
    with pytest.raises(RecordError, match="is not JSON"):
        units_of({"units": "e4_k3 e6_k5"})
