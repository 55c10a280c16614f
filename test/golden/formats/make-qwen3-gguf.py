"""Makes tiny-qwen3.gguf: the tiny Qwen3 base (q/k norms, head width 24) as GGUF in F16, by the Python package gguf.

Command: python make-qwen3-gguf.py ../numeric/models/tiny-qwen3   (needs gguf, numpy, safetensors)
"""
import json
import sys
import gguf
import numpy as np
from safetensors.numpy import load_file

config = json.load(open(f"{sys.argv[1]}/config.json"))
names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.QWEN3, config["num_hidden_layers"])
w = gguf.GGUFWriter("tiny-qwen3.gguf", "qwen3")
w.add_context_length(config["max_position_embeddings"])
w.add_embedding_length(config["hidden_size"])
w.add_block_count(config["num_hidden_layers"])
w.add_feed_forward_length(config["intermediate_size"])
w.add_head_count(config["num_attention_heads"])
w.add_head_count_kv(config["num_key_value_heads"])
w.add_layer_norm_rms_eps(config["rms_norm_eps"])
w.add_rope_freq_base(config["rope_parameters"]["rope_theta"])
w.add_key_length(config["head_dim"])
w.add_value_length(config["head_dim"])
w.add_bos_token_id(0)
w.add_eos_token_id(2)
for key, x in load_file(f"{sys.argv[1]}/model.safetensors").items():
    w.add_tensor(names.get_name(key, (".weight", ".bias")), x if x.ndim == 1 else x.astype(np.float16))
w.write_header_to_file()
w.write_kv_data_to_file()
w.write_tensors_to_file()
w.close()
