import dataclasses
import json
import subprocess
import sys

import jax
import numpy as np
import pytest

from lcjax.errors import StorageError
from lcjax.inference import export
from lcjax.pretrained.weights_folder import count_parameters
from lcjax.systems.loading import load
from tests.inference.models import experiment, weights_folder

ALONE = """
import sys, numpy as np, jax, jax.export
predict = jax.export.deserialize(bytearray(open(sys.argv[1], "rb").read()))
outputs = predict.call(dict(np.load(sys.argv[2])))
assert not [m for m in sys.modules if m.startswith(("lcjax", "flax"))]
np.savez(sys.argv[3], **{k: np.asarray(v) for k, v in outputs.items()})
"""


def test_the_program_runs_without_us(tmp_path):
    weights_folder(tmp_path / "W", experiment(parity=True))
    loaded = load(tmp_path / "W")
    description = export(loaded, tmp_path / "out", ("cpu",))
    rng = np.random.default_rng(0)
    sizes = np.array([40, 7, 23, 1, 31], np.int32)
    mask = np.arange(40) < sizes[:, None]
    batch = {k: np.where(mask, rng.normal(size=(5, 40)), 0).astype(np.float32) for k in ("time", "magnitude")}
    batch |= {"magnitude_error": np.where(mask, 0.1, 0).astype(np.float32), "mask": mask, "length": sizes}
    assert set(description["inputs"]) == set(batch)
    np.savez(tmp_path / "in.npz", **batch)
    arguments = [str(tmp_path / "out" / "predict.stablehlo"), str(tmp_path / "in.npz"), str(tmp_path / "found.npz")]
    subprocess.run([sys.executable, "-c", ALONE, *arguments], check=True, cwd=tmp_path)
    expected = loaded.task.predict(loaded.variables, batch)
    with np.load(tmp_path / "found.npz") as found:
        for name, value in expected.items():
            np.testing.assert_allclose(found[name], value, rtol=1e-4, atol=1e-5)
    assert json.loads((tmp_path / "out" / "export.json").read_text())["parameters"] == description["parameters"]


def test_out_folder(tmp_path):
    weights_folder(tmp_path / "W", experiment())
    loaded = load(tmp_path / "W")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "data.fits").write_text("x")
    with pytest.raises(StorageError, match=r"data\.fits"):
        export(loaded, tmp_path / "mine", ("cpu",))
    export(loaded, tmp_path / "out", ("cpu",))
    export(loaded, tmp_path / "out", ("cpu",))
    names = {p.name for p in (tmp_path / "out").iterdir()}
    assert names == {"predict.stablehlo", "weights.safetensors", "config.json", "export.json", "README.md"}
    # An export is also a weights folder.
    assert load(tmp_path / "out").experiment == loaded.experiment


def test_a_stamp_classifier_takes_raw_stamps(tmp_path):
    from lcjax.pretrained.weights_folder import write_weights
    from lcjax.systems.importing import import_weights
    from tests.systems.stamp_classifier.test_weights import graph_arrays

    arrays = graph_arrays(features=23, slots=False)
    np.savez(tmp_path / "s.npz", **{k.replace("/", "."): v for k, v in arrays.items()})
    write_weights(tmp_path / "W", import_weights("alerce-stamps", tmp_path / "s.npz"))
    description = export(load(tmp_path / "W"), tmp_path / "out", ("cpu",))
    assert description["inputs"]["stamps"]["shape"] == ["rows", 63, 63, 3]
    assert description["outputs"]["probabilities"]["shape"] == ["rows", 5]
    # 23 features less the five that are computed.
    assert len(description["metadata_names"]) == 18 and description["class_names"][0] == "AGN"


def test_what_only_training_reads_is_not_exported(tmp_path):
    """A teacher's weights are neither in the program nor among the weights; the folder loads all the same."""
    settings = experiment()
    weights_folder(tmp_path / "W", settings)
    loaded = load(tmp_path / "W")
    taught = {**loaded.variables, "teacher": jax.tree.map(np.copy, loaded.variables["params"])}
    task = dataclasses.replace(loaded.task, training_only=("teacher",))
    taught = dataclasses.replace(loaded, task=task, variables=taught)
    description = export(taught, tmp_path / "out", ("cpu",))
    assert description["parameters"] == count_parameters(loaded.variables)
    again = load(tmp_path / "out").variables
    jax.tree.map(np.testing.assert_array_equal, again, loaded.variables)
