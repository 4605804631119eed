"""The terms of AVDA against recordings of a related public loss and of the published formulas; and small ones made here."""

import jax
import jax.numpy as jnp
import numpy as np

from lcjax.losses import avda
from tests.parity.recorded import check_file, files_of

CLOSE = {"rtol": 2e-5, "atol": 2e-6}
FLOOR = 1e-20


def check_terms(z):
    label = z["y"].astype(np.int32)
    prior = (z["pi_prior"], z["mu_prior"], z["log_var_prior"])
    check_published(z, label, prior)
    check_reference(z, label, prior)


def check_published(z, label, prior):
    """Recorded in float64, computed here in float32."""
    pi, mean, log_variance = prior
    close = lambda found, name: np.testing.assert_allclose(found, z[name], rtol=1e-4, atol=1e-4, err_msg=name)
    answer = lambda part: avda.log_responsibilities(z[f"{part}_z"], jnp.log(pi), mean, log_variance)
    apart = lambda part: avda.latent_divergences(z[f"{part}_mu"], z[f"{part}_log_var"], mean, log_variance)
    np.testing.assert_allclose(
        avda.sample_latent(z["sup_mu"], z["sup_log_var"], z["sup_eps"]), z["sup_z"], rtol=1e-5, atol=1e-6
    )
    np.testing.assert_allclose(
        avda.sample_latent(z["unsup_mu"], z["unsup_log_var"], z["unsup_eps"]), z["unsup_z"], rtol=1e-5, atol=1e-6
    )
    close(avda.chosen(apart("sup"), label), "paper_kl_given_y")
    close(-avda.chosen(answer("sup"), label), "paper_xent_sup")
    close(jnp.exp(answer("unsup")), "paper_resp_unsup")
    close(avda.expected_divergence(answer("unsup"), apart("unsup")), "paper_kl_z_unsup")
    close(avda.class_divergence(answer("unsup"), jnp.log(pi)), "paper_kl_c_unsup")
    shown = z["sup_x_hat"].astype(np.float64)
    found = [avda.bernoulli_reconstruction(x, np.log(shown) - np.log1p(-shown)) for x in (z["sup_x"], z["unsup_x"])]
    other = z["unsup_x_hat"].astype(np.float64)
    found.append(avda.bernoulli_reconstruction(z["unsup_x"], np.log(other) - np.log1p(-other)))
    assert any(np.allclose(f, z["paper_bce_sum"], rtol=1e-4) for f in found)
    source, target = avda.discriminator_losses(z["disc_logit_source"], z["disc_logit_target"])
    close(source.mean() + target.mean(), "paper_loss_D")
    close(-target.mean(), "paper_loss_A")


