"""Makes targets.json: LoRA configurations, and the modules, ranks and scales that PEFT gives them on a 3-layer Llama.

Command: python make-targets.py   (needs torch, transformers, peft)
"""
import json
import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

base = LlamaConfig(vocab_size=40, hidden_size=48, intermediate_size=80, num_hidden_layers=3, num_attention_heads=3, num_key_value_heads=1)
cases = [
    dict(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"]),
    dict(r=4, lora_alpha=8),
    dict(r=4, lora_alpha=8, target_modules="all-linear"),
    dict(r=4, lora_alpha=8, target_modules=["self_attn.q_proj", "model.layers.1.mlp.up_proj", "proj"]),
    dict(r=4, lora_alpha=8, target_modules=r".*\.(0|2)\.self_attn\.[qk]_proj"),
    dict(r=4, lora_alpha=8, target_modules=r".*(?P<which>up|down)_proj"),
    dict(r=4, lora_alpha=8, target_modules=["q_proj", "k_proj", "model.layers.0.mlp.up_proj"], layers_to_transform=[1, 2]),
    dict(r=4, lora_alpha=8, target_modules=["q_proj"], layers_to_transform=0, layers_pattern="layers"),
    dict(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"], exclude_modules=["model.layers.0.self_attn.q_proj"]),
    dict(r=4, lora_alpha=8, target_modules="all-linear", exclude_modules=r".*mlp.*"),
    dict(r=4, lora_alpha=8, target_modules="all-linear", use_rslora=True, rank_pattern={"q_proj": 2, r".*\.1\..*_proj": 8}, alpha_pattern={"1.self_attn.v_proj": 3, "down_proj": 5}),
    dict(r=4, lora_alpha=8, target_modules=["q_proj", "o_proj"], rank_pattern={"_proj": 2, "self_attn.o_proj": 6, r"layers\.2\.self_attn\.q_proj": 3}),
]
out = []
for case in cases:
    model = get_peft_model(LlamaForCausalLM(base), LoraConfig(task_type="CAUSAL_LM", **case))
    found = [[n.removeprefix("base_model.model."), m.r["default"], m.scaling["default"]] for n, m in model.named_modules() if hasattr(m, "lora_A")]
    model.save_pretrained("/tmp/peft-saved")
    out.append(dict(given=case, saved=json.load(open("/tmp/peft-saved/adapter_config.json")), modules=found))
json.dump(out, open("targets.json", "w"), indent=1)
