#!/usr/bin/env python3
"""Makes the goldens of the embedded base with transformers: prompt ids of a session, and logits at some of its positions, in f32.
usage: make.py BASE_DIR REPLAY.jsonl OUT_DIR   needs torch, transformers, safetensors (PyPI)"""
import json
import os
import sys

import torch
import transformers
from safetensors.torch import save_file

base, replay, out = sys.argv[1:]
tokenizer = transformers.AutoTokenizer.from_pretrained(base)
model = transformers.AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32).eval()
tensors, sessions = {}, []
with open(replay, encoding="utf-8") as f:
    rows = [json.loads(line) for line in f][:3]
for i, row in enumerate(rows):
    turns = [{"role": t["role"], "content": t["content"]} for t in row["turns"]]
    text = tokenizer.apply_chat_template(turns, tokenize=False)
    ids = tokenizer(text, add_special_tokens=False).input_ids
    prompt = tokenizer.apply_chat_template(turns[:-1], tokenize=False, add_generation_prompt=True)
    sessions.append({"id": row["id"], "ids": ids, "prompt_ids": tokenizer(prompt, add_special_tokens=False).input_ids})
    positions = list(range(0, len(ids), 29))
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0]
    tensors[f"{i}.positions"] = torch.tensor(positions, dtype=torch.int32)
    tensors[f"{i}.logits"] = logits[positions].contiguous()
save_file(tensors, os.path.join(out, "logits.safetensors"))
with open(os.path.join(out, "sessions.json"), "w", encoding="utf-8") as f:
    json.dump({"transformers": transformers.__version__, "torch": torch.__version__, "sessions": sessions}, f)
    f.write("\n")
