"""AstroM3 as a system: settings from the data, what numbers mean, weights of PyTorch, answers and scores."""

import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import save_file

from benchmarks.astrom3_runs import Objects, batches
from data_pipelines.datasets.options import complete_options
from data_pipelines.kinds.multimodal.records import encode_object
from data_pipelines.kinds.reading import PrepareSettings
from data_pipelines.simulate.trimodal import CLASSES, continuum_and_lines, simulate_star
from lcjax.catalogue_columns import METADATA, PHOTOMETRIC
from lcjax.errors import ConfigError, Rejection, WeightsError
from lcjax.inference.loaded import Loaded
from lcjax.models.astrom3_config import MultimodalConfig, PhotometryConfig, SpectraConfig, VectorConfig
from lcjax.models.multimodal import build_multimodal
from lcjax.systems import find_system
from lcjax.systems.astrom3.config import AstroM3Experiment, InputsConfig
from lcjax.systems.astrom3.evaluation import centre_accuracy, evaluate, ranks
from lcjax.systems.astrom3.fitting import check_data, fitted, shared_variables
from lcjax.systems.astrom3.network_inputs import crop_starts, example_inputs, network_inputs
from lcjax.systems.astrom3.prediction import MultimodalAnswers
from lcjax.systems.astrom3.presets import astrom3_published_classifier
from lcjax.systems.astrom3.published import ACCURACY, RUN_OF_NAME, RUNS
from lcjax.systems.astrom3.task import build_task, by_rows
from lcjax.systems.astrom3.weight_names import our_layout, our_name
from lcjax.systems.astrom3.weights import config_from_settings, import_astrom3
from lcjax.training.checkpoint_io import flatten

GRID = (4000.0, 4600.0, 20.0)
SMALL = MultimodalConfig(
    photometry=PhotometryConfig(width=8, num_heads=2, hidden=8, layers=1, length=16, dropout=0.0),
    spectra=SpectraConfig(channels=(3, 4, 4), dropout=0.0),
    metadata=VectorConfig(hidden=8, dropout=0.0),
    dim=6,
    initial_scale=10.0,
)


@pytest.fixture(scope="module")
def records():
    """Stars, some without light curve, spectrum or numbers."""
    found = []
    for i in range(20):
        star = simulate_star(i, 0)
        numbers = dict.fromkeys(star.numbers, np.nan) if i == 3 else star.numbers
        curve, spectrum = (None if i == 1 else star.curve), (None if i == 2 else star.spectrum)
        record, faults = encode_object(star.object_id, curve, spectrum, numbers, star.label, GRID)
        assert not faults
        found.append(record)
    return found


@pytest.fixture(scope="module")
def objects(records):
    """The same as batches hold them."""
    names = tuple(sorted(records[0]["metadata"], reverse=True))  # the order of the data is not that of the network
    width = max(len(r["time"]) for r in records)
    pad = lambda x, n: np.pad(np.asarray(x, np.float32), (0, n - len(x)))
    arrays = {k: np.stack([pad(r[k], width) for r in records]) for k in ("time", "flux", "flux_error")}
    arrays["mask"] = np.stack([np.arange(width) < len(r["time"]) for r in records])
    arrays |= {k: np.stack([pad(r[k], 30) for r in records]) for k in ("spectrum", "spectrum_error")}
    arrays["spectrum_mask"] = np.stack([np.full(30, len(r["spectrum"]) > 0) for r in records])
    arrays |= {k: np.array([r[k] for r in records], np.float32) for k in ("log_spread", "years", "spectrum_log_spread")}
    arrays["metadata"] = np.array([[r["metadata"][n] for n in names] for r in records], np.float32)
    arrays["standardised"] = np.zeros(len(records), np.int32)
    arrays["label"] = np.array([sorted(CLASSES).index(r["label"]) for r in records], np.int32)
    arrays["weight"] = np.ones(len(records), np.float32)
    return Objects(arrays, tuple(sorted(CLASSES)), names, False)


@pytest.fixture(scope="module")
def experiment(objects):
    return fitted(AstroM3Experiment(model=SMALL), objects)


