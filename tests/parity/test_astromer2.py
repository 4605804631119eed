"""Astromer 2 and the shared functions against every recorded file of `golden/astromer2`."""

import re

import jax
import jax.numpy as jnp
import numpy as np

from lcjax.losses import error_weights, r2_score, reconstruction_loss
from lcjax.models import Astromer
from lcjax.models.heads import pool_mean
from lcjax.models.light_curve_head_config import HeadConfig
from lcjax.models.light_curve_heads import build_head, head_inputs
from lcjax.training.schedules import noam
from lcjax.transforms import (
    MaskDraw,
    apply_masks,
    published_starts,
    published_windows,
    scale_window,
    standardize,
)
from lcjax.transforms.scaling import masked_mean
from tests.parity import astromer_checks as checks
from tests.parity.recorded import batch_of, check_file, files_of, network, number


def test_every_recorded_file(golden_root, subtests):
    for path in files_of(golden_root, "astromer2"):
        with subtests.test(path.name):
            check_file(path, RECOGNISED)


def check_windows(z):
    width = number(z, "window_size")
    for name in sorted({k.split("/")[0] for k in z if k.endswith("/in")}):
        curve = z[f"{name}/in"]
        np.testing.assert_array_equal(published_starts(len(curve), width), z[f"{name}/starts"])
        windows = published_windows(curve, width)
        np.testing.assert_array_equal(windows, z[f"{name}/windows"])
        for key in (k for k in z if re.fullmatch(rf"{name}/win\d+_standardized", k)):
            window = windows[int(re.search(r"win(\d+)_", key)[1])].T
            real = np.ones_like(window, bool)
            # Times near 5e4 lose 4e-3 d in float32; sums of them differ in order.
            close_time = dict(atol=0.02, rtol=1e-5)
            np.testing.assert_allclose(scale_window(window, real).T, z[key], **close_time)
            np.testing.assert_allclose(
                masked_mean(window, real)[:, 0], z[key.replace("standardized", "mean_values")], rtol=1e-6
            )
            minmax = key.replace("standardized", "minmax")
            if minmax in z:
                np.testing.assert_allclose(scale_window(window, real, "minmax").T, z[minmax], atol=1e-5)


def check_masking(z):
    for case in sorted({k.split("/")[0] for k in z if k.startswith("case")}):
        n, probed, random, same = z[f"{case}/n_probed_random_same"]
        n, length = int(n), number(z, "window_size")
        real = (np.arange(length) < n)[None]
        values = np.zeros((1, length), np.float32)
        values[0, :n] = z[f"{case}/z"][:n, 1]
        for order, sign in (("identity", 1), ("reverse", -1)):
            position = np.arange(length)
            score = jnp.asarray(sign * position, jnp.float32)[None]
            take = position if sign == 1 else np.where(position < n, n - 1 - position, position)
            draw = MaskDraw(score, score, score, jnp.asarray(take)[None])
            is_probed, visible, changed = apply_masks(draw, values, real, float(probed), float(same), float(random))
            recorded = {k: z[f"{case}/{order}/{k}"] for k in ("mask_out", "mask_in", "input_modified", "mask", "input")}
            np.testing.assert_array_equal(real[0], recorded["mask"] == 1)
            np.testing.assert_array_equal(values[0], recorded["input"][:, 1])
            np.testing.assert_array_equal(np.asarray(is_probed)[0], recorded["mask_out"][:, 0] == 1, f"{case} {order}")
            np.testing.assert_array_equal(np.asarray(visible)[0], recorded["mask_in"][:, 0] == 0, f"{case} {order}")
            np.testing.assert_allclose(np.asarray(changed)[0, :n], recorded["input_modified"][:n, 0], atol=1e-6)


def check_loader(z):
    width = number(z, "window_size")
    curves = np.split(z["in/concat"], np.cumsum(z["in/lengths"])[:-1])
    rows = [window for curve in curves for window in published_windows(curve, width)]
    owner = [i for i, curve in enumerate(curves) for _ in published_starts(len(curve), width)]
    size = np.array([len(r) for r in rows])
    padded = np.zeros((len(rows), width, 3), np.float32)
    for i, row in enumerate(rows):
        padded[i, : len(row)] = row
    mask = np.arange(width) < size[:, None]
    batch = standardize({"time": padded[..., 0], "magnitude": padded[..., 1], "mask": mask})
    error = padded[..., 2]
    error = np.where(mask, error, (error.sum(1) / size)[:, None])
    for mode, probed in (("classification", mask), ("embed", np.zeros_like(mask))):
        if f"{mode}/x/input" not in z:
            continue
        np.testing.assert_array_equal(owner, z[f"{mode}/y/object"])
        assert len(set(zip(owner, z[f"{mode}/label"].tolist(), strict=True))) == len(curves)
        np.testing.assert_allclose(batch["magnitude"], z[f"{mode}/x/input"][..., 0], atol=2e-4)
        # The float32 mean of times near 5e4 depends on the order of summation; differences of times do not.
        shift = np.where(mask, batch["time"] - z[f"{mode}/x/times"][..., 0], np.nan)
        assert np.nanmax(np.abs(shift)) < 0.1
        assert np.nanmax(np.nanmax(shift, 1) - np.nanmin(shift, 1)) < 0.01
        np.testing.assert_array_equal(mask, z[f"{mode}/x/mask_in"][..., 0] == 0)
        np.testing.assert_array_equal(probed, z[f"{mode}/y/mask_out"][..., 0] == 1)
        np.testing.assert_allclose(batch["magnitude"], z[f"{mode}/y/target"][..., 0], atol=2e-4)
        np.testing.assert_allclose(error_weights(error), z[f"{mode}/y/w_error"][..., 0], atol=2e-3)


