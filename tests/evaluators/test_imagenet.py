from __future__ import annotations

import logging
import math
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from autobuild_pipelines.evaluators import EvaluationError, EvaluationLedger, EvaluatorSources, make_evaluators
from autobuild_pipelines.evaluators.image_folder import ImageFolder, ImageViews, open_image
from autobuild_pipelines.evaluators.image_views import MEAN, STD, evaluation_view, training_view
from autobuild_pipelines.evaluators.imagenet import ImageNetEvaluator
from autobuild_pipelines.evaluators.imagenet_settings import ImageNetSettings
from autobuild_pipelines.networks import NetworkDefinition, NetworkError, Supernet, recalibrate_batch_norm, splice
from autobuild_pipelines.spaces import Architecture, SearchSpace

CLASSES, PER_CLASS, RESOLUTION = 6, 5, 64
SETTINGS: dict[str, Any] = {"calibration_images": 12, "calibration_batch": 5, "batch": 7, "device": "cpu"}


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def space(ofa_mbv3: SearchSpace) -> SearchSpace:
    """OFA-MBv3 at resolutions that a test can afford."""
    declaration = ofa_mbv3.declaration
    resolution = declaration.graph_features["resolution"].model_copy(
        update={"choices": (RESOLUTION, 96), "default": RESOLUTION, "scale": None}
    )
    return SearchSpace(ofa_mbv3.name, declaration.model_copy(update={"graph_features": {"resolution": resolution}}))


@pytest.fixture(scope="module")
def definition() -> NetworkDefinition:
    conf = Path(__file__).parents[2] / "conf" / "base" / "networks" / "ofa_mbv3.yml"
    whole = NetworkDefinition.from_yaml(conf, "ofa_mbv3")
    return whole.model_copy(update={"width_multiplier": 0.5, "num_classes": CLASSES})


def write_images(root: Path, classes: int, seed: int) -> Path:
    """PNGs and JPEGs of random coarse blocks and various sizes, one folder a class."""
    rng = np.random.default_rng(seed)
    for label in range(classes):
        folder = root / f"n{label:08d}"
        folder.mkdir(parents=True)
        for number in range(PER_CLASS):
            width, height = (int(x) for x in rng.integers(64, 97, size=2))
            blocks = rng.integers(0, 256, size=(4, 4, 3), dtype=np.uint8)
            image = Image.fromarray(blocks).resize((width, height), Image.Resampling.BICUBIC)
            image.save(folder / f"{number}.{'png' if number % 2 else 'JPEG'}")
    return root


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, space: SearchSpace, definition: NetworkDefinition) -> Path:
    """Training and validation images, and a random supernet in the public layout."""
    root = tmp_path_factory.mktemp("imagenet")
    write_images(root / "train", CLASSES, 0)
    write_images(root / "val", CLASSES, 1)
    torch.manual_seed(0)
    supernet = Supernet(space, definition)
    with torch.no_grad():
        for module in supernet.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.3)
                module.running_var.uniform_(0.5, 2)
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_(0, 0.2)
    torch.save({"state_dict": supernet.state_dict()}, root / "ofa_mbv3_d234_e346_k357_w0.5")
    return root


def settings_of(data: Path, **changes: Any) -> ImageNetSettings:
    paths = {
        "weights": str(data / "ofa_mbv3_d234_e346_k357_w0.5"),
        "train_images": str(data / "train"),
        "val_images": str(data / "val"),
    }
    return ImageNetSettings.from_mapping({**paths, **SETTINGS, **changes})


@pytest.fixture
def evaluator(space: SearchSpace, definition: NetworkDefinition, data: Path) -> ImageNetEvaluator:
    return ImageNetEvaluator(space, definition, settings_of(data), progress=False)


@pytest.fixture(scope="module")
def architecture(space: SearchSpace) -> Architecture:
    return space.decode(space.sample(1, np.random.default_rng(0), law="depths", graph={"resolution": RESOLUTION}))[0]


