"""Fine-tuning learns, and one that is interrupted at any time ends as one that never stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from parts import SIZE, UNET, network, write_images
from torch import Tensor, nn

from autobuild_pipelines.diffusion import fine_tuning
from autobuild_pipelines.diffusion.checkpoint import finish, finished, load_checkpoint
from autobuild_pipelines.diffusion.encoder import DiffusersEncoder
from autobuild_pipelines.diffusion.errors import DiffusionError
from autobuild_pipelines.diffusion.fine_tuning import fine_tune
from autobuild_pipelines.diffusion.settings import FineTuningSettings, ScheduleSettings
from autobuild_pipelines.networks.unet import InpaintingUNet
from autobuild_pipelines.networks.unet_architecture import UNetArchitecture

SCHEDULE = ScheduleSettings()


def run(
    encoder: Any, files: list[str], unet: InpaintingUNet | None = None, **changes: Any
) -> tuple[InpaintingUNet, Tensor]:
    """Fine-tune a tiny U-Net; gives it and the losses."""
    unet = unet or network()
    outside = {key: changes.pop(key) for key in ("checkpoints", "seed", "workers") if key in changes}
    settings = FineTuningSettings(**{"steps": 6, "batch": 2, "checkpoint_every": 2, "learning_rate": 1e-3, **changes})
    found = fine_tune(unet, encoder, files, settings, SCHEDULE, size=SIZE, progress=False, **{"seed": 0, **outside})
    return unet, found.losses


def same(one: nn.Module, other: nn.Module) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


def test_the_loss_falls(encoder: DiffusersEncoder, files: list[str]) -> None:
    _, losses = run(encoder, files, steps=80, batch=4, learning_rate=3e-3)
    assert losses.shape == (80,)
    assert float(losses[-20:].mean()) < 0.8 * float(losses[:10].mean())


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(
    encoder: DiffusersEncoder, files: list[str]
) -> None:
    one, losses = run(encoder, files)
    torch.rand(1)  # the global generator plays no part
    again, same_losses = run(encoder, files)
    assert same(one, again)
    assert torch.equal(losses, same_losses)
    assert not same(one, run(encoder, files, seed=1)[0])


def test_it_does_not_touch_the_global_generator(encoder: DiffusersEncoder, files: list[str]) -> None:
    unet = network()
    torch.manual_seed(3)
    before = torch.get_rng_state()
    run(encoder, files, unet)
    assert torch.equal(torch.get_rng_state(), before)


def test_worker_processes_change_nothing(encoder: DiffusersEncoder, files: list[str]) -> None:
    assert same(run(encoder, files, steps=2)[0], run(encoder, files, steps=2, workers=1)[0])


class Interrupted(Exception):
    """Somebody pulled the plug."""


@pytest.mark.parametrize("stop", [1, 2, 3, 5])
def test_a_fine_tuning_that_was_interrupted_ends_as_one_that_never_stopped(
    encoder: DiffusersEncoder, files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: int
) -> None:
    whole, losses = run(encoder, files)
    update = fine_tuning._Run.update

    def until(self: Any, step: int, images: Tensor, masks: Tensor) -> None:
        if step == stop:
            raise Interrupted
        update(self, step, images, masks)

    monkeypatch.setattr(fine_tuning._Run, "update", until)
    with pytest.raises(Interrupted):
        run(encoder, files, checkpoints=tmp_path)
    monkeypatch.undo()
    resumed, all_losses = run(encoder, files, network(seed=9), checkpoints=tmp_path)
    if stop == 1:  # before the first checkpoint: it starts again, from other weights
        assert not same(resumed, whole)
        resumed, all_losses = run(encoder, files, checkpoints=tmp_path / "other")
    assert same(resumed, whole)
    assert torch.equal(all_losses, losses)


def test_more_steps_go_on_from_the_last_checkpoint(encoder: DiffusersEncoder, files: list[str], tmp_path: Path) -> None:
    whole, losses = run(encoder, files, steps=7)
    run(encoder, files, steps=4, checkpoints=tmp_path)
    longer, all_losses = run(encoder, files, network(seed=9), steps=7, checkpoints=tmp_path)
    assert same(longer, whole)
    assert torch.equal(all_losses, losses)


def test_a_checkpoint_that_was_being_written_is_not_seen(
    encoder: DiffusersEncoder, files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from autobuild_pipelines.diffusion import checkpoint

    write = checkpoint.save_file
    written: list[str] = []

    def cut_off(tensors: Any, path: str) -> None:
        written.append(path)
        if len(written) == 6:  # the second checkpoint's second file
            Path(path).write_bytes(b"half")
            raise Interrupted
        write(tensors, path)

    monkeypatch.setattr(checkpoint, "save_file", cut_off)
    with pytest.raises(Interrupted):
        run(encoder, files, checkpoints=tmp_path)
    monkeypatch.undo()
    found = load_checkpoint(tmp_path, ("unet",))
    assert found is not None
    assert found.step == 2
    assert same(run(encoder, files, network(seed=9), checkpoints=tmp_path)[0], run(encoder, files)[0])
    assert [path.name for path in tmp_path.iterdir()] == ["step-000000006"]


def test_checkpoints_are_safetensors_and_json_and_only_the_last_is_kept(
    encoder: DiffusersEncoder, files: list[str], tmp_path: Path
) -> None:
    run(encoder, files, checkpoints=tmp_path)
    (step,) = tmp_path.iterdir()
    names = sorted(path.name for path in step.iterdir())
    assert names == [
        "average.safetensors",
        "losses.safetensors",
        "optimizer.safetensors",
        "state.json",
        "unet.safetensors",
    ]


def test_a_checkpoint_of_other_settings_is_refused_by_what_differs(
    encoder: DiffusersEncoder, files: list[str], tmp_path: Path
) -> None:
    run(encoder, files, checkpoints=tmp_path)
    with pytest.raises(DiffusionError, match=r"other settings \(learning_rate, seed\); remove it"):
        run(encoder, files, checkpoints=tmp_path, learning_rate=1e-4, seed=4)
    narrow = UNetArchitecture((4, 4), *(UNET.input_residuals, UNET.output_residuals, (False,) * 2, (False,) * 2))
    with pytest.raises(DiffusionError, match=r"other settings \(architecture\)"):
        run(encoder, files, network(unet=narrow), checkpoints=tmp_path)
    with pytest.raises(DiffusionError, match="its checkpoint has 6 steps, more than the 4 asked for"):
        run(encoder, files, checkpoints=tmp_path, steps=4)


def test_a_broken_checkpoint_is_named(encoder: DiffusersEncoder, files: list[str], tmp_path: Path) -> None:
    run(encoder, files, checkpoints=tmp_path)
    (tmp_path / "step-000000006" / "unet.safetensors").write_bytes(b"broken")
    with pytest.raises(DiffusionError, match=r"step-000000006: is not a readable checkpoint.*remove it to start again"):
        run(encoder, files, checkpoints=tmp_path)


def test_parts_of_a_batch_sum_to_the_whole(encoder: DiffusersEncoder, files: list[str]) -> None:
    whole, losses = run(encoder, files, batch=4, steps=2)
    parts, same_losses = run(encoder, files, batch=4, micro_batch=2, steps=2)
    with pytest.raises(ValueError, match="micro_batch: 3 does not divide the batch of 4"):
        FineTuningSettings(batch=4, micro_batch=3)
    assert torch.allclose(losses, same_losses, atol=1e-5)
    assert all(
        torch.allclose(a, b, atol=1e-4)
        for a, b in zip(whole.state_dict().values(), parts.state_dict().values(), strict=True)
    )


def test_at_the_end_the_network_has_the_average_of_its_weights(
    encoder: DiffusersEncoder, files: list[str], tmp_path: Path
) -> None:
    unet, _ = run(encoder, files, checkpoints=tmp_path)
    found = load_checkpoint(tmp_path, ("unet", "average"))
    assert found is not None
    assert not unet.training
    own = unet.state_dict()
    assert all(torch.equal(own[name], tensor) for name, tensor in found.tensors["average"].items())
    assert not all(torch.equal(own[name], tensor) for name, tensor in found.tensors["unet"].items())


def test_without_steps_the_weights_stay(encoder: DiffusersEncoder, files: list[str]) -> None:
    unet, losses = run(encoder, files, steps=0)
    assert same(unet, network())
    assert losses.shape == (0,)


def test_a_loss_that_is_not_finite_is_an_error(encoder: DiffusersEncoder, files: list[str]) -> None:
    unet = network()
    with torch.no_grad():
        unet.conv_out.bias.fill_(torch.nan)
    with pytest.raises(DiffusionError, match="the loss of step 1 is nan; try a lower learning_rate"):
        run(encoder, files, unet)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_mixed_precision_trains_on_a_gpu(tmp_path: Path) -> None:
    from parts import vq_gan

    files = write_images(tmp_path / "train", 4, seed=0)
    cuda = torch.device("cuda")
    encoder = DiffusersEncoder(vq_gan()).to(cuda)
    unet = network()
    settings = FineTuningSettings(steps=20, batch=4, learning_rate=3e-3)
    found = fine_tune(unet, encoder, files, settings, SCHEDULE, size=SIZE, seed=0, device=cuda, progress=False)
    assert bool(found.losses.isfinite().all())
    assert all(p.dtype == torch.float32 for p in unet.parameters())


def test_finished_weights_replace_the_checkpoints(encoder: DiffusersEncoder, files: list[str], tmp_path: Path) -> None:
    unet, _ = run(encoder, files, checkpoints=tmp_path)
    assert finished(tmp_path) is None
    finish(tmp_path, unet.state_dict())
    assert [path.name for path in tmp_path.iterdir()] == ["averaged.safetensors"]
    weights = finished(tmp_path)
    assert weights is not None
    assert all(torch.equal(weights[name], tensor) for name, tensor in unet.state_dict().items())
