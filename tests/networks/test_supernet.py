from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from supernets import random_supernet
from torch import Tensor

from autobuild_pipelines.config import LayeredConfigLoader
from autobuild_pipelines.networks import (
    NetworkDefinition,
    NetworkError,
    Supernet,
    load_supernet,
    read_supernet,
    recalibrate_batch_norm,
    save_supernet,
    splice,
)
from autobuild_pipelines.networks.elastic_layers import shrunk_kernel
from autobuild_pipelines.settings import CONFIG_LOADER_ARGS
from autobuild_pipelines.spaces import Architecture, SearchSpace

CONF = Path(__file__).parents[2] / "conf" / "base"
Family = tuple[SearchSpace, NetworkDefinition]


def sampled(space: SearchSpace, count: int, seed: int = 0) -> list[Architecture]:
    return space.decode(space.sample(count, np.random.default_rng(seed), law="depths"))


def of_one_layer(space: SearchSpace, layer: str, depth: int = -1) -> Architecture:
    return space.architecture([[layer] * unit.depths[depth] for unit in space.units], {"resolution": 224})


@pytest.fixture(params=["ofa_mbv3 w1.2", "ofa_mbv3 w1.0", "ofa_pn w1.3"])
def width(request: pytest.FixtureRequest) -> Family:
    """The three published supernets' spaces and definitions."""
    name, multiplier = request.param.split(" w")
    definition = NetworkDefinition.from_yaml(CONF / "networks" / f"{name}.yml", name)
    return (
        SearchSpace.from_yaml(CONF / "spaces" / f"{name}.yml", name),
        definition.model_copy(update={"width_multiplier": float(multiplier)}),
    )


def test_a_user_chooses_the_narrower_mobilenetv3_by_one_setting(tmp_path: Path) -> None:
    """What conf/base/networks/ofa_mbv3.yml says to write."""
    (tmp_path / "base" / "networks").mkdir(parents=True)
    mine = "ofa_mbv3: {network: {title: OFA-MobileNetV3 w1.0, width_multiplier: 1.0}}\n"
    assert mine in (CONF / "networks" / "ofa_mbv3.yml").read_text()
    (tmp_path / "base" / "networks" / "ofa_mbv3.yml").write_text(mine)
    loader = LayeredConfigLoader(tmp_path, **CONFIG_LOADER_ARGS)
    definition = NetworkDefinition.from_mapping("ofa_mbv3", loader["parameters"]["ofa_mbv3"]["network"])
    assert (definition.width_multiplier, definition.num_classes, len(definition.stages)) == (1.0, 1000, 5)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_spliced_network_computes_what_the_supernet_does_with_it(width: Family, seed: int) -> None:
    space, definition = width
    supernet = random_supernet(space, definition, seed)
    with torch.inference_mode():
        for number, architecture in enumerate(sampled(space, 10, seed)):
            resolution = 224 if number == 0 else 96
            images = torch.randn(2, 3, resolution, resolution, generator=torch.Generator().manual_seed(number))
            wanted = supernet(images, architecture)
            found = splice(supernet, space, definition, architecture)(images)
            assert wanted.std() > 1e-2  # an output that dies out would agree with anything
            torch.testing.assert_close(found, wanted, rtol=0, atol=1e-5)


def test_depth_expansion_and_kernel_all_change_the_output(mbv3: Family) -> None:
    space, definition = mbv3
    supernet, images = random_supernet(space, definition), torch.randn(1, 3, 64, 64)
    layers = [("mbconv3_e6_k7", -1), ("mbconv3_e6_k7", 0), ("mbconv3_e3_k7", -1), ("mbconv3_e6_k5", -1)]
    with torch.inference_mode():
        outputs = [supernet(images, of_one_layer(space, layer, depth)) for layer, depth in layers]
    assert all(not torch.allclose(outputs[0], other, atol=1e-3) for other in outputs[1:])


def test_smaller_kernels_are_the_mapped_centres_of_larger_ones() -> None:
    weight = torch.randn(4, 1, 7, 7)
    matrices = {"7to5_matrix": torch.randn(25, 25), "5to3_matrix": torch.randn(9, 9)}
    five = torch.stack([(matrices["7to5_matrix"] @ w[0, 1:6, 1:6].reshape(25)).view(1, 5, 5) for w in weight])
    three = torch.stack([(matrices["5to3_matrix"] @ w[0, 1:4, 1:4].reshape(9)).view(1, 3, 3) for w in five])
    for kernel, wanted in ((7, weight), (5, five), (3, three)):
        torch.testing.assert_close(shrunk_kernel(weight, matrices, (3, 5, 7), kernel), wanted)


def test_a_spliced_network_shares_no_memory_with_its_supernet(mbv3: Family) -> None:
    space, definition = mbv3
    supernet = random_supernet(space, definition)
    before = {name: tensor.clone() for name, tensor in supernet.state_dict().items()}
    network = splice(supernet, space, definition, of_one_layer(space, "mbconv3_e6_k7"))
    recalibrate_batch_norm(network, [torch.randn(2, 3, 64, 64)])
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
    assert all(torch.equal(tensor, before[name]) for name, tensor in supernet.state_dict().items())