def by_hand(
    space: SearchSpace, definition: NetworkDefinition, data: Path, architecture: Architecture
) -> tuple[nn.Module, dict[str, float]]:
    """The recalibrated network and its accuracies, step by step and one image at a time."""
    train = sorted((data / "train").rglob("*.*"))
    rows = np.random.default_rng(0).permutation(len(train))[: SETTINGS["calibration_images"]]
    views = [training_view(open_image(str(train[row])), RESOLUTION, np.random.default_rng([0, row])) for row in rows]
    state = torch.load(data / "ofa_mbv3_d234_e346_k357_w0.5", weights_only=True)["state_dict"]
    network = splice(state, space, definition, architecture)
    recalibrate_batch_norm(network, [torch.stack(views[:5]), torch.stack(views[5:10]), torch.stack(views[10:])])
    classes = sorted(p.name for p in (data / "val").iterdir())
    first = fifth = count = 0
    for path in (data / "val").rglob("*.*"):
        with torch.no_grad():
            scores = network(evaluation_view(open_image(str(path)), RESOLUTION)[None])[0]
        better = int((scores > scores[classes.index(path.parent.name)]).sum())
        first, fifth, count = first + (better == 0), fifth + (better < 5), count + 1
    return network, {"acc": first / count, "acc_top5": fifth / count}


def test_the_accuracy_is_what_one_gets_by_hand(
    evaluator: ImageNetEvaluator,
    space: SearchSpace,
    definition: NetworkDefinition,
    data: Path,
    architecture: Architecture,
) -> None:
    network, accuracies = by_hand(space, definition, data, architecture)
    assert evaluator.evaluate(architecture) == accuracies
    assert 0 < accuracies["acc_top5"] < 1
    recalibrated = evaluator.calibrated(architecture).state_dict()
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(recalibrated[name], tensor, rtol=1e-5, atol=1e-6)


def test_batch_norm_statistics_are_no_longer_the_supernets(
    evaluator: ImageNetEvaluator,
    space: SearchSpace,
    definition: NetworkDefinition,
    data: Path,
    architecture: Architecture,
) -> None:
    state = torch.load(data / "ofa_mbv3_d234_e346_k357_w0.5", weights_only=True)["state_dict"]
    spliced = splice(state, space, definition, architecture).state_dict()
    for name, tensor in evaluator.calibrated(architecture).state_dict().items():
        if "running_" in name:
            assert not torch.allclose(tensor, spliced[name], rtol=0.01)
        elif "num_batches" not in name:
            assert torch.equal(tensor, spliced[name])


def test_the_result_depends_on_nothing_but_settings_and_data(
    space: SearchSpace, definition: NetworkDefinition, data: Path, architecture: Architecture
) -> None:
    torch.manual_seed(7)
    first = ImageNetEvaluator(space, definition, settings_of(data), progress=False)
    wanted, state = first.evaluate(architecture), first.calibrated(architecture).state_dict()
    torch.manual_seed(8)
    np.random.seed(8)  # noqa: NPY002
    other = cloudpickle.loads(
        cloudpickle.dumps(ImageNetEvaluator(space, definition, settings_of(data, workers=2), progress=False))
    )
    other.evaluate(space.decode(space.sample(1, np.random.default_rng(5)))[0])
    assert other.evaluate(architecture) == wanted
    found = other.calibrated(architecture).state_dict()
    assert all(torch.equal(found[name], tensor) for name, tensor in state.items())


def test_evaluating_leaves_the_global_random_state_alone(
    evaluator: ImageNetEvaluator, architecture: Architecture
) -> None:
    before = torch.get_rng_state()
    evaluator.calibrated(architecture)
    assert torch.equal(torch.get_rng_state(), before)


def test_another_seed_calibrates_on_other_images(
    evaluator: ImageNetEvaluator,
    space: SearchSpace,
    definition: NetworkDefinition,
    data: Path,
    architecture: Architecture,
) -> None:
    other = ImageNetEvaluator(space, definition, settings_of(data, seed=1), progress=False)
    one, two = (e.calibrated(architecture).first_conv.bn.running_mean for e in (evaluator, other))
    assert not torch.equal(one, two)


def test_an_architecture_is_evaluated_at_its_resolution(
    evaluator: ImageNetEvaluator, architecture: Architecture
) -> None:
    sizes = []
    larger = replace(architecture, graph=(("resolution", 96),))
    forward = nn.Conv2d.forward
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nn.Conv2d, "forward", lambda self, x: (sizes.append(x.shape[-1]), forward(self, x))[1])
        evaluator.evaluate(larger)
    assert max(sizes) == 96


