"""Makes bnb-bf16/ and bnb-dequantised.safetensors: a tiny Llama in bfloat16, saved by transformers from load_in_4bit with
bfloat16 storage (bnb_4bit_quant_storage) and blocks that do not end with rows, and what bitsandbytes dequantises it to: by its
portable backend (blocks over the flat weight, as it quantises and as CUDA does), and, as `avx512.*`, by its AVX-512 CPU kernel.

Command: python make-bnb.py   (needs torch, transformers, bitsandbytes)
"""
import torch
from bitsandbytes import functional as F
from bitsandbytes.backends.default.ops import _dequantize_4bit_compute
from bitsandbytes.backends.utils import _get_4bit_code
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, LlamaConfig, LlamaForCausalLM

torch.manual_seed(20261121)
config = LlamaConfig(vocab_size=40, hidden_size=48, intermediate_size=80, num_hidden_layers=1, num_attention_heads=3,
                     num_key_value_heads=1, max_position_embeddings=64, tie_word_embeddings=True)
LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained("/tmp/bnb-plain")
bnb = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True,
                         bnb_4bit_compute_dtype=torch.bfloat16, bnb_4bit_quant_storage=torch.bfloat16)
model = AutoModelForCausalLM.from_pretrained("/tmp/bnb-plain", quantization_config=bnb, dtype=torch.bfloat16, device_map="cpu")
model.save_pretrained("bnb-bf16")
out = {}
for name, p in model.named_parameters():
    if hasattr(p, "quant_state"):
        s = p.quant_state
        absmax = F.dequantize_blockwise(s.absmax, s.state2) + s.offset
        code = _get_4bit_code(s.quant_type, torch.device("cpu"))
        packed = p.data.view(torch.uint8).reshape(-1)
        out[name] = _dequantize_4bit_compute(packed, absmax, code, s.blocksize, s.shape, s.dtype).float().clone()
        out[f"avx512.{name}"] = F.dequantize_4bit(p.data, s).float().reshape(s.shape).clone()
save_file(out, "bnb-dequantised.safetensors")
