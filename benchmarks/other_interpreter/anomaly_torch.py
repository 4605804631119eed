"""The published training of detectors re-created in PyTorch (arXiv 2308.05011): `python anomaly_torch.py '{"rows": 1500, ...}'`.

Needs PyTorch alone, so that an interpreter without lcjax can run it. One detector is an autoencoder and then a multi-class Deep SVDD that
begins with its encoder: class-balanced sampler with replacement, batches, Adam, a validation pass an epoch with early stopping on the
best loss, centres before training, scores of all rows. `published` feeds it as the published program does, by a DataLoader of
rows in host memory; `resident` keeps the rows on the device and draws them there, as a careful loop in PyTorch would.
"""

import copy
import json
import sys
import time
from collections.abc import Callable, Iterator

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler


def encoder(features: int, widths: list[int], latent: int) -> nn.Sequential:
    """Dense layers with batch norm and leaky ReLU, then the latents without bias."""
    layers: list[nn.Module] = []
    for have, want in zip([features, *widths], widths, strict=False):
        layers += [nn.Linear(have, want), nn.BatchNorm1d(want), nn.LeakyReLU(0.01)]
    return nn.Sequential(*layers, nn.Linear(widths[-1], latent, bias=False))


class Autoencoder(nn.Module):
    """Encoder and its mirror image, which ends in tanh."""

    def __init__(self, features: int, widths: list[int], latent: int) -> None:
        super().__init__()
        self.encoder = encoder(features, widths, latent)
        layers: list[nn.Module] = []
        for have, want in zip([latent, *reversed(widths)], reversed(widths), strict=False):
            layers += [nn.Linear(have, want), nn.BatchNorm1d(want), nn.LeakyReLU(0.01)]
        self.decoder = nn.Sequential(*layers, nn.Linear(widths[0], features), nn.Tanh())
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, 0, 0.02)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, F) -> (B, F)."""
        return self.decoder(self.encoder(x))


Batches = Callable[[], Iterator[tuple[torch.Tensor, torch.Tensor]]]


def loader_batches(x: torch.Tensor, y: torch.Tensor, size: int, device: str) -> Batches:
    """As published: rows in host memory, drawn one by one."""
    chance = 1.0 / torch.bincount(y).double()[y]
    loader = DataLoader(TensorDataset(x, y), size, sampler=WeightedRandomSampler(chance, len(x), replacement=True))
    return lambda: ((rows.to(device), label.to(device)) for rows, label in loader)


def resident_batches(x: torch.Tensor, y: torch.Tensor, size: int, device: str) -> Batches:
    """The same draws made on the device."""
    x, y = x.to(device), y.to(device)
    ladder = torch.cumsum(1.0 / torch.bincount(y).double()[y], 0)

    def batches() -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        drawn = torch.searchsorted(ladder, torch.rand(len(x), device=device, dtype=ladder.dtype) * ladder[-1])
        for rows in drawn.clamp(max=len(x) - 1).split(size):
            yield x[rows], y[rows]

    return batches


def train(
    model: nn.Module, loss: Callable, batches: Batches, held: tuple[torch.Tensor, torch.Tensor], epochs: int
) -> None:
    """Epochs with a validation pass each; the best weights are kept."""
    adam = torch.optim.Adam(model.parameters(), lr=5e-4)
    best, kept = float("inf"), None
    for _ in range(epochs):
        model.train()
        for rows, label in batches():
            adam.zero_grad()
            loss(model(rows), rows, label).backward()
            adam.step()
        model.eval()
        with torch.no_grad():
            value = float(loss(model(held[0]), *held))
        if value < best:
            best, kept = value, copy.deepcopy(model.state_dict())
    if kept is not None:
        model.load_state_dict(kept)


def detector(job: dict, make: Callable[..., Batches], device: str) -> torch.Tensor:
    """Scores of all rows by one detector, trained from nothing."""
    generator = torch.Generator().manual_seed(0)
    x = torch.rand((job["rows"], job["features"]), generator=generator)
    y = torch.arange(job["rows"]) % job["classes"]
    held = torch.arange(job["rows"]) % 5 == 0
    validation = (x[held].to(device), y[held].to(device))
    whole, label = x.to(device), y.to(device)
    batches = make(x[~held], y[~held], job["batch_size"], device)
    auto = Autoencoder(job["features"], job["widths"], job["latent"]).to(device)
    train(auto, lambda out, rows, label: ((out - rows) ** 2).mean(), batches, validation, job["epochs"])
    model = auto.encoder.eval()
    with torch.no_grad():
        latent = model(whole)
        centres = torch.stack([latent[label == k].mean(0) for k in range(job["classes"])])
    sphere = lambda out, rows, label: ((out - centres[label]) ** 2).sum(1).mean()
    train(model, sphere, batches, validation, job["epochs"])
    with torch.no_grad():
        return torch.cdist(model(whole), centres).square().amin(1)


def main(job: dict) -> None:
    """Times whole detectors for at least `seconds` and prints seconds of one, by way of feeding."""
    torch.manual_seed(0)
    torch.backends.cuda.matmul.allow_tf32 = True  # as XLA does
    device = "cuda" if torch.cuda.is_available() else "cpu"
    detector(job | {"epochs": 1, "rows": min(job["rows"], 4 * job["batch_size"])}, resident_batches, device)
    found = {}
    for name, make in (("published", loader_batches), ("resident", resident_batches)):
        begin, done = time.perf_counter(), 0
        while not done or time.perf_counter() - begin < job["seconds"]:
            detector(job, make, device).cpu()
            done += 1
        found[name] = (time.perf_counter() - begin) / done
    where = torch.cuda.get_device_name() if device == "cuda" else "cpu"
    print(json.dumps({"seconds": found, "device": where, "torch": torch.__version__}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
