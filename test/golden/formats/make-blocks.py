"""Makes gguf-blocks.safetensors: random valid blocks of each GGUF type and what the Python package gguf dequantises them to.

Command: python make-blocks.py   (needs gguf, numpy, safetensors)
"""
import numpy as np
from gguf import GGMLQuantizationType as T, quants
from gguf.constants import GGML_QUANT_SIZES
from safetensors.numpy import save_file

rng = np.random.default_rng(20261121)
# Byte offsets of the f16 scales in a block.
halves = {"Q8_0": [0], "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208]}
out = {}
for name, offsets in halves.items():
    size = GGML_QUANT_SIZES[T[name]][1]
    blocks = rng.integers(0, 256, (9, size), dtype=np.uint8)
    for at in offsets:
        scale = (rng.standard_normal(9) * 0.1).astype(np.float16)
        blocks[:, at:at + 2] = scale.view(np.uint8).reshape(9, 2)
    out[f"{name}.blocks"] = blocks
    out[f"{name}.values"] = quants.dequantize(blocks, T[name]).reshape(-1)
for name, dtype in (("F16", np.float16),):
    x = rng.standard_normal(99).astype(dtype)
    out[f"{name}.blocks"], out[f"{name}.values"] = x.view(np.uint8), x.astype(np.float32)
x = rng.integers(0, 0x7F00, 99, dtype=np.uint16)
out["BF16.blocks"], out["BF16.values"] = x.view(np.uint8), quants.dequantize(x.view(np.uint8), T.BF16).reshape(-1)
save_file(out, "gguf-blocks.safetensors")
