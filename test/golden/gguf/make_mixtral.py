"""Writes mixtral-qkvo.lora.gguf from the PEFT adapter and config.json with gguf-py: rows of q and k interleaved by head as llama.cpp's
`LlamaModel.permute` does for Mixtral, B's alone, since A's rows are the rank. Command: python make_mixtral.py; needs gguf, safetensors."""

import json
from pathlib import Path

import gguf
from safetensors.numpy import load_file

here = Path(__file__).parent
numeric = here.parent / "numeric"
config = json.loads((numeric / "models/tiny-mixtral/config.json").read_text())
settings = json.loads((numeric / "lora/mixtral-qkvo/adapter_config.json").read_text())
names = {"q_proj": "attn_q", "k_proj": "attn_k", "v_proj": "attn_v", "o_proj": "attn_output"}
heads = {"q_proj": config["num_attention_heads"], "k_proj": config["num_key_value_heads"]}

writer = gguf.GGUFWriter(here / "mixtral-qkvo.lora.gguf", "llama")
writer.add_type(gguf.GGUFType.ADAPTER)
writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, float(settings["lora_alpha"]))
for key, x in load_file(numeric / "lora/mixtral-qkvo/adapter_model.safetensors").items():
    _, _, _, _, layer, _, module, part, _ = key.split(".")
    if part == "lora_B" and module in heads:
        n = heads[module]
        x = x.reshape(n, 2, x.shape[0] // n // 2, *x.shape[1:]).swapaxes(1, 2).reshape(x.shape)
    writer.add_tensor(f"blk.{layer}.{names[module]}.weight.{part.lower()}", x.copy())
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
