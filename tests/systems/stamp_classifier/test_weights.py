"""Published stamp classifiers from TensorFlow 1 checkpoints written by TensorFlow, without TensorFlow."""

import io
import json
import subprocess
import sys
import zipfile

import jax
import numpy as np
import pytest

from lcjax.cli.main import main
from lcjax.errors import WeightsError
from lcjax.systems.importing import import_weights
from lcjax.systems.loading import load
from lcjax.systems.stamp_classifier.config import FEATURES_23, FEATURES_26, PUBLISHED_STATISTICS, RAW_COLUMNS
from lcjax.systems.stamp_classifier.weights import adam_state_from_graph
from tests.pretrained.checkpoints import save


def graph_arrays(seed=0, features=26, kernel=3, filters=(4, 4, 6, 6, 6), dense=8, classes=5, side=6, slots=True):
    """Variables of a published graph with made-up numbers, optimizer slots and counters included."""
    rng = np.random.default_rng(seed)
    draw = lambda *shape: (0.3 * rng.normal(size=shape)).astype(np.float32)
    weights, channels = {}, 3
    for i, (width, number) in enumerate(zip(filters, ("1", "2", "4", "5", "6"), strict=True), 1):
        k = 4 if i == 1 else kernel
        weights |= {
            f"network/conv_{i}_{number}/conv2d/kernel": draw(k, k, channels, width),
            f"network/conv_{i}_{number}/conv2d/bias": draw(width),
        }
        channels = width
    flat = side * side * channels
    if features:
        denses = [("dense_1_10", flat), ("dense_2_12", dense + features), ("dense_3_13", dense)]
        weights |= {f"network/batchnorm_features/{leaf}": draw(features) for leaf in ("gamma", "beta")}
    else:
        denses = [("dense_1_9", flat), ("dense_2_10", dense)]
    for name, width in denses:
        weights |= {f"network/{name}/{name}/kernel": draw(width, dense), f"network/{name}/{name}/bias": draw(dense)}
    weights |= {"network/output_logits/kernel": draw(dense, classes), "network/output_logits/bias": draw(classes)}
    arrays = dict(weights)
    if features:
        arrays["network/batchnorm_features/moving_mean"] = draw(features)
        arrays["network/batchnorm_features/moving_variance"] = np.abs(draw(features)) + 0.5
    if slots:
        for name, value in weights.items():
            arrays |= {f"{name}/Adam": draw(*value.shape), f"{name}/Adam_1": np.abs(draw(*value.shape))}
        scalars = {"learning_rate": 5e-3, "beta1_power": 0.9**8, "beta2_power": 0.999**8}
        arrays |= {f"optimizer/{k}": np.float32(v) for k, v in scalars.items()}
        arrays["global_step"] = np.int64(7)
    return arrays


def test_a_checkpoint_of_tensorflow_becomes_ours(tmp_path):
    arrays = graph_arrays()
    prefix = save(tmp_path / "s" / "model", arrays)
    statistics = {n: {"mean": m + 1, "std": s * 2} for n, (m, s) in PUBLISHED_STATISTICS.items()}
    (tmp_path / "s" / "feature_norm_stats.json").write_text(json.dumps(statistics))
    imported = import_weights("alerce-stamps", tmp_path / "s")
    assert imported.source == prefix and imported.settings_file.name == "feature_norm_stats.json"
    model, inputs = imported.experiment.model, imported.experiment.inputs
    assert (model.kernels, model.filters, model.trunk, model.head) == ((4, 3, 3, 3, 3), (4, 4, 6, 6, 6), (8,), (8, 8))
    assert model.parity and model.image_size == inputs.crop == 21 and inputs.features == FEATURES_26
    assert inputs.feature_mean[0] == PUBLISHED_STATISTICS["sgscore1"][0] + 1
    params = imported.variables["params"]
    np.testing.assert_array_equal(params["conv_3"]["kernel"], arrays["network/conv_3_4/conv2d/kernel"])
    np.testing.assert_array_equal(params["dense_2"]["bias"], arrays["network/dense_2_12/dense_2_12/bias"])
    bn = imported.variables["batch_stats"]["bn"]
    np.testing.assert_array_equal(bn["var"], arrays["network/batchnorm_features/moving_variance"])
    assert imported.parameters == sum(
        v.size for k, v in arrays.items() if k.startswith("network") and "Adam" not in k and "moving" not in k
    )
    assert "global_step" in imported.ignored and "optimizer/beta1_power" in imported.ignored