def test_a_limit_draws_validation_images_from_all_classes(
    space: SearchSpace, definition: NetworkDefinition, data: Path, architecture: Architecture
) -> None:
    limited = ImageNetEvaluator(space, definition, settings_of(data, limit=10), progress=False)
    assert (limited.evaluate(architecture)["acc"] * 10) % 1 == pytest.approx(0, abs=1e-9)
    folder = ImageFolder.read(str(data / "val"), progress=False)
    drawn = folder.draw(10, 0)
    assert len(set(drawn)) == 10
    assert len({folder.labels[row] for row in drawn}) > 2
    assert folder.draw(None, 0) == list(range(30))


def test_metrics_go_by_the_names_that_are_asked_for(
    space: SearchSpace, definition: NetworkDefinition, data: Path, architecture: Architecture
) -> None:
    named = ImageNetEvaluator(space, definition, settings_of(data), metrics=("top1", "top5"), progress=False)
    assert named.metrics == ("top1", "top5")
    assert list(named.evaluate(architecture)) == ["top1", "top5"]


def test_settings_hold_what_changes_the_result_and_no_paths(evaluator: ImageNetEvaluator, data: Path) -> None:
    settings = evaluator.settings()
    assert settings["calibration_images"] == 12
    assert settings["network"]["width_multiplier"] == 0.5
    assert not {"weights", "train_images", "val_images", "workers", "device", "batch"} & set(settings)
    assert str(data) not in repr(settings)


def test_a_pickled_evaluator_is_small(evaluator: ImageNetEvaluator) -> None:
    assert len(cloudpickle.dumps(evaluator)) < 100_000


