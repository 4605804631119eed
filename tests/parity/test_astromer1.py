"""Astromer 1 and the positional-encoding study against every recorded file of `golden/astromer1`."""

import dataclasses
import re

import jax
import numpy as np

from lcjax.models.positional_config import VARIANTS, PositionalEncoding, PositionalStudyConfig
from lcjax.models.positional_study import PositionalStudyEncoder, initial_frequencies, time_modulation
from lcjax.transforms.positional import log_period_frequencies, published_frequencies
from tests.parity import astromer_checks as checks
from tests.parity.recorded import check_file, files_of


def test_every_recorded_file(golden_root, subtests):
    for path in files_of(golden_root, "astromer1"):
        with subtests.test(path.name):
            check_file(path, RECOGNISED)


def check_encodings(z):
    time = z["in/times"][..., 0]
    index = np.arange(time.shape[1], dtype=np.float32)[None]
    for key in (k for k in z if k.startswith("out/pe_d")):
        width, how = re.fullmatch(r"out/pe_d(\d+)_?(.*)", key).groups()
        base, exponent = 10_000.0, 2.0
        if how.endswith("_honoured"):
            base, exponent = map(float, re.fullmatch(r"base([\d.]+)_c([\d.]+)_honoured", how).groups())
        frequencies = published_frequencies(int(width), base, exponent)
        checks.check_encoding(index if how == "index" else time, frequencies, z[key], key)
    for key in (k for k in z if k.endswith("_logperiod")):
        width = int(re.search(r"_d(\d+)_", key)[1])
        frequencies = log_period_frequencies(width, 3 / 24, 3 * 365.0)
        np.testing.assert_allclose(time[..., None] * frequencies, z[key], rtol=2e-5, atol=1e-6, err_msg=key)


RECORDED = {
    "ape_fixed": "fixed",
    "ape_mlp": "mlp",
    "ape_rnn_gru": "recurrent",
    "ape_rnn_proj": "recurrent_projected",
    "ape_pe_rnn_proj": "fourier_recurrent",
    "ape_pe_then_mlp_fourier": "fourier_mlp",
    "ape_p2p_all_blocks": "p2p",
    "ape_p2p_last_block": "p2p_last",
    "tupe": "tupe",
}
"""Name in the recordings -> variant."""


def study_params(z, name, layers):
    """Recorded weights of a variant as our parameters; Dense layers and norms come in order of creation."""
    prefix = f"{name}/w/"
    arrays = {k.removeprefix(prefix): z[k] for k in z if k.startswith(prefix)}
    pick = lambda part, leaves: {ours: arrays[f"{part}/{theirs}"] for ours, theirs in leaves.items()}
    dense = lambda part: pick(part, {"kernel": "kernel", "bias": "bias"})
    parts = sorted({k.rsplit("/", 1)[0] for k in arrays})
    numbered = sorted((p for p in parts if re.match(r"(.*/)?dense(_\d+)?$", p)), key=_count)
    norms = sorted((p for p in parts if "layer_normalization" in p), key=_count)
    params = {"embed": dense("encoder/inp_transform")}
    for part in parts:
        if part.endswith("PosEncoding"):
            params["frequencies"] = arrays[f"{part}/pos_emb"][0]
        elif part.endswith("gru_cell"):
            params["recurrence"] = pick(part, {"kernel": "kernel", "recurrent": "recurrent_kernel", "bias": "bias"})
        elif part.endswith("proj_w"):
            params["projection"] = dense(part)
        elif part.endswith("/PQ"):
            params["position_query"] = dense(part)
        elif part.endswith("/PK"):
            params["position_key"] = dense(part)
    if len(numbered) == 2 * layers + 2:
        params["time_in"], params["time_out"] = dense(numbered[0]), dense(numbered[1])
        numbered = numbered[2:]
    for i in range(layers):
        heads = next(p for p in parts if f"att_layer_{i}/" in p and p.endswith("/WQ")).removesuffix("/WQ")
        norm = lambda p: pick(p, {"scale": "gamma", "bias": "beta"})
        params[f"block_{i}"] = {
            "query": dense(f"{heads}/WQ"),
            "key": dense(f"{heads}/WK"),
            "value": dense(f"{heads}/WV"),
            "merge": dense(f"{heads}/attmerge"),
            "ffn_in": dense(numbered[2 * i]),
            "ffn_out": dense(numbered[2 * i + 1]),
            "norm_1": norm(norms[2 * i]),
            "norm_2": norm(norms[2 * i + 1]),
        }
    return params


