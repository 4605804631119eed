"""Trained systems for other programs: StableHLO that needs no code of ours, and safetensors."""

import dataclasses
import json
import os
import shutil
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import export as jax_export

from lcjax.errors import StorageError, WeightsError
from lcjax.inference.loaded import Loaded
from lcjax.pretrained.weights_folder import ARRAYS, check_free_of_others, count_parameters, flat_names
from lcjax.typing import PyTree
from lcjax.version import __version__

PROGRAM = "predict.stablehlo"
DESCRIPTION = "export.json"
_FILES = {PROGRAM, DESCRIPTION, ARRAYS, "config.json"}
_TOLERANCE = 1e-4

EXPLANATION = """import jax, jax.export, numpy as np
predict = jax.export.deserialize(open("predict.stablehlo", "rb").read())
outputs = predict.call({name: array, ...})  # one array for every name under "inputs", any number of rows"""


def export(loaded: Loaded, out: Path | str, platforms: tuple[str, ...] = ("cpu", "cuda")) -> dict[str, Any]:
    """Writes `predict.stablehlo`, `weights.safetensors`, `config.json`, `export.json` (what goes in and comes out).

    The program takes any number of rows as the task's `predict` does (light curves: raw windows, times in days from any
    epoch, magnitudes and errors in mag, zeros on the right; alerts: raw stamps and metadata columns) and holds its
    weights. It is read back and compared with the live model before it is written.

    Returns:
      the content of `export.json`.

    Raises:
      StorageError: `out` cannot be written or holds other things. WeightsError: the program computes otherwise.
    """
    from safetensors.numpy import save as format_safetensors

    out = Path(out)
    check_free_of_others(out, _FILES)
    program = export_program(loaded.task, loaded.variables, platforms)
    inputs, outputs = _check(program, loaded)
    description = {
        "program": PROGRAM,
        "made_by": f"lcjax {__version__}, jax {jax.__version__}",
        "platforms": list(platforms),
        "parameters": count_parameters(loaded.variables),
        "inputs": inputs,
        "outputs": outputs,
        **_meaning(loaded),
        "how_to_call": EXPLANATION,
    }
    temporary = out.resolve().parent / f".{out.resolve().name}.{os.getpid()}.partial"
    try:
        temporary.mkdir(parents=True)
        (temporary / PROGRAM).write_bytes(program)
        (temporary / ARRAYS).write_bytes(format_safetensors(flat_names(loaded.variables)))
        (temporary / "config.json").write_text(json.dumps(loaded.record, indent=1))
        (temporary / DESCRIPTION).write_text(json.dumps(description, indent=1))
        if out.is_dir():
            shutil.rmtree(out)
        temporary.rename(out.resolve())
    except OSError as error:
        raise StorageError(f"cannot write '{out}': {error.strerror}; make room or choose another folder") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return description


def _meaning(loaded: Loaded) -> dict[str, Any]:
    """What a caller must know of the inputs and outputs beyond shapes."""
    if "mask" in loaded.task.batch_spec:
        star = "mean of the outputs over a star's windows, weighted by their number of points"
        return {"windows": dataclasses.asdict(loaded.experiment.window), "star": star}
    inputs = getattr(loaded.experiment, "inputs", None)
    names = ("class_names", "metadata_names")
    return {name: list(getattr(inputs, name)) for name in names if hasattr(inputs, name)}


def export_program(task: Any, variables: PyTree, platforms: tuple[str, ...]) -> bytes:
    """`task.predict` with its weights inside, for any number of rows of `task.batch_spec`, as jax.export bytes."""
    (rows,) = jax_export.symbolic_shape("rows")
    shapes = {name: jax.ShapeDtypeStruct((rows, *spec.shape[1:]), spec.dtype) for name, spec in task.batch_spec.items()}
    fixed = jax.tree.map(jnp.asarray, variables)

    def predict(batch: dict) -> dict:
        return task.predict(fixed, batch)

    with jax.default_matmul_precision("float32"):
        return bytes(jax_export.export(jax.jit(predict), platforms=platforms)(shapes).serialize())


def _made_up(spec: dict[str, Any]) -> dict[str, np.ndarray]:
    """Three rows of random numbers; of windows, one full, one half full and one with a single point."""
    rng = np.random.default_rng(0)
    if "mask" not in spec:
        return {name: rng.normal(size=(3, *s.shape[1:])).astype(s.dtype) for name, s in spec.items()}
    length = spec["mask"].shape[1]
    sizes = np.array([length, max(length // 2, 1), 1], np.int32)
    mask = np.arange(length) < sizes[:, None]
    draw = lambda scale: np.where(mask, scale * rng.normal(size=mask.shape), 0.0).astype(np.float32)
    batch = {"time": np.sort(draw(100.0)), "magnitude": draw(1.0), "magnitude_error": np.abs(draw(0.1))}
    return batch | {"mask": mask, "length": sizes}


def _check(program: bytes, loaded: Loaded) -> tuple[dict[str, Any], dict[str, Any]]:
    """Runs the program on made-up rows and describes what goes in and comes out."""
    batch = _made_up(loaded.task.batch_spec)
    found = jax_export.deserialize(bytearray(program)).call(batch)
    with jax.default_matmul_precision("float32"):
        expected = jax.jit(loaded.task.predict)(loaded.variables, batch)
    for name, value in expected.items():
        if not np.allclose(found[name], value, rtol=_TOLERANCE, atol=_TOLERANCE):
            raise WeightsError(f"the exported program computes another '{name}' than the model: nothing was written")
    say = lambda arrays: {k: {"shape": ["rows", *np.shape(v)[1:]], "dtype": str(v.dtype)} for k, v in arrays.items()}
    return say(batch), say(expected)
