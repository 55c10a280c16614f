#!/usr/bin/env python3
"""Trains the embedded base from nothing: a byte-level BPE tokenizer, then a small Llama, on the documents of corpus.ts.

usage: train.py OUT CORPUS.jsonl [CORPUS.jsonl ...] [--tokens 20e6] [--threads 1] [--resume | --start OTHER/state.pt]
needs (PyPI): torch, tokenizers, safetensors, numpy. Writes OUT/{config.json,tokenizer.json,tokenizer_config.json,
generation_config.json,model.safetensors} (bf16, transformers' LlamaForCausalLM) and OUT/log.jsonl; seed and order are fixed.
"""
import argparse
import hashlib
import json
import math
import os
import time

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

SPECIALS = ["<|bos|>", "<|user|>", "<|assistant|>", "<|end|>"]
VOCABULARY, HIDDEN, LAYERS, HEADS, HEAD, MLP, THETA, EPS = 1024, 192, 5, 3, 64, 512, 10000.0, 1e-5
ROW, ROWS = 1024, 6  # tokens a row, rows a step
OFF = 0.15  # weight of the loss on what the assistant did not write
TEMPLATE = ("{{ bos_token }}{% for message in messages %}{% if message['role'] == 'assistant' %}<|assistant|>{% generation %}{{ message['content'] }}<|end|>{% endgeneration %}"
            "{% else %}<|user|>{{ message['content'] }}<|end|>{% endif %}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}")


def documents(paths):
    for path in paths:
        with open(path, encoding="utf-8") as f:
            for line in f:
                yield json.loads(line)["turns"]


def train_tokenizer(paths, out):
    tok = Tokenizer(models.BPE())
    # No leading blanks in pieces: a word has the same tokens wherever it stands, which is what copying needs.
    tok.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(r"[A-Za-z]+|[0-9]|\s|[^A-Za-z0-9\s]"), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tok.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, special_tokens=SPECIALS, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tok.train_from_iterator((t["content"] for turns in documents(paths) for t in turns), trainer)
    tok.save(os.path.join(out, "tokenizer.json"))
    return tok


def encode(tok, turns):
    """-> ids, weights; the weight of a token is that of predicting it."""
    bos, user, assistant, end = range(4)
    ids, weights = [bos], [0.0]
    for t, e in zip(turns, tok.encode_batch([t["content"] for t in turns])):
        mine = t["role"] == "assistant"
        ids += [assistant if mine else user, *e.ids, end]
        weights += [OFF, *[1.0 if mine else OFF] * (len(e.ids) + 1)]
    return ids, weights


def pack(encoded, rng):
    """First-fit rows of whole documents, in random order. -> ids, weights, document number and position of every token"""
    order = rng.permutation(len(encoded))
    rows, room = [], []
    window = []
    for i in order:
        need = len(encoded[i][0])
        if need > ROW:
            continue
        for slot in window:
            if room[slot] >= need:
                break
        else:
            slot = len(rows)
            rows.append([])
            room.append(ROW)
            window.append(slot)
        rows[slot].append(i)
        room[slot] -= need
        window = [s for s in window if room[s] > 40][-64:]
    shape = (len(rows), ROW)
    ids, weights, doc, pos = np.zeros(shape, np.int64), np.zeros(shape, np.float32), np.full(shape, -1, np.int32), np.zeros(shape, np.int64)
    for r, members in enumerate(rows):
        at = 0
        for k, i in enumerate(members):
            a, w = encoded[i]
            n = len(a)
            ids[r, at:at + n], weights[r, at:at + n], doc[r, at:at + n], pos[r, at:at + n] = a, w, k, np.arange(n)
            at += n
    shuffled = rng.permutation(len(rows))
    return ids[shuffled], weights[shuffled], doc[shuffled], pos[shuffled]


