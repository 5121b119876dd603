"""FID of inpainted images, end to end on a CPU: a tiny U-Net, a tiny VQ-GAN, a tiny feature network, a few images."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn

from autobuild_pipelines.diffusion import DiffusionError
from autobuild_pipelines.evaluators import EvaluationError, EvaluationLedger, EvaluatorSources, make_evaluators
from autobuild_pipelines.evaluators.fid import FidEvaluator
from autobuild_pipelines.evaluators.fid_features import Features, frechet_distance, read_features
from autobuild_pipelines.evaluators.fid_settings import FidSettings, OriginalSettings
from autobuild_pipelines.networks import NetworkError
from autobuild_pipelines.networks.unet import InpaintingUNet
from autobuild_pipelines.networks.unet_definition import UNetDefinition
from autobuild_pipelines.spaces import Architecture, SearchSpace

diffusers = pytest.importorskip("diffusers")
pytest.importorskip("torchmetrics")

SIZE = 32
NETWORK: dict[str, Any] = {"family": "unet", "groups": 2, "heads": 2, "latent_size": 8}
DEFINITION = UNetDefinition.from_mapping("pairs", NETWORK)
ORIGINAL = {
    "channels": [4, 8],
    "input_residuals": [2, 2],
    "output_residuals": [3, 3],
    "input_attention": [False, True],
    "output_attention": [False, True],
}
SPACE = SearchSpace.from_mapping(
    "pairs",
    {
        "layer_features": {
            "operation": {"choices": ["residual", "attention", "downsample", "upsample"]},
            "channels": {"choices": [4, 8, 16]},
        },
        "units": [{"name": name, "layers": list(range(1, 6))} for name in ("input1", "input2", "output2", "output1")],
    },
)


class Colours(nn.Module):
    """Features of an image: its means and deviations of colour, in quarters."""

    def forward(self, images: Tensor) -> Tensor:
        x = images.float() / 255
        means = nn.functional.adaptive_avg_pool2d(x, 2).flatten(1)
        squares = nn.functional.adaptive_avg_pool2d(x * x, 2).flatten(1)
        return torch.cat([means, squares - means * means], dim=1)


class Inception(Colours):
    """Gives features only when it is asked for them, as NVIDIA's network does."""

    def forward(self, images: Tensor, return_features: bool = False) -> Tensor:
        x = images.float().mean(dim=(2, 3))
        return x if return_features else x.sum()


def architecture(second: int = 8, *, output: int = 3) -> Architecture:
    """Of the space: `second` channels in stage 2, `output` residual blocks in the second output stage."""
    stages = [
        (4, ["residual", "residual", "downsample"]),
        (second, ["residual", "attention"] * 2),
        (second, ["residual"] * output + ["upsample"]),
        (4, ["residual"] * 3),
    ]
    return SPACE.architecture([[{"operation": o, "channels": c} for o in operations] for c, operations in stages])


