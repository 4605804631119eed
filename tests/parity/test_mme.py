"""Minimax entropy against recordings of a public implementation: heads, network, whole steps; and small ones made here."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lcjax.global_batch import global_mean
from lcjax.losses import cross_entropy
from lcjax.losses.domain_adaptation import negative_entropy, reverse_gradient
from lcjax.models.cosine_classifier import CosineClassifier
from lcjax.models.image_networks import ImageNetwork
from lcjax.models.image_networks_config import DIGITS, ImageNetworkConfig
from lcjax.systems.domain_adaptation.config import AdaptationExperiment, AdaptationObjectiveConfig, SgdConfig
from lcjax.systems.domain_adaptation.task import build_task, sgd
from lcjax.systems.domain_pairs.config import PairInputsConfig
from lcjax.training.state import init_state
from lcjax.training.step import make_update
from tests.parity.recorded import check_file, files_of

CLOSE = {"rtol": 2e-5, "atol": 2e-6}
STEPS = {"rtol": 1e-4, "atol": 1e-5}


def logits_of(features, weight, temperature):
    return CosineClassifier(weight.shape[0], float(temperature)).apply({"params": {"kernel": weight.T}}, features)


def check_head(z):
    features, weight, label = z["features"], z["weight"], z["labels"].astype(np.int32)
    temperature, eta, scale = (float(z[name]) for name in ("temperature", "eta", "lambda"))
    close = lambda found, name: np.testing.assert_allclose(found, z[name], **CLOSE, err_msg=name)
    logits = logits_of(features, weight, temperature)
    np.testing.assert_allclose(logits, z["logits"], rtol=2e-5, atol=2e-5)
    close(jax.nn.softmax(logits), "probs")
    ones = jnp.ones(len(label))

    def supervised(f, w):
        return global_mean(cross_entropy(logits_of(f, w, temperature), label), ones)

    def minimax(f, w, epsilon=1e-10, turned=True):
        f = reverse_gradient(f, eta) if turned else f
        return scale * global_mean(negative_entropy(logits_of(f, w, temperature), epsilon), ones)

    value, (of_features, of_weight) = jax.jit(jax.value_and_grad(supervised, (0, 1)))(features, weight)
    close(value, "ce")
    np.testing.assert_allclose(of_features, z["ce_grad_features"], rtol=1e-4, atol=2e-6)
    np.testing.assert_allclose(of_weight, z["ce_grad_weight"], rtol=1e-4, atol=2e-6)
    value, (of_features, of_weight) = jax.jit(jax.value_and_grad(minimax, (0, 1)))(features, weight)
    close(value, "adentropy")
    np.testing.assert_allclose(of_features, z["adentropy_grad_features_reversed"], rtol=1e-4, atol=2e-6)
    np.testing.assert_allclose(of_weight, z["adentropy_grad_weight"], rtol=1e-4, atol=2e-6)
    plain = jax.jit(jax.grad(lambda f: minimax(f, weight, turned=False)))(features)
    np.testing.assert_allclose(plain, z["adentropy_grad_features_plain"], rtol=1e-4, atol=2e-6)
    close(minimax(features, weight, 1e-5), "adentropy_eps1e-5")
    close(-minimax(features, weight) / scale, "mean_entropy_nats")


def digits_shapes(names, channels, embedding, flat):
    """Shapes of the arrays of the digits network, by their names."""
    config = DIGITS
    shapes, width = {}, channels
    for i, filters in enumerate(config.filters):
        base = f"features.{2 * i}"
        shapes[f"{base}.conv2d.weight"] = (filters, width, config.layer(i)[0], config.layer(i)[0])
        vectors = ("conv2d.bias", "bn2d.weight", "bn2d.bias", "bn2d.running_mean", "bn2d.running_var")
        shapes |= {f"{base}.{name}": (filters,) for name in vectors}
        width = filters
    width = flat
    for number, out in zip((1, 4, 6), (*config.head[:-1], embedding), strict=True):
        shapes |= {f"classifier.{number}.weight": (out, width), f"classifier.{number}.bias": (out,)}
        width = out
    assert list(shapes) == [str(name) for name in names]
    return shapes


def regenerate(seed, shapes):
    rng, arrays = np.random.RandomState(seed), {}
    for name, shape in shapes.items():
        a = rng.standard_normal(shape)
        if name.endswith("running_var"):
            a = 1 + 0.1 * np.abs(a)
        elif name.endswith("running_mean"):
            a = 0.05 * a
        elif len(shape) >= 2:
            a = a * np.sqrt(1.5 / np.prod(shape[1:]))
        else:
            a = 1 + 0.1 * a if name.endswith("bn2d.weight") else 0.05 * a
        arrays[name] = a.astype(np.float32)
    return arrays


def digits_variables(arrays):
    params, stats = {"trunk": {}, "head": {}}, {"trunk": {}}
    for i in range(len(DIGITS.filters)):
        get = lambda name, i=i: arrays[f"features.{2 * i}.{name}"]
        kernel = get("conv2d.weight").transpose(2, 3, 1, 0)
        params["trunk"][f"conv_{i + 1}"] = {"kernel": kernel, "bias": get("conv2d.bias")}
        params["trunk"][f"norm_{i + 1}"] = {"scale": get("bn2d.weight"), "bias": get("bn2d.bias")}
        stats["trunk"][f"norm_{i + 1}"] = {"mean": get("bn2d.running_mean"), "var": get("bn2d.running_var")}
    for i, number in enumerate((1, 4, 6), 1):
        kernel, bias = arrays[f"classifier.{number}.weight"].T, arrays[f"classifier.{number}.bias"]
        params["head"][f"dense_{i}"] = {"kernel": kernel, "bias": bias}
    return {"params": params, "batch_stats": stats}


def check_digits(z):
    shapes = digits_shapes(
        z["weight_names"], z["x"].shape[1], z["embedding_eval"].shape[1], z["conv_features_eval"].shape[1]
    )
    arrays = regenerate(int(z["weights_seed"]), shapes)
    for i, name in enumerate(shapes):
        flat = arrays[name].ravel()
        head = z["weight_first3"][i]
        np.testing.assert_allclose(flat[:3], head[: len(flat)], rtol=1e-6)
        np.testing.assert_allclose(flat.astype(np.float64).sum(), z["weight_sum"][i], rtol=1e-5, atol=1e-4)
    image = np.moveaxis(z["x"], 1, -1)
    network = functools.partial(ImageNetwork(DIGITS).apply, capture_intermediates=True, mutable=["intermediates"])
    found, seen = jax.jit(network)(digits_variables(arrays), {"image": image})
    np.testing.assert_allclose(found, z["embedding_eval"], rtol=1e-4, atol=1e-5)
    trunk = seen["intermediates"]["trunk"]["__call__"][0]
    np.testing.assert_allclose(trunk, z["conv_features_eval"], rtol=1e-4, atol=1e-5)


def vector_experiment(width, hidden, embedding, classes, **more):
    return AdaptationExperiment(
        inputs=PairInputsConfig(class_names=tuple(f"c{k}" for k in range(classes)), vectors=width),
        network=ImageNetworkConfig(
            vector_widths=(hidden,), head=(embedding,), slope=0.05, dropout=0.0, dropout_before=(), last_active=False
        ),
        **more,
    )


def ours(z, prefix, at=None):
    """The recorded parameters under our names."""
    get = lambda name: z[f"{prefix}.{name}"] if at is None else z[f"{prefix}.{name}"][at]
    dense = lambda name: {"kernel": get(f"{name}.weight").T, "bias": get(f"{name}.bias")}
    features = {"trunk_1": dense("net.features.0"), "head": {"dense_1": dense("net.classifier.0")}}
    return {"features": features, "classifier": {"kernel": get("clf.fc.weight").T}}


def stream(x, label=None):
    rows = len(x)
    known = {} if label is None else {"label": label.astype(np.int32)}
    return {
        "image": x.reshape(rows, 1, -1, 1),
        "full_scale": np.full(rows, np.nan, np.float32),
        "weight": np.ones(rows, np.float32),
        **known,
    }


def check_trajectory(z):
    start = ours(z, "init")
    hidden, embedding = start["features"]["trunk_1"]["bias"].size, start["features"]["head"]["dense_1"]["bias"].size
    experiment = vector_experiment(z["x_s"].shape[2], hidden, embedding, start["classifier"]["kernel"].shape[1])
    task = build_task(experiment)
    optimizer = sgd(SgdConfig(), 0.01, 2)
    state = init_state(task, optimizer, jax.random.key(0), False).replace(params=start, opt_state=optimizer.init(start))
    step = jax.jit(make_update(task, optimizer, 0, None))
    for i in range(len(z["loss_ce"])):
        np.testing.assert_allclose(0.01 * (1 + 1e-4 * i) ** -0.75, z["lr_factor"][i], rtol=1e-6)
        batch = stream(z["x_s"][i], z["y_s"][i]) | {
            "target": stream(z["x_t"][i], z["y_t"][i]),
            "unlabelled": stream(z["x_u"][i]),
        }
        state, out = step(state, jax.tree.map(lambda x: np.asarray(x)[None, None], batch))
        sums = {name: float(total[0] / weight[0]) for name, (total, weight) in out["sums"].items()}
        np.testing.assert_allclose(sums["loss"], z["loss_ce"][i], **STEPS)
        np.testing.assert_allclose(sums["entropy_loss"], z["loss_adentropy"][i], **STEPS)
        expected = ours(z, "params", i)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=2e-5), state.params, expected)


RECOGNISED = [
    (lambda z: "adentropy" in z, check_head),
    (lambda z: "embedding_eval" in z, check_digits),
    (lambda z: "loss_adentropy" in z, check_trajectory),
]


def test_recordings(golden_root):
    files = files_of(golden_root, "mme")
    assert files
    for path in files:
        check_file(path, RECOGNISED)


def test_gradient_is_reversed_and_nothing_else():
    x = jnp.arange(3.0)
    np.testing.assert_array_equal(reverse_gradient(x, 0.25), x)
    np.testing.assert_array_equal(jax.grad(lambda v: jnp.sum(reverse_gradient(v, 0.25) ** 2))(x), -0.25 * 2 * x)


@pytest.mark.parametrize(("method", "moves"), [("mme", 1), ("ent", -1)])
def test_who_raises_the_entropy(method, moves):
    """The classifier raises the entropy of the unlabelled rows under MME and lowers it under ENT; features lower it always."""
    experiment = vector_experiment(4, 6, 5, 3, objective=AdaptationObjectiveConfig(method=method))
    task = build_task(experiment)
    rng = np.random.default_rng(1)
    part = stream(rng.normal(size=(8, 4)).astype(np.float32))
    variables = jax.jit(task.init)(jax.random.key(1), part)
    batch = part | {"target": part, "unlabelled": part}
    grads = jax.jit(jax.grad(lambda p: task.updates[1].loss(p, {}, batch, jax.random.key(0))[0]))(variables["params"])

    @jax.jit
    def entropy(params):
        return -jnp.mean(negative_entropy(task.predict({"params": params}, part)["logits"]))

    def after(name):
        moved = jax.tree.map(lambda p, g: p - 1e-2 * g, variables["params"][name], grads[name])
        return entropy(variables["params"] | {name: moved})

    before = entropy(variables["params"])
    assert np.sign(after("classifier") - before) == moves and after("features") < before


def test_first_update_follows_the_rates():
    """Nesterov's first step is (1 + momentum) times the gradient, with weight decay, a tenth of it for the trunk."""
    settings = SgdConfig(weight_decay=0.5)
    params = {"features": {"trunk_1": {"kernel": jnp.ones(2)}, "head": jnp.ones(2)}, "classifier": jnp.ones(2)}
    optimizer = sgd(settings, 0.1, 2)
    moved, _ = optimizer.update(jax.tree.map(jnp.ones_like, params), optimizer.init(params), params)
    np.testing.assert_allclose(moved["classifier"], -0.1 * 1.9 * 1.5, rtol=1e-6)
    np.testing.assert_allclose(moved["features"]["trunk_1"]["kernel"], -0.01 * 1.9 * 1.5, rtol=1e-6)