def check_losses(z):
    true, predicted, mask = (z[f"in/{k}"][..., 0] for k in ("y_true", "y_pred", "mask"))
    weights = np.asarray(error_weights(z["in/errors"][..., 0]))
    np.testing.assert_allclose(weights, z["out/w_error"][..., 0], rtol=1e-5)
    for root in (0, 1):
        for masked in (0, 1):
            for weighted in (0, 1):
                value = reconstruction_loss(
                    true, predicted, mask if masked else None, weights if weighted else None, bool(root)
                )
                np.testing.assert_allclose(
                    value,
                    z[f"out/rmse_root{root}_mask{masked}_w{weighted}"],
                    rtol=1e-5,
                    err_msg=f"{root}{masked}{weighted}",
                )
    np.testing.assert_allclose(r2_score(true, predicted, mask), z["out/r2"], rtol=1e-5)
    np.testing.assert_allclose(reconstruction_loss(true, predicted, mask), z["out/lib_rmse"], rtol=1e-5)
    for key in (k for k in z if k.startswith("sched/lr_d")):
        width = int(key.removeprefix("sched/lr_d"))
        np.testing.assert_allclose(noam(z["sched/step"], width), z[key], rtol=1e-5)


def check_heads(z):
    head = {k[6:]: z[k].astype(np.float32) * z["heads/" + k[6:]] for k in z if k.startswith("headq/")}
    dense = lambda name, bias=None: {"kernel": head[f"{name}/kernel"], "bias": head[f"{bias or name}/bias"]}
    norm = lambda name: {"scale": head[f"{name}/gamma"], "bias": head[f"{name}/beta"]}
    config, variables = network(z)
    batch = batch_of(z)
    layers = jax.jit(Astromer(config).apply)(variables, batch)["layers"]
    depth = len([k for k in head if re.fullmatch(r"mlp\d+/kernel", k)])
    norms = sorted((k.split("/")[0] for k in head if k.endswith("gamma")), key=lambda k: len(head[f"{k}/gamma"]))
    mlp = {f"dense_{i}": dense(f"mlp{i}") for i in range(depth)} | {
        "norm": norm(norms[-1]),
        "logits": dense("out"),
    }
    # The recorded linear classifier shares its bias vector with the MLP's output.
    linear = {"norm": norm(norms[0]), "logits": dense("lin", "lin" if "lin/bias" in head else "out")}
    classes = head["out/bias"].size
    params = {kind: {"mlp": mlp} for kind in ("avg_mlp", "mlp_avg", "max", "att_avg")}
    params |= {"skip_avg_mlp": {"mlp": mlp, "gamma": z["head/gamma_weight"]}, "avg_clf": linear}
    widths = tuple(head[f"mlp{i}/bias"].size for i in range(depth))
    visible = batch["visible"]

    def logits(kind, inverted=False):
        settings = HeadConfig(kind, widths, inverted_mask=inverted)
        inputs = head_inputs(settings, layers, visible)
        return build_head(settings, classes).apply({"params": params[kind]}, inputs)["logits"]

    for kind in ("skip_avg_mlp", "avg_mlp", "avg_clf", "mlp_avg", "max"):
        np.testing.assert_allclose(logits(kind), z[f"out/{kind}"], atol=1e-4, err_msg=kind)
    np.testing.assert_allclose(logits("skip_avg_mlp"), z["out/skip"], atol=1e-4)
    np.testing.assert_allclose(pool_mean(jnp.stack(layers), visible), z["out/pooled_per_layer"], atol=1e-4)
    for kind, key in (("avg_mlp", "avg"), ("att_avg", "att_avg")):
        recorded = z[f"out/{key}_as_shipped_inverted_mask"]
        rows = np.isfinite(recorded).all(axis=1)
        np.testing.assert_allclose(
            np.asarray(logits(kind, inverted=True))[rows], recorded[rows], atol=1e-4, err_msg=key
        )


def has(*names):
    return lambda z: all(any(k.startswith(n) for k in z) for n in names)


RECOGNISED = [
    (has("out/recon", "in/times"), checks.check_forward),
    (has("out/token_recon"), checks.check_token),
    (has("var/"), checks.check_variants),
    (has("grad/"), lambda z: checks.check_training(z, "grad", "train/loss_per_step")),
    (has("gradw/"), lambda z: checks.check_training(z, "gradw", "trainw/loss_per_step", weighted=True)),
    (lambda z: any(k.endswith("/starts") for k in z), check_windows),
    (has("case0/"), check_masking),
    (has("in/concat", "in/lengths"), check_loader),
    (has("in/y_true", "sched/"), check_losses),
    (has("headq/"), check_heads),
]
