"""What must hold for any recorded Astromer, version 1 or 2."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax

from lcjax.losses import error_weights, r2_score, reconstruction_loss
from lcjax.models import Astromer
from lcjax.systems import PRESETS
from lcjax.systems.astromer.weight_names import tensorflow_names
from lcjax.systems.masked_pretraining.task import objective_value
from lcjax.transforms.positional import encode_time, published_frequencies
from tests.parity.recorded import batch_of, network, variant_settings


def close(actual, expected, atol, rtol=0.0, what=""):
    np.testing.assert_allclose(np.asarray(actual), np.asarray(expected), atol=atol, rtol=rtol, err_msg=what)


def check_encoding(time, frequencies, recorded, what):
    """Sinusoids within the rounding of their float32 angles: two spacings, 1e-4 rad where angles reach 1000."""
    bound = 2e-6 + 2.4e-7 * np.abs(time[..., None] * frequencies)
    difference = np.abs(np.asarray(encode_time(time, frequencies)) - recorded)
    assert np.all(difference <= bound), f"{what}: off by {difference.max()}"


def tolerances(z):
    """Of the recordings' README: trained weights of Astromer 1 amplify rounding."""
    version_2 = "cfg/m_alpha" in z
    trained = "out/pe" not in z
    return {"recon": 2e-4 if trained else 1e-4 if version_2 else 5e-5, "layer": 1e-3 if trained else 2e-4}


def check_forward(z):
    """Reconstruction, every layer, embedding, attention, losses, leak probe."""
    config, variables = network(z)
    model, batch, tol = Astromer(config), batch_of(z), tolerances(z)
    run = jax.jit(lambda v, b: model.apply(v, b, mutable=["intermediates"]))
    out, seen = run(variables, batch)
    recon = out["reconstruction"]
    close(recon, z["out/recon"][..., 0], tol["recon"], what="recon")
    for i, layer in enumerate(out["layers"][1:]):
        if f"out/layer_{i}" in z:
            close(layer, z[f"out/layer_{i}"], tol["layer"], what=f"layer {i}")
        block = seen["intermediates"][f"block_{i}"]
        if f"out/att_out_{i}" in z:
            close(block["attention"][0], z[f"out/att_out_{i}"], tol["layer"], what=f"attention {i}")
    if "out/pe" in z:
        check_encoding(batch["time"], published_frequencies(config.width), z["out/pe"], "time encoding")
    if "out/embed_in" in z:
        close(out["layers"][0], z["out/embed_in"], 5e-4, what="input embedding")
    last = seen["intermediates"][f"block_{config.num_layers - 1}"]
    if "out/att_weights_last" in z:
        close(last["attention_weights"][0], z["out/att_weights_last"], 1e-5)
    if "out/qk_logits_last" in z:
        close(last["attention_logits"][0], z["out/qk_logits_last"], 2e-4)
    if "out/skipencoder_mean" in z:
        close(np.mean(out["layers"][1:], axis=0), z["out/skipencoder_mean"], 2e-4)
    check_scores(z, recon, "out/")
    if "out/recon_hidden_plus_half" in z:
        hidden = batch["mask"] & ~batch["visible"]
        probe = {**batch, "magnitude": batch["magnitude"] + 0.5 * hidden}
        leaked = run(variables, probe)[0]["reconstruction"]
        close(leaked, z["out/recon_hidden_plus_half"][..., 0], tol["recon"], what="leak probe")
        strict = Astromer(dataclasses.replace(config, parity=False))
        run = jax.jit(lambda b: strict.apply(variables, b)["reconstruction"])
        np.testing.assert_array_equal(run(batch), run(probe))


