"""Anomaly detectors of feature tables against every recorded file of `golden/mcdsvdd`. All sizes come from the files."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from lcjax.evaluation.ranking import auroc, average_precision
from lcjax.losses.autoencoding import mean_divergence, reconstruction_loss, squared_error, variational_loss
from lcjax.losses.hypersphere import class_means, hypersphere_loss, nearest_squared_distance, off_zero
from lcjax.models.svdd import FeatureAutoencoder, Hypersphere, VariationalAutoencoder
from lcjax.systems.svdd.presets import BANNED
from lcjax.systems.svdd.weight_names import config_from_arrays, variables_from_torch
from lcjax.transforms.feature_scaling import CLIPPED, LOGARITHMIC, FeatureRange, range_scaled_as_published
from tests.parity.recorded import check_file, files_of

ONES = lambda x: jnp.ones(len(x))


def close(found, wanted, rtol=2e-5, atol=2e-6, name=""):
    np.testing.assert_allclose(
        np.asarray(found), wanted, rtol=rtol, atol=atol * max(1, np.abs(wanted).max()), err_msg=name
    )


def parts(z, prefix):
    return {name.removeprefix(prefix): z[name] for name in list(z) if name.startswith(prefix)}


def check_autoencoder(z):
    config, arrays = config_from_arrays(parts(z, "ae.")), parts(z, "ae.")
    model, variables = FeatureAutoencoder(config), variables_from_torch(arrays)
    run = jax.jit(model.apply)
    out = run(variables, {"features": z["x"]})
    close(out["embedding"], z["ae_latent_eval"])
    close(out["reconstruction"], z["ae_recon_eval"])
    close(reconstruction_loss(out["reconstruction"], z["x"], ONES(z["x"])), z["ae_loss_eval"])
    test = run(variables, {"features": z["x_test"]})["reconstruction"]
    close(squared_error(test, z["x_test"]), z["ae_score_test"])


def check_vae(z):
    arrays = parts(z, "vae.")
    model, variables = VariationalAutoencoder(config_from_arrays(arrays)), variables_from_torch(arrays)
    out = jax.jit(model.apply)(variables, {"features": z["x"], "noise": z["vae_eps"]})
    close(out["embedding"], z["vae_mu"])
    close(out["log_variance"], z["vae_log_var"])
    weight = ONES(z["x"])
    divergence = mean_divergence(out["embedding"], out["log_variance"], weight)
    total = variational_loss(out["reconstruction"], z["x"], out["embedding"], out["log_variance"], weight)
    close(divergence, z["vae_dkl"])
    close(total, z["vae_loss"])
    close(total - divergence, z["vae_rec"], rtol=1e-4)


def check_hypersphere(z, kind):
    arrays = {name: value for name, value in parts(z, "ae.").items() if name.startswith("enc")}
    model = Hypersphere(config_from_arrays(arrays))
    start = variables_from_torch(arrays)
    x, weight = z["x"], ONES(z["x"])
    y = z["y"] if kind == "classvdd" else np.zeros_like(z["y"])
    classes = len(np.atleast_2d(z[f"{kind}_c_eval"]))

    @jax.jit
    def latent(variables, x):
        return model.apply(variables, {"features": x})["embedding"]

    centres = lambda variables: off_zero(class_means(latent(variables, x), y, classes))
    recorded = lambda name: np.atleast_2d(z[f"{kind}_{name}"])
    fixed = centres(start)
    close(fixed, recorded("c_eval"))
    score = lambda variables, rows, c: nearest_squared_distance(latent(variables, rows), c)
    close(hypersphere_loss(latent(start, x), fixed, y, weight), z[f"{kind}_loss_eval"])
    close(score(start, x, fixed), z[f"{kind}_score_train_eval"])
    close(score(start, z["x_test"], fixed), z[f"{kind}_score_test_eval"])

    # Centres as the program computes them: with the statistics of batches, which moves the running ones.
    train = jax.jit(lambda v, b: model.apply(v, {"features": b}, deterministic=False, mutable=["batch_stats"]))
    moved, latents = start, []
    for begin in range(0, len(x), 40):
        out, changed = train(moved, x[begin : begin + 40])
        moved = moved | changed
        latents.append(out["embedding"])
    trained_to = off_zero(class_means(jnp.concatenate(latents), y, classes))
    close(trained_to, recorded("c_train"), rtol=1e-4)
    norms = moved["batch_stats"]["encoder"]["hidden"]
    for name in [n for n in z if n.startswith(f"{kind}_encbn") and n.endswith("after_set_c")]:
        number, part = name.removeprefix(f"{kind}_encbn")[0], "mean" if "running_mean" in name else "var"
        close(norms[f"norm_{number}"][part], z[name], name=name)

    def loss(params, state):
        out, state = model.apply(
            {"params": params, **state}, {"features": x}, deterministic=False, mutable=["batch_stats"]
        )
        return hypersphere_loss(out["embedding"], recorded("c_train"), y, weight), state

    step = jax.jit(jax.value_and_grad(loss, has_aux=True))
    params, state = moved["params"], {"batch_stats": moved["batch_stats"]}
    (value, _), gradient = step(params, state)
    close(value, z[f"{kind}_loss_train"], rtol=1e-4)
    encoder = gradient["encoder"]
    close(encoder["latent"]["kernel"].T, z[f"{kind}_grad_enc4"], rtol=1e-3, atol=2e-5)
    close(encoder["hidden"]["norm_1"]["scale"], z[f"{kind}_grad_encbn1_weight"], rtol=1e-3, atol=2e-5)
    # A bias before a norm has no effect: its gradient is rounding.
    size = np.abs(np.asarray(encoder["hidden"]["dense_1"]["kernel"])).max()
    assert np.abs(z[f"{kind}_grad_enc1_bias"]).max() < 1e-3 * size
    assert np.abs(np.asarray(encoder["hidden"]["dense_1"]["bias"])).max() < 1e-3 * size

    adam = optax.adam(5e-4)
    moments, losses = adam.init(params), []

    @jax.jit
    def advance(gradient, moments, params):
        changes, moments = adam.update(gradient, moments, params)
        return optax.apply_updates(params, changes), moments

    for _ in z[f"{kind}_losses_5_adam_steps"]:
        (value, state), gradient = step(params, state)
        losses.append(value)
        params, moments = advance(gradient, moments, params)
    close(np.array(losses), z[f"{kind}_losses_5_adam_steps"], rtol=5e-4)
    trained = {"params": params, **state}
    again = centres(trained)
    close(again, recorded("c_recomputed_after_5_steps_eval"), rtol=5e-3, atol=2e-3)
    close(score(trained, z["x_test"], again), z[f"{kind}_score_test_after_5_steps"], rtol=5e-3, atol=2e-3)


def check_centres(z):
    classes = len(z["class_means"])
    means = class_means(z["latents"], z["labels"], classes)
    close(means, z["class_means"], rtol=1e-5)
    close(off_zero(z["class_means"], float(z["eps"])), z["centres"], rtol=1e-6, atol=1e-8)
    assert (np.asarray(off_zero(means, float(z["eps"])))[z["centres"] == 0] == 0).all()


def check_ranking(z):
    inlier, outlier = z["inlier_scores"], z["outlier_scores"]
    score = np.concatenate([inlier, outlier])
    positive = np.arange(len(score)) >= len(inlier)
    assert abs(auroc(score, positive) - z["auroc_exact"]) < 1e-12
    assert abs(average_precision(score, positive) - z["average_precision_exact"]) < 1e-12
    # The program's sweep over 100,000 thresholds comes close, and lies below.
    assert 0 <= auroc(score, positive) - z["auroc_reference"] < 5e-3
    assert 0 <= average_precision(score, positive) - z["aupr_reference"] < 0.1


def fitted_range(values, scaled, logarithm=False):
    """The range by which the values were scaled, and how well it explains them."""
    there = np.isfinite(values) & (np.abs(scaled) < 0.9999) & ((values > 0) | ~np.bool_(logarithm))
    x = np.log(values[there]) if logarithm else values[there]
    slope, offset = np.polyfit(x, np.arctanh(scaled[there]) + 0.5, 1)
    low, high = -offset / slope, (1 - offset) / slope
    return (np.exp(low), np.exp(high)) if logarithm else (low, high)


def check_scaling(z):
    """The table of ranges is no part of the recording: each family's range is read off its column, the rules are what is tested."""
    columns, out = [str(c) for c in z["columns"]], [str(c) for c in z["out_columns"]]
    raw, scaled = z["raw"], z["out"]
    banned = lambda name: any(name == b or name.rsplit("_", 1)[0] == b for b in BANNED)
    kept = [name for name in columns if not banned(name)]
    assert sorted(kept) == out
    ranges = {}
    for name in kept:
        values, answers = raw[:, columns.index(name)], scaled[:, out.index(name)]
        family = next((f for f in (*LOGARITHMIC, *CLIPPED) if f in name), name.rstrip("0123456789").rstrip("_") or name)
        clip, logarithm = family in CLIPPED, family in LOGARITHMIC
        low, high = 1.0, 2.0
        if clip:
            inside = np.where(answers > np.nanmin(answers[answers > -1.09]) + 1e-9, values, np.nan)
            low, high = fitted_range(inside, answers, True)
        elif not logarithm or (values <= 0).any():
            low, high = fitted_range(values, answers, logarithm)
        ranges.setdefault(family, FeatureRange(low, high, logarithm, clip))
    table = dict(sorted(ranges.items()))  # so that PercentAmplitude meets Amplitude first, as recorded
    table, names = range_scaled_as_published(raw[:, [columns.index(n) for n in kept]], kept, table)
    assert names == out
    np.testing.assert_allclose(table, scaled, rtol=0, atol=5e-7)


RECOGNISED = [
    (lambda z: "ae_latent_eval" in z, check_autoencoder),
    (lambda z: "vae_mu" in z, check_vae),
    (lambda z: "classvdd_c_eval" in z, lambda z: check_hypersphere(z, "classvdd")),
    (lambda z: "deepsvdd_c_eval" in z, lambda z: check_hypersphere(z, "deepsvdd")),
    (lambda z: "class_means" in z, check_centres),
    (lambda z: "auroc_exact" in z, check_ranking),
    (lambda z: "out_columns" in z, check_scaling),
]


def test_every_recorded_file(golden_root, subtests):
    files = files_of(golden_root, "mcdsvdd")
    assert files
    for path in files:
        with subtests.test(path.name):
            check_file(path, RECOGNISED)
