# Makes adamw.json: parameters, moments and clipped gradients of torch's fused AdamW on the CPU.
import json, sys, torch

torch.manual_seed(5)
p = torch.nn.Parameter(torch.randn(37) * 0.1)
options = dict(betas=(0.9, 0.999), eps=1e-8, weight_decay=0.1)
optimiser = torch.optim.AdamW([p], lr=1.0, fused=True, **options)
out = dict(torch=torch.__version__, max_norm=1.5, start=p.tolist(), steps=[])
for step, rate in enumerate([0.0, 1e-3, 2e-3, 1.5e-3, 1e-3, 5e-4], 1):
    g = torch.randn(37) * 10.0 ** (-(torch.arange(37) % 9).float())
    p.grad = g.clone()
    norm = torch.nn.utils.clip_grad_norm_([p], out["max_norm"])
    optimiser.param_groups[0]["lr"] = rate
    optimiser.step()
    state = optimiser.state[p]
    out["steps"].append(
        dict(rate=rate, g=g.tolist(), norm=norm.item(), p=p.tolist(), m=state["exp_avg"].tolist(), v=state["exp_avg_sq"].tolist())
    )
json.dump(out, open(sys.argv[1], "w"))
