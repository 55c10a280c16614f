#!/usr/bin/env python3
"""Makes gradients.json and runs.json: gradients of all of a model's own weights, and training runs of some of them.

usage: OMP_NUM_THREADS=1 make.py NUMERIC HERE
  NUMERIC  the folder ../numeric   HERE  this folder
needs: torch, transformers, peft (versions are written to both files)

gradients.json: of the mean loss over both sequences of forward/<model>.json, one at a time: norm of each tensor, and its values at
`step` x i, at most 48. runs.json: `Trainer`'s arithmetic written out: loss summed over the window and divided by its labels, clipping,
fused AdamW with Trainer's own choice of what decays, transformers' schedule. A stage has an optimiser and a schedule of its own
and goes on in the rows, in file order. Of the weights at the end: norm, norm of what moved, and 24 values.
"""
import json
import math
import re
import sys
from importlib.metadata import version

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, get_scheduler
from transformers.trainer_pt_utils import get_parameter_names

numeric, here = sys.argv[1:3]
torch.use_deterministic_algorithms(True)
versions = {name: version(name) for name in ("torch", "transformers", "peft")}


def load(name, dtype=torch.float32):
    return AutoModelForCausalLM.from_pretrained(f"{numeric}/models/{name}", attn_implementation="eager", dtype=dtype)


def sample(tensor, most):
    flat = tensor.detach().float().flatten()
    step = max(1, len(flat) // most)
    return {"step": step, "values": flat[::step][:most].tolist()}


def summed_loss(model, row):
    logits = model(torch.tensor([row["input_ids"]])).logits[0, :-1].float()
    return torch.nn.functional.cross_entropy(logits, torch.tensor(row["labels"][1:]), ignore_index=-100, reduction="sum")


def labels_of(row):
    return sum(label != -100 for label in row["labels"][1:])


def gradients(name):
    model = load(name)
    rows = json.load(open(f"{numeric}/forward/{name}.json"))["sequences"]
    count = sum(map(labels_of, rows))
    total = 0.0
    for row in rows:
        loss = summed_loss(model, row) / count
        loss.backward()
        total += loss.item()
    return {
        "loss": total,
        "tensors": {n: {"norm": p.grad.norm().item(), "largest": p.grad.abs().max().item(), **sample(p.grad, 48)} for n, p in model.named_parameters()},
    }


data = json.load(open(f"{numeric}/train/data.json"))["train"]

attention = r"self_attn\.[qkvo]_proj\."
norms = r"norm\.weight$"
mlp = r"\.mlp\."
runs = {
    "staged": {
        "model": "tiny-llama",
        "accumulation": 2,
        "weight_decay": 0.05,
        "warmup": 0.25,
        "schedule": "cosine",
        "stages": [
            {"until": 4, "pattern": f"{attention}|{norms}", "learning_rate": 2e-3},
            {"until": 10, "pattern": r"layers\.1\.", "learning_rate": 5e-3},
            {"until": 13, "pattern": "embed_tokens|lm_head", "learning_rate": 1e-3},
        ],
    },
    "all-tied-biased": {
        "model": "tiny-qwen2",
        "accumulation": 3,
        "weight_decay": 0.1,
        "warmup": 0.1,
        "schedule": "linear",
        "stages": [{"until": 8, "pattern": ".", "learning_rate": 1e-3}],
    },
    "with-lora": {
        "model": "tiny-llama",
        "adapter": "llama-qkvo",
        "accumulation": 2,
        "weight_decay": 0.01,
        "warmup": 0.0,
        "schedule": "constant",
        "stages": [
            {"until": 3, "pattern": f"{norms}|{mlp}|lora_", "learning_rate": 1e-3},
            {"until": 5, "pattern": r"layers\.0\.mlp\.|lora_", "learning_rate": 2e-3},
            {"until": 8, "pattern": norms, "learning_rate": 3e-3},
        ],
    },
}


def run(spec):
    model = load(spec["model"])
    if "adapter" in spec:
        model = PeftModel.from_pretrained(model, f"{numeric}/lora/{spec['adapter']}", is_trainable=True)
    model.eval()
    start = {n: p.detach().clone() for n, p in model.named_parameters()}
    per_epoch = math.ceil(len(data) / spec["accumulation"])
    log = []
    step = 0
    for stage in spec["stages"]:
        chosen = {n: p for n, p in model.named_parameters() if re.search(stage["pattern"], n)}
        for n, p in model.named_parameters():
            p.requires_grad_(n in chosen)
        forbidden = [r"bias", r"layernorm", r"rmsnorm", r"(?:^|\.)norm(?:$|\.)", r"_norm(?:$|\.)"]
        decayed = set(get_parameter_names(model, [torch.nn.LayerNorm], forbidden))
        optimiser = torch.optim.AdamW(
            [
                {"params": [p for n, p in chosen.items() if n in decayed], "weight_decay": spec["weight_decay"]},
                {"params": [p for n, p in chosen.items() if n not in decayed], "weight_decay": 0.0},
            ],
            lr=stage["learning_rate"],
            fused=True,
        )
        length = stage["until"] - step
        schedule = get_scheduler(spec["schedule"], optimiser, math.ceil(length * spec["warmup"]), length)
        while step < stage["until"]:
            at = (step % per_epoch) * spec["accumulation"]
            window = data[at : at + spec["accumulation"]]
            count = sum(map(labels_of, window))
            total = 0.0
            for row in window:
                loss = summed_loss(model, row) / count
                loss.backward()
                total += loss.item()
            norm = torch.nn.utils.clip_grad_norm_(chosen.values(), 1.0).item()
            rate = schedule.get_last_lr()[0]
            optimiser.step()
            schedule.step()
            optimiser.zero_grad()
            step += 1
            log.append({"step": step, "loss": total, "grad_norm": norm, "learning_rate": rate})
    tensors = {}
    for name, parameter in model.named_parameters():
        moved = parameter.detach() - start[name]
        if moved.abs().max() > 0:
            tensors[name] = {"norm": parameter.norm().item(), "moved": moved.norm().item(), "largest": parameter.abs().max().item(), **sample(parameter, 24)}
    return {"spec": spec, "log": log, "tensors": tensors}


def write(name, value):
    with open(f"{here}/{name}", "w") as file:
        json.dump({"versions": versions, **value}, file)
        file.write("\n")


models = ["tiny-llama", "tiny-qwen2", "tiny-qwen3", "tiny-mistral"]
write("gradients.json", {"models": {name: gradients(name) for name in models}})
write("runs.json", {"runs": {name: run(spec) for name, spec in runs.items()}})
