"""Makes configs.json: config.json files of both key styles and what transformers makes of each (None: transformers raises).

Command: python make-configs.py   (needs torch, transformers)
"""
import json
import torch
import tempfile
from transformers import AutoConfig, AutoModelForCausalLM

llama = dict(architectures=["LlamaForCausalLM"], model_type="llama", hidden_size=64, intermediate_size=96, num_hidden_layers=3,
             num_attention_heads=4, num_key_value_heads=2, vocab_size=50, rms_norm_eps=1e-5, hidden_act="silu", tie_word_embeddings=False)
mistral = llama | dict(architectures=["MistralForCausalLM"], model_type="mistral")
qwen2 = llama | dict(architectures=["Qwen2ForCausalLM"], model_type="qwen2")
qwen3 = llama | dict(architectures=["Qwen3ForCausalLM"], model_type="qwen3", head_dim=16)
llama3 = dict(factor=32.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=8192)
cases = {
    "llama 2: no kv heads, no theta, pretraining_tp": {k: v for k, v in llama.items() if k != "num_key_value_heads"} | dict(pretraining_tp=1, rope_scaling=None, torch_dtype="float16", pad_token_id=-1, max_position_embeddings=4096),
    "llama 3.2: rope_scaling beside rope_theta": llama | dict(rope_scaling=llama3 | dict(rope_type="llama3"), rope_theta=500000.0, max_position_embeddings=131072, eos_token_id=[5, 6, 7], bos_token_id=4, tie_word_embeddings=True, torch_dtype="bfloat16"),
    "llama 3 in the style of transformers 5": llama | dict(rope_parameters=llama3 | dict(rope_type="llama3", rope_theta=500000.0), max_position_embeddings=131072, dtype="bfloat16"),
    "llama 3 without an original context": llama | dict(rope_scaling={k: v for k, v in llama3.items() if k[0] != "o"} | dict(rope_type="llama3"), rope_theta=500000.0, max_position_embeddings=2048),
    "linear scaling under its old key": llama | dict(rope_scaling=dict(type="linear", factor=4.0), rope_theta=20000.0),
    "rope_scaling wins over rope_parameters": llama | dict(rope_scaling=dict(type="linear", factor=4.0), rope_parameters=dict(rope_type="default", rope_theta=7.0)),
    "biases everywhere": llama | dict(attention_bias=True, mlp_bias=True),
    "a head width of its own": llama | dict(head_dim=32),
    "a null head width": llama | dict(head_dim=None),
    "nothing optional": {k: v for k, v in llama.items() if k not in ("rms_norm_eps", "hidden_act", "tie_word_embeddings", "num_key_value_heads")},
    "mistral v0.1: a window": mistral | dict(sliding_window=4096, rope_theta=10000.0, max_position_embeddings=32768),
    "mistral v0.3: a null window": mistral | dict(sliding_window=None, rope_theta=1000000.0),
    "mistral without a window key": mistral,
    "qwen2.5: window off": qwen2 | dict(use_sliding_window=False, sliding_window=32768, max_window_layers=1, rope_theta=1000000.0),
    "qwen2: window on in the upper layers": qwen2 | dict(use_sliding_window=True, sliding_window=16, max_window_layers=1),
    "qwen2: window on everywhere": qwen2 | dict(use_sliding_window=True, sliding_window=16, max_window_layers=0),
    "qwen2: layer types": qwen2 | dict(use_sliding_window=True, sliding_window=16, layer_types=["full_attention", "sliding_attention", "full_attention"]),
    "qwen2: several end tokens": qwen2 | dict(rope_theta=1e6, eos_token_id=[1, 2], bos_token_id=None),
    "qwen3": qwen3 | dict(attention_bias=False, max_window_layers=28, sliding_window=None, use_sliding_window=False, rope_theta=1000000, rope_scaling=None),
    "qwen3 without a head width": {k: v for k, v in qwen3.items() if k != "head_dim"},
    "qwen3 with biases": qwen3 | dict(attention_bias=True),
}
out = []
for name, raw in cases.items():
    with tempfile.TemporaryDirectory() as folder:
        json.dump(raw, open(f"{folder}/config.json", "w"))
        c = AutoConfig.from_pretrained(folder)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(c)
    rope = c.rope_parameters
    types = getattr(c, "layer_types", None)
    window = getattr(c, "sliding_window", None)
    windows = [window if (types[i] == "sliding_attention" if types else True) else None for i in range(c.num_hidden_layers)]
    shapes = {k: list(v.shape) for k, v in model.named_parameters()}
    rope = {k: v for k, v in rope.items() if k != "type"}
    eos = c.eos_token_id
    out.append(dict(name=name, raw=raw, shapes=shapes, windows=windows, rope=rope, eps=c.rms_norm_eps, eos=eos if isinstance(eos, list) else [] if eos is None else [eos],
                    bos=c.bos_token_id, tied=c.tie_word_embeddings, positions=c.max_position_embeddings))
json.dump(out, open("configs.json", "w"), indent=1)
