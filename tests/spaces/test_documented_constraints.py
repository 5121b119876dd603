"""The example of docs/constraints.md is a space of the size that it says."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from autobuild_pipelines.graphs import FeatureSchema
from autobuild_pipelines.spaces import SearchSpace, summary

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "constraints.md"


def test_the_documented_space_is_read_counted_and_listed(tmp_path: Path) -> None:
    found = re.search(r"```yaml\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    path = tmp_path / "autoencoder.yml"
    path.write_text(found[1], encoding="utf-8")
    space = SearchSpace.from_yaml(path)
    assert space.size == 3 * 3 * 2 == sum(len(block) for block in space.blocks(size=4))
    assert summary(space).startswith("autoencoder: 18 architectures, 15 modules, 3 assignments of base, factor")
    assert [category.name for category in FeatureSchema.of(space).categories] == [
        "layer",
        "side",
        "operation",
        "channels",
    ]
    assert space.contains(space.sample(50, np.random.default_rng(0))).all()