@pytest.mark.parametrize(
    "features,kernel,expected",
    [(23, 5, FEATURES_23), (0, 3, ()), (26, 7, FEATURES_26)],
    ids=["production", "image", "7x7"],
)
def test_variants_are_told_by_their_shapes(tmp_path, features, kernel, expected):
    save(tmp_path / "model", graph_arrays(features=features, kernel=kernel, slots=False))
    imported = import_weights("alerce-stamps", tmp_path)
    assert imported.experiment.inputs.features == expected
    assert imported.experiment.inputs.metadata_names == tuple(n for n in RAW_COLUMNS if n in expected)
    assert imported.experiment.model.kernels == (4, *[kernel] * 4)
    assert bool(imported.experiment.model.head) == bool(features)


def test_features_of_the_statistics_name_the_columns(tmp_path):
    save(tmp_path / "model", graph_arrays(features=3, slots=False))
    table = {name: {"mean": 1.0, "std": 2.0} for name in ("elong", "gal_lat", "non_detections")}
    (tmp_path / "feature_norm_stats.json").write_text(json.dumps(table))
    inputs = import_weights("alerce-stamps", tmp_path).experiment.inputs
    assert inputs.features == tuple(table)
    assert inputs.metadata_names == ("elong", "ra", "dec", "ncovhist", "ndethist")


def test_npz_in_the_recorded_layout_is_the_same(tmp_path):
    arrays = graph_arrays(3)
    save(tmp_path / "tf" / "model", arrays)
    np.savez(tmp_path / "weights.npz", **{k.replace("/", "."): v for k, v in arrays.items()})
    a, b = (import_weights("alerce-stamps", tmp_path / name) for name in ("tf", "weights.npz"))
    jax.tree.map(np.testing.assert_array_equal, a.variables, b.variables)
    assert a.experiment == b.experiment


def test_adam_state_counts_the_steps():
    arrays = graph_arrays()
    count, mu, nu = adam_state_from_graph(arrays)
    assert count == 7  # TensorFlow keeps beta^(t + 1)
    np.testing.assert_array_equal(mu["logits"]["bias"], arrays["network/output_logits/bias/Adam"])
    np.testing.assert_array_equal(nu["bn"]["scale"], arrays["network/batchnorm_features/gamma/Adam_1"])


def changed(**edits):
    arrays = graph_arrays(slots=False)
    for name, value in edits.items():
        name = next(k for k in arrays if k.replace("/", "_").endswith(name))
        if value is None:
            del arrays[name]
        else:
            arrays[name] = value(arrays[name])
    return arrays


@pytest.mark.parametrize(
    "arrays,words",
    [
        (changed(output_logits_bias=None), "array 'logits/bias' is missing"),
        (changed(conv_3_4_conv2d_kernel=None, conv_3_4_conv2d_bias=None), "layer 'conv_3' is missing"),
        (changed(moving_mean=None), "'bn/mean' is missing"),
        (changed(output_logits_bias=lambda x: x * np.nan), "not finite"),
        (changed(output_logits_bias=lambda x: x[:3]), r"'logits/bias' of these weights is \(3,\)"),
        (changed(dense_2_12_kernel=lambda x: x[1:]), "takes the 26 features"),
        (changed(conv_4_5_conv2d_kernel=lambda x: x[:, :, 1:]), r"'conv_4/kernel' of these weights is"),
        (changed(dense_1_10_kernel=lambda x: x[1:]), "no square crop"),
        (graph_arrays(features=9, slots=False), "nothing tells which"),
        ({"encoder/x/kernel": np.zeros((2, 2), np.float32)}, "of no stamp classifier"),
        ({"network/output_logits/bias": np.zeros(5, np.float32)}, "not a stamp classifier"),
    ],
)
def test_other_or_broken_networks_are_one_sentence(tmp_path, arrays, words):
    np.savez(tmp_path / "weights.npz", **{k.replace("/", "."): v for k, v in arrays.items()})
    with pytest.raises(WeightsError, match=words):
        import_weights("alerce-stamps", tmp_path / "weights.npz")


