"""Names of columns and variants in words, numbers as people read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobuild_pipelines.reporting import wording


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("acc_percent", "Accuracy [%]"),
        ("latency_cpu_ms", "CPU latency [ms]"),
        ("macs", "MACs"),
        ("throughput_images_per_s", "Throughput [images/s]"),
        ("s", "S"),
    ],
)
def test_an_axis_title_has_the_unit_of_its_column(name: str, words: str) -> None:
    assert wording.quantity(name) == words


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("layer_full", "Layer-Full"),
        ("layer_insight", "Layer-Insight"),
        ("stage_full", "Stage-Full"),
        ("autobuild_nas", "AutoBuild-NAS"),
        ("autobuild_eq5", "AutoBuild Eq. 5"),
        ("training_set", "Training set"),
        ("built:acc_per_cpu:contextual", "Built acc_per_cpu · contextual"),
        ("mine", "Mine"),
    ],
)
def test_variants_are_spelled_as_the_paper_does(name: str, words: str) -> None:
    assert wording.variant(name) == words


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("constrained", "AutoBuild Constrained"),
        ("embedding_norm_unconstrained", "AutoBuild Unconstrained"),
        ("exhaustive", "Exhaustive Search"),
        ("eq5", "Eq. 5"),
        ("my_own", "My own"),
    ],
)
def test_ways_to_construct_are_called_as_in_the_paper(name: str, words: str) -> None:
    assert wording.method(name) == words


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("latency_gpu_ms", 35.214, "GPU latency 35.21 ms"),
        ("fid", 17.0, "FID 17.00"),
        ("macs", 73847537664.0, "MACs 73.85 G"),
        ("params", 117760259.0, "Parameters 117.8 M"),
        ("acc_percent", 78.2, "Accuracy 78.20 %"),
    ],
)
def test_an_amount_has_its_name_and_its_unit_or_a_prefix(name: str, value: float, words: str) -> None:
    assert wording.amount(name, value) == words


@pytest.mark.parametrize(
    ("count", "text"),
    [(7371, "7,371"), (7371**5, "2.2e19"), (10**10, "1.0e10"), (9_960_000, "1.0e7"), (10**400, "1.0e400")],
)
def test_sizes_of_spaces_are_short(count: int, text: str) -> None:
    assert wording.size(count) == text


@given(st.integers(min_value=1_000_000, max_value=10**300))
def test_a_short_size_is_within_its_last_digit(count: int) -> None:
    assert float(wording.size(count)) == pytest.approx(count, rel=0.051)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1493.2, "1,493"), (24.04, "24.04"), (0.00071, "0.0007100"), (float("nan"), "–"), (-3.5, "-3.500")],
)
def test_numbers_have_four_digits(value: float, text: str) -> None:
    assert wording.number(value) == text


def test_a_deviation_has_the_decimals_of_its_mean() -> None:
    assert wording.spread(1493.2, 4.4) == "1,493 ± 4"
    assert wording.spread(24.04, 0.256) == "24.04 ± 0.26"
    assert wording.spread(24.04, float("nan")) == "24.04"


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("surrogate", "surrogate labels"),
        ("measured", "measured labels"),
        ("predicted", "labels predicted by a released predictor"),
        ("published", "labels as the file gives them"),
    ],
)
def test_a_label_kind_says_where_labels_come_from(kind: str, text: str) -> None:
    assert wording.labels(kind) == text
    assert kind in wording.LABEL_KINDS
