"""The VQ-GAN inside a latent-diffusion checkpoint, as a folder that `read_encoder` reads.

    python -m autobuild_pipelines.diffusion.original_encoder last.ckpt encoder/

Its shape is read off its tensors. Nothing in the checkpoint is executed.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from autobuild_pipelines.diffusion.errors import DiffusionError, missing_diffusers
from autobuild_pipelines.networks import NetworkError
from autobuild_pipelines.networks.supernet_weights import read_weights

PREFIX = "first_stage_model."
"""Before the encoder's tensors in a checkpoint of the whole model."""

_PARTS = ("encoder.", "decoder.", "quantize.", "quant_conv.", "post_quant_conv.")
_LAYERS = {"nin_shortcut": "conv_shortcut", "norm_out": "conv_norm_out"}
_ATTENTION = {"norm": "group_norm", "q": "to_q", "k": "to_k", "v": "to_v", "proj_out": "to_out.0"}


def save_encoder(checkpoint: str | Path, folder: str | Path, *, groups: int = 32) -> None:
    """Write the VQ-GAN of a checkpoint as diffusers' `VQModel`.

    Args:
        checkpoint: A torch checkpoint or `.safetensors` file of the whole model, or of the VQ-GAN alone.
        folder: Where `config.json` and `diffusion_pytorch_model.safetensors` are written.
        groups: Groups of its group normalisations, which its tensors do not tell.

    Raises:
        DiffusionError: The file is no checkpoint of tensors, or has no VQ-GAN in it.
    """
    try:
        state = read_weights(checkpoint)
    except NetworkError as error:
        raise DiffusionError(str(error)) from error
    found = {name.removeprefix(PREFIX): tensor.float() for name, tensor in state.items()}
    found = {name: tensor for name, tensor in found.items() if name.startswith(_PARTS)}
    try:
        config = _config(found, groups)
    except (KeyError, ValueError) as error:
        raise DiffusionError(f"{checkpoint}: has no VQ-GAN of latent diffusion in it: lacks {error}") from None
    try:
        from diffusers import VQModel
    except ImportError as error:
        raise missing_diffusers(error) from error
    make: Any = VQModel
    model = make(**config)
    stages = len(config["block_out_channels"])
    try:
        model.load_state_dict(dict(_renamed(name, tensor, stages) for name, tensor in found.items()))
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:300]
        raise DiffusionError(f"{checkpoint}: its VQ-GAN is not of diffusers' kind: {reason}") from None
    model.save_pretrained(str(folder))


def _config(state: Mapping[str, Tensor], groups: int) -> dict[str, Any]:
    stages = 1 + max(int(name.split(".")[2]) for name in state if name.startswith("encoder.down."))
    layers = len([name for name in state if re.fullmatch(r"encoder\.down\.0\.block\.\d+\.conv1\.weight", name)])
    channels = [int(state[f"encoder.down.{s}.block.0.conv1.weight"].shape[0]) for s in range(stages)]
    entries, width = state["quantize.embedding.weight"].shape
    return {
        "in_channels": int(state["encoder.conv_in.weight"].shape[1]),
        "out_channels": int(state["decoder.conv_out.weight"].shape[0]),
        "down_block_types": ("DownEncoderBlock2D",) * stages,
        "up_block_types": ("UpDecoderBlock2D",) * stages,
        "block_out_channels": channels,
        "layers_per_block": layers,
        "latent_channels": int(state["encoder.conv_out.weight"].shape[0]),
        "num_vq_embeddings": int(entries),
        "vq_embed_dim": int(width),
        "norm_num_groups": groups,
        "mid_block_add_attention": any(name.startswith("encoder.mid.attn_1") for name in state),
    }


def _renamed(name: str, tensor: Tensor, stages: int) -> tuple[str, Tensor]:
    """diffusers' name of a tensor; its decoder counts stages from the latent on."""
    parts = name.split(".")
    kind = parts[-1]
    if parts[0] not in ("encoder", "decoder"):
        return name, tensor
    if parts[1] == "mid" and parts[2] == "attn_1":
        matrix = tensor.flatten(1) if tensor.dim() == 4 else tensor
        return f"{parts[0]}.mid_block.attentions.0.{_ATTENTION[parts[3]]}.{kind}", matrix
    if parts[1] == "mid":
        block, layer = int(parts[2].removeprefix("block_")) - 1, _LAYERS.get(parts[3], parts[3])
        return f"{parts[0]}.mid_block.resnets.{block}.{layer}.{kind}", tensor
    if parts[1] in ("down", "up"):
        stage = int(parts[2]) if parts[1] == "down" else stages - 1 - int(parts[2])
        place = f"{parts[0]}.{parts[1]}_blocks.{stage}"
        if parts[3] == "block":
            return f"{place}.resnets.{parts[4]}.{_LAYERS.get(parts[5], parts[5])}.{kind}", tensor
        return f"{place}.{parts[1]}samplers.0.conv.{kind}", tensor
    return f"{parts[0]}.{_LAYERS.get(parts[1], parts[1])}.{kind}", tensor


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", help="the checkpoint")
    parser.add_argument("folder", help="where the encoder is written")
    arguments = parser.parse_args()
    save_encoder(arguments.checkpoint, arguments.folder)


if __name__ == "__main__":
    main()