def write_images(folder: Path, count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    for number in range(count):
        blocks = rng.integers(0, 256, size=(4, 4, 3), dtype=np.uint8)
        Image.fromarray(blocks).resize((40, 36), Image.Resampling.BICUBIC).save(folder / f"{number:02d}.png")


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images, an original U-Net of random weights, a VQ-GAN and a feature network."""
    root = tmp_path_factory.mktemp("fid")
    write_images(root / "train" / "abbey", 6, seed=0)
    write_images(root / "val", 6, seed=1)
    torch.manual_seed(0)
    unet = InpaintingUNet(DEFINITION, OriginalSettings.model_validate(ORIGINAL).architecture)
    save_file(unet.state_dict(), str(root / "unet.safetensors"))
    diffusers.VQModel(
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        block_out_channels=(4, 4, 8),
        norm_num_groups=2,
        num_vq_embeddings=32,
    ).save_pretrained(root / "encoder")
    torch.jit.script(Colours()).save(str(root / "features.pt"))
    return root


def paths(data: Path) -> dict[str, Any]:
    return {
        "weights": str(data / "unet.safetensors"),
        "encoder": str(data / "encoder"),
        "features": str(data / "features.pt"),
        "train_images": str(data / "train"),
        "val_images": str(data / "val"),
        "original": ORIGINAL,
        "image_size": SIZE,
        "fine_tuning": {"steps": 3, "batch": 2, "checkpoint_every": 2},
        "sampling": {"steps": 2, "batch": 4},
        "device": "cpu",
    }


def evaluator(data: Path, **changes: Any) -> FidEvaluator:
    return FidEvaluator(SPACE, DEFINITION, FidSettings.from_mapping({**paths(data), **changes}), progress=False)


def test_parameters_make_it_an_evaluator_whose_results_the_ledger_keeps(data: Path, tmp_path: Path) -> None:
    array = SPACE.encode([architecture(), architecture(4, output=2)])
    settings = {"fid": {"type": "fid", **paths(data)}}
    with EvaluationLedger(f"sqlite:///{tmp_path}/evaluations.sqlite") as ledger:
        sources = EvaluatorSources(SPACE, network=NETWORK, fan_out={"backend": "sequential"}, ledger=ledger)
        first = make_evaluators(settings, sources).evaluate(array)
        again = make_evaluators(settings, sources).evaluate(array)
    assert np.isfinite(first["fid"]).all()
    assert (first["fid"] > 0).all()
    assert first["fid"].nunique() == 2
    pd.testing.assert_frame_equal(first, again)


def test_the_result_depends_on_settings_and_data_only(data: Path) -> None:
    one = evaluator(data).evaluate(architecture())
    torch.rand(7)
    assert cloudpickle.loads(cloudpickle.dumps(evaluator(data))).evaluate(architecture()) == one
    assert evaluator(data, sampling={"steps": 2, "batch": 3}).evaluate(architecture())["fid"] == pytest.approx(
        one["fid"], rel=1e-3
    )
    assert evaluator(data, seed=1).evaluate(architecture()) != one


def test_an_interrupted_evaluation_goes_on_and_a_finished_one_does_not_train_again(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from autobuild_pipelines.diffusion import fine_tuning

    one = evaluator(data).evaluate(architecture())
    update = fine_tuning._Run.update
    steps: list[int] = []

    def twice(self: Any, step: int, images: Tensor, masks: Tensor) -> None:
        steps.append(step)
        if steps == [0, 1, 2]:
            raise RuntimeError("out of time")
        update(self, step, images, masks)

    monkeypatch.setattr(fine_tuning._Run, "update", twice)
    kept = evaluator(data, checkpoints=str(tmp_path))
    with pytest.raises(RuntimeError, match="out of time"):
        kept.evaluate(architecture())
    assert kept.evaluate(architecture()) == one
    assert kept.evaluate(architecture()) == one
    assert steps == [0, 1, 2, 2]
    (folder,) = tmp_path.iterdir()
    assert folder.name.startswith(architecture().id)
    assert [file.name for file in folder.iterdir()] == ["averaged.safetensors"]


def test_other_settings_have_other_checkpoints(data: Path, tmp_path: Path) -> None:
    evaluator(data, checkpoints=str(tmp_path)).evaluate(architecture())
    evaluator(data, checkpoints=str(tmp_path), seed=1).evaluate(architecture())
    evaluator(data, checkpoints=str(tmp_path), workers=1).evaluate(architecture())
    assert len(list(tmp_path.iterdir())) == 2


def test_wider_architectures_are_refused_or_start_from_initial_weights(data: Path) -> None:
    with pytest.raises(NetworkError, match="nowhere wider or deeper than the original"):
        evaluator(data).evaluate(architecture(16))
    assert evaluator(data, wider="keep").evaluate(architecture(16))["fid"] > 0


def test_masks_of_a_folder_are_used(data: Path, tmp_path: Path) -> None:
    for file in sorted((data / "val").iterdir()):
        pixels = np.zeros((SIZE, SIZE), dtype=np.uint8)
        pixels[:4] = 255
        Image.fromarray(pixels).save(tmp_path / file.name)
    own = evaluator(data, val_masks=str(tmp_path))
    assert own.settings()["own_masks"]
    assert own.evaluate(architecture())["fid"] < evaluator(data).evaluate(architecture())["fid"]


def test_images_that_are_left_as_they_are_have_a_distance_of_zero(data: Path) -> None:
    images = [torch.randint(0, 256, (4, 3, SIZE, SIZE), dtype=torch.uint8) for _ in range(3)]
    features = read_features(data / "features.pt", SIZE)
    assert frechet_distance(features, [(batch, batch) for batch in images]) == pytest.approx(0, abs=1e-4)


def test_the_distance_is_that_of_two_normal_distributions() -> None:
    # Dowson and Landau 1982: |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)), in one dimension (m1 - m2)^2 + (s1 - s2)^2.
    class Grey(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return images.float().mean(dim=(1, 2, 3))[:, None]

    real, made_up = (torch.randint(0, top, (50, 3, 4, 4), dtype=torch.uint8) for top in (256, 100))
    features = Features(torch.jit.script(Grey()), 4)
    a, b = (features(x).double().flatten() for x in (real, made_up))
    wanted = float((a.mean() - b.mean()) ** 2 + (a.std() - b.std()) ** 2)
    pairs = [(real[:20], made_up[:20]), (real[20:], made_up[20:])]
    assert frechet_distance(features, pairs) == pytest.approx(wanted, rel=1e-4)


def test_a_network_that_gives_features_on_demand_is_asked_for_them(tmp_path: Path) -> None:
    torch.jit.script(Inception()).save(str(tmp_path / "inception.pt"))
    assert read_features(tmp_path / "inception.pt", SIZE).num_features == 3


def test_settings_are_json_without_paths_and_the_hash_follows_the_data(data: Path, tmp_path: Path) -> None:
    settings = evaluator(data).settings()
    assert str(data) not in repr(settings)
    assert settings["fine_tuning"]["steps"] == 3
    assert settings["fine_tuning"]["mixed_precision"] is False  # on a CPU it has no effect
    assert settings["network"]["groups"] == 2
    write_images(tmp_path / "val", 6, seed=7)
    assert evaluator(data).data_hash() == evaluator(data).data_hash()
    assert evaluator(data).data_hash() != evaluator(data, val_images=str(tmp_path / "val")).data_hash()


def test_all_that_is_missing_is_named_with_where_to_get_it(data: Path) -> None:
    with pytest.raises(EvaluationError) as refusal:
        evaluator(data, weights="no/unet.ckpt", encoder="no/vqgan", features="no/inception.pt", val_images="no/val")
    for text in ("weights: no/unet.ckpt: no such file", "encoder: no/vqgan: no such folder",
                 "features: no/inception.pt: no such file", "val_images: no/val: no such folder",
                 "Places365", "inception-2015-12-05.pt"):  # fmt: skip
        assert text in str(refusal.value)


def test_what_does_not_fit_is_refused_before_anything_is_trained(data: Path, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"unet.safetensors: the original's weights have unexpected down_blo"):
        evaluator(data, original={**ORIGINAL, "channels": [4, 4]})
    four = DEFINITION.model_copy(update={"latent_channels": 4})
    torch.manual_seed(0)
    unet = InpaintingUNet(four, OriginalSettings.model_validate(ORIGINAL).architecture)
    save_file(unet.state_dict(), str(tmp_path / "four.safetensors"))
    settings = FidSettings.from_mapping({**paths(data), "weights": str(tmp_path / "four.safetensors")})
    with pytest.raises(EvaluationError, match="its latents have 3 channels, the network's definition has latent_chann"):
        FidEvaluator(SPACE, four, settings)
    (tmp_path / "features.pt").write_bytes(b"no network")
    with pytest.raises(EvaluationError, match=r"features.pt: is not a readable TorchScript file"):
        evaluator(data, features=str(tmp_path / "features.pt"))
    torch.jit.script(nn.Flatten(0)).save(str(tmp_path / "flat.pt"))
    with pytest.raises(EvaluationError, match=r"flat.pt: gives features of shape \[6144\] for 2 images"):
        evaluator(data, features=str(tmp_path / "flat.pt"))
    with pytest.raises(EvaluationError, match=r"fine_tuning.step: unknown key"):
        evaluator(data, fine_tuning={"step": 3})
    with pytest.raises(EvaluationError, match="device 'cuda:9' is not there"):
        evaluator(data, device="cuda:9")


def test_a_fine_tuning_that_diverges_is_an_error(data: Path) -> None:
    with pytest.raises(DiffusionError, match="the loss of step"):
        evaluator(data, fine_tuning={"steps": 30, "batch": 2, "learning_rate": 1e30}).evaluate(architecture())


def test_only_u_nets_have_it() -> None:
    network = {"stem": {"width": 8, "activation": "relu"}, "first_block": {"width": 8, "activation": "relu"},
               "stages": [{"width": 8, "stride": 2, "activation": "relu"}]}  # fmt: skip
    keys = dict.fromkeys(("weights", "encoder", "features", "train_images", "val_images"), "x")
    with pytest.raises(EvaluationError, match="metric 'fid': space 'pairs' is of classifiers"):
        make_evaluators({"fid": {"type": "fid", **keys}}, EvaluatorSources(SPACE, network=network))


def test_a_distance_is_a_number(data: Path) -> None:
    assert math.isfinite(evaluator(data, fine_tuning={"steps": 0}).evaluate(architecture())["fid"])