def test_the_state_dict_has_the_names_and_shapes_of_the_public_checkpoints(mbv3: Family) -> None:
    state = Supernet(*mbv3).state_dict()
    # From the public package `ofa` 0.1.0: `OFAMobileNetV3(width_mult=1.2, ...).state_dict()`, its block 5.
    wanted = {
        "inverted_bottleneck.conv.conv.weight": (192, 32, 1, 1),
        "inverted_bottleneck.bn.bn.running_var": (192,),
        "depth_conv.conv.5to3_matrix": (9, 9),
        "depth_conv.conv.7to5_matrix": (25, 25),
        "depth_conv.conv.conv.weight": (192, 1, 7, 7),
        "depth_conv.bn.bn.num_batches_tracked": (),
        "depth_conv.se.fc.reduce.weight": (48, 192, 1, 1),
        "depth_conv.se.fc.expand.bias": (192,),
        "point_linear.conv.conv.weight": (48, 192, 1, 1),
        "point_linear.bn.bn.bias": (48,),
    }
    assert {name: tuple(state[f"blocks.5.conv.{name}"].shape) for name in wanted} == wanted
    assert {"first_conv.bn.weight", "blocks.0.conv.depth_conv.conv.weight", "classifier.linear.bias"} <= set(state)
    assert len(state) == 475


def test_the_supernets_have_the_sizes_of_the_public_packages(width: Family) -> None:
    space, definition = width
    with torch.device("meta"):
        supernet = Supernet(space, definition)
    # The public package `ofa` 0.1.0: parameters of OFAMobileNetV3 and OFAProxylessNASNets at these widths.
    public = {("ofa_mbv3", 1.2): 10_715_752, ("ofa_mbv3", 1.0): 7_678_880, ("ofa_pn", 1.3): 7_956_882}
    assert sum(p.numel() for p in supernet.parameters()) == public[space.name, definition.width_multiplier]


