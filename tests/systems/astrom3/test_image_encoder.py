"""Images as modalities of the system: sizes of the data, trained networks as encoders that may stay, refusals."""

import dataclasses
import re

import jax
import numpy as np
import pytest

from data_pipelines.datasets.multimodal_builder import check_forms
from data_pipelines.kinds.multimodal.images import ObjectImage
from data_pipelines.kinds.multimodal.options import MultimodalOptions
from data_pipelines.kinds.multimodal.records import MULTIMODAL, encode_object, layout_with
from data_pipelines.kinds.multimodal.source import MultimodalSource
from data_pipelines.prepare import prepare
from lcjax.errors import ConfigError
from lcjax.inference.loaded import Loaded
from lcjax.models.stamp_classifier_config import StampModelConfig
from lcjax.systems import PRESETS, find_system
from lcjax.systems.astrom3.config import CurveEncoderConfig, ImageEncoderConfig
from lcjax.systems.astrom3.curve_encoder import with_curve_encoder
from lcjax.systems.astrom3.fitting import check_data, fitted, shared_variables
from lcjax.systems.astrom3.image_encoder import image_variables, with_images
from lcjax.systems.astrom3.prediction import MultimodalAnswers
from lcjax.systems.astrom3.task import build_task, trained_part
from lcjax.training.checkpoint_io import flatten
from tests.inference.models import weights_folder

NAMES = ("science", "template", "difference")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    options = MultimodalOptions(simulated_images=True)
    return prepare(
        "simulated_multimodal", [], tmp_path_factory.mktemp("d"), n_objects=24, shards=1, multimodal=options
    ).manifest.folder