@pytest.fixture(scope="module")
def loaded(experiment):
    task = build_task(experiment)
    return Loaded(experiment, task, jax.jit(task.init)(jax.random.key(0), task.made_up(2)))


def test_columns_statistics_and_sizes_are_those_of_the_data(experiment, objects):
    inputs, model = experiment.inputs, experiment.model
    assert inputs.photometry_columns == PHOTOMETRIC and inputs.metadata_columns == METADATA
    assert inputs.data_columns == objects.metadata_names and inputs.class_names == objects.class_names
    assert (model.photometry.channels, model.metadata.inputs, model.spectra.length, model.num_classes) == (
        9,
        34,
        30,
        10,
    )
    found = network_inputs(objects.arrays, model, inputs)
    values = np.asarray(found["metadata"]["values"])[np.asarray(found["metadata"]["present"])]
    np.testing.assert_allclose(values.mean(0), 0, atol=1e-3)
    np.testing.assert_allclose(values.std(0), 1, atol=1e-2)
    present = {name: np.flatnonzero(~np.asarray(x["present"])).tolist() for name, x in found.items()}
    assert present == {"photometry": [1], "spectra": [2], "metadata": [3]}
    days = np.asarray(found["photometry"]["time"])[0]
    assert 3 < np.diff(days).mean() * 16 / 16 < 60  # a few days from point to point


def test_crops():
    count, row = np.array([5, 16, 30]), np.arange(3)
    assert crop_starts(count, 16, "release", None, row).tolist() == [0, 0, 7]
    keys = [jax.random.key(i) for i in range(60)]
    for padding, last in (("release", 14), ("legacy", 13)):
        starts = np.stack([crop_starts(count, 16, padding, key, row) for key in keys])
        assert (starts[:, :2] == 0).all() and starts[:, 2].max() == last and starts[:, 2].min() == 0


def test_spectra_errors_of_inverse_variances(objects, experiment):
    inputs = dataclasses.replace(experiment.inputs, spectrum_error="root")
    given = np.asarray(network_inputs(objects.arrays, SMALL, experiment.inputs)["spectra"]["values"])[0]
    rooted = np.asarray(network_inputs(objects.arrays, SMALL, inputs)["spectra"]["values"])[0]
    spread = 10.0 ** objects.arrays["spectrum_log_spread"][0]
    np.testing.assert_allclose(rooted[1], (given[1] * spread) ** -0.5 / spread, rtol=1e-4)


class OnGrids(Objects):
    spectrum_grids = ((4000.0, 20.0), (4500.0, 20.0))


def test_numbers_that_mean_something_else_are_refused(experiment, objects):
    other = dataclasses.replace(objects, standardised=True)
    with pytest.raises(ConfigError, match="standardised by statistics"):
        check_data(experiment, other)
    published = dataclasses.replace(experiment, inputs=dataclasses.replace(experiment.inputs, mean=(), std=()))
    with pytest.raises(ConfigError, match="standardised already"):
        check_data(published, objects)
    assert fitted(AstroM3Experiment(model=SMALL), other).inputs.statistics == "none"
    with pytest.raises(ConfigError, match="from 4500 by 20 Angstrom, those of its training from 4000"):
        inputs = dataclasses.replace(experiment.inputs, spectrum_grid=(4000.0, 20.0))
        check_data(dataclasses.replace(experiment, inputs=inputs), OnGrids(**vars(objects)))
    with pytest.raises(ConfigError, match="several grids"):
        fitted(AstroM3Experiment(model=SMALL), OnGrids(**vars(objects)))
    with pytest.raises(ConfigError, match="no labels"):
        model = dataclasses.replace(SMALL, head="classifier")
        fitted(AstroM3Experiment(model=model), dataclasses.replace(objects, class_names=()))
    with pytest.raises(ConfigError, match="two modalities"):
        build_task(AstroM3Experiment(model=dataclasses.replace(SMALL, modalities=("spectra",))))