def _count(part):
    tail = re.search(r"_(\d+)$", part)
    return int(tail[1]) if tail else 0


def check_study(z):
    layers, heads, depth, ffn = map(int, z["cfg/layers_heads_headdim_mixer"])
    batch = {
        "time": z["in/times"][..., 0],
        "magnitude": z["in/magnitudes"][..., 0],
        "mask": np.ones(z["in/times"].shape[:2], bool),
        "visible": z["in/att_mask"][..., 0] == 0,
    }
    names = sorted({k.split("/")[0] for k in z if "/w/" in k} - {"time_modulation"})
    assert set(names) <= set(RECORDED), f"unknown variants {set(names) - set(RECORDED)}"
    for name in names:
        params = study_params(z, name, layers)
        hidden = params["time_in"]["bias"].size if "time_in" in params else 128
        config = PositionalStudyConfig(
            num_layers=layers,
            num_heads=heads,
            width=heads * depth,
            ffn_width=ffn,
            positional="custom",
            # Frequencies are recorded as weights, those of the fixed variants too.
            custom=dataclasses.replace(VARIANTS[RECORDED[name]], trainable="frequencies" in params),
            hidden=hidden,
            parity=True,
        )
        out = jax.jit(PositionalStudyEncoder(config).apply)({"params": params}, batch)
        np.testing.assert_allclose(out["hidden"], z[f"{name}/out"], atol=1e-4, err_msg=name)
        if f"{name}/pe" in z:
            np.testing.assert_allclose(out["encoding"], z[f"{name}/pe"], atol=1e-4, err_msg=name)


def check_modulation(z):
    time, span = z["in/times"][..., 0], z["time_modulation/T_max"].item()
    for which in ("alpha", "beta"):
        sine, cosine = (z[f"time_modulation/w/{which}_{part}"] for part in ("sin", "cos"))
        np.testing.assert_allclose(time_modulation(time, sine, cosine, span), z[f"time_modulation/{which}"], atol=1e-4)


def check_starts(z):
    """Initial frequencies: Astromer's, classic pairs, log-spaced periods."""
    ours = {"pe_astromer": "published", "pe_vaswani": "paired", "pe_geom_prog": "log_periods"}
    for name in sorted({k.split("/")[1] for k in z if k.startswith("freq_init/")}):
        recorded = z[f"freq_init/{name}/w"][0]
        custom = PositionalEncoding(frequencies=ours[name])
        frequencies = initial_frequencies(
            PositionalStudyConfig(num_heads=1, width=recorded.size, positional="custom", custom=custom)
        )
        np.testing.assert_allclose(frequencies, recorded, rtol=1e-5, err_msg=name)
        checks.check_encoding(z["in/times"][..., 0], recorded, z[f"freq_init/{name}/out"], name)


def has(*names):
    return lambda z: all(any(k.startswith(n) for k in z) for n in names)


RECOGNISED = [
    (has("out/recon", "in/times"), checks.check_forward),
    (has("grad/"), lambda z: checks.check_training(z, "grad", "train/loss_per_step")),
    (has("out/pe_d"), check_encodings),
    (has("cfg/layers_heads_headdim_mixer"), check_study),
    (has("time_modulation/"), check_modulation),
    (has("freq_init/"), check_starts),
]
