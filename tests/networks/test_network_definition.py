from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from autobuild_pipelines.networks import NetworkDefinition, NetworkError, make_divisible
from autobuild_pipelines.spaces import SearchSpace

NETWORKS = Path(__file__).parents[2] / "conf" / "base" / "networks"
Family = tuple[SearchSpace, NetworkDefinition]


@pytest.fixture
def content() -> dict[str, Any]:
    mapping: dict[str, Any] = yaml.safe_load((NETWORKS / "ofa_mbv3.yml").read_text())["ofa_mbv3"]["network"]
    return mapping


def test_make_divisible_rounds_to_the_multiple_but_never_ten_percent_below() -> None:
    # 19.2 rounds to 16, which is more than 10 % below, hence 24.
    assert [make_divisible(w, 8) for w in (3, 19.2, 28.8, 134.4, 249.6)] == [8, 24, 32, 136, 248]


def test_ofa_mobilenetv3_at_width_1_2_has_the_published_channels() -> None:
    definition = NetworkDefinition.from_yaml(NETWORKS / "ofa_mbv3.yml", "ofa_mbv3")
    assert [definition.channels(s.width) for s in definition.stages] == [32, 48, 96, 136, 192]
    assert definition.channels(definition.stem.width) == 24


def test_ofa_proxylessnas_at_width_1_3_has_the_published_channels() -> None:
    definition = NetworkDefinition.from_yaml(NETWORKS / "ofa_pn.yml", "ofa_pn")
    assert [definition.channels(s.width) for s in definition.stages] == [32, 56, 104, 128, 248, 416]
    assert definition.channels(definition.head.before_pooling[-1].width) == 1664


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"stages": []}, "stages"),
        ({"stages": [{"width": 24, "stride": 2, "activation": "gelu"}]}, r"stages\.0\.activation"),
        ({"stages": [{"width": 0, "stride": 2, "activation": "relu"}]}, r"stages\.0\.width"),
        ({"width_multiplier": -1.0}, "width_multiplier"),
        ({"width_multiplier": "1.2"}, "width_multiplier"),
        ({"colour": "red"}, "colour: unknown key"),
        ({"stem": {"width": 16}}, r"stem\.activation"),
        ({"stem": {"width": 16, "kernel": 4, "activation": "relu"}}, r"stem\.kernel: must be odd"),
        (
            {"head": {"before_pooling": [{"name": "blocks", "width": 8, "activation": "relu"}]}},
            "head: the name 'blocks'",
        ),
    ],
)
def test_a_wrong_definition_is_refused_with_the_key(content: dict[str, Any], change: dict[str, Any], key: str) -> None:
    with pytest.raises(NetworkError, match=key):
        NetworkDefinition.from_mapping("mine", {**content, **change})


def test_a_definition_that_is_no_mapping_is_refused() -> None:
    with pytest.raises(NetworkError, match="expected a mapping"):
        NetworkDefinition.from_mapping("mine", ["stages"])


def test_a_file_without_the_network_is_refused_with_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.yml"
    path.write_text("mine: {space: {}}\n")
    with pytest.raises(NetworkError, match=r"mine\.yml.*no key 'network'"):
        NetworkDefinition.from_yaml(path, "mine")
    with pytest.raises(NetworkError, match="no space 'other'"):
        NetworkDefinition.from_yaml(path, "other")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"features": {"kernel": "size"}}, r"features\.kernel: 'size' is not a searched layer feature"),
        ({"features": {"resolution": "pixels"}}, r"features\.resolution: 'pixels' is not a graph feature"),
        ({"stages": [{"width": 8, "stride": 1, "activation": "relu"}]}, "has 1 entries, the space has 5 units"),
    ],
)
def test_a_definition_that_does_not_fit_the_space_is_refused(
    mbv3: Family, content: dict[str, Any], change: dict[str, Any], reason: str
) -> None:
    definition = NetworkDefinition.from_mapping("ofa_mbv3", {**content, **change})
    with pytest.raises(NetworkError, match=reason):
        definition.check_fits(mbv3[0])
