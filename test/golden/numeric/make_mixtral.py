#!/usr/bin/env python3
"""Makes tiny-mixtral and everything about it: models/, forward/, lora/mixtral-qkvo*, ../generate/tiny-mixtral.json, models/fused-mixtral*.

usage: OMP_NUM_THREADS=1 make_mixtral.py NUMERIC
  NUMERIC  this folder
needs: torch, transformers, peft, safetensors (versions.json)

Weights are random, rounded to bfloat16 and stored so; all arithmetic is float32, eager attention. The third likeliest expert of a token is
never nearer than `gap` to the second, so that no rounding sends a token elsewhere. lora/mixtral-qkvo.routers.safetensors: gradients of
both routers under the adapter, of the same loss as its own. forward/tiny-mixtral.gradients.json: samples of every
weight's gradient without an adapter. models/fused-mixtral: transformers' own tensors as it holds them, two for
all experts of a layer; models/fused-mixtral-apart: what its save_pretrained makes of them.
"""
import json
import os
import sys

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, MixtralConfig, MixtralForCausalLM

numeric = sys.argv[1]
torch.use_deterministic_algorithms(True)
gap = 2e-3


def sized(**sizes):
    return MixtralConfig(
        bos_token_id=1, eos_token_id=2, pad_token_id=0, max_position_embeddings=256, num_experts_per_tok=2, rope_theta=10000.0, **sizes
    )


def made(config, seed):
    torch.manual_seed(seed)
    model = MixtralForCausalLM(config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith("norm.weight"):
                weight.copy_(1 + 0.2 * torch.randn_like(weight))
            else:
                weight.copy_(torch.randn_like(weight) * (0.3 if "gate.weight" in name or name == "lm_head.weight" else 0.12))
    return model.to(torch.bfloat16)


def saved(model, name):
    folder = f"{numeric}/models/{name}"
    model.save_pretrained(folder)
    extra = f"{folder}/generation_config.json"
    if os.path.exists(extra):
        os.remove(extra)
    return folder


def loaded(folder):
    return AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32)


def write(path, value, indent=None):
    with open(f"{numeric}/{path}", "w") as file:
        json.dump(value, file, indent=indent)
        file.write("\n")


def losses(model, row):
    logits = model(torch.tensor([row["input_ids"]])).logits[0, :-1]
    return torch.nn.functional.cross_entropy(logits, torch.tensor(row["labels"][1:]), ignore_index=-100, reduction="sum")


def labels_of(row):
    return sum(label != -100 for label in row["labels"][1:])


folder = saved(
    made(
        sized(
            vocab_size=192, hidden_size=96, intermediate_size=72, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, head_dim=16, num_local_experts=5,
        ),
        11,
    ),
    "tiny-mixtral",
)
model = loaded(folder)

# Sequences whose tokens all know clearly where to go.
random = torch.Generator().manual_seed(7)
nearest = {"gap": 9.0}


def watch(module, inputs, output):
    top = output[0].detach().float().topk(3, dim=-1).values
    nearest["gap"] = min(nearest["gap"], (top[:, 1] - top[:, 2]).min().item())


hooks = [layer.mlp.gate.register_forward_hook(watch) for layer in model.model.layers]


def clear(ids):
    nearest["gap"] = 9.0
    with torch.no_grad():
        model(torch.tensor([ids]))
    return nearest["gap"] > gap


def chosen(length):
    while True:
        ids = [1, *torch.randint(3, 192, (length - 1,), generator=random).tolist()]
        if clear(ids):
            return ids


rows = []
tensors = {}
for length, prompt in ((96, 30), (61, 13)):
    ids = chosen(length)
    row = {"input_ids": ids, "labels": [-100] * prompt + ids[prompt:]}
    with torch.no_grad():
        out = model(torch.tensor([ids]), output_hidden_states=True)
        total = losses(model, row).item()
    row |= {"loss_sum": total, "label_count": labels_of(row), "loss_mean": total / labels_of(row)}
    tensors[f"{len(rows)}.logits"] = out.logits[0].contiguous()
    if rows:
        tensors |= {f"1.hidden.{k}": h[0].contiguous() for k, h in enumerate(out.hidden_states)}
    rows.append(row)
save_file(tensors, f"{numeric}/forward/tiny-mixtral.safetensors")
write("forward/tiny-mixtral.json", {"sequences": rows})