class Llama(torch.nn.Module):
    def __init__(self):
        super().__init__()
        g = torch.Generator().manual_seed(0)
        def matrix(rows, columns, scale):
            return torch.nn.Parameter(torch.randn(rows, columns, generator=g) * scale)
        self.embed = matrix(VOCABULARY, HIDDEN, 0.02)
        s = HIDDEN ** -0.5
        self.layers = torch.nn.ModuleList()
        for _ in range(LAYERS):
            layer = torch.nn.ParameterDict()
            self.layers.append(layer)
            for name, value in {"n1": torch.ones(HIDDEN), "n2": torch.ones(HIDDEN)}.items():
                layer[name] = torch.nn.Parameter(value)
            layer["q"], layer["k"], layer["v"] = matrix(HEADS * HEAD, HIDDEN, s), matrix(HEADS * HEAD, HIDDEN, s), matrix(HEADS * HEAD, HIDDEN, s)
            layer["o"] = matrix(HIDDEN, HEADS * HEAD, s / math.sqrt(2 * LAYERS))
            layer["gate"], layer["up"] = matrix(MLP, HIDDEN, s), matrix(MLP, HIDDEN, s)
            layer["down"] = matrix(HIDDEN, MLP, MLP ** -0.5 / math.sqrt(2 * LAYERS))
        self.norm = torch.nn.Parameter(torch.ones(HIDDEN))

    def forward(self, ids, pos, mask):
        inv = THETA ** (-torch.arange(0, HEAD, 2).float() / HEAD)
        angle = pos[..., None].float() * inv
        cos, sin = torch.cat([angle.cos()] * 2, -1)[:, None], torch.cat([angle.sin()] * 2, -1)[:, None]
        def rotate(x):
            a, b = x.chunk(2, -1)
            return (x * cos + torch.cat([-b, a], -1) * sin).to(x.dtype)
        x = F.embedding(ids, self.embed)
        B, T, _ = x.shape
        for layer in self.layers:
            h = F.rms_norm(x, (HIDDEN,), layer["n1"], EPS)
            q, k, v = (F.linear(h, layer[n]).view(B, T, HEADS, HEAD).transpose(1, 2) for n in "qkv")
            a = F.scaled_dot_product_attention(rotate(q), rotate(k), v, attn_mask=mask)
            x = x + F.linear(a.transpose(1, 2).reshape(B, T, HEADS * HEAD), layer["o"])
            h = F.rms_norm(x, (HIDDEN,), layer["n2"], EPS)
            x = x + F.linear(F.silu(F.linear(h, layer["gate"])) * F.linear(h, layer["up"]), layer["down"])
        return F.linear(F.rms_norm(x, (HIDDEN,), self.norm, EPS), self.embed)


