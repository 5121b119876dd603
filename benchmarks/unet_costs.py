"""MACs and parameters of every U-Net of the paper's first space, against counting them on built torch modules.

    python -m benchmarks.unet_costs --sample 300 --built 10000 --run 200

All 786,432 architectures (§7.9: three base widths, multipliers 1-4 of three stages, 1 or 2 input and 2 or 3 output
residual blocks of four stages, attention or none in the last two stages of each branch) are listed here, and not read
from a space, so that reading is timed apart. `--sample` random ones are built on the meta device, run, and counted by
`FlopCounterMode`; `--built` more are built, and every block's channels are compared with what its place asks for;
`--run` more, at a thirty-second of their width, predict the noise of small latents.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from itertools import product

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from tqdm import tqdm

from autobuild_pipelines.networks.unet import InpaintingUNet, entry_channels, example_latents, output_segments
from autobuild_pipelines.networks.unet_architecture import UNetArchitecture
from autobuild_pipelines.networks.unet_arrays import UNetArrays
from autobuild_pipelines.networks.unet_costs import unet_macs, unet_parameters
from autobuild_pipelines.networks.unet_definition import UNetDefinition


def main() -> None:
    """Time both ways, compare their numbers, and print their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, default=300)
    parser.add_argument("--built", type=int, default=0, help="U-Nets to build on the meta device")
    parser.add_argument("--run", type=int, default=0, help="U-Nets to run, at a thirty-second of their width")
    arguments = parser.parse_args()
    definition, unets = UNetDefinition(), all_unets()
    start = time.perf_counter()
    found = np.stack([unet_macs(definition, unets).total, unet_parameters(definition, unets).total], axis=1)
    fast = time.perf_counter() - start
    print(f"{len(unets)} U-Nets: MACs and parameters of all in {fast:.2f} s")
    for row, name, unit in ((0, "MACs", 1e9), (1, "parameters", 1e6)):
        low, high = found[:, row].min() / unit, found[:, row].max() / unit
        print(f"  {name}: {low:.1f} to {high:.1f} {'G' if unit == 1e9 else 'M'}")
    rng = np.random.default_rng(0)
    rows = rng.choice(len(unets), arguments.sample, replace=False).tolist()
    start = time.perf_counter()
    wanted = [counted(definition, unets.architecture(row)) for row in tqdm(rows)]
    slow = (time.perf_counter() - start) / len(rows) * len(unets)
    if found[rows].tolist() != wanted:
        raise SystemExit("the expressions and the modules disagree")
    print(f"equal to torch's count for {len(rows)} random ones")
    print(f"{slow / 3600:.1f} h by building and counting modules (scaled up), ratio {slow / fast:.0f}")
    for row in tqdm(rng.choice(len(unets), arguments.built, replace=False).tolist()):
        check_channels(definition, unets.architecture(row))
    print(f"{arguments.built} random ones built on the meta device, every block with the right channels")
    for row in tqdm(rng.choice(len(unets), arguments.run, replace=False).tolist()):
        check_runs(unets.architecture(row))
    print(f"{arguments.run} random ones ran forward")


def all_unets() -> UNetArrays:
    """Every architecture of the first space."""
    channels = [
        (base, base * second, base * third, base * fourth)
        for base, second, third, fourth in product((128, 192, 256), *[range(1, 5)] * 3)
    ]
    halves = list(product((0, 1), repeat=4))  # one residual block more, stage by stage
    attention = [(0, 0, *last) for last in product((0, 1), repeat=2)]
    parts = [np.asarray(p, dtype=np.int64) for p in (channels, halves, halves, attention, attention)]
    index = np.indices([len(p) for p in parts]).reshape(len(parts), -1)
    width, inputs, outputs, first, last = (part[i] for part, i in zip(parts, index, strict=True))
    return UNetArrays(width, inputs + 1, outputs + 2, first, last)


def counted(definition: UNetDefinition, unet: UNetArchitecture) -> list[int]:
    """MACs (half of torch's FLOPs) and parameters of the built module."""
    with torch.device("meta"):
        network, latents = InpaintingUNet(definition, unet), example_latents(definition)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(*latents)
    return [counter.get_total_flops() // 2, sum(p.numel() for p in network.parameters())]


def check_channels(definition: UNetDefinition, unet: UNetArchitecture) -> None:
    """Build a U-Net on the meta device and compare the channels of every residual block with its place's."""
    with torch.device("meta"):
        network = InpaintingUNet(definition, unet)
    for stage, width in enumerate(unet.channels):
        inputs = [(entry_channels(unet, stage),), *[(width,)] * (unet.input_residuals[stage] - 1)]
        _compare(network.down_blocks[stage], inputs, width, unet.input_attention[stage])
        up = network.up_blocks[unet.stages - 1 - stage]
        _compare(up, output_segments(unet, stage), width, unet.output_attention[stage])


def check_runs(unet: UNetArchitecture) -> None:
    """Predict the noise of small latents with a narrow U-Net of the architecture's blocks."""
    definition = UNetDefinition(groups=2, heads=2, latent_size=16)
    network = InpaintingUNet(definition, replace(unet, channels=tuple(width // 32 for width in unet.channels)))
    latents = example_latents(definition)
    with torch.inference_mode():
        noise = network(*latents)
    if noise.shape[2:] != latents[0].shape[2:] or not noise.isfinite().all():
        raise SystemExit(f"{unet} gives no noise of its latents' size")


def _compare(stage: nn.Module, inputs: list[tuple[int, ...]], width: int, attention: bool) -> None:
    found = [(block.in_channels, block.out_channels) for block in stage.resnets]
    if found != [(sum(channels), width) for channels in inputs]:
        raise SystemExit(f"residual blocks of {found} channels")
    if len(stage.attentions) != attention * len(inputs):
        raise SystemExit(f"{len(stage.attentions)} attention blocks behind {len(inputs)} residual blocks")


if __name__ == "__main__":
    main()