@pytest.fixture(scope="module")
def data(folder):
    return MultimodalSource([folder], "train", 8, reader="plain")


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A small stamp classifier with random weights."""
    path = tmp_path_factory.mktemp("stamps")
    preset = (
        PRESETS["alerce-stamps"]()
        if "alerce-stamps" in PRESETS
        else next(f() for n, f in PRESETS.items() if f().system == "stamp_classifier")
    )
    model = StampModelConfig(kernels=(3,), filters=(4,), pool_after=(1,), trunk=(6,), head=(4,), num_features=26)
    return path, weights_folder(
        path, dataclasses.replace(preset, model=model, inputs=dataclasses.replace(preset.inputs, crop=9))
    )


def small(**changes):
    base = PRESETS["astrom3-images"]()
    model, layers = base.model, {"kernels": (3,), "filters": (4,), "pool_after": (1,), "trunk": (6,)}
    model = dataclasses.replace(
        model,
        dim=4,
        photometry=dataclasses.replace(model.photometry, width=8, num_heads=2, hidden=8, layers=1, length=8),
        metadata=dataclasses.replace(model.metadata, hidden=4),
        stamps=dataclasses.replace(model.stamps, crop=9, stamp=dataclasses.replace(model.stamps.stamp, **layers)),
        host=dataclasses.replace(model.host, delight=dataclasses.replace(model.host.delight, filters=(2, 2, 2))),
    )
    return dataclasses.replace(base, model=model, **changes)


def test_sizes_and_channels_are_those_of_the_data(data):
    found = fitted(small(), data)
    stamps, host = found.model.stamps, found.model.host
    assert (stamps.size, stamps.channels, stamps.channel_names, stamps.full_scale) == ((63, 63), 3, NAMES, 0.0)
    assert (host.size, host.channels, host.channel_names, host.pyramid_side) == ((64, 64), 1, ("r",), 32)
    check_data(found, data)
    other = dataclasses.replace(
        found, model=dataclasses.replace(found.model, stamps=dataclasses.replace(stamps, channel_names=NAMES[::-1]))
    )
    with pytest.raises(
        ConfigError, match="channels science template difference, and the model learned from difference"
    ):
        check_data(other, data)


def test_batches_learn_and_answers_of_records_are_those_of_batches(data, weights):
    """With a frozen trunk of the stamp classifier: its weights begin as they were, and no update touches them."""
    path, given = weights
    experiment = fitted(small(stamp_encoder=ImageEncoderConfig(str(path), frozen=True)), data)
    assert experiment.model.stamps.stamp.filters == (4,) and experiment.model.stamps.crop == 9
    start = flatten(image_variables(experiment))
    np.testing.assert_array_equal(start["params/encoders_stamps/conv_1/kernel"], given["params"]["conv_1"]["kernel"])
    assert {name.split("/")[2] for name in start} >= {"conv_1", "dense_1"} and not any(
        "logits" in name for name in start
    )
    trains = re.compile(trained_part(experiment))
    assert (
        not trains.search("encoders_stamps/conv_1/kernel")
        and trains.search("encoders_host/trunk")
        and trains.search("projection_stamps/kernel")
    )
    curves = dataclasses.replace(experiment, curve_encoder=CurveEncoderConfig("W", frozen=True))
    assert not re.search(trained_part(curves), "encoders_photometry/curve/encoder/a") and not trained_part(small())
    task = build_task(experiment)
    variables = jax.jit(task.init)(jax.random.key(0), task.made_up(2))
    batch = next(iter(data.evaluation_batches()))
    batch = {name: batch[name] for name in (*task.batch_spec, "weight", "label")}
    value, grads = jax.jit(jax.value_and_grad(lambda p: task.loss(p, {}, batch, jax.random.key(1))[0]))(
        variables["params"]
    )
    assert np.isfinite(value) and all(np.isfinite(g).all() for g in jax.tree.leaves(grads))
    loaded = Loaded(experiment, task, variables)
    direct = jax.jit(task.predict)(variables, {name: batch[name] for name in task.batch_spec})
    record = one_record(batch, 0, data)
    wrong = record | {"stamps": np.ones((30, 30, 3))}
    row, refused = MultimodalAnswers.of(loaded, 2).answer([record, wrong])
    np.testing.assert_allclose(row["embedding"], direct["embedding"][0], atol=2e-5)
    assert row["has_stamps"] and row["has_host"] == bool(batch["host_mask"][0]) and "30 x 30 x 3" in refused.reason


def one_record(batch, row, data):
    count = int(batch["mask"][row].sum())
    found = {name: batch[name][row][:count] for name in ("time", "flux", "flux_error")} | {
        "spectrum": [],
        "spectrum_error": [],
    }
    found |= {
        name: batch[name][row] for name in ("log_spread", "years", "spectrum_log_spread", "standardised", "stamps")
    }
    found["metadata"] = dict(zip(data.metadata_names, batch["metadata"][row], strict=True))
    found["host"] = batch["host"][row] if batch["host_mask"][row] else np.zeros((0, 0, 0))
    return found | {"object_id": "a", "label": "sn", "stamps_channel_names": ",".join(NAMES), "host_channel_names": "r"}


@pytest.mark.parametrize(("preset", "modality"), [("delight", "host"), ("multiscale-stamps", "stamps")])
def test_other_networks_of_the_library_encode_images(data, tmp_path, preset, modality):
    given = weights_folder(tmp_path, PRESETS[preset]())
    named = {"host": "host_encoder", "stamps": "stamp_encoder"}[modality]
    found = fitted(small(**{named: ImageEncoderConfig(str(tmp_path))}), data)
    start = flatten(image_variables(found))
    kernel = f"params/encoders_{modality}/trunk/conv_1/kernel"
    np.testing.assert_array_equal(start[kernel], given["params"]["trunk"]["conv_1"]["kernel"])
    assert {name.split("/")[2] for name in start} == {"trunk"}


def test_what_does_not_fit_is_refused(data, weights):
    without = dataclasses.replace(
        small(), model=dataclasses.replace(small().model, modalities=("photometry", "metadata"))
    )
    for changed, match in (
        (dataclasses.replace(without, host_encoder=ImageEncoderConfig("x")), "--host-encoder encodes host images"),
        (small(stamp_encoder=ImageEncoderConfig(frozen=True)), "frozen needs weights"),
        (small(host_encoder=ImageEncoderConfig(str(weights[0]))), "learned from science template difference"),
    ):
        with pytest.raises(ConfigError, match=match):
            with_images(changed, data)
    with pytest.raises(ConfigError, match="frozen needs weights"):
        with_curve_encoder(small(curve_encoder=CurveEncoderConfig(frozen=True)), False)
    experiment, task = fitted(small(), data), None
    task = build_task(experiment)
    start = jax.tree.map(
        lambda s: np.zeros(s.shape, s.dtype), jax.eval_shape(task.init, jax.random.key(0), task.batch_spec)
    )
    start["params"]["encoders_stamps"]["conv_1"]["kernel"] = np.zeros((5, 5, 3, 4))
    with pytest.raises(ConfigError, match="another encoder of stamps"):
        shared_variables(task, start)


def test_data_without_an_image_has_none_in_its_batches_unless_they_are_asked_for(tmp_path):
    options = MultimodalOptions(spectrum_grid=(4000.0, 4100.0, 50.0))
    folder = prepare("simulated_multimodal", [], tmp_path, n_objects=12, shards=1, multimodal=options).manifest.folder
    plain = next(iter(MultimodalSource([folder], "train", 4, reader="plain").evaluation_batches()))
    asked = MultimodalSource([folder], "train", 4, reader="plain", images={"stamps": (5, 4, 3)})
    batch = next(iter(asked.evaluation_batches()))
    assert "stamps" not in plain and batch["stamps"].shape == (4, 5, 4, 3) and not batch["stamps_mask"].any()
    assert (
        asked.fingerprint == MultimodalSource([folder], "train", 4, reader="plain").fingerprint
        and not asked.image_shapes
    )


def test_records_from_before_there_were_images_are_read():
    record, _ = encode_object("a", None, None, {"x": 1.0})
    old = {n: v for n, v in record.items() if not n.startswith(("stamps", "host"))}
    features = {n: np.asarray(v).tobytes() if n in layout_with(()).series else v for n, v in old.items()}
    features |= {n: np.float64(old[n]).tobytes() for n in ("ra", "dec", "reference_time")} | {
        "metadata/x": 1.0,
        "label": -1,
    }
    features |= {n: str(old[n]).encode() for n in ("object_id", "band")}
    assert MULTIMODAL.decode({n: v for n, v in features.items() if n != "metadata"})["stamps"].shape == (0, 0, 0)


def test_images_of_several_forms_are_refused_with_the_way_out():
    forms = {((63, 63, 3), "g,r,i", 0.0): 9, ((63, 62, 3), "g,r,i", 0.0): 1}
    with pytest.raises(ConfigError, match=r"63 x 63 \(9\), 63 x 62 \(1\); --stamp-images.size 62"):
        check_forms("stamps", forms)
    with pytest.raises(ConfigError, match=r"--host-images.channel-names"):
        check_forms("host", {((6, 6, 3), "red,green,blue", 255.0): 9, ((6, 6, 1), "grey", 255.0): 1})
    with pytest.raises(ConfigError, match=r"numbers up to 255 .* fluxes"):
        check_forms("host", {((6, 6, 1), "grey", 255.0): 9, ((6, 6, 1), "grey", 0.0): 1})
    check_forms("host", {((6, 6, 1), "grey", 0.0): 2})
    assert (
        find_system("astrom3").simulated(PRESETS["astrom3-images"]())[1]
        and not find_system("astrom3").simulated(PRESETS["astrom3"]())[1]
    )
    assert ObjectImage(np.zeros((1, 1, 1)), ("g",)).channel_names == ("g",)
