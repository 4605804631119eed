import json
import zipfile

import h5py
import jax
import numpy as np
import pytest

from lcjax.errors import WeightsError
from lcjax.pretrained.weights_folder import write_weights
from lcjax.systems.delight.weights import PACKAGE, import_delight
from lcjax.systems.loading import load
from tests.systems.delight.delight_files import published_source, random_layers, write_keras2, write_keras3


@pytest.fixture(params=["keras3", "keras2", "wheel", "folder"])
def source(request, tmp_path):
    layers = random_layers()
    write = write_keras2 if request.param == "keras2" else write_keras3
    file = write(tmp_path / "DELIGHT.weights.h5", layers)
    if request.param == "wheel":
        wheel = tmp_path / "astro_delight-0.1.0-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(file, "delight/delight/DELIGHT.weights.h5")
            archive.writestr("delight/__init__.py", "raise SystemExit('never run')")
        return wheel, layers
    return (tmp_path if request.param == "folder" else file), layers


def test_every_form(source):
    path, layers = source
    imported = import_delight(path)
    config = imported.experiment.model
    assert (config.side, config.levels, config.filters, config.hidden, config.outputs) == (30, 5, (3, 4, 5), 6, 2)
    params = imported.variables["params"]
    found = [params["trunk"][f"conv_{i}"] for i in (1, 2, 3)] + [params["head"][f"dense_{i}"] for i in (1, 2)]
    for ours, theirs in zip(found, layers, strict=True):
        np.testing.assert_array_equal(ours["kernel"], theirs["kernel"])
        np.testing.assert_array_equal(ours["bias"], theirs["bias"])


def test_other_planes_from_the_configuration(tmp_path):
    layers = random_layers(side=22, levels=4, outputs=3)
    config = import_delight(write_keras2(tmp_path / "a.h5", layers, side=22, levels=4)).experiment.model
    assert (config.side, config.levels, config.outputs) == (22, 4, 3)


def test_written_and_loaded(tmp_path):
    imported = import_delight(write_keras3(tmp_path / "a.h5", random_layers()))
    record = write_weights(tmp_path / "W", imported)
    assert record["weights"]["parameters"] == imported.parameters
    loaded = load(tmp_path / "W")
    answers = loaded.task.predict(
        loaded.variables, {"stamps": np.random.default_rng(0).random((2, 30, 30, 5), np.float32)}
    )
    assert answers["offset"].shape == (2, 2) and np.isfinite(answers["scatter"]).all()


def broken(kind, path):
    layers = random_layers()
    if kind == "no HDF5":
        path.write_bytes(b"\x89HDF\r\n\x1a\nnonsense" * 50)
        return path
    if kind == "cut off":
        data = write_keras3(path, layers).read_bytes()
        path.write_bytes(data[: len(data) // 2])
        return path
    if kind == "a layer missing":
        with h5py.File(write_keras3(path, layers), "a") as file:
            del file["layers/conv2d_1"]
    if kind == "a bias missing":
        with h5py.File(write_keras3(path, layers), "a") as file:
            del file["layers/dense/vars/1"]
    if kind == "not finite":
        layers[3]["kernel"][0, 0] = np.nan
        write_keras3(path, layers)
    if kind == "other chain":
        layers[1] = {"kernel": np.zeros((3, 3, 9, 4), np.float32), "bias": np.zeros(4, np.float32)}
        write_keras3(path, layers)
    if kind == "other dense":
        layers[3] = {"kernel": np.zeros((77, 6), np.float32), "bias": np.zeros(6, np.float32)}
        write_keras3(path, layers)
    if kind == "outside":
        (path.parent / "raw.bin").write_bytes(bytes(4 * 27))
        with h5py.File(write_keras3(path, layers), "a") as file:
            del file["layers/conv2d/vars/0"]
            shape = layers[0]["kernel"].shape
            file["layers/conv2d/vars"].create_dataset("0", shape, "<f4", external=str(path.parent / "raw.bin"))
    return path


KINDS = [
    "no HDF5",
    "cut off",
    "a layer missing",
    "a bias missing",
    "not finite",
    "other chain",
    "other dense",
    "outside",
]


@pytest.mark.parametrize("kind", KINDS)
def test_refused(kind, tmp_path):
    with pytest.raises(WeightsError) as error:
        import_delight(broken(kind, tmp_path / "weights.h5"))
    assert "\n" not in str(error.value)[:80]


def test_nothing_there(tmp_path):
    with pytest.raises(WeightsError, match="there is no file"):
        import_delight(tmp_path / "nothing.h5")
    with pytest.raises(WeightsError, match="0 weight files"):
        import_delight(tmp_path)
    with zipfile.ZipFile(tmp_path / "empty.whl", "w") as archive:
        archive.writestr("a.txt", "")
    with pytest.raises(WeightsError, match="0 weight files"):
        import_delight(tmp_path / "empty.whl")


def test_package_that_is_not_installed(monkeypatch):
    import importlib.metadata

    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "files", missing)
    with pytest.raises(WeightsError, match="pip install"):
        import_delight(PACKAGE)


def test_published_weights():
    imported = import_delight(published_source())
    assert imported.parameters == 2_297_184
    assert imported.experiment.model.filters == (52, 57, 41) and imported.experiment.image.image_size == 480
    assert json.dumps(imported.notes)
    shapes = jax.tree.map(np.shape, imported.variables["params"]["head"])
    assert shapes["dense_1"]["kernel"] == (3280, 685)


def test_by_name_where_the_package_is_installed(tmp_path, monkeypatch):
    from lcjax.systems.delight import weights as delight_import
    from lcjax.systems.fetching import fetch

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LCJAX_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(delight_import, "_installed", lambda: write_keras3(tmp_path / "a.h5", random_layers()))
    monkeypatch.chdir(tmp_path)
    assert fetch("delight") == fetch("delight")
    assert load("delight").experiment.model.hidden == 6