def test_the_data_hash_is_of_the_weights_and_the_images_and_not_of_their_place(
    evaluator: ImageNetEvaluator, space: SearchSpace, definition: NetworkDefinition, data: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(data, copy)

    def hashed() -> str:
        return ImageNetEvaluator(space, definition, settings_of(copy), progress=False).data_hash()

    assert len(evaluator.data_hash()) == 64
    assert hashed() == evaluator.data_hash()
    (copy / "val" / "n00000000" / "0.JPEG").rename(copy / "val" / "n00000000" / "9.JPEG")
    renamed = hashed()
    shutil.copy(copy / "train" / "n00000000" / "1.png", copy / "train" / "n00000001" / "more.png")
    assert len({evaluator.data_hash(), renamed, hashed()}) == 3


def test_data_that_changed_since_are_refused_in_a_worker(
    space: SearchSpace, definition: NetworkDefinition, data: Path, tmp_path: Path, architecture: Architecture
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(data, copy)
    sent = ImageNetEvaluator(space, definition, settings_of(copy), progress=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("autobuild_pipelines.evaluators.imagenet._READ", {})  # as in a process that starts
        (copy / "val" / "n00000000" / "0.JPEG").unlink()
        with pytest.raises(EvaluationError, match="changed since the evaluator was made"):
            sent.evaluate(architecture)


def test_all_that_is_missing_is_one_error_that_says_where_to_get_it(
    space: SearchSpace, definition: NetworkDefinition, tmp_path: Path
) -> None:
    with pytest.raises(EvaluationError) as caught:
        ImageNetEvaluator(space, definition, settings_of(tmp_path), progress=False)
    message = str(caught.value)
    for part in ("weights: ", "train_images: ", "val_images: ", "_w1.2", "github.com/mit-han-lab", "image-net.org"):
        assert part in message


def test_weights_that_are_missing_alone_are_named_alone(
    space: SearchSpace, definition: NetworkDefinition, data: Path, tmp_path: Path
) -> None:
    with pytest.raises(EvaluationError, match=r"'imagenet': weights: .*none\.pth: no such file\. Once") as caught:
        ImageNetEvaluator(space, definition, settings_of(data, weights=str(tmp_path / "none.pth")))
    assert "train_images" not in str(caught.value)


def test_without_pillow_the_error_names_the_extra(
    space: SearchSpace, definition: NetworkDefinition, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(EvaluationError, match=r"needs Pillow: pip install 'autobuild-pipelines\[imagenet\]'"):
        ImageNetEvaluator(space, definition, settings_of(data))


@pytest.mark.parametrize("device", ["gpu", "cuda:99"])
def test_a_device_that_is_not_there_is_refused(
    space: SearchSpace, definition: NetworkDefinition, data: Path, device: str
) -> None:
    with pytest.raises(EvaluationError, match=f"device '{device}' is not there"):
        ImageNetEvaluator(space, definition, settings_of(data, device=device))


def test_weights_of_another_network_are_refused_before_anything_is_evaluated(
    space: SearchSpace, definition: NetworkDefinition, data: Path
) -> None:
    other = definition.model_copy(update={"width_multiplier": 1.2})
    with pytest.raises(EvaluationError, match=r"weights: .*have another shape.*width_multiplier is 1\.2"):
        ImageNetEvaluator(space, other, settings_of(data))


class Hostile:
    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (self.command,)


def test_hostile_weights_execute_nothing(
    space: SearchSpace, definition: NetworkDefinition, data: Path, tmp_path: Path
) -> None:
    torch.save({"state_dict": Hostile(f"touch {tmp_path / 'executed'}")}, tmp_path / "hostile.pth")
    with pytest.raises(EvaluationError, match="nothing in it was executed"):
        ImageNetEvaluator(space, definition, settings_of(data, weights=str(tmp_path / "hostile.pth")))
    assert not (tmp_path / "executed").exists()


def test_more_classes_than_the_network_has_are_refused(
    space: SearchSpace, definition: NetworkDefinition, data: Path, tmp_path: Path
) -> None:
    images = write_images(tmp_path / "val", CLASSES + 1, 2)
    with pytest.raises(EvaluationError, match=r"has 7 classes \(subfolders\), the network 6"):
        ImageNetEvaluator(space, definition, settings_of(data, val_images=str(images)))


def test_fewer_classes_are_taken_for_the_first_ones_with_a_warning(
    space: SearchSpace,
    definition: NetworkDefinition,
    data: Path,
    tmp_path: Path,
    architecture: Architecture,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for name in ("n00000000", "n00000001"):
        shutil.copytree(data / "val" / name, tmp_path / "val" / name)
    with caplog.at_level(logging.WARNING):
        fewer = ImageNetEvaluator(space, definition, settings_of(data, val_images=str(tmp_path / "val")))
    assert "has 2 classes, the network 6: they are taken for its first 2 in sorted order" in caplog.text
    assert set(fewer.evaluate(architecture)) == {"acc", "acc_top5"}


def test_a_folder_without_class_folders_is_refused_with_what_is_expected(
    space: SearchSpace, definition: NetworkDefinition, data: Path, tmp_path: Path
) -> None:
    shutil.copy(data / "val" / "n00000000" / "0.JPEG", tmp_path / "0.JPEG")
    with pytest.raises(EvaluationError, match="has no images in class folders; expected one subfolder a class"):
        ImageNetEvaluator(space, definition, settings_of(data, val_images=str(tmp_path)))


@pytest.mark.parametrize(
    ("content", "workers"), [(b"", 0), (b"no image", 0), (b"\x89PNG\r\n\x1a\n cut off", 0), (b"no image", 1)]
)
def test_a_corrupt_image_is_an_error_that_names_the_file(
    space: SearchSpace,
    definition: NetworkDefinition,
    data: Path,
    tmp_path: Path,
    architecture: Architecture,
    content: bytes,
    workers: int,
) -> None:
    shutil.copytree(data / "val", tmp_path / "val")
    (tmp_path / "val" / "n00000003" / "1.png").write_bytes(content)
    settings = settings_of(data, val_images=str(tmp_path / "val"), workers=workers)
    with pytest.raises(EvaluationError, match=r"n00000003/1\.png: is not a readable image"):
        ImageNetEvaluator(space, definition, settings, progress=False).evaluate(architecture)


def test_a_truncated_photograph_is_an_error_that_names_the_file(data: Path, tmp_path: Path) -> None:
    whole = (data / "val" / "n00000000" / "0.JPEG").read_bytes()
    (tmp_path / "cut.JPEG").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(EvaluationError, match=r"cut\.JPEG: is not a readable image: \w+"):
        open_image(str(tmp_path / "cut.JPEG"))


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK"])
def test_images_of_every_colour_mode_become_three_channels(tmp_path: Path, mode: str) -> None:
    Image.new(mode, (70, 80)).save(tmp_path / "image.tiff")
    assert evaluation_view(open_image(str(tmp_path / "image.tiff")), 64).shape == (3, 64, 64)


def test_an_architecture_of_another_space_is_refused(evaluator: ImageNetEvaluator, architecture: Architecture) -> None:
    with pytest.raises(NetworkError, match="is of space 'elsewhere'"):
        evaluator.evaluate(replace(architecture, space="elsewhere"))


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"weights": 3}, "weights"),
        ({"calibration_images": 0}, "calibration_images"),
        ({"colour": 1}, "colour: unknown"),
    ],
)
def test_a_wrong_setting_is_refused_with_its_key(data: Path, change: dict[str, Any], key: str) -> None:
    with pytest.raises(EvaluationError, match=f"'imagenet': {key}"):
        settings_of(data, **change)


def test_the_evaluation_view_resizes_crops_the_centre_and_normalises() -> None:
    """At resolution 8 the shorter side becomes ⌈8 / 0.875⌉ = 10, which this image already has; the crop starts at 1."""
    pixels = np.random.default_rng(0).integers(0, 256, size=(10, 20, 3), dtype=np.uint8)
    wanted = (pixels[1:9, 6:14].transpose(2, 0, 1) / 255 - np.reshape(MEAN, (3, 1, 1))) / np.reshape(STD, (3, 1, 1))
    found = evaluation_view(Image.fromarray(pixels), 8)
    np.testing.assert_allclose(found.numpy(), wanted, atol=1e-6)


def test_the_evaluation_view_is_torchvisions(data: Path) -> None:
    """Once-for-All evaluates with these torchvision transforms (`ofa` 0.1.0, its ImageNet data provider)."""
    transforms = torchvision_transforms()
    image = open_image(str(data / "val" / "n00000000" / "0.JPEG"))
    for resolution in (64, 192, 208, 224):
        public = transforms.Compose(
            [
                transforms.Resize(math.ceil(resolution / 0.875)),
                transforms.CenterCrop(resolution),
                transforms.ToTensor(),
                transforms.Normalize(MEAN, STD),
            ]
        )
        torch.testing.assert_close(evaluation_view(image, resolution), public(image), rtol=0, atol=1e-6)


def torchvision_transforms() -> Any:
    try:
        from torchvision import transforms
    except Exception as error:  # a torchvision built for another torch raises RuntimeError
        pytest.skip(f"torchvision cannot be imported: {error}")
    return transforms


def test_training_views_are_random_crops_within_the_public_ranges() -> None:
    gradient = np.zeros((120, 160, 3), dtype=np.uint8)
    gradient[..., 0] = np.arange(160)
    image = Image.fromarray(gradient)
    views = torch.stack([training_view(image, 32, np.random.default_rng(seed)) for seed in range(200)])
    slopes = views[:, 0, 16, -3] - views[:, 0, 16, 2]
    assert views.shape == (200, 3, 32, 32)
    assert 0.3 < float((slopes < 0).float().mean()) < 0.7  # half of them flipped
    widths = slopes.abs() * STD[0] * 255 / 27 * 32  # of the crop, up to brightness and saturation
    assert float(widths.min()) < 60 < 110 < float(widths.max())


def test_a_view_is_the_same_whatever_else_is_read(data: Path) -> None:
    folder = ImageFolder.read(str(data / "train"), progress=False)
    alone = ImageViews(folder, [4], training_view, 32, seed=0)[0][0]
    among: Tensor = ImageViews(folder, [1, 2, 4], training_view, 32, seed=0)[2][0]
    assert torch.equal(alone, among)
    assert not torch.equal(alone, ImageViews(folder, [4], training_view, 32, seed=1)[0][0])


def test_parameters_make_it_an_evaluator_of_many_whose_two_metrics_are_paid_for_once(
    space: SearchSpace, definition: NetworkDefinition, data: Path, tmp_path: Path
) -> None:
    entry = {
        "type": "imagenet",
        "weights": str(data / "ofa_mbv3_d234_e346_k357_w0.5"),
        "train_images": str(data / "train"),
        "val_images": str(data / "val"),
        **SETTINGS,
    }
    array = space.sample(2, np.random.default_rng(5), law="depths", graph={"resolution": RESOLUTION})
    with EvaluationLedger(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        sources = EvaluatorSources(space, network=definition, fan_out={"backend": "sequential"}, ledger=ledger)
        evaluator = make_evaluators({"accuracy": entry, "top5": {**entry, "output": "top5"}}, sources)
        table = evaluator.evaluate(array)
        assert len(ledger.table("imagenet")) == 2
    alone = ImageNetEvaluator(space, definition, settings_of(data), progress=False)
    for row, architecture in enumerate(space.decode(array)):
        expected = alone.evaluate(architecture)
        assert table.loc[row, ["accuracy", "top5"]].tolist() == [expected["acc"], expected["acc_top5"]]
