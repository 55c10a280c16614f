"""Merges LoRA adapters with PEFT: the adapted weights of `merge_and_unload`, in the base's type.

Command: python make.py NUMERIC_DIR   (holds models/ and lora/); transformers 5.23.0, peft 0.21.2, torch 2.15.0"""

import sys
from pathlib import Path

import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

numeric, here = Path(sys.argv[1]), Path(__file__).parent
for base, adapter in [("tiny-llama-bf16", "llama-qkvo"), ("tiny-qwen2-fp16", "qwen2-all"), ("tiny-mistral", "mistral-pattern")]:
    model = AutoModelForCausalLM.from_pretrained(numeric / "models" / base, dtype="auto")
    adapted = {k.removeprefix("base_model.model.").rpartition(".lora_")[0] + ".weight" for k in load_file(numeric / "lora" / adapter / "adapter_model.safetensors")}
    state = PeftModel.from_pretrained(model, str(numeric / "lora" / adapter)).merge_and_unload().state_dict()
    # Layer 1 says enough, and keeps the file small.
    save_file({k: state[k].contiguous() for k in sorted(adapted) if ".layers.1." in k}, here / f"{adapter}.{base}.safetensors")
