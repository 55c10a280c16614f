#!/usr/bin/env python3
"""Makes losses.json: every preference loss on pairs.json under adapter/, by TRL's own code, with its gradients.

usage: OMP_NUM_THREADS=1 make_losses.py BASE HERE OUT
  BASE  models/tiny-mistral   HERE  this folder   OUT  the JSON file to write
needs: torch, transformers, peft, trl, datasets (versions are written to OUT)

sigmoid, hinge, ipo and robust: DPOTrainer._compute_loss, all four pairs in one batch, the reference is the base (adapter off).
cdpo: DPO's sigmoid with label smoothing, which TRL has in CPOTrainer.cpo_loss, fed log ratios.
simpo, cpo-simpo: CPOTrainer.get_batch_logps and cpo_loss; the second adds cpo_alpha times the chosen completions' token mean.
orpo: ORPOTrainer.get_batch_logps and odds_ratio_loss, plus the mean over all tokens of prompt and chosen completion.
Per LoRA tensor: the norm of its gradient, and its first eight values.
"""
import json
import sys
import tempfile
from importlib.metadata import version
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from datasets import Dataset
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast
from trl import DPOConfig, DPOTrainer
from trl.experimental.cpo import CPOTrainer
from trl.experimental.orpo import ORPOTrainer

base, here, out = sys.argv[1:4]
pairs = json.load(open(f"{here}/pairs.json"))
config = json.load(open(f"{here}/adapter/adapter_config.json"))
weights = load_file(f"{here}/adapter/adapter_model.safetensors")


def lora():
    return LoraConfig(r=config["r"], lora_alpha=config["lora_alpha"], lora_dropout=0.0, target_modules=config["target_modules"], task_type="CAUSAL_LM")


def load():
    return AutoModelForCausalLM.from_pretrained(base, attn_implementation="eager", dtype=torch.float32)


def parameters(model):
    return {n.replace(".default", ""): p for n, p in model.named_parameters() if "lora_" in n}


def fill(model):
    for name, parameter in parameters(model).items():
        parameter.data.copy_(weights[name])


def gradients(model):
    found = {n: {"norm": p.grad.norm().item(), "values": p.grad.flatten()[:8].tolist()} for n, p in sorted(parameters(model).items())}
    model.zero_grad()
    return found


def tokenizer(vocab):
    words = {"<unk>": 0, "<s>": 1, "</s>": 2} | {f"t{i}": i for i in range(3, vocab)}
    tok = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tok.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=tok, unk_token="<unk>", bos_token="<s>", eos_token="</s>", pad_token="<unk>")


def text(ids):
    return " ".join("</s>" if i == 2 else f"t{i}" for i in ids)


def dpo_cases():
    model = load()
    data = Dataset.from_list([{"prompt": text(p["prompt_ids"]) + " ", "chosen": text(p["chosen_ids"]), "rejected": text(p["rejected_ids"])} for p in pairs])
    with tempfile.TemporaryDirectory() as tmp:
        args = DPOConfig(output_dir=tmp, per_device_train_batch_size=len(pairs), report_to=[], use_cpu=True, bf16=False, gradient_checkpointing=False,
                         dataloader_pin_memory=False, train_sampling_strategy="sequential", max_length=None)
        trainer = DPOTrainer(model=model, args=args, train_dataset=data, peft_config=lora(), processing_class=tokenizer(model.config.vocab_size))
        fill(trainer.model)
        trainer.model.zero_grad()
        batch = next(iter(trainer.get_train_dataloader()))
        for name, beta, smoothing in (("sigmoid", 0.1, 0.0), ("sigmoid", 0.5, 0.0), ("hinge", 1.0, 0.0), ("ipo", 0.3, 0.0), ("robust", 0.1, 0.2)):
            trainer.loss_types, trainer.beta, trainer.label_smoothing = [name], beta, smoothing
            trainer._metrics["train"].clear()
            loss = trainer._compute_loss(trainer.model.train(), batch, False)
            loss.backward()
            metrics = {k: v[-1] for k, v in trainer._metrics["train"].items() if "/" in k}
            yield {"options": {"lossType": name, "beta": beta, "labelSmoothing": smoothing}, "loss": loss.item(), "metrics": metrics, "grads": gradients(trainer.model)}


