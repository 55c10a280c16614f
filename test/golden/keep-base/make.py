#!/usr/bin/env python3
"""Golden of --keep-base: LoRA on two of three layers of tiny-mistral, some labels taken from the base without it, three updates in float64.

usage: make.py      (PyPI: torch, transformers, peft, safetensors)
Starts from ../layers/init. Writes rows.json (every third token that ../numeric/train/data.json leaves out has the label -101), final/
(a PEFT adapter) and run.json: loss and gradient norm of each update, the base's labels, and by how much the closest of them led.
"""
import json
import os

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

here = os.path.dirname(os.path.abspath(__file__))
numeric = os.path.join(here, "..", "numeric")
rate, window, updates, weight = 2e-3, 4, 3, 0.3

base = AutoModelForCausalLM.from_pretrained(os.path.join(numeric, "models", "tiny-mistral"), dtype=torch.float32, attn_implementation="eager")
model = PeftModel.from_pretrained(base, os.path.join(here, "..", "layers", "init"), is_trainable=True).double()
optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=rate, weight_decay=0.0)
rows = json.load(open(os.path.join(numeric, "train", "data.json")))["train"]
for row in rows:
    row["labels"] = [-101 if label == -100 and t % 3 == 1 else label for t, label in enumerate(row["labels"])]
log, said, lead = [], [], float("inf")
for step in range(updates):
    batch = rows[step * window:(step + 1) * window]
    count = sum(label != -100 for row in batch for label in row["labels"][1:])
    total = 0.0
    for row in batch:
        ids, labels = torch.tensor([row["input_ids"]]), torch.tensor(row["labels"][1:])
        with torch.no_grad(), model.disable_adapter():
            best = model(input_ids=ids).logits[0, :-1].topk(2)
        kept = labels == -101
        said.append(best.indices[kept, 0].tolist())
        lead = min([lead, *(best.values[kept, 0] - best.values[kept, 1]).tolist()])
        labels = torch.where(kept, best.indices[:, 0], labels)
        each = torch.nn.functional.cross_entropy(model(input_ids=ids).logits[0, :-1], labels, ignore_index=-100, reduction="none")
        loss = (each * torch.where(kept, weight, 1.0)).sum() / count
        loss.backward()
        total += loss.item()
    norm = torch.nn.utils.clip_grad_norm_([p for p in model.parameters() if p.requires_grad], 1.0)
    optimiser.step()
    optimiser.zero_grad()
    log.append({"step": step + 1, "loss": total, "grad_norm": norm.item()})
model.float().save_pretrained(os.path.join(here, "final"))  # its README.md is not kept
with open(os.path.join(here, "rows.json"), "w", encoding="utf-8") as f:
    json.dump(rows, f)
    f.write("\n")
with open(os.path.join(here, "run.json"), "w", encoding="utf-8") as f:
    json.dump({"learning_rate": rate, "window": window, "weight": weight, "lead": lead, "said": said, "log": log}, f)
    f.write("\n")
