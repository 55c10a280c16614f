#!/usr/bin/env python3
"""Makes trl.json: preference pairs in every shape as TRL's DPOTrainer tokenises and cuts them; and chat.parquet beside it.

usage: make.py TOKENIZERS OUT
  TOKENIZERS  a folder of tokenizer directories (tokenizer.json, tokenizer_config.json, chat_template.jinja where it lies apart)
needs: transformers, trl, datasets (versions are written to OUT)

Per tokenizer and set of rows: what `DPOTrainer._prepare_dataset` leaves (prompt_ids, chosen_ids, rejected_ids), and under each
max_length the sequences and completion masks of `DataCollatorForPreference`.
"""
import json
import sys
from importlib.metadata import version
from types import SimpleNamespace

from datasets import Dataset
from transformers import AutoTokenizer
from trl import DPOTrainer
from trl.trainer.dpo_trainer import DataCollatorForPreference

root, out = sys.argv[1:3]
user = lambda text: {"role": "user", "content": text}
answer = lambda text: {"role": "assistant", "content": text}
sets = {
    "chat": [
        {"prompt": [user("You are at a shell.\n$ ")], "chosen": [answer("ls -la")], "rejected": [answer("rm -rf /tmp/x")]},
        {"prompt": [user("$ "), answer("help"), user("usage: q next|done\n$ ")], "chosen": [answer("q next")], "rejected": [answer("exit")]},
        {"prompt": [user("Zähle:\n$ ")], "chosen": [answer("cat <<'EOF'\nä 1\nEOF")], "rejected": [answer("cat")]},
    ],
    "chat-implicit": [
        {"chosen": [user("$ "), answer("pwd"), user("/root\n$ "), answer("cd /srv && ls")], "rejected": [user("$ "), answer("pwd"), user("/root\n$ "), answer("panic")]},
        {"chosen": [user("What color is the sky?"), answer("It is blue.")], "rejected": [user("What color is the sky?"), answer("It is green.")]},
    ],
    "text": [
        {"prompt": "The sky is", "chosen": " blue.", "rejected": " green, as far as I can see."},
        {"prompt": "$ ", "chosen": "ls", "rejected": "lsof -i"},
    ],
    "text-implicit": [
        {"chosen": "The sky is blue.", "rejected": "The sky is green."},
        {"chosen": "count: 1 2 3", "rejected": "count: 1 2 4 5"},
    ],
}
Dataset.from_list(sets["chat"]).to_parquet(out.replace("trl.json", "chat.parquet"))
result = {"versions": {name: version(name) for name in ("transformers", "trl")}, "sets": sets, "tokenizers": {}}
for name in ("smollm2-135m-instruct", "mistral-7b-instruct-v0.3"):
    tokenizer = AutoTokenizer.from_pretrained(f"{root}/{name}")
    found = result["tokenizers"][name] = {}
    for kind, rows in sets.items():
        args = SimpleNamespace(dataset_num_proc=None, max_length=None, truncation_mode="keep_start")
        data = DPOTrainer._prepare_dataset(SimpleNamespace(_tokenizer=tokenizer), Dataset.from_list(rows), tokenizer, args, "train")
        pairs = [{key: row[key] for key in ("prompt_ids", "chosen_ids", "rejected_ids")} for row in data]
        cuts = []
        for mode in ("keep_start", "keep_end"):
            for length in (max(len(p["prompt_ids"]) for p in pairs) + 1, max(len(p["prompt_ids"]) for p in pairs) + 3, 6):
                kept = [i for i, p in enumerate(pairs) if mode == "keep_end" or len(p["prompt_ids"]) < length]
                collator = DataCollatorForPreference(pad_token_id=0, max_length=length, truncation_mode=mode)
                entry = {"truncation_mode": mode, "max_length": length, "kept": kept, "rows": []}
                for i in kept:
                    batch = collator([pairs[i]])
                    entry["rows"].append([{"input_ids": ids[mask.bool()].tolist(), "completion_mask": done[mask.bool()].tolist()}
                                          for ids, mask, done in zip(batch["input_ids"], batch["attention_mask"], batch["completion_mask"])])
                cuts.append(entry)
        found[kind] = {"pairs": pairs, "cut": cuts}
with open(out, "w") as file:
    json.dump(result, file)
    file.write("\n")
