#!/usr/bin/env python3
"""Makes the goldens of `sekft inspect terminals`: two tiny random bases with tokenizers and templates of their own, a LoRA adapter, six
recorded sessions, and the terminal's log-probabilities at every decision point, computed by transformers and peft in float64.
usage: make.py TRAJECTORIES.jsonl OUT_DIR   needs torch, transformers, peft, tokenizers (PyPI)"""
import json
import os
import sys

import peft
import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

source, out = sys.argv[1:]
SEED = 20
PLAIN = {"exit": "exit", "panic": "panic"}

with open(source, encoding="utf-8") as f:
    rows = [json.loads(line) for line in f]
rows = sorted((r for r in rows if r["keep"]), key=lambda r: sum(len(t["content"]) for t in r["turns"]))
sessions = [r for r in rows if r["terminal"] == "exit"][:4] + [r for r in rows if r["terminal"] == "panic"][:2]
with open(os.path.join(out, "sessions.jsonl"), "w", encoding="utf-8") as f:
    for r in sessions:
        f.write(json.dumps(r, ensure_ascii=False) + "\n")

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
BRACKETS = (
    "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'user' %}[U] {{ m['content'] }} [/U]"
    "{% else %}{{ m['content'] }}{{ eos_token }}{% endif %}{% endfor %}"
)


def make_base(name, vocab, template, special, bos, eos, seed, **config):
    folder = os.path.join(out, name)
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tok.decoder = decoders.ByteLevel()
    texts = [t["content"] for r in sessions for t in r["turns"]]
    tok.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=vocab,
            special_tokens=special,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tok, bos_token=bos, eos_token=eos)
    fast.chat_template = template
    fast.save_pretrained(folder)
    torch.manual_seed(seed)
    model = transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            vocab_size=tok.get_vocab_size(),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=4096,
            bos_token_id=fast.bos_token_id,
            eos_token_id=fast.eos_token_id,
            initializer_range=0.25,
            dtype="float32",
            **config,
        )
    )
    model.save_pretrained(folder)
    return folder


def make_adapter(base, name):
    torch.manual_seed(SEED + 9)
    model = transformers.AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    lora = peft.get_peft_model(
        model, peft.LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj", "down_proj"], task_type="CAUSAL_LM")
    )
    for key, p in lora.named_parameters():
        if "lora_B" in key:
            torch.nn.init.normal_(p, std=0.2)
    lora.peft_config["default"].base_model_name_or_path = os.path.basename(base)
    lora.save_pretrained(os.path.join(out, name))
    os.remove(os.path.join(out, name, "README.md"))
    config = os.path.join(out, name, "adapter_config.json")
    with open(config, encoding="utf-8") as f:
        fields = json.load(f)
    fields["target_modules"] = sorted(fields["target_modules"])
    with open(config, "w", encoding="utf-8") as f:
        json.dump(fields, f, indent=2, sort_keys=True)
        f.write("\n")


def normalise(turns):
    """Turns of one role become one, a leading system turn goes into the first user turn."""
    merged = []
    for t in turns:
        role = "user" if t["role"] == "system" else t["role"]
        if merged and merged[-1]["role"] == role:
            left = merged[-1]["content"]
            glue = "" if left.endswith("\n") or not left or not t["content"] else "\n"
            merged[-1]["content"] = left + glue + t["content"]
        else:
            merged.append({"role": role, "content": t["content"]})
    return merged


def score(model, tokenizer, turns, word):
    messages = normalise(turns)
    prompt = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    full = prompt + word + tokenizer.eos_token
    whole = tokenizer.apply_chat_template(messages + [{"role": "assistant", "content": word}], tokenize=False)
    assert whole.startswith(full), (whole[-80:], full[-80:])
    ids = tokenizer(full, add_special_tokens=False).input_ids
    before = tokenizer(prompt, add_special_tokens=False).input_ids
    assert ids[: len(before)] == before
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0].double()
    logp = logits.log_softmax(-1)
    found = [(logp[i - 1, ids[i]].item(), int((logits[i - 1] > logits[i - 1, ids[i]]).sum()) + 1) for i in range(len(before), len(ids))]
    return {
        "prompt_tokens": len(before),
        "logp": sum(lp for lp, _ in found),
        "tokens": len(found),
        "first_logp": found[0][0],
        "first_rank": found[0][1],
        "greedy": all(rank == 1 for _, rank in found),
    }


def measure(base, adapter=None, words=PLAIN):
    tokenizer = transformers.AutoTokenizer.from_pretrained(base)
    model = transformers.AutoModelForCausalLM.from_pretrained(base, dtype=torch.float64)
    if adapter:
        model = peft.PeftModel.from_pretrained(model, adapter).double()
    model.eval()
    found = []
    for r in sessions:
        word = words[r["terminal"]]
        places = [i for i, t in enumerate(r["turns"]) if t["role"] == "assistant"]
        points = [score(model, tokenizer, r["turns"][:i], word) for i in places]
        one = {"id": r["id"], "terminal": r["terminal"], "final": points[-1], "controls": points[:-1]}
        if words is PLAIN and not adapter:
            # What training minimises: every command and its end of turn.
            real = [score(model, tokenizer, r["turns"][:i], r["turns"][i]["content"]) for i in places]
            one["trained"] = {"nll": -sum(p["logp"] for p in real), "labels": sum(p["tokens"] for p in real)}
        found.append(one)
    return found


chatml = make_base("chatml", 420, CHATML, ["<|im_start|>", "<|im_end|>"], "<|im_start|>", "<|im_end|>", SEED, tie_word_embeddings=True)
brackets = make_base("brackets", 640, BRACKETS, ["<s>", "</s>"], "<s>", "</s>", SEED + 1, tie_word_embeddings=False)
make_adapter(chatml, "adapter")
expected = {
    "transformers": transformers.__version__,
    "peft": peft.__version__,
    "torch": torch.__version__,
    "chatml": measure(chatml),
    "brackets": measure(brackets),
    "adapter": measure(chatml, os.path.join(out, "adapter")),
    "renamed": measure(chatml, None, {"exit": "leave", "panic": "stuck"}),
}
with open(os.path.join(out, "expected.json"), "w", encoding="utf-8") as f:
    json.dump(expected, f, indent=1)
    f.write("\n")
