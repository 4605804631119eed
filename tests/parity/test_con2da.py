"""Con2DA against recordings of the authors' loss and training function; and small ones made here."""

import jax
import jax.numpy as jnp
import numpy as np

from lcjax.configs import OptimizerConfig
from lcjax.losses.contrastive import contrastive_loss
from lcjax.losses.domain_adaptation import agreed_labels, masked_consistency
from lcjax.models.cosine_classifier import CosineClassifier
from lcjax.models.image_networks_config import ImageNetworkConfig
from lcjax.systems.con2da.config import Con2daExperiment, ConsistencyConfig, TwoRatesConfig
from lcjax.systems.con2da.task import build_task, two_rates
from lcjax.systems.domain_pairs.config import PairInputsConfig
from lcjax.training.state import init_state
from lcjax.training.step import make_update
from tests.parity.recorded import check_file, files_of
from tests.parity.test_mme import stream

CLOSE = {"rtol": 1e-4, "atol": 2e-6}


def settings_of(z):
    """Temperature and threshold: from the file, or, where it does not say, from its logits and masks."""
    if "temperature" in z and "threshold" in z:
        return float(z["temperature"]), float(z["threshold"])
    weak = z["z_weak"] / np.linalg.norm(z["z_weak"], axis=1, keepdims=True)
    ratio = (weak @ z["weight"].T) / z["logits_weak"]
    temperature = float(np.median(ratio))
    best, sure = z["pseudo_prob"].max(axis=1), z["mask"] > 0
    low, high = best[~sure].max(initial=0.0), best[sure].min(initial=1.0)
    threshold = float((low + high) / 2)
    return temperature, threshold


def check_losses(z):
    weak, strong, weight = z["z_weak"], z["z_strong"], z["weight"]
    temperature, threshold = settings_of(z)
    classify = lambda f: CosineClassifier(len(weight), temperature).apply({"params": {"kernel": weight.T}}, f)
    contrast = lambda w, s: contrastive_loss(s, w, temperature, within=True)

    def total(w, s):
        one, two, _ = masked_consistency(classify(w), classify(s), threshold)
        return contrast(w, s) + one + two

    value, grads = jax.jit(jax.value_and_grad(contrast, (0, 1)))(weak, strong)
    np.testing.assert_allclose(value, z["ntxent"], **CLOSE)
    np.testing.assert_allclose(grads[0], z["ntxent_grad_weak"], rtol=2e-4, atol=5e-6)
    np.testing.assert_allclose(grads[1], z["ntxent_grad_strong"], rtol=2e-4, atol=5e-6)
    logits = classify(weak), classify(strong)
    np.testing.assert_allclose(logits[0], z["logits_weak"], rtol=1e-4, atol=2e-5)
    np.testing.assert_allclose(logits[1], z["logits_strong"], rtol=1e-4, atol=2e-5)
    probability, label, sure = agreed_labels(*logits, threshold)
    np.testing.assert_allclose(probability, z["pseudo_prob"], **CLOSE)
    np.testing.assert_array_equal(label, z["pseudo_label"])
    np.testing.assert_array_equal(sure, z["mask"])
    one, two, _ = masked_consistency(*logits, threshold)
    np.testing.assert_allclose(one, z["consistency_weak"], **CLOSE)
    np.testing.assert_allclose(two, z["consistency_strong"], **CLOSE)
    value, grads = jax.jit(jax.value_and_grad(total, (0, 1)))(weak, strong)
    np.testing.assert_allclose(value, z["total"], **CLOSE)
    np.testing.assert_allclose(grads[0], z["total_grad_weak"], rtol=2e-4, atol=5e-6)
    np.testing.assert_allclose(grads[1], z["total_grad_strong"], rtol=2e-4, atol=5e-6)


def ours(z, prefix, at=None):
    get = lambda name: z[f"{prefix}.{name}"] if at is None else z[f"{prefix}.{name}"][at]
    dense = lambda name: {"kernel": get(f"{name}.weight").T, "bias": get(f"{name}.bias")}
    features = {"trunk_1": dense("enc.l1"), "head": {"dense_1": dense("enc.l2")}}
    return {"features": features, "classifier": {"kernel": get("clf.fc.weight").T}}