def older_names(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The names of the checkpoints as they were first released."""
    return {
        name.replace(".conv.", ".mobile_inverted_conv.", 1) if name.startswith("blocks.") else name: tensor
        for name, tensor in state.items()
    }


@pytest.mark.parametrize("form", ["plain", "wrapped", "older names", "legacy file", "no counters", "safetensors"])
def test_weights_load_from_every_public_form(mbv3: Family, tmp_path: Path, form: str) -> None:
    supernet = random_supernet(*mbv3)
    state, path = supernet.state_dict(), tmp_path / "ofa_mbv3_d234_e346_k357_w1.2"
    match form:
        case "plain":
            torch.save(state, path)
        case "wrapped":
            torch.save({"state_dict": state, "epoch": 3, "best_acc": 0.8}, path)
        case "older names":
            torch.save({"state_dict": older_names(state)}, path)
        case "legacy file":
            torch.save({"state_dict": state}, path, _use_new_zipfile_serialization=False)
        case "no counters":
            torch.save({name: t for name, t in state.items() if not name.endswith("num_batches_tracked")}, path)
        case "safetensors":
            path = tmp_path / "weights.safetensors"
            save_supernet(supernet, path)
    loaded = load_supernet(path, *mbv3).state_dict()
    assert list(loaded) == list(state)
    assert all(torch.equal(loaded[name], tensor) for name, tensor in state.items())


def test_weights_are_never_written_as_a_pickle(mbv3: Family, tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match=r"weights\.pth: weights are written as \.safetensors only"):
        save_supernet(Supernet(*mbv3), tmp_path / "weights.pth")


class Hostile:
    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (self.command,)


@pytest.mark.parametrize("how", ["torch file", "bare pickle"])
def test_a_hostile_checkpoint_executes_nothing(mbv3: Family, tmp_path: Path, how: str) -> None:
    path, proof = tmp_path / "weights.pth", tmp_path / "executed"
    content = {"state_dict": Hostile(f"touch {proof}")}
    if how == "torch file":
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(content, protocol=2))
    with pytest.raises(NetworkError, match=r"weights\.pth: is not a torch checkpoint of plain tensors; nothing"):
        load_supernet(path, *mbv3)
    assert not proof.exists()


@pytest.mark.parametrize("name", ["weights.pth", "weights.safetensors"])
@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html>", b"PK\x03\x04 cut off", b"\x80\x02}q\x00"])
def test_a_file_that_is_no_checkpoint_is_refused_with_its_path(
    mbv3: Family, tmp_path: Path, name: str, content: bytes
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(NetworkError, match=rf"{name}: is not a "):
        load_supernet(path, *mbv3)


def test_a_missing_file_is_refused_with_its_path(mbv3: Family, tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match=r"weights\.pth: no such file"):
        load_supernet(tmp_path / "weights.pth", *mbv3)


BIAS = "classifier.linear.bias"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (BIAS, None, r"w\.pth: is not a supernet of this space: lacks classifier\.linear\.bias;"),
        ("extra.weight", torch.zeros(1), r"has unexpected extra\.weight"),
        (BIAS, torch.zeros(10), r"classifier\.linear\.bias is \[10\], expected \[1000\]"),
        (BIAS, torch.zeros(1000, dtype=torch.int64), r"classifier\.linear\.bias hold no float"),
        (BIAS, torch.full((1000,), torch.nan), r"classifier\.linear\.bias hold infinite"),
        (BIAS, [0.0] * 1000, r"its entry 'classifier\.linear\.bias' is no tensor"),
    ],
)
def test_weights_that_do_not_fit_are_refused_with_the_key(
    mbv3: Family, tmp_path: Path, name: str, value: object, message: str
) -> None:
    state: dict[str, object] = {**Supernet(*mbv3).state_dict(), name: value}
    torch.save({key: entry for key, entry in state.items() if entry is not None}, tmp_path / "w.pth")
    with pytest.raises(NetworkError, match=message):
        read_supernet(tmp_path / "w.pth", *mbv3)


def test_weights_of_another_width_are_refused_with_a_hint(mbv3: Family, tmp_path: Path) -> None:
    space, definition = mbv3
    narrow = definition.model_copy(update={"width_multiplier": 1.0})
    save_supernet(Supernet(space, narrow), tmp_path / "narrow.safetensors")
    with pytest.raises(NetworkError, match=r"narrow\.safetensors: \d+ tensors have .*width_multiplier is 1\.2"):
        load_supernet(tmp_path / "narrow.safetensors", space, definition)


def test_weights_of_another_space_are_refused(mbv3: Family, ofa_pn: SearchSpace, tmp_path: Path) -> None:
    definition = NetworkDefinition.from_yaml(CONF / "networks" / "ofa_pn.yml", "ofa_pn")
    save_supernet(Supernet(ofa_pn, definition), tmp_path / "pn.safetensors")
    with pytest.raises(NetworkError, match=r"pn\.safetensors: is not a supernet of this space: lacks .* and \d+ more"):
        load_supernet(tmp_path / "pn.safetensors", *mbv3)


def test_an_architecture_of_another_space_cannot_be_spliced(mbv3: Family) -> None:
    space, definition = mbv3
    architecture = sampled(space, 1)[0]
    other = Architecture("elsewhere", architecture.graph, architecture.units)
    with pytest.raises(NetworkError, match="is of space 'elsewhere', not 'ofa_mbv3'"):
        splice(Supernet(space, definition), space, definition, other)


def test_a_restricted_space_splices_from_the_whole_spaces_supernet(mbv3: Family) -> None:
    space, definition = mbv3
    supernet, narrow = random_supernet(space, definition), space.restrict("npu")
    architecture = narrow.decode(narrow.sample(1, np.random.default_rng(0)))[0]
    images = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        wanted = supernet(images, architecture)
        found = splice(supernet, narrow, definition, architecture)(images)
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-5)


def test_recalibration_measures_each_batch_norms_own_inputs(mbv3: Family) -> None:
    """Torch's own running statistics of one batch at momentum 1 are the batch's, with the unbiased variance."""
    space, definition = mbv3
    architecture = sampled(space, 1)[0]
    supernet, images = random_supernet(space, definition), torch.randn(6, 3, 64, 64)
    network, own = (splice(supernet, space, definition, architecture) for _ in range(2))
    recalibrate_batch_norm(network, [images])
    sizes: dict[str, int] = {}
    for name, module in own.named_modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.train()
            module.momentum = 1.0
            module.register_forward_pre_hook(
                lambda _, x, name=name: sizes.update({name: x[0].numel() // x[0].shape[1]})
            )
    with torch.no_grad():
        own(images)
    for name, n in sizes.items():
        found, wanted = network.get_submodule(name), own.get_submodule(name)
        torch.testing.assert_close(found.running_mean, wanted.running_mean, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(found.running_var, wanted.running_var * (n - 1) / n, rtol=1e-4, atol=1e-4)
    assert len(sizes) > 30


def test_recalibration_weighs_batches_by_their_images() -> None:
    network = torch.nn.Sequential(torch.nn.BatchNorm2d(1))
    batches = [torch.tensor([[[[0.0, 2.0]]], [[[0.0, 2.0]]]]), torch.tensor([[[[7.0, 7.0]]]])]
    assert recalibrate_batch_norm(network, batches) == 3
    norm = network[0]
    assert not norm.training
    assert (norm.running_mean.item(), norm.running_var.item()) == pytest.approx(((2 * 1 + 7) / 3, (2 * 1 + 0) / 3))


def test_recalibration_without_images_is_refused() -> None:
    with pytest.raises(ValueError, match="without images"):
        recalibrate_batch_norm(torch.nn.BatchNorm2d(1), [])
