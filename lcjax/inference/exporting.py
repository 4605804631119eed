"""Trained systems for other programs: StableHLO that needs no code of ours, and safetensors."""

import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import export as jax_export

from lcjax.errors import WeightsError
from lcjax.files import new_folder
from lcjax.inference.loaded import Loaded
from lcjax.pretrained.weights_folder import ARRAYS, check_free_of_others, count_parameters, flat_names
from lcjax.training.task import Task
from lcjax.training.tree_paths import path_name
from lcjax.typing import Batch, PyTree
from lcjax.version import __version__

PROGRAM = "predict.stablehlo"
DESCRIPTION = "export.json"
_FILES = {PROGRAM, DESCRIPTION, ARRAYS, "config.json"}
_TOLERANCE = 1e-4
_ROWS = 3

EXPLANATION = """import jax, jax.export, numpy as np
predict = jax.export.deserialize(open("predict.stablehlo", "rb").read())
outputs = predict.call({name: array, ...})  # one array for every name under "inputs", any number of rows"""


def export(loaded: Loaded, out: Path | str, platforms: tuple[str, ...] = ("cpu", "cuda")) -> dict[str, Any]:
    """Writes `predict.stablehlo`, `weights.safetensors`, `config.json`, `export.json` (what goes in and comes out).

    The program takes any number of rows as the task's `predict` does (light curves: raw windows, times in days from any
    epoch that float32 resolves, magnitudes and errors in mag, anything where the mask has no point; alerts: raw stamps and
    metadata columns) and holds its weights. It is read back and compared with the live model before it is written.

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
        **loaded.task.meaning,
        "how_to_call": EXPLANATION,
    }
    with new_folder(out, "make room or choose another folder") as temporary:
        (temporary / PROGRAM).write_bytes(program)
        (temporary / ARRAYS).write_bytes(format_safetensors(flat_names(loaded.variables)))
        (temporary / "config.json").write_text(json.dumps(loaded.record, indent=1))
        (temporary / DESCRIPTION).write_text(json.dumps(description, indent=1))
    return description


def export_program(task: Task, variables: PyTree, platforms: tuple[str, ...]) -> bytes:
    """`task.predict` with its weights inside, for any number of rows of `task.batch_spec`, as jax.export bytes."""
    (rows,) = jax_export.symbolic_shape("rows")
    shapes = jax.tree.map(lambda spec: jax.ShapeDtypeStruct((rows, *spec.shape[1:]), spec.dtype), task.batch_spec)
    fixed = jax.tree.map(jnp.asarray, variables)

    def predict(batch: dict) -> dict:
        return task.predict(fixed, batch)

    with jax.default_matmul_precision("float32"):
        return bytes(jax_export.export(jax.jit(predict), platforms=platforms)(shapes).serialize())


def _check(program: bytes, loaded: Loaded) -> tuple[dict[str, Any], dict[str, Any]]:
    """Runs the program on made-up rows and describes what goes in and comes out."""
    batch = loaded.task.made_up(_ROWS)
    found = jax_export.deserialize(bytearray(program)).call(batch)
    with jax.default_matmul_precision("float32"):
        expected = jax.jit(loaded.task.predict)(loaded.variables, batch)
    for name, value in expected.items():
        if not np.allclose(found[name], value, rtol=_TOLERANCE, atol=_TOLERANCE):
            raise WeightsError(f"the exported program computes another '{name}' than the model: nothing was written")
    return _described(batch), _described(expected)


def _described(arrays: Batch) -> dict[str, Any]:
    """Shape and dtype of every array; those of streams under their paths."""
    leaves = jax.tree_util.tree_leaves_with_path(arrays)
    return {path_name(path): {"shape": ["rows", *np.shape(x)[1:]], "dtype": str(x.dtype)} for path, x in leaves}