def test_nothing_pickled_is_opened(tmp_path):
    np.savez(tmp_path / "weights.npz", x=np.array([{"a": 1}], dtype=object))
    with pytest.raises(WeightsError, match="cannot be read as named arrays"):
        import_weights("alerce-stamps", tmp_path / "weights.npz")
    # A way of compression that nobody here knows (its number in the directory at the end of the file).
    np.savez(tmp_path / "odd.npz", x=np.zeros(3))
    data = bytearray((tmp_path / "odd.npz").read_bytes())
    for signature, at in ((b"PK\x01\x02", 10), (b"PK\x03\x04", 8)):
        data[data.rindex(signature) + at] = 97
    (tmp_path / "odd.npz").write_bytes(data)
    with pytest.raises(WeightsError, match="cannot be read as named arrays"):
        import_weights("alerce-stamps", tmp_path / "odd.npz")
    (tmp_path / "broken.npz").write_bytes((tmp_path / "weights.npz").read_bytes()[:60])
    with pytest.raises(WeightsError, match="cannot be read as named arrays"):
        import_weights("alerce-stamps", tmp_path / "broken.npz")
    # A header that numpy hands to Python's tokenizer, in a file whose checksums agree.
    with zipfile.ZipFile(tmp_path / "broken.npz", "w") as archive:
        array = io.BytesIO()
        np.save(array, np.zeros((3, 2)))
        archive.writestr(
            "x.npy", array.getvalue().replace(b"}  ", b"}(  ").replace(b"'shape': (3, 2)", b"'shape': (3, 2 ")
        )
    with pytest.raises(WeightsError, match="cannot be read as named arrays"):
        import_weights("alerce-stamps", tmp_path / "broken.npz")
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    with pytest.raises(WeightsError, match=r"4 \.npz files"):
        import_weights("alerce-stamps", tmp_path)


def test_command_line_import_needs_no_tensorflow(tmp_path, capsys):
    save(tmp_path / "s" / "model", graph_arrays())
    out = tmp_path / "W"
    code = (
        "import sys; from lcjax.cli.main import main; "
        f"assert main(['weights', 'import', 'alerce-stamps', {str(tmp_path / 's')!r}, '--out', {str(out)!r}]) == 0; "
        "assert not [m for m in sys.modules if m.split('.')[0] in ('tensorflow', 'tensorflow_datasets')]"
    )
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert "central 21 x 21 pixels" in said and "AGN, SN, VS, asteroid, bogus" in said and "left out" in said
    loaded = load(out)
    model, variables = loaded.model, loaded.variables
    images = np.zeros((2, 21, 21, 3), np.float32)
    assert model.apply(variables, {"images": images, "features": np.zeros((2, 26), np.float32)})["logits"].shape == (
        2,
        5,
    )
    assert main(["weights", "import", "alerce-stamps", str(tmp_path / "s"), "--out", str(out), "--num-heads", "2"]) == 2
    assert "has no such setting" in capsys.readouterr().err


def test_weights_imported_without_a_folder_are_found_by_name(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("LCJAX_CACHE", str(tmp_path / "cache"))
    arrays = graph_arrays(features=0, slots=False)
    np.savez(tmp_path / "s.npz", **{k.replace("/", "."): v for k, v in arrays.items()})
    assert main(["weights", "import", "alerce-stamps", str(tmp_path / "s.npz")]) == 0
    assert "lcjax predict alerce-stamps FILES" in capsys.readouterr().out
    assert load("alerce-stamps").model.config.num_features == 0
