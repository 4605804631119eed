"""Reading recorded originals: files are recognised by the arrays they hold, sizes come from the arrays."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

from lcjax.models.astromer_config import ASTROMER1, ASTROMER2
from lcjax.systems.astromer.weight_names import config_from_arrays, variables_from_tensorflow


def files_of(golden_root: Path, folder: str) -> list[Path]:
    """Every .npz of a golden folder."""
    path = golden_root / folder
    if not path.is_dir():
        pytest.skip(f"no recorded arrays for {folder} ({path})")
    return sorted(path.glob("*.npz"))


class Recording(dict):
    """The arrays of one file; remembers which were looked at, so that no recorded result goes unchecked."""

    def __init__(self, arrays):
        super().__init__(arrays)
        self.looked_at = set()

    def __getitem__(self, name):
        self.looked_at.add(name)
        return super().__getitem__(name)

    def items(self):
        raise TypeError("take arrays by name, so that only those in use count as checked")

    values = items

    def unchecked(self) -> list[str]:
        """Weights, results and labels nobody asked for (settings and inputs may go unused)."""
        return sorted(name for name in self if name not in self.looked_at and not name.startswith(("cfg/", "in/")))


def load(path: Path) -> Recording:
    with np.load(path, allow_pickle=False) as arrays:
        return Recording({name: arrays[name] for name in arrays.files})


def check_file(path: Path, recognised) -> None:
    """Runs every check that recognises the file; an unknown layout or an array nobody looked at is a failure."""
    z = load(path)
    checks = [check for recognises, check in recognised if recognises(z)]
    assert checks, f"{path.name} has a layout no check knows"
    for check in checks:
        check(z)
    assert not z.unchecked(), f"{path.name}: no check looked at {z.unchecked()}"


def weights(z: dict) -> dict[str, np.ndarray]:
    """`w/<name>`, or 8-bit `wq/<name>` times `ws/<name>`; without the mask token."""
    plain = {k[2:]: z[k] for k in z if k.startswith("w/")}
    packed = {k[3:]: z[k].astype(np.float32) * z["ws/" + k[3:]] for k in z if k.startswith("wq/")}
    return {k: v for k, v in (plain | packed).items() if not k.startswith("msk_token")}


def number(z: dict, name: str, default=None):
    return z[f"cfg/{name}"].item() if f"cfg/{name}" in z else default


def network(z: dict, token: bool = False, **changes):
    """(config, variables) of a recorded Astromer; everything from the file."""
    version = 1 if "cfg/dff" in z else 2
    base = dataclasses.replace(ASTROMER1 if version == 1 else ASTROMER2, parity=True, num_heads=number(z, "num_heads"))
    if version == 2:
        base = dataclasses.replace(
            base,
            mask_alpha=number(z, "m_alpha", base.mask_alpha),
            mask_format=number(z, "mask_format", base.mask_format),
            temperature=number(z, "temperature", 0.0) or 0.0,
        )
    arrays = weights(z)
    config = dataclasses.replace(config_from_arrays(arrays, base), mask_token=token, **changes)
    if config.residual == "none":
        arrays = {k: v for k, v in arrays.items() if "reshape_leak" not in k}
    if token:
        arrays["msk_token/msk_token"] = z["w/msk_token/msk_token"]
    return config, variables_from_tensorflow(arrays, config)


def batch_of(z: dict) -> dict[str, np.ndarray]:
    """`in/*` in our conventions: True = use it."""
    length = z["in/times"].shape[1]
    n = z["in/length"] if "in/length" in z else np.full(len(z["in/times"]), length)
    return {
        "time": z["in/times"][..., 0],
        "magnitude": z["in/input"][..., 0],
        "mask": np.arange(length) < n[:, None],
        "visible": z["in/mask_in"][..., 0] == 0,
    }


def variant_settings(name: str) -> dict:
    """`K_alpha-1e+09_temp2` -> settings; `noleak` -> no residual path."""
    if name == "noleak":
        return {"residual": "none"}
    found = re.fullmatch(r"(QK|K|Q|tanh|logits)_alpha(.+)_temp(.+)", name)
    if not found:
        raise AssertionError(f"unknown recorded variant {name}")
    return {"mask_format": found[1], "mask_alpha": float(found[2]), "temperature": float(found[3])}
