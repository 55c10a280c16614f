"""Quantises the matrices of the F32 GGUF LoRAs beside this file as llama.cpp's converter does: rows of whole blocks become Q8_0,
others F16 (gguf-py, `gguf/quants.py`). Command: python make.py; needs gguf 0.19.0, safetensors."""

import sys
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType, GGUFReader, quants
from safetensors.numpy import save_file

here = Path(__file__).parent
name = sys.argv[1] if len(sys.argv) > 1 else "llama-qkvo"
out = {}
for tensor in GGUFReader(here / f"{name}.lora.gguf").tensors:
    x = np.array(tensor.data)
    if x.shape[-1] % 32 == 0:
        out[tensor.name] = quants.quantize(x, GGMLQuantizationType.Q8_0).view(np.uint8)
    else:
        out[tensor.name] = x.astype(np.float16).view(np.uint8)
save_file(out, here / f"{name}.q8_0.safetensors")
