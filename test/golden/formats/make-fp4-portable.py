"""Makes tiny-llama-fp4.portable.safetensors: logits of the FP4 base with its weights dequantised by bitsandbytes' portable backend.

numeric/qlora/tiny-llama-fp4.safetensors was made with bitsandbytes' AVX-512 CPU kernel, which takes the wrong absmax where rows are
not whole blocks (its down_proj: 176 columns, blocks of 64), so its logits are not those of the stored weights.

Command: python make-fp4-portable.py ../numeric/models/tiny-llama-fp4 IDS.safetensors   (needs torch, transformers, bitsandbytes)
"""
import json
import sys
import torch
from bitsandbytes.backends.default.ops import _dequantize_4bit_compute
from bitsandbytes.backends.utils import _get_4bit_code
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM

stored = load_file(f"{sys.argv[1]}/model.safetensors")
raw = json.load(open(f"{sys.argv[1]}/config.json"))
raw.pop("quantization_config")
weights = {}
for name, x in stored.items():
    if f"{name}.absmax" in stored:
        state = json.loads(bytes(stored[f"{name}.quant_state.bitsandbytes__fp4"].tolist()))
        code = _get_4bit_code("fp4", torch.device("cpu"))
        weights[name] = _dequantize_4bit_compute(x.reshape(-1), stored[f"{name}.absmax"], code, 64, state["shape"], torch.float32)
    elif name.endswith(".weight"):
        weights[name] = x
config = LlamaConfig(**raw)
config._attn_implementation = "eager"
model = LlamaForCausalLM(config).eval()
model.load_state_dict(weights)
ids = load_file(sys.argv[2])["1.input_ids"]
with torch.no_grad():
    logits = model(ids.long()[None]).logits[0]
save_file({"1.input_ids": ids.to(torch.int32), "1.logits": logits.clone()}, "tiny-llama-fp4.portable.safetensors")