def check_scores(z, recon, prefix):
    target, probed = z["in/target"][..., 0], z["in/mask_out"][..., 0]
    close(reconstruction_loss(target, recon, probed), z[f"{prefix}loss_rmse"], 1e-4)
    close(reconstruction_loss(target, recon, probed, root=False), z[f"{prefix}loss_mse"], 1e-4)
    close(r2_score(target, recon, probed), z[f"{prefix}r2"], 1e-3)
    if f"{prefix}loss_wrmse" in z:
        w = error_weights(z["in/error_as_loader"][..., 0])
        close(w, z["out/w_error"][..., 0], 1e-6)
        close(reconstruction_loss(target, recon, probed, w), z[f"{prefix}loss_wrmse"], 1e-4)
        check_task_loss(z, recon, z[f"{prefix}loss_wrmse"])


def check_task_loss(z, recon, recorded):
    """The loss that a run descends, from a batch whose padding is 0 as ours is: the recorded weighted one."""
    preset = PRESETS["astromer2"]()
    parity = dataclasses.replace(preset.model, parity=True, mask_token=False)
    weighted = dataclasses.replace(preset.objective, loss="rmse", error_weights=True)
    experiment = dataclasses.replace(preset, model=parity, objective=weighted)
    mask = batch_of(z)["mask"]
    ready = {
        "target": z["in/target"][..., 0],
        "probed": z["in/mask_out"][..., 0] > 0,
        "mask": mask,
        "magnitude_error": np.where(mask, z["in/error_as_loader"][..., 0], 0.0),
    }
    close(objective_value(experiment, ready, {"reconstruction": recon}), recorded, 1e-4)


def check_token(z):
    """The reference token layer in front of the network (what the paper describes)."""
    config, variables = network(z, token=True)
    batch = batch_of(z)
    shown = np.where(batch["visible"], batch["magnitude"], variables["params"]["mask_token"])
    close(shown, z["out/token_input"][..., 0], 0.0)
    recon = jax.jit(Astromer(config).apply)(variables, batch)["reconstruction"]
    close(recon, z["out/token_recon"][..., 0], 1e-4)
    check_scores(z, recon, "out/token_")


def check_variants(z):
    """Other mask rules, temperatures, and the network without residual projections."""
    names = sorted({k.split("/")[1] for k in z if k.startswith("var/")})
    assert names
    for name in names:
        config, variables = network(z, **variant_settings(name))
        recon = jax.jit(Astromer(config).apply)(variables, batch_of(z))["reconstruction"]
        close(recon, z[f"var/{name}/recon"][..., 0], 1e-4, what=name)


def check_training(z, gradients, track, weighted=False):
    """Gradients and the losses of the recorded Adam steps (full batch, no dropout)."""
    config, variables = network(z)
    model, batch = Astromer(dataclasses.replace(config, dropout=0.0)), batch_of(z)
    target, probed = z["in/target"][..., 0], z["in/mask_out"][..., 0]
    weights = error_weights(z["in/error_as_loader"][..., 0]) if weighted else None

    def loss(params):
        recon = model.apply({"params": params}, batch)["reconstruction"]
        return reconstruction_loss(target, recon, probed, weights)

    step = jax.jit(jax.value_and_grad(loss))
    params = jax.tree.map(jnp.asarray, variables["params"])
    if any(k.startswith(gradients + "/") for k in z):
        grads = step(params)[1]
        names = tensorflow_names(config)
        recorded = {k.removeprefix(gradients + "/"): z[k] for k in z if k.startswith(gradients + "/")}
        recorded = {k: v for k, v in recorded.items() if not k.startswith("msk_token")}
        assert set(recorded) == set(names)
        for name, expected in recorded.items():
            ours = functools.reduce(lambda node, part: node[part], names[name][0], grads)
            close(ours, expected, 1e-5, 1e-4, name)
    if track in z:
        adam = optax.adam(1e-3, b1=0.9, b2=0.98, eps=1e-9)
        state, losses = adam.init(params), []
        advance = jax.jit(lambda params, grads, state: _applied(params, *adam.update(grads, state)))
        for _ in z[track]:
            value, grads = step(params)
            params, state = advance(params, grads, state)
            losses.append(float(value))
        close(losses, z[track], 0.0, 1e-3, track)


def _applied(params, updates, state):
    return optax.apply_updates(params, updates), state