def test_what_is_missing_teaches_the_other_pairs_and_never_spoils_a_gradient(loaded, objects):
    batch, task = objects.arrays, loaded.task
    grad = jax.jit(jax.value_and_grad(lambda p, b: task.loss(p, {}, b, jax.random.key(1))[0]))
    value, gradient = grad(loaded.variables["params"], batch)
    assert np.isfinite(value) and all(np.isfinite(g).all() for g in jax.tree.leaves(gradient))
    nonsense = batch | {"flux": np.where(batch["mask"], batch["flux"], 1e6).astype(np.float32)}
    np.testing.assert_allclose(grad(loaded.variables["params"], nonsense)[0], value, rtol=1e-5)
    metrics = jax.jit(task.evaluate)(loaded.variables, batch, jax.random.key(0))
    assert float(metrics["accuracy"][1]) == len(objects)


def test_answers_are_those_of_batches_and_say_what_is_missing(loaded, records, objects):
    rows = list(MultimodalAnswers.of(loaded, 8).answer([*records, Rejection("x", "gone", "")]))
    assert isinstance(rows[-1], Rejection) and len(rows) == 21
    direct = jax.jit(loaded.task.predict)(loaded.variables, objects.arrays)
    for i, row in enumerate(rows[:-1]):
        np.testing.assert_allclose(row["embedding"], direct["embedding"][i], atol=2e-5)
    assert rows[1]["embedding_photometry"] is None and not rows[1]["has_photometry"] and rows[1]["has_spectra"]
    mixed = records[0] | {"standardised": 1}
    short = records[0] | {"spectrum": np.ones(7), "object_id": "s"}
    on_grid = dataclasses.replace(loaded.experiment.inputs, spectrum_grid=(4000.0, 20.0))
    told = dataclasses.replace(loaded, experiment=dataclasses.replace(loaded.experiment, inputs=on_grid))
    shifted = records[0] | {"spectrum_start": 4500.0}  # as many samples of another part of the spectrum
    refused = list(MultimodalAnswers.of(told, 2).answer([mixed, short, shifted, records[0]]))
    assert "standardised already" in refused[0].reason and "7 samples" in refused[1].reason
    assert "from 4500 by 20 Angstrom" in refused[2].reason and not isinstance(refused[3], Rejection)


class Source:
    """A split, as evaluations see it."""

    def __init__(self, objects):
        self._objects = objects

    def evaluation_batches(self):
        names = [f"s{i}" for i in range(128)]
        yield from (batch | {"object_id": np.array(names)} for batch in batches(self._objects))


def test_scores_of_retrieval_and_of_a_classifier(loaded, objects):
    scores = evaluate(loaded, Source(objects), "")
    pairs = {(r["query"], r["database"]): r["objects"] for r in scores.values["retrieval"]}
    assert len(pairs) == 6 and pairs["photometry", "spectra"] == 18 and len(scores.facts["answers"]["label"]) == 20
    model = dataclasses.replace(loaded.experiment.model, head="classifier")
    task = build_task(dataclasses.replace(loaded.experiment, model=model))
    start = shared_variables(task, loaded.variables)
    fresh = flatten(jax.jit(task.init)(jax.random.key(5), task.made_up(2)))
    assert set(fresh) - set(flatten(start)) == {"params/head/kernel", "params/head/bias"}
    classifier = Loaded(
        dataclasses.replace(loaded.experiment, model=model), task, jax.tree.map(np.asarray, _nested(fresh))
    )
    assert evaluate(classifier, Source(objects), "").values["scores"]["objects"] == 20


def _nested(flat):
    from lcjax.training.checkpoint_io import nest

    return nest(flat, "/")


def test_ranks_and_centres():
    eye = np.eye(4, dtype=np.float32)
    assert ranks(eye, eye).tolist() == [0, 0, 0, 0] and ranks(eye, eye[[1, 0, 2, 3]]).tolist() == [3, 3, 0, 0]
    assert ranks(np.ones((3, 2)), np.ones((3, 2))).tolist() == [2, 2, 2]  # who cannot tell has found nobody
    near = np.array([[1, 0], [0.9, 0.1], [0, 1], [0.1, 0.9], [1, 0]], np.float32)
    assert centre_accuracy(near, np.array([0, 0, 1, 1, 1])) == 0.8


