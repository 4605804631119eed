"""Published DELIGHT weights for tests that need them, and files in both published layouts with weights of our own."""

import importlib.metadata
import itertools
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from lcjax.systems.delight.weights import PACKAGE, import_delight

VERSION = "0.1.0"


def published_source(golden: Path | None = None) -> Path | str:
    """An HDF5 file beside the recordings, `$LCJAX_DELIGHT`, the installed package, or its wheel through pip; or skips.

    The wheel (GPL) is kept in the temporary folder of the machine, outside of this repository.
    """
    for folder in [golden] if golden else []:
        for file in [*sorted(folder.glob("*.h5")), *sorted(folder.glob("*.whl"))]:
            return file
    if given := os.environ.get("LCJAX_DELIGHT"):
        return Path(given)
    try:
        importlib.metadata.version(PACKAGE)
        return PACKAGE
    except importlib.metadata.PackageNotFoundError:
        return _wheel()


def _wheel() -> Path:
    folder = Path(tempfile.gettempdir()) / "lcjax-astro-delight"
    name = f"astro_delight-{VERSION}-py3-none-any.whl"
    if not (folder / name).exists():
        with tempfile.TemporaryDirectory() as scratch:
            options = ["--no-deps", "--retries", "0", "--timeout", "10", "--disable-pip-version-check", "--quiet"]
            command = [sys.executable, "-m", "pip", "download", f"{PACKAGE}=={VERSION}", *options, "--dest", scratch]
            try:
                done = subprocess.run(command, capture_output=True, timeout=60)
            except subprocess.TimeoutExpired:
                pytest.skip(f"the published weights are not at hand: pip could not fetch {PACKAGE} in a minute")
            if done.returncode or not (Path(scratch) / name).exists():
                pytest.skip(
                    f"the published weights are not at hand: install {PACKAGE} or set LCJAX_DELIGHT to its wheel"
                )
            folder.mkdir(exist_ok=True)
            partial = folder / f".{name}.{os.getpid()}"
            partial.write_bytes((Path(scratch) / name).read_bytes())
            partial.replace(folder / name)
    return folder / name


def published_network(golden: Path | None = None):
    """(config, variables) of the published weights."""
    imported = import_delight(published_source(golden))
    return imported.experiment.model, imported.variables


def random_layers(seed=0, side=30, levels=5, filters=(3, 4, 5), hidden=6, outputs=2):
    """Kernels and biases of a small DELIGHT network, in order."""
    rng = np.random.default_rng(seed)
    cells = ((side - 2) // 2 - 2) // 2 - 2
    chain = [1, *filters]
    shapes = [(3, 3, a, b) for a, b in itertools.pairwise(chain)]
    shapes += [(levels * cells**2 * filters[-1], hidden), (hidden, outputs)]
    draw = lambda *shape: rng.normal(0, 0.3, shape).astype(np.float32)
    return [{"kernel": draw(*shape), "bias": draw(shape[-1])} for shape in shapes]


def write_keras3(path, layers):
    """As `model.save_weights` of Keras 3 writes them."""
    import h5py

    names = ("conv2d", "conv2d_1", "conv2d_2", "dense", "dense_1")
    with h5py.File(path, "w") as file:
        file.create_group("layers/max_pooling2d/vars")
        for name, layer in zip(names, layers, strict=True):
            file[f"layers/{name}/vars/0"] = layer["kernel"]
            file[f"layers/{name}/vars/1"] = layer["bias"]
    return path


def write_keras2(path, layers, side=30, levels=5, first=9):
    """As `model.save` of Keras 2 writes them: numbers that go on from earlier models, and a configuration."""
    import h5py

    inputs = [
        {"class_name": "InputLayer", "config": {"batch_input_shape": [None, side, side, 1]}} for _ in range(levels)
    ]
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Functional", "config": {"layers": inputs}})
        for number, layer in enumerate(layers):
            # 9, 10, 11: the order of numbers, not of letters.
            name = f"conv2d_{first + number}" if number < 3 else f"dense_{first + number - 3}"
            file[f"model_weights/{name}/{name}/kernel:0"] = layer["kernel"]
            file[f"model_weights/{name}/{name}/bias:0"] = layer["bias"]
    return path


def random_variables(task, seed=0):
    """Variables of a task, drawn without compiling anything."""
    import jax

    shapes = jax.eval_shape(task.init, jax.random.key(0), task.batch_spec)
    rng = np.random.default_rng(seed)
    draw = lambda leaf: rng.normal(0, np.prod(leaf.shape[:-1]) ** -0.5, leaf.shape).astype(np.float32)
    return jax.tree.map(draw, shapes)
