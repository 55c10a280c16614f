#!/usr/bin/env python3
"""Golden of LoRA on some layers alone: PEFT's layers_to_transform on tiny-mistral, three updates in float64.

usage: make.py      (PyPI: torch, transformers, peft, safetensors)
Writes init/ and final/ (PEFT adapters, the first with random A and B) and run.json: loss and gradient norm of each update.
"""
import json
import os

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

here = os.path.dirname(os.path.abspath(__file__))
numeric = os.path.join(here, "..", "numeric")
rate, window, updates = 2e-3, 4, 3
names = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]

torch.manual_seed(7)
base = AutoModelForCausalLM.from_pretrained(os.path.join(numeric, "models", "tiny-mistral"), dtype=torch.float32, attn_implementation="eager")
model = get_peft_model(base, LoraConfig(r=4, lora_alpha=8, lora_dropout=0.0, target_modules=names, layers_to_transform=[1, 2], task_type="CAUSAL_LM"))
model.peft_config["default"].base_model_name_or_path = "tiny-mistral"
trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
for p in trained.values():
    p.data = torch.randn_like(p) * 0.05
model.save_pretrained(os.path.join(here, "init"))  # its README.md is not kept
model = model.double()
optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=rate, weight_decay=0.0)
rows = json.load(open(os.path.join(numeric, "train", "data.json")))["train"]
log = []
for step in range(updates):
    batch = rows[step * window:(step + 1) * window]
    count = sum(label != -100 for row in batch for label in row["labels"][1:])
    total = 0.0
    for row in batch:
        logits = model(input_ids=torch.tensor([row["input_ids"]])).logits[0, :-1]
        loss = torch.nn.functional.cross_entropy(logits, torch.tensor(row["labels"][1:]), ignore_index=-100, reduction="sum") / count
        loss.backward()
        total += loss.item()
    norm = torch.nn.utils.clip_grad_norm_([p for p in model.parameters() if p.requires_grad], 1.0)
    optimiser.step()
    optimiser.zero_grad()
    log.append({"step": step + 1, "loss": total, "grad_norm": norm.item()})
model.float().save_pretrained(os.path.join(here, "final"))
with open(os.path.join(here, "run.json"), "w", encoding="utf-8") as f:
    json.dump({"learning_rate": rate, "window": window, "modules": sorted(model.targeted_module_names), "log": log}, f, indent=1)
    f.write("\n")