def torch_arrays(config, seed=0):
    """A state dictionary of a network of ours, in the names and layouts of PyTorch."""
    model = build_multimodal(config)
    rng, shapes = np.random.default_rng(seed), jax.eval_shape(model.init, jax.random.key(0), example_inputs(config, 2))
    variables = jax.tree.map(lambda s: rng.normal(size=s.shape).astype(np.float32), shapes)
    flat = {name.removeprefix("params/"): value for name, value in flatten(variables).items()}
    names = ["logit_scale_ps", "logit_scale_sm", "logit_scale_mp"]
    for short, prefix in (
        ("photometry", "photometry_encoder."),
        ("spectra", "spectra_encoder."),
        ("metadata", "metadata_encoder."),
    ):
        names += [f"{short}_proj.{leaf}" for leaf in ("weight", "bias")]
        inner = {
            "photometry": ["enc_embedding.value_embedding.tokenConv.weight", "encoder.norm.weight", "encoder.norm.bias"]
            + [f"encoder.attn_layers.{k}.{part}.{leaf}" for k in range(config.photometry.layers) for leaf in ("weight", "bias")
               for part in ("attention.query_projection", "attention.key_projection", "attention.value_projection",
                            "attention.out_projection", "conv1", "conv2", "norm1", "norm2")],
            "spectra": [f"layers.{3 * k}.{leaf}" for k in range(len(config.spectra.channels) - 1) for leaf in ("weight", "bias")],
            "metadata": [f"model.{k}.{leaf}" for k in (0, 3) for leaf in ("weight", "bias")],
        }  # fmt: skip
        names += [prefix + name for name in inner[short]]

    def back(name, value):
        if not our_name(name).endswith("kernel"):
            return value
        if "conv1.w" in name or "conv2.w" in name:
            return value.T[..., None]
        return value.transpose(2, 1, 0) if value.ndim == 3 else value.T

    return variables, {
        name: np.ascontiguousarray(back(name, flat[our_name(name)])).reshape(np.shape(back(name, flat[our_name(name)])))
        for name in names
    }


def test_state_dictionaries_are_imported_with_their_sizes(tmp_path):
    settings = {
        "p_d_model": 8,
        "p_n_heads": 2,
        "p_d_ff": 8,
        "p_e_layers": 2,
        "seq_len": 12,
        "p_enc_in": 9,
        "hidden_dim": 6,
    }
    settings |= {"s_conv_channels": [3, 4, 4, 4, 4], "m_hidden_dim": 8, "m_input_dim": 34, "classification": False}
    config = config_from_settings(settings)
    variables, arrays = torch_arrays(config)
    save_file(
        {**arrays, "photometry_encoder.enc_embedding.position_embedding.pe": _sines(8)}, tmp_path / "model.safetensors"
    )
    (tmp_path / "config.json").write_text(json.dumps(settings))
    found = import_astrom3(tmp_path)
    assert found.experiment.model == config and len(found.ignored) == 1
    for name, value in flatten(variables).items():
        np.testing.assert_array_equal(flatten(found.variables)[name], value)
    assert found.experiment.inputs.statistics == "none" and not found.experiment.inputs.mean
    assert found.experiment.inputs.data_columns == (*PHOTOMETRIC, *METADATA)  # the order that batches are asked for
    (tmp_path / "config.json").unlink()
    sizes = import_astrom3(tmp_path).experiment.model
    assert (sizes.photometry.length, sizes.photometry.layers, sizes.dim, sizes.spectra.channels) == (
        12,
        2,
        6,
        (3, 4, 4, 4, 4),
    )
    lacking = {name: value for name, value in arrays.items() if name != "spectra_proj.bias"}
    for changed, match in ((lacking, "spectra/bias"), ({**arrays, "x.weight": np.ones(2, np.float32)}, "no array of an AstroM3"),
                           ({**arrays, "spectra_proj.bias": np.full(6, np.nan, np.float32)}, "not finite"),
                           ({**arrays, "photometry_encoder.enc_embedding.position_embedding.pe": _sines(8) + 1}, "table of sines")):  # fmt: skip
        save_file(changed, tmp_path / "model.safetensors")
        with pytest.raises(WeightsError, match=match):
            import_astrom3(tmp_path)
    assert our_layout("a/bias", np.ones(3)).shape == (3,)