def orthogonal(g):
    """Newton-Schulz iteration of Muon (Jordan et al. 2024)."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = g.bfloat16() if g.shape[0] <= g.shape[1] else g.bfloat16().T
    x = x / (x.norm() + 1e-7)
    for _ in range(5):
        y = x @ x.T
        x = a * x + (b * y + c * y @ y) @ x
    return (x if g.shape[0] <= g.shape[1] else x.T).float()


def export(model, out):
    names = {"q": "self_attn.q_proj", "k": "self_attn.k_proj", "v": "self_attn.v_proj", "o": "self_attn.o_proj", "gate": "mlp.gate_proj", "up": "mlp.up_proj", "down": "mlp.down_proj", "n1": "input_layernorm", "n2": "post_attention_layernorm"}
    tensors = {"model.embed_tokens.weight": model.embed, "model.norm.weight": model.norm}
    for i, layer in enumerate(model.layers):
        for key, value in layer.items():
            tensors[f"model.layers.{i}.{names[key]}.weight"] = value
    save_file({k: v.detach().bfloat16().contiguous() for k, v in tensors.items()}, os.path.join(out, "model.safetensors"), metadata={"format": "pt"})
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": VOCABULARY, "hidden_size": HIDDEN, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
              "num_key_value_heads": HEADS, "head_dim": HEAD, "intermediate_size": MLP, "rope_theta": THETA, "rms_norm_eps": EPS, "hidden_act": "silu", "max_position_embeddings": 2048,
              "tie_word_embeddings": True, "attention_bias": False, "mlp_bias": False, "bos_token_id": 0, "eos_token_id": 3, "pad_token_id": 3, "torch_dtype": "bfloat16"}
    def put(name, value):
        with open(os.path.join(out, name), "w", encoding="utf-8") as f:
            json.dump(value, f, indent=2, ensure_ascii=False)
            f.write("\n")
    put("config.json", config)
    put("generation_config.json", {"bos_token_id": 0, "eos_token_id": 3, "pad_token_id": 3, "do_sample": False})
    put("tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": SPECIALS[0], "eos_token": SPECIALS[3], "pad_token": SPECIALS[3], "model_max_length": 2048,
                                  "clean_up_tokenization_spaces": False, "chat_template": TEMPLATE})


def main():
    p = argparse.ArgumentParser()
    p.add_argument("out")
    p.add_argument("corpora", nargs="+")
    p.add_argument("--tokens", type=float, default=20e6)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--matrix-lr", type=float, default=0.02)
    p.add_argument("--other-lr", type=float, default=4e-3)
    p.add_argument("--resume", action="store_true", help="go on from OUT/state.pt")
    p.add_argument("--start", help="state.pt of a training that ended: a second one begins there, its rate falling from the first step on")
    args = p.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    os.makedirs(args.out, exist_ok=True)
    path = os.path.join(args.out, "tokenizer.json")  # one that is there is kept
    tok = Tokenizer.from_file(path) if os.path.exists(path) else train_tokenizer(args.corpora[:1], args.out)
    log = open(os.path.join(args.out, "log.jsonl"), "a")

    def note(row):
        print(row, flush=True)
        log.write(json.dumps(row) + "\n")
        log.flush()

    def load(number):
        """Rows of one corpus; the corpora are trained on one after the other, from the first again after the last."""
        path = args.corpora[number % len(args.corpora)]
        encoded = [encode(tok, turns) for turns in documents([path])]
        with open(path, "rb") as f:
            note({"corpus": os.path.basename(path), "sha256": hashlib.file_digest(f, "sha256").hexdigest(), "documents": len(encoded), "tokens": sum(len(a) for a, _ in encoded)})
        held_out = encoded[:200] if number == 0 else []
        return held_out, pack(encoded[200:] if number % len(args.corpora) == 0 else encoded, np.random.default_rng(number))

    held, current = load(0)
    number, passed = 0, 0
    model = Llama()
    matrices = [v for layer in model.layers for k, v in layer.items() if v.ndim == 2]
    others = [model.embed, model.norm] + [v for layer in model.layers for v in layer.values() if v.ndim == 1]
    momentum = [torch.zeros_like(m) for m in matrices]
    adam = torch.optim.AdamW(others, lr=args.other_lr, betas=(0.9, 0.95), weight_decay=0.0)
    steps = int(args.tokens / (ROW * ROWS * 0.94))
    step = 0
    state = os.path.join(args.out, "state.pt")
    resumed = args.resume and os.path.exists(state)
    if resumed or args.start:
        saved = torch.load(state if resumed else args.start)
        model.load_state_dict(saved["model"])
        adam.load_state_dict(saved["adam"])
        momentum, step = saved["momentum"], saved["step"] if resumed else 0
    falling = steps if args.start else 0.35 * steps
    print(f"{steps} steps", flush=True)
    hids, hw, hdoc, hpos = pack(held, np.random.default_rng(1))
    began, first = time.time(), step

    def batch(ids, weights, doc, pos):
        ids, weights, doc, pos = torch.from_numpy(ids), torch.from_numpy(weights), torch.from_numpy(doc), torch.from_numpy(pos)
        mask = (doc[:, None, :, None] == doc[:, None, None, :]) & torch.ones(ROW, ROW, dtype=torch.bool).tril()
        return ids, weights, pos, torch.where(mask, 0.0, float("-inf")).bfloat16()

    def loss_of(ids, weights, pos, mask):
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(ids, pos, mask)
        each = F.cross_entropy(logits[:, :-1].float().reshape(-1, VOCABULARY), ids[:, 1:].reshape(-1), reduction="none")
        w = weights[:, 1:].reshape(-1)
        return each, w, logits

    while step < steps:
        while (step - passed + 1) * ROWS > len(current[0]):
            passed += len(current[0]) // ROWS
            number += 1
            _, current = load(number)
        part = slice((step - passed) * ROWS, (step - passed + 1) * ROWS)
        ids, weights, pos, mask = batch(*(x[part] for x in current))
        each, w, _ = loss_of(ids, weights, pos, mask)
        loss = (each * w).sum() / w.sum()
        loss.backward()
        rate = min(1.0, (step + 1) / 50) * min(1.0, (steps - step) / falling)
        with torch.no_grad():
            for m, buffer in zip(matrices, momentum):
                buffer.mul_(0.95).add_(m.grad)
                update = orthogonal(m.grad + 0.95 * buffer)
                m.add_(update, alpha=-args.matrix_lr * rate * max(1, m.shape[0] / m.shape[1]) ** 0.5)
        for group in adam.param_groups:
            group["lr"] = args.other_lr * rate
        adam.step()
        model.zero_grad(set_to_none=True)
        step += 1
        if step % 50 == 0 or step == steps:
            mine = w == 1.0
            row = {"step": step, "loss": round(loss.item(), 4), "assistant_loss": round(each[mine].mean().item(), 4), "tokens_per_second": round((step - first) * ROW * ROWS * 0.94 / (time.time() - began))}
            if step % 500 == 0 or step == steps:
                with torch.no_grad():
                    each, w, logits = loss_of(*batch(hids, hw, hdoc, hpos))
                    mine = w == 1.0
                    right = (logits[:, :-1].argmax(-1).reshape(-1) == batch(hids, hw, hdoc, hpos)[0][:, 1:].reshape(-1))[mine].float().mean().item()
                    row |= {"held_out_loss": round(each[mine].mean().item(), 4), "held_out_accuracy": round(right, 4)}
            if step % 100 == 0 or step == steps:
                export(model, args.out)
                torch.save({"model": model.state_dict(), "adam": adam.state_dict(), "momentum": momentum, "step": step}, state)
            note(row)
    export(model, args.out)


main()