def sequences(key):
    return [torch.tensor(p["prompt_ids"] + p[key]) for p in pairs]


def own_cases():
    model = get_peft_model(load(), lora())
    fill(model)

    def padded(tensors, value):
        return torch.nn.utils.rnn.pad_sequence(tensors, batch_first=True, padding_value=value)

    def forward(key):
        ids = sequences(key)
        mask = padded([torch.ones_like(i) for i in ids], 0)
        labels = padded([torch.cat([torch.full((len(p["prompt_ids"]),), -100), i[len(p["prompt_ids"]):]]) for i, p in zip(ids, pairs)], -100)
        return model(input_ids=padded(ids, 0), attention_mask=mask).logits, labels, padded(ids, -100)

    def token_mean(logits, labels):
        return F.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100)

    accelerator = SimpleNamespace(device="cpu")
    for kind, beta, smoothing, alpha in (("cdpo", 0.1, 0.2, 0), ("simpo", 2.0, 0.0, 0), ("simpo", 2.5, 0.1, 0.7), ("orpo", 0.1, 0.0, 1), ("orpo", 0.4, 0.0, 1)):
        logits_c, labels_c, whole = forward("chosen_ids")
        logits_r, labels_r, _ = forward("rejected_ids")
        logps = lambda trainer, mean: (trainer.get_batch_logps(logits_c, labels_c, mean), trainer.get_batch_logps(logits_r, labels_r, mean))
        options = {"beta": beta, "labelSmoothing": smoothing}
        if kind == "orpo":
            losses, chosen, rejected, ratio, odds = ORPOTrainer.odds_ratio_loss(SimpleNamespace(beta=beta, accelerator=accelerator), *logps(ORPOTrainer, True))
            nll = token_mean(logits_c, whole)
            loss = nll - losses.mean()
            extra = {"nll_loss": nll.item(), "log_odds_ratio": ratio.item(), "log_odds_chosen": odds.item()}
        else:
            trainer = SimpleNamespace(alpha=0.0, beta=beta, label_smoothing=smoothing, simpo_gamma=0.5, accelerator=accelerator, loss_type="sigmoid" if kind == "cdpo" else kind)
            c, r = logps(CPOTrainer, kind == "simpo")
            if kind == "cdpo":
                with torch.no_grad(), model.disable_adapter():
                    (rlc, rc_labels, _), (rlr, rr_labels, _) = forward("chosen_ids"), forward("rejected_ids")
                    c_ref, r_ref = CPOTrainer.get_batch_logps(rlc, rc_labels), CPOTrainer.get_batch_logps(rlr, rr_labels)
                c, r = c - c_ref, r - r_ref
            losses, chosen, rejected = CPOTrainer.cpo_loss(trainer, c, r)
            nll = token_mean(logits_c, labels_c)
            loss = losses.mean() + alpha * nll
            extra = {"nll_loss": nll.item()} if alpha else {}
        loss.backward()
        metrics = {"rewards/chosen": chosen.mean().item(), "rewards/rejected": rejected.mean().item(), "rewards/margins": (chosen - rejected).mean().item(),
                   "rewards/accuracies": (chosen > rejected).float().mean().item(), **extra}
        yield {"options": {"lossType": "sigmoid" if kind == "cdpo" else kind, **options, **({"simpoGamma": 0.5, "cpoAlpha": alpha} if kind == "simpo" else {})},
               "loss": loss.item(), "metrics": metrics, "grads": gradients(model)}


torch.manual_seed(0)
cases = [*dpo_cases(), *own_cases()]
versions = {name: version(name) for name in ("torch", "transformers", "peft", "trl")}
with open(out, "w") as file:
    json.dump({"versions": versions, "cases": cases}, file, indent=1)
    file.write("\n")
for case in cases:
    print(case["options"], case["loss"])