# Gradients of all weights, under the published names: norm, largest, and at most 48 values at multiples of `step`.
def sample(tensor):
    flat = tensor.flatten()
    step = max(1, len(flat) // 48)
    return {"norm": flat.norm().item(), "largest": flat.abs().max().item(), "step": step, "values": flat[::step][:48].tolist()}


def published(name, grad):
    name = name.replace(".mlp.", ".block_sparse_moe.")
    for expert in range(5) if ".experts." in name else ():
        own = name[: name.index(".experts.")] + f".experts.{expert}"
        if name.endswith("down_proj"):
            yield f"{own}.w2.weight", grad[expert]
        else:
            gate, up = grad[expert].chunk(2)
            yield f"{own}.w1.weight", gate
            yield f"{own}.w3.weight", up
    if ".experts." not in name:
        yield name, grad


count = sum(map(labels_of, rows))
for row in rows:
    (losses(model, row) / count).backward()
samples = {own: sample(g) for name, p in model.named_parameters() for own, g in published(name, p.grad)}
write("forward/tiny-mixtral.gradients.json", samples)
model.zero_grad()

# Greedy answer.
while True:
    ids = chosen(12)
    answer, steps = list(ids), []
    nearest["gap"] = 9.0
    for _ in range(40):
        with torch.no_grad():
            logprobs = model(torch.tensor([answer])).logits[0, -1].log_softmax(-1)
        top = logprobs.topk(5)
        steps.append({"top5": [[i, v] for i, v in zip(top.indices.tolist(), top.values.tolist())]})
        answer.append(top.indices[0].item())
    if nearest["gap"] > gap and min(s["top5"][j][1] - s["top5"][j + 1][1] for s in steps for j in range(4)) > 1e-4:
        break
write("../generate/tiny-mixtral.json", {"model": "tiny-mixtral", "prompt_ids": ids, "output_ids": answer[12:], "steps": steps}, 1)

# LoRA with B not zero, and the routers' gradients beside its own.
for hook in hooks:
    hook.remove()
torch.manual_seed(3)
lora = get_peft_model(model, LoraConfig(r=4, lora_alpha=8, lora_dropout=0.0, target_modules=["q_proj", "k_proj", "v_proj", "o_proj"], task_type="CAUSAL_LM"))
routers = {}
for name, weight in lora.named_parameters():
    if "lora_B" in name:
        weight.data.copy_(0.05 * torch.randn_like(weight))
    if name.endswith("gate.weight"):
        weight.requires_grad_(True)
        routers[name] = weight
lora.save_pretrained(f"{numeric}/lora/mixtral-qkvo", save_embedding_layers=False)
readme = f"{numeric}/lora/mixtral-qkvo/README.md"
if os.path.exists(readme):
    os.remove(readme)
settings = f"{numeric}/lora/mixtral-qkvo/adapter_config.json"
text = json.load(open(settings))
text["base_model_name_or_path"] = "tiny-mixtral"
text["target_modules"].sort()
json.dump(text, open(settings, "w"), indent=2)
count = sum(map(labels_of, rows))
loss = 0.0
for row in rows:
    part = losses(lora, row) / count
    part.backward()
    loss += part.item()
grads = {n.replace(".default", ""): p.grad.contiguous() for n, p in lora.named_parameters() if "lora_" in n}
with torch.no_grad():
    logits = lora(torch.tensor([rows[1]["input_ids"]])).logits[0].contiguous()
save_file({"1.logits": logits}, f"{numeric}/lora/mixtral-qkvo.safetensors")
save_file(grads, f"{numeric}/lora/mixtral-qkvo.grads.safetensors")
save_file(
    {n.replace("base_model.model.", "").replace(".mlp.gate", ".block_sparse_moe.gate"): p.grad.contiguous() for n, p in routers.items()},
    f"{numeric}/lora/mixtral-qkvo.routers.safetensors",
)
norm = torch.stack([g.norm() for g in grads.values()]).norm().item()
write("lora/mixtral-qkvo.json", {"loss": loss, "grad_norm": norm, "label_count": count})

# The two layouts of one model.
small = made(
    sized(vocab_size=16, hidden_size=8, intermediate_size=12, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1, head_dim=4, num_local_experts=3), 5
)
folder = saved(small, "fused-mixtral-apart")
fused = f"{numeric}/models/fused-mixtral"
os.makedirs(fused, exist_ok=True)
save_file({n: p.detach().contiguous() for n, p in small.named_parameters()}, f"{fused}/model.safetensors", metadata={"format": "pt"})
with open(f"{folder}/config.json") as source, open(f"{fused}/config.json", "w") as target:
    target.write(source.read())
print("nearest experts", nearest, "loss", loss, "norm", norm)