def check_reference(z, label, prior):
    """The related code: squared errors averaged over pixels, responsibilities as logits, 1e-20 added to densities."""

    alpha, times = float(z["alpha"]), float(z["cl_mul"])

    def supervised(mean, log_variance, pi, class_mean, class_log_variance):
        latent = avda.sample_latent(mean, log_variance, z["sup_eps"])
        answer = avda.log_responsibilities(latent, jnp.log(pi), class_mean, class_log_variance, FLOOR)
        clf = -times * jnp.mean(avda.chosen(jax.nn.log_softmax(jnp.exp(answer)), label))
        kl = jnp.mean(avda.chosen(avda.latent_divergences(mean, log_variance, class_mean, class_log_variance), label))
        return rec("sup") + kl + clf, (kl, clf, jnp.exp(answer))

    def unsupervised(mean, log_variance, pi, class_mean, class_log_variance):
        latent = avda.sample_latent(mean, log_variance, z["unsup_eps"])
        answer = avda.log_responsibilities(latent, jnp.log(pi), class_mean, class_log_variance, FLOOR)
        apart = avda.latent_divergences(mean, log_variance, class_mean, class_log_variance)
        of_z = jnp.mean(avda.expected_divergence(answer, apart))
        of_class = jnp.mean(avda.class_divergence(answer, jnp.log(pi)))
        return rec("unsup") + of_z + of_class, (of_z, of_class, jnp.exp(answer))

    def rec(part):
        return jnp.mean((z[f"{part}_x"] - z[f"{part}_x_hat"]) ** 2)

    close = lambda found, name: np.testing.assert_allclose(found, z[name], rtol=2e-4, atol=2e-4, err_msg=name)
    names = ("mu", "log_var", "pi_prior", "mu_prior", "log_var_prior")
    found = {}
    for part, function in (("sup", supervised), ("unsup", unsupervised)):
        arguments = (z[f"{part}_mu"], z[f"{part}_log_var"], *prior)
        (found[part], more), grads = jax.jit(jax.value_and_grad(function, tuple(range(5)), has_aux=True))(*arguments)
        np.testing.assert_allclose(rec(part), z[f"{part}_rec"], **CLOSE)
        results = ("sup_kl", "sup_clf", "sup_probs") if part == "sup" else ("unsup_kl_z", "unsup_kl_c", "unsup_gamma")
        for value, name in zip(more, results, strict=True):
            close(value, name)
        for grad, name in zip(grads, names, strict=True):
            close(grad, f"{part}_grad_{name}")
    clf = float(z["sup_clf"])
    total = alpha * (found["sup"] - clf) + (1 - alpha) * found["unsup"] + clf
    close(total, "total")


def test_recordings(golden_root):
    files = files_of(golden_root, "avda")
    assert files
    for path in files:
        check_file(path, [(lambda z: "paper_loss_D" in z, check_terms)])


def test_divergence_is_zero_of_a_class_itself_and_known_otherwise():
    mean, log_variance = jnp.array([[0.0, 1.0], [2.0, 1.0]]), jnp.zeros((2, 2))
    found = avda.latent_divergences(mean[:1], log_variance[:1], mean, log_variance)
    np.testing.assert_allclose(found, [[0.0, 2.0]], atol=1e-6)
    wide = avda.latent_divergences(mean[:1], log_variance[:1], mean[:1], jnp.full((1, 2), np.log(4.0)))
    np.testing.assert_allclose(wide, [[2 * 0.5 * (np.log(4) + 0.25 - 1)]], rtol=1e-5)


def test_responsibilities_are_exact_where_densities_vanish():
    z = jnp.full((1, 40), 9.0)
    mean = jnp.stack([jnp.full(40, 0.0), jnp.full(40, 0.1)])
    found = avda.log_responsibilities(z, jnp.log(jnp.array([0.5, 0.5])), mean, jnp.zeros((2, 40)))
    expected = -0.5 * np.array([40 * 81.0, 40 * 8.9**2])
    np.testing.assert_allclose(found[0, 0] - found[0, 1], expected[0] - expected[1], rtol=1e-4)
    floored = avda.log_responsibilities(z, jnp.log(jnp.array([0.5, 0.5])), mean, jnp.zeros((2, 40)), FLOOR)
    np.testing.assert_allclose(jnp.exp(floored), 0.5, rtol=1e-5)


def test_reconstructions_are_likelihoods():
    x = jnp.array([[0.25, 1.0]])
    logits = jnp.array([[0.3, -2.0]])
    p = 1 / (1 + np.exp(-np.asarray(logits)))
    expected = -(np.asarray(x) * np.log(p) + (1 - np.asarray(x)) * np.log(1 - p)).sum()
    np.testing.assert_allclose(avda.bernoulli_reconstruction(x, logits), [expected], rtol=1e-5)
    found = avda.gaussian_reconstruction(x, logits, 2.0)
    difference = np.asarray(x - logits)
    density = -0.5 * (difference / 2) ** 2 - np.log(2 * np.sqrt(2 * np.pi))
    np.testing.assert_allclose(found, [-density.sum()], rtol=1e-5)
