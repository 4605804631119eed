"""The training step of AstroM3 in PyTorch, re-created from the paper (arXiv 2411.08842): `python contrastive_torch.py BATCH,BATCH SECONDS`.

Needs PyTorch alone, so that an interpreter without lcjax can run it; uses a GPU where there is one. Prints a line of JSON a batch size:
objects a second, and the highest memory.
"""

import json
import math
import os
import sys
import time
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

LENGTH, CHANNELS, WIDTH, HEADS, HIDDEN, LAYERS, SAMPLES, DIM = 200, 9, 128, 4, 512, 8, 2575, 512
KEPT = math.ceil(math.log(LENGTH))


class Attention(nn.Module):
    """ProbSparse: six queries attend, all others get the mean."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(WIDTH, WIDTH) for _ in range(4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, L, D) -> (B, L, D)."""
        b, n, _ = x.shape
        q, k, v = (f(x).view(b, n, HEADS, -1).transpose(1, 2) for f in (self.query, self.key, self.value))
        index = torch.randint(n, (n, KEPT)).to(x.device)
        sampled = k[:, :, index]
        logits = torch.einsum("bhle,bhlue->bhlu", q, sampled)
        measure = logits.max(-1)[0] - logits.sum(-1) / n
        top = measure.topk(KEPT, sorted=False)[1]
        chosen = torch.gather(q, 2, top[..., None].expand(-1, -1, -1, q.shape[-1]))
        attended = torch.softmax(chosen @ k.transpose(2, 3) / math.sqrt(q.shape[-1]), -1) @ v
        context = v.mean(2, keepdim=True).expand_as(v).clone()
        context = context.scatter(2, top[..., None].expand(-1, -1, -1, q.shape[-1]), attended)
        return self.out(context.contiguous().view(b, n, -1))


class Layer(nn.Module):
    """Attention and a feed-forward network with their normalisations."""

    def __init__(self) -> None:
        super().__init__()
        self.attention, self.drop = Attention(), nn.Dropout(0.245)
        self.one, self.two = nn.Conv1d(WIDTH, HIDDEN, 1), nn.Conv1d(HIDDEN, WIDTH, 1)
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, L, D) -> (B, L, D)."""
        x = self.norm1(x + self.drop(self.attention(x)))
        y = self.drop(F.gelu(self.one(x.transpose(1, 2))))
        return self.norm2(x + self.drop(self.two(y)).transpose(1, 2))


class Photometry(nn.Module):
    """The Informer."""

    def __init__(self) -> None:
        super().__init__()
        self.token = nn.Conv1d(CHANNELS, WIDTH, 3, padding=1, padding_mode="circular", bias=False)
        angle = torch.arange(LENGTH)[:, None] * torch.exp(torch.arange(0, WIDTH, 2) * -(math.log(1e4) / WIDTH))
        self.register_buffer("table", torch.stack([angle.sin(), angle.cos()], -1).view(LENGTH, WIDTH))
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.norm, self.first, self.drop = nn.LayerNorm(WIDTH), nn.Dropout(0.1), nn.Dropout(0.245)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(B, L, C), (B, L) -> (B, L * D)."""
        x = self.first(self.token(x.transpose(1, 2)).transpose(1, 2) + self.table)
        for layer in self.layers:
            x = layer(x)
        return (self.drop(self.norm(x)) * mask[..., None]).flatten(1)


class Trimodal(nn.Module):
    """Three encoders, projections and scales."""

    def __init__(self) -> None:
        super().__init__()
        self.photometry = Photometry()
        sizes, parts = (3, 64, 64, 32, 32), []
        for i in range(4):
            parts += [nn.Conv1d(sizes[i], sizes[i + 1], 3), nn.ReLU(), *([nn.MaxPool1d(4)] if i < 3 else [])]
        self.spectra = nn.Sequential(*parts, nn.Flatten(), nn.Dropout(0.339))
        dense = lambda a, b: [nn.Linear(a, b), nn.ReLU(), nn.Dropout(0.16)]
        self.metadata = nn.Sequential(*dense(34, 512), *dense(512, 512))
        self.projections = nn.ModuleList(nn.Linear(n, DIM) for n in (LENGTH * WIDTH, 1184, 512))
        self.scales = nn.Parameter(torch.full((3,), math.log(100.0)))

    def forward(
        self, photometry: torch.Tensor, mask: torch.Tensor, spectra: torch.Tensor, numbers: torch.Tensor
    ) -> torch.Tensor:
        """The loss."""
        parts = (self.photometry(photometry, mask), self.spectra(spectra), self.metadata(numbers))
        unit = [F.normalize(f(x), dim=-1) for f, x in zip(self.projections, parts, strict=True)]
        target, loss = torch.arange(len(numbers), device=numbers.device), 0.0
        for k, (i, j) in enumerate(((0, 1), (1, 2), (2, 0))):
            logits = self.scales[k].exp().clamp(1, 100) * unit[i] @ unit[j].T
            loss = loss + F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)
        return loss


def measured(batch: int, seconds: float, device: str) -> dict:
    """Times steps at a batch size, after one to warm up."""
    before = forget_peak(device)
    model = Trimodal().to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=3.9e-3, betas=(0.926, 0.999), weight_decay=4.67e-3)
    mask = torch.ones(batch, LENGTH)
    mask[::2, LENGTH // 2 :] = 0
    arrays = (torch.randn(batch, LENGTH, CHANNELS) * mask[..., None], mask)
    arrays += (torch.randn(batch, 3, SAMPLES), torch.randn(batch, 34))
    arrays = [x.to(device) for x in arrays]

    def step() -> None:
        optimizer.zero_grad()
        model(*arrays).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 45.0)
        optimizer.step()
        if device != "cpu":
            torch.cuda.synchronize()

    row = {"network": "PyTorch", "batch": batch, "parameters": sum(p.numel() for p in model.parameters())}
    try:
        step()
        begin, work, done = time.perf_counter(), time.process_time(), 0
        while done == 0 or time.perf_counter() - begin < seconds:
            step()
            done += batch
        wall, work = time.perf_counter() - begin, time.process_time() - work
    except torch.OutOfMemoryError:
        return row | {"objects/s": None, "objects/CPU-s": None, "peak MB": "does not fit"}
    return row | {"objects/s": done / wall, "objects/CPU-s": done / work, "peak MB": peak_mb(before, device)}


def forget_peak(device: str) -> float:
    """Memory of this process now, MB; its highest, and the device's, are counted anew from here (Linux)."""
    if device != "cpu":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    try:
        Path("/proc/self/clear_refs").write_text("5")
        return _status_mb("VmRSS")
    except OSError:
        return float("nan")


def peak_mb(before: float, device: str) -> float | None:
    """Highest memory of the device, or on a CPU of the process above what it had `before`, MB."""
    if device != "cpu":
        return round(torch.cuda.max_memory_allocated() / 1e6)
    return round(_status_mb("VmHWM") - before) if before == before else None


def _status_mb(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) / 1e3 for line in lines if line.startswith(name))


def main(batches: list[int], seconds: float) -> None:
    """A line of JSON a batch size. On a GPU with the reduced precision of products that jax has there, TF32."""
    torch.manual_seed(0)
    torch.set_num_threads(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device != "cpu":
        torch.set_float32_matmul_precision("high")
    for batch in batches:
        print(json.dumps(measured(batch, seconds, device)), flush=True)


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1].split(",")], float(sys.argv[2]))
