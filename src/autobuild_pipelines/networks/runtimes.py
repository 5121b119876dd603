"""What runs a network that is timed: torch as it is, `torch.compile`, or ONNX Runtime."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

Runtime = Literal["eager", "compile", "onnxruntime"]
TOLERANCE = 1e-3
"""Largest difference between a runtime's logits and eager torch's, relative to the largest logit."""


class LatencyError(ValueError):
    """A latency cannot be measured as the settings ask; the message names the setting and what would be right."""


def prepare(runtime: Runtime, network: nn.Module, images: Tensor, *, threads: int) -> Callable[[], object]:
    """A call that passes `images` through the network by the runtime.

    Other runtimes than eager torch are run once, and their output compared with eager torch's.

    Args:
        runtime: What runs the network.
        network: In evaluation mode, on the device of `images`.
        images: [batch, channels, height, width].
        threads: Threads that ONNX Runtime splits an operation over; torch has its own setting.

    Raises:
        LatencyError: The runtime is not installed, cannot run the network, or computes something else.
    """
    if runtime == "eager":
        return lambda: network(images)
    make = _compiled if runtime == "compile" else _onnx_session
    try:
        call, output = make(network, images, threads)
    except ImportError as error:
        raise LatencyError(
            f"latency.runtime: {runtime} needs the package {error.name!r}, which is not installed: pip install "
            "'autobuild-pipelines[onnx]', or set it to eager"
        ) from error
    except Exception as error:  # whatever a compiler or an exporter raises
        reason = " ".join(str(error).split())[:300]
        raise LatencyError(
            f"latency.runtime: {runtime} cannot run the network ({type(error).__name__}: {reason}); set it to eager"
            + (", or install a C++ compiler" if runtime == "compile" else "")
        ) from error
    _check_same(runtime, output, network(images))
    return call


def _compiled(network: nn.Module, images: Tensor, threads: int) -> tuple[Callable[[], object], Tensor]:
    # A limited number of networks may be compiled in one process; each is timed and then never seen again.
    torch.compiler.reset()
    compiled = torch.compile(network, dynamic=False)
    return (lambda: compiled(images)), compiled(images)


def _onnx_session(network: nn.Module, images: Tensor, threads: int) -> tuple[Callable[[], object], Tensor]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    wanted = "CUDAExecutionProvider" if images.is_cuda else "CPUExecutionProvider"
    if wanted not in onnxruntime.get_available_providers():
        raise LatencyError(f"this onnxruntime has no {wanted} (onnxruntime-gpu has)")
    session = onnxruntime.InferenceSession(_onnx_model(network, images), options, providers=[wanted])
    name = session.get_inputs()[0].name
    if images.is_cuda:
        # The images stay on the GPU; only the logits come back.
        value = onnxruntime.OrtValue.ortvalue_from_numpy(images.cpu().numpy(), "cuda", images.device.index or 0)
        binding = session.io_binding()
        binding.bind_ortvalue_input(name, value)
        binding.bind_output(session.get_outputs()[0].name)
        call: Callable[[], Any] = lambda: session.run_with_iobinding(binding)  # noqa: E731
        call()
        output = binding.copy_outputs_to_cpu()[0]
    else:
        feed = {name: images.numpy()}
        call = lambda: session.run(None, feed)  # noqa: E731
        output = call()[0]
    return call, torch.from_numpy(np.asarray(output))


def _onnx_model(network: nn.Module, images: Tensor) -> bytes:
    """The network as an ONNX model of this batch size and resolution."""
    import onnx  # noqa: F401  (torch's exporter needs both, and says so less clearly)
    import onnxscript  # noqa: F401

    file = io.BytesIO()
    with _quiet():
        program = torch.onnx.export(network, (images,), dynamo=True, verbose=False)
    assert program is not None
    file.write(program.model_proto.SerializeToString())
    return file.getvalue()


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's advice on shapes and versions, which no user of a measurement can follow."""
    logger = logging.getLogger("torch.onnx")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)


def _check_same(runtime: str, output: Tensor, expected: Tensor) -> None:
    expected = expected.detach().float().cpu()
    difference = float((output.detach().float().cpu() - expected).abs().max() / expected.abs().max())
    if not difference <= TOLERANCE:
        raise LatencyError(
            f"latency.runtime: {runtime} computes another output than eager torch (relative difference "
            f"{difference:.1e}); set it to eager"
        )