def _sines(width):
    p, i = np.arange(5000)[:, None], np.arange(0, width, 2)
    angle = p / 10000 ** (i / width)
    return np.stack([np.sin(angle), np.cos(angle)], -1).reshape(1, 5000, width).astype(np.float32)


def test_published_runs():
    assert len(RUNS) == 32 and len(ACCURACY) == 8
    run = RUN_OF_NAME["spectra-25-clip"]
    assert (run.dropout[1], run.learning_rate, run.factor, run.clip) == (0.283002, 9.69063e-3, 0.103748, 5.0)
    experiment = dataclasses.replace(astrom3_published_classifier(), published="metadata-10-clip")
    from lcjax.systems.astrom3.presets import with_published_run

    chosen = with_published_run(experiment)
    assert chosen.model.modalities == ("metadata",) and chosen.optimizer.learning_rate == 1.04531e-3
    assert chosen.model.metadata.dropout == 0.175602 and chosen.optimizer.clip_norm is None
    assert chosen.plateau.factor == 0.552759 and find_system("astrom3").name == "astrom3"


def test_simulated_stars_are_what_their_parameters_say():
    one, again = simulate_star(7, 1), simulate_star(7, 1)
    np.testing.assert_array_equal(one.spectrum, again.spectrum)
    assert set(one.numbers) == {*METADATA, *PHOTOMETRIC} and np.isfinite(list(one.numbers.values())).all()
    wave = np.arange(3900.0, 8900.0, 5.0)
    hot, cool = continuum_and_lines(wave, 8000, 4.0, 0.0), continuum_and_lines(wave, 3200, 1.0, 0.0)
    assert hot[0] / hot[-1] > 1 > cool[0] / cool[-1]
    depth = lambda flux, at: 1 - flux[np.abs(wave - at) < 4].mean() / flux[np.abs(wave - at - 60) < 20].mean()
    assert depth(hot, 4861) > 0.2 > depth(cool, 4861)


def test_options_and_padding_begin_as_the_public_weights_expect():
    assert complete_options(PrepareSettings(), "multimodal", "x").options["multimodal"].subset == "full"
    assert InputsConfig().padding == "release"


@pytest.mark.parametrize("rows", [3, None])
def test_objects_encoded_in_parts_are_those_encoded_at_once(rows):
    """Values, order and gradients; what is no row of the batch comes once."""
    rng = np.random.default_rng(0)
    ready = {m: {"values": rng.normal(size=(7, 3)).astype(np.float32), "row": np.arange(7)} for m in ("a", "b")}

    def encoded(params, some):
        own = {m: jnp.tanh(x["values"] @ params) + x["row"][:, None] for m, x in some.items()}
        return {"embeddings": own, "scales": {"a_b": jnp.sum(params)}, "biases": {}}

    def total(params):
        found = by_rows(encoded, params, ready, rows)
        weight = jnp.arange(7.0)[:, None]
        return jnp.sum(weight * found["embeddings"]["a"]) * found["scales"]["a_b"], found

    params = rng.normal(size=(3, 2)).astype(np.float32)
    (value, found), gradient = jax.value_and_grad(total, has_aux=True)(params)
    (expected, all_rows), wanted = jax.value_and_grad(
        lambda p: (
            jnp.sum(jnp.arange(7.0)[:, None] * encoded(p, ready)["embeddings"]["a"]) * jnp.sum(p),
            encoded(p, ready),
        ),
        has_aux=True,
    )(params)
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    np.testing.assert_allclose(gradient, wanted, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found["embeddings"]["b"], all_rows["embeddings"]["b"], rtol=1e-6)
    assert found["scales"]["a_b"].shape == () and found["biases"] == {}