def check_trajectory(z):
    start = ours(z, "init")
    hidden, embedding = start["features"]["trunk_1"]["bias"].size, start["features"]["head"]["dense_1"]["bias"].size
    temperature = float(z["temperature"])
    experiment = Con2daExperiment(
        inputs=PairInputsConfig(
            class_names=tuple(f"c{k}" for k in range(start["classifier"]["kernel"].shape[1])),
            vectors=z["xw_s"].shape[2],
        ),
        network=ImageNetworkConfig(
            vector_widths=(hidden,), head=(embedding,), slope=0.0, dropout=0.0, dropout_before=(), last_active=False
        ),
        temperature=temperature,
        objective=ConsistencyConfig(threshold=float(z["threshold"]), contrast_temperature=temperature),
    )
    task = build_task(experiment, lambda images, key, row, part: (images, part["strong"]))
    optimizer = two_rates(OptimizerConfig(name="adam", learning_rate=float(z["lr"])), TwoRatesConfig())
    state = init_state(task, optimizer, jax.random.key(0), False).replace(params=start, opt_state=optimizer.init(start))
    step = jax.jit(make_update(task, optimizer, 0, None))
    for i in range(len(z["xw_s"])):
        part = lambda name, i=i: (
            stream(z[f"xw_{name}"][i], z.get(f"y_{name}", [None] * 9)[i]) | {"strong": z[f"xs_{name}"][i]}
        )
        for name in ("y_s", "y_t"):
            _ = z[name]
        batch = part("s") | {"target": part("t"), "unlabelled": part("u")}
        state, _ = step(state, jax.tree.map(lambda x: np.asarray(x)[None, None], batch))
        expected = ours(z, "params", i)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=2e-5), state.params, expected)


RECOGNISED = [(lambda z: "ntxent" in z, check_losses), (lambda z: "xw_s" in z, check_trajectory)]


def test_recordings(golden_root):
    files = files_of(golden_root, "con2da")
    assert files
    for path in files:
        check_file(path, RECOGNISED)


def test_contrast_by_the_formula():
    """The mean over 2B anchors, written out."""
    rng = np.random.default_rng(2)
    weak, strong = (rng.normal(size=(3, 4)) for _ in range(2))
    rows = np.concatenate([strong, weak])
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    e, total = np.exp(rows @ rows.T / 0.5), 0.0
    for i in range(6):
        p = (i + 3) % 6
        total -= np.log(e[i, p] / sum(e[i, j] for j in range(6) if j != i)) / 6
    found = contrastive_loss(jnp.asarray(strong), jnp.asarray(weak), 0.5, within=True)
    np.testing.assert_allclose(found, total, rtol=1e-5)


def test_rows_that_are_not_sure_count_as_zero_and_labels_have_no_gradient():
    weak, strong = jnp.array([[4.0, 0.0], [0.1, 0.0]]), jnp.array([[2.0, 0.0], [0.0, 0.1]])
    one, two, sure = masked_consistency(weak, strong, 0.9)
    assert float(sure) == 0.5
    np.testing.assert_allclose([one, two], [np.log1p(np.exp(-4)) / 2, np.log1p(np.exp(-2)) / 2], rtol=1e-5)
    grad = jax.grad(lambda w: masked_consistency(w, strong, 0.9)[1])(weak)
    np.testing.assert_array_equal(grad, 0.0)


def test_the_classifier_is_held_in_the_second_update():
    rates = TwoRatesConfig(weight_decay=0.1)
    params = {"features": {"k": jnp.ones(2)}, "classifier": {"kernel": jnp.ones(2)}}
    optimizer = two_rates(OptimizerConfig(learning_rate=1e-2), rates)
    state = optimizer.init(params)
    one = jax.tree.map(jnp.ones_like, params)
    first, state = optimizer.update(one, state, params)
    np.testing.assert_allclose(first["classifier"]["kernel"], 10 * first["features"]["k"], rtol=1e-5)
    second, state = optimizer.update(one, state, params)
    assert not second["classifier"]["kernel"].any() and second["features"]["k"].all()
    third, _ = optimizer.update(one, state, params)
    np.testing.assert_allclose(third["classifier"]["kernel"], first["classifier"]["kernel"], rtol=1e-5)


def test_unlabelled_images_say_nothing_to_the_classifier():
    """Whatever the optimizer: clipping by the norm of all gradients would see what it then drops."""
    experiment = Con2daExperiment(
        inputs=PairInputsConfig(class_names=("a", "b"), vectors=3),
        network=ImageNetworkConfig(vector_widths=(4,), head=(4,), dropout=0.0, dropout_before=()),
        objective=ConsistencyConfig(threshold=0.0),
    )
    task = build_task(experiment, lambda images, key, row, part: (images, images + 0.1))
    part = stream(np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32))
    params = jax.jit(task.init)(jax.random.key(0), part)["params"]
    loss = task.updates[1].loss
    slope = jax.jit(jax.grad(lambda p: loss(p, {}, {"unlabelled": part}, jax.random.key(1))[0]))(params)
    assert not np.asarray(slope["classifier"]["kernel"]).any()
    assert any(np.asarray(leaf).any() for leaf in jax.tree.leaves(slope["features"]))
