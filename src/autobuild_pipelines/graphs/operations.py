"""The vocabulary of operator graphs: what a node may be, and what configures it.

An operation that is not listed keeps its own name (aten's for torch modules, ONNX's in small letters for files), so
that a graph never lacks a node because of a new operation; it has no attributes.

Conventions:

- **Activations are one node each**, however they are written: h-swish, hard sigmoid, SiLU and ReLU6 are recognised in
  their spelled-out forms too (x · relu6(x + 3) / 6 and so on).
- **Squeeze-excite is what it consists of**: `global_pool` → `conv` → `relu` → `conv` → `h_sigmoid` → `mul`.
- **Batch norm is folded** into the convolution or linear layer before it, which then has a bias, where nothing else
  reads that layer's output. Any other batch norm stays.
- **Attention** (`scaled_dot_product_attention`) is one node; spelled out it is `matmul` → `softmax` → `matmul`.
- **What only rearranges is no node** (views, transpositions, slices, splits, copies, dropout, casts): its readers read
  its input. Neither is what depends on no input of the network, as a table of sinusoids' frequencies.
"""

from __future__ import annotations

CONVOLUTIONS = ("conv", "conv_transpose")
"""Attributes `kernel`, `stride`, `padding`, `dilation` (each also as `kernel_w` … where the width's differs from the
height's), `groups` and `bias` (0 or 1)."""
PRODUCTS = ("linear", "matmul", "attention")
"""`linear` has `bias`, `attention` has `heads`, `matmul` nothing. `einsum` is kept under its own name."""
NORMS = ("batch_norm", "group_norm", "layer_norm", "instance_norm", "rms_norm")
"""`group_norm` has `groups`."""
ACTIVATIONS = (
    *("relu", "relu6", "leaky_relu", "prelu", "elu", "gelu", "silu", "mish", "softplus"),
    *("sigmoid", "h_sigmoid", "h_swish", "tanh", "softmax", "log_softmax", "clamp"),
)
"""`clamp` is any other pair of bounds. None has attributes."""
ARITHMETIC = ("add", "sub", "mul", "div", "pow", "neg", "exp", "log", "sqrt", "rsqrt", "sin", "cos", "abs")
REDUCTIONS = ("mean", "sum", "max", "min")
"""Over some axes; over all of height and width they are pools."""
POOLS = ("avg_pool", "max_pool", "global_pool", "global_max_pool")
"""`avg_pool` and `max_pool` have `kernel` and `stride`, as convolutions do; `global_pool` is the mean over height and
width, and has no attributes."""
RESIZING = ("upsample", "pad")
JOINING = ("cat", "stack")
OTHER = ("embedding", "lstm", "gru")

OPERATIONS = (
    *(*CONVOLUTIONS, *PRODUCTS, *NORMS, *ACTIVATIONS, *ARITHMETIC),
    *(*REDUCTIONS, *POOLS, *RESIZING, *JOINING, *OTHER),
)
"""Every listed operation, in a fixed order; a vocabulary of learned features starts with these."""
