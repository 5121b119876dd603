"""The two Stable Diffusion U-Net spaces (§7.8-7.10), computed from their declarations."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from autobuild_pipelines.spaces import (
    ArchitectureArray,
    ArchitectureError,
    SearchSpace,
    from_table,
    summary,
    to_table,
    unit_table,
)

# Per branch and stage: residual blocks 1-2 or 2-3, in stages 3 and 4 with or without attention.
SHAPES = [2, 2, 4, 4, 4, 4, 2, 2]
# Distinct widths: C_m in stage 1, C_m × multiplier in the others.
FID_WIDTHS = [3, 8, 8, 8, 8, 8, 8, 3]
HARDWARE_WIDTHS = [1, 2, 3, 4, 4, 3, 2, 1]


def unet(multipliers: tuple[int, int, int] = (2, 3, 4), base: int = 256) -> list[list[str]]:
    """The smallest U-Net with all attention blocks, as layer names."""
    one, (two, three, four) = base, (base * m for m in multipliers)
    names = [
        f"residual downsample {one}", f"residual downsample {two}", f"residual attention downsample {three}",
        f"residual attention {four}", f"residual attention residual {four}",
        f"residual attention residual attention upsample {four}",
        f"residual attention residual attention upsample {three}",
        f"residual residual upsample {two}", f"residual residual {one}",
    ]  # fmt: skip
    return [[f"{operation}_{text.split()[-1]}" for operation in text.split()[:-1]] for text in names]


def test_sizes_and_modules_are_those_of_the_paper(sd_fid: SearchSpace, sd_hardware: SearchSpace) -> None:
    assert sd_fid.size == 3 * 4**3 * 4096 == 786_432  # "~800k", §7.9
    assert sd_hardware.size == 1 * 2 * 3 * 4 * 4096 == 98_304  # "~100k", §7.10
    for space, widths in ((sd_fid, FID_WIDTHS), (sd_hardware, HARDWARE_WIDTHS)):
        expected = [shapes * count for shapes, count in zip(SHAPES, widths, strict=True)]
        assert [unit.count() for unit in space.ranking_units] == expected
        assert space.module_count == sum(expected)


def test_the_hardware_space_is_the_part_of_the_other_with_the_originals_channels(
    sd_fid: SearchSpace, sd_hardware: SearchSpace
) -> None:
    units = [item.unit_objects() for item in sd_hardware.decode(sd_hardware.sample(100, np.random.default_rng(0)))]
    assert sd_fid.contains(sd_fid.encode(sd_fid.architecture(item) for item in units)).all()
    widest = unet()
    sd_hardware.architecture(widest)  # multipliers 1-4: the original's channels
    with pytest.raises(ArchitectureError, match="is not allowed in this unit"):
        sd_hardware.architecture(unet((3, 3, 4)))


def test_all_architectures_are_distinct_and_of_the_space(sd_fid: SearchSpace) -> None:
    seen: set[bytes] = set()
    for block in sd_fid.blocks():
        assert sd_fid.contains(block).all()
        seen.update(block.keys())
    assert len(seen) == sd_fid.size


def test_every_architecture_has_one_base_and_the_same_multipliers_in_both_branches(sd_fid: SearchSpace) -> None:
    for item in sd_fid.decode(sd_fid.sample(300, np.random.default_rng(0))):
        channels = [{dict(layer)["channels"] for layer in unit} for unit in item.units]
        assert all(len(widths) == 1 for widths in channels)
        one, two, three, four, middle, *output = (int(str(widths.pop())) for widths in channels)
        assert output == [four, three, two, one]
        assert middle == four
        assert one in (128, 192, 256)
        assert {width / one for width in (two, three, four)} <= {1, 2, 3, 4}


def test_stages_have_the_blocks_of_section_7_8(sd_fid: SearchSpace) -> None:
    for item in sd_fid.decode(sd_fid.sample(300, np.random.default_rng(1))):
        for number, unit in enumerate(item.units, start=1):
            operations = [str(dict(layer)["operation"]) for layer in unit]
            stage = number if number < 5 else 10 - number
            residuals, attentions = operations.count("residual"), operations.count("attention")
            if number == 5:
                assert operations == ["residual", "attention", "residual"]
                continue
            assert residuals in ((1, 2) if number < 5 else (2, 3))
            assert attentions in ((0, residuals) if stage > 2 else (0,))
            assert ("downsample" in operations, "upsample" in operations) == (number < 4, 5 < number < 9)
            if number not in (4, 9):
                assert operations[-1] in ("downsample", "upsample")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({8: ["residual_128"] * 2}, r"unit 9 \(output1\): channels=128 does not go with .* leave channels=256"),
        ({7: ["residual_256"] * 2 + ["upsample_256"]}, r"unit 8 \(output2\): channels=256 .* leave channels=512"),
        (
            {4: ["residual_512", "attention_512", "residual_512"]},
            r"unit 5 \(middle\): channels=512 does not go with the units before it, which leave channels=1024 "
            r"\(channels is base × multiplier_4\)",
        ),
        ({0: ["residual_384", "downsample_384"]}, r"unit 1 \(input1\) layer 1: residual_384 is not allowed"),
        ({0: ["residual_128", "downsample_256"]}, r"its layers must agree in \['channels'\]"),
        (
            {0: ["downsample_256", "residual_256"]},
            r"operation is \['downsample', 'residual'\], expected \['residual', 'do",
        ),
        ({2: ["residual_768", "attention_768", "residual_768", "downsample_768"]}, "has 4 layers, expected 2, 3, 5"),
        (
            {0: [{"operation": "residual", "channels": 256, "section": "output"}] * 2},
            "section='output' is not one of input",
        ),
    ],
)
def test_a_network_that_could_not_run_is_refused_with_unit_and_reason(
    sd_fid: SearchSpace, change: dict[int, Any], message: str
) -> None:
    units: list[Any] = unet()
    for number, layers in change.items():
        units[number] = layers
    with pytest.raises(ArchitectureError, match=message):
        sd_fid.architecture(units)


def test_names_and_objects_that_repeat_section_and_stage_give_the_same_id(sd_fid: SearchSpace) -> None:
    units: list[Any] = unet()
    units[0] = [
        {"channels": 256.0, "operation": operation, "section": "input", "stage": 1}
        for operation in ("residual", "downsample")
    ]
    item = sd_fid.architecture(units)
    assert item.id == sd_fid.architecture(unet()).id
    assert json.loads(item.canonical_json)["units"][0][0] == {"channels": 256, "operation": "residual"}


def test_a_table_of_unets_is_reversible(sd_fid: SearchSpace) -> None:
    array = sd_fid.sample(50, np.random.default_rng(0))
    table = to_table(sd_fid, array, {"fid": np.linspace(10, 20, 50)})
    assert list(table.columns) == ["architecture_id", "units", "fid"]
    np.testing.assert_array_equal(from_table(sd_fid, table).layers, array.layers)


def test_a_module_is_its_graph_whichever_factors_give_its_channels(sd_fid: SearchSpace) -> None:
    unit = sd_fid.ranking_units[1]
    narrow, wide = (sd_fid.architecture(unet((m, 1, 1), base)) for base, m in ((128, 2), (256, 1)))
    modules = sd_fid.encode([narrow, wide]).layers[:, unit.columns]
    np.testing.assert_array_equal(modules[0], modules[1])
    assert narrow.id != wide.id


def test_the_middle_stage_is_filled_in_from_stage_4(sd_fid: SearchSpace) -> None:
    array = sd_fid.sample(200, np.random.default_rng(0))
    searched = [array.layers[:, unit.columns] for unit in sd_fid.ranking_units]
    np.testing.assert_array_equal(sd_fid.assemble(searched), array.layers)
    assert [unit.name for unit in sd_fid.units if not unit.searched] == ["middle"]


def test_every_assignment_is_drawn_equally_often(sd_fid: SearchSpace) -> None:
    # Each of the 192 has 4,096 architectures.
    assert set(sd_fid.assignments.sizes) == {4096}
    array = sd_fid.sample(192_000, np.random.default_rng(0))
    counts = np.bincount(sd_fid.assignments.of(array.layers), minlength=192)
    assert np.abs(counts / 1000 - 1).max() < 0.16  # five standard deviations


def test_sizes_and_modules_per_unit_can_be_printed(sd_fid: SearchSpace) -> None:
    text = summary(sd_fid)
    assert text.splitlines()[0] == (
        "sd_fid: 786,432 architectures, 172 modules, 192 assignments of base, multiplier_2, multiplier_3, multiplier_4"
    )
    assert len(text.splitlines()) == 2 + 9
    table = unit_table(sd_fid)
    assert table["name"].tolist()[3:6] == ["input4", "middle", "output4"]
    assert table["unit"].isna().tolist() == [False] * 4 + [True] + [False] * 4
    assert table["layers"].tolist()[2] == "2, 3, 5"


def test_an_architecture_of_the_product_is_found_by_its_number(sd_hardware: SearchSpace) -> None:
    numbers = np.asarray([0, 98_303, 5])
    array = sd_hardware.enumeration.architectures(numbers)
    blocks = ArchitectureArray.concat(sd_hardware.blocks(size=50_000))
    np.testing.assert_array_equal(array.layers, blocks.layers[numbers])
