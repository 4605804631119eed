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
CARD = "README.md"
_FILES = {PROGRAM, DESCRIPTION, ARRAYS, CARD, "config.json"}
_TOLERANCE = 1e-4
_ROWS = 3

EXPLANATION = """import jax, jax.export, numpy as np
predict = jax.export.deserialize(open("predict.stablehlo", "rb").read())
outputs = predict.call({name: array, ...})  # one array for every name under "inputs", any number of rows"""


def export(loaded: Loaded, out: Path | str, platforms: tuple[str, ...] = ("cpu", "cuda")) -> dict[str, Any]:
    """Writes `predict.stablehlo`, `weights.safetensors`, `config.json`, `export.json` (what goes in and comes out) and a model
    card, `README.md`.

    The program takes any number of rows as the task's `predict` does (light curves: whole ones of any number of points, times
    in days from any epoch that float32 resolves, magnitudes and errors in mag, anything where the mask has no point; alerts: raw
    stamps and metadata columns) and holds its weights. It is read back and compared with the live model before it is written.

    Returns:
      the content of `export.json`.

    Raises:
      StorageError: `out` cannot be written or holds other things. WeightsError: the program computes otherwise.
    """
    from safetensors.numpy import save as format_safetensors

    out = Path(out)
    check_free_of_others(out, _FILES)
    variables = {name: part for name, part in loaded.variables.items() if name not in loaded.task.training_only}
    program = export_program(loaded.task, variables, platforms)
    inputs, outputs = _check(program, loaded)
    description = {
        "program": PROGRAM,
        "made_by": f"lcjax {__version__}, jax {jax.__version__}",
        "platforms": list(platforms),
        "parameters": count_parameters(variables),
        "inputs": inputs,
        "outputs": outputs,
        **loaded.task.meaning,
        "how_to_call": EXPLANATION,
    }
    with new_folder(out, "make room or choose another folder") as temporary:
        (temporary / PROGRAM).write_bytes(program)
        (temporary / ARRAYS).write_bytes(format_safetensors(flat_names(variables)))
        (temporary / "config.json").write_text(json.dumps(loaded.record, indent=1))
        (temporary / DESCRIPTION).write_text(json.dumps(description, indent=1))
        (temporary / CARD).write_text(model_card(loaded.record, description))
    return description


def model_card(record: dict[str, Any], description: dict[str, Any]) -> str:
    """What who gets the weights must know, as Markdown: made of what, from which data, how to be run; nothing is guessed.

    Args:
      record: content of `config.json`. description: of `export.json`.
    """
    recorded = record.get("data")
    data = recorded if isinstance(recorded, dict) else {}
    names = data.get("class_names") or []
    rows = {
        "system": record.get("system", "unknown"),
        "preset": record.get("preset") or "none",
        "parameters": f"{description['parameters']:,}",
        "made by": description["made_by"],
        "trained on": f"{data['objects']:,} objects" if "objects" in data else "not recorded",
        "points": f"{data['points']:,}" if "points" in data else "not recorded",
        "classes in the data": ", ".join(map(str, names)) or "none recorded",
        "data fingerprint": data.get("fingerprint", "not recorded"),
    }
    lines = [f"| {name} | {value} |" for name, value in rows.items()]
    outputs = [
        f"- `{name}`: {' x '.join(map(str, x['shape']))} {x['dtype']}" for name, x in description["outputs"].items()
    ]
    inputs = [
        f"- `{name}`: {' x '.join(map(str, x['shape']))} {x['dtype']}" for name, x in description["inputs"].items()
    ]
    text = [
        "# Model card",
        "",
        "| | |",
        "| --- | --- |",
        *lines,
        "",
        "## Takes",
        "",
        *inputs,
        "",
        "## Gives",
        "",
        *outputs,
        "",
    ]
    text += [
        "## Use",
        "",
        "```python",
        "import lcjax",
        'model = lcjax.load(".")  # this folder',
        "model.predict(batch)",
        "```",
    ]
    text += ["", "Without lcjax:", "", "```python", description["how_to_call"], "```", ""]
    text += [
        "All settings are in `config.json`. Scores are of the data it was judged on and are not repeated here: see the"
    ]
    text += ["documentation of the preset, and measure on your own labelled stars (`lcjax evaluate --probe`)."]
    return "\n".join(text) + "\n"


def export_program(task: Task, variables: PyTree, platforms: tuple[str, ...]) -> bytes:
    """`task.predict` with its weights inside, for any number of rows of `task.batch_spec`, as jax.export bytes.

    Of a task that takes rows of any length the second axis is free too.
    """
    rows, points = jax_export.symbolic_shape("rows, points")
    size = lambda spec: (rows, *((points,) if task.any_length else spec.shape[1:2]), *spec.shape[2:])[: len(spec.shape)]
    shapes = jax.tree.map(lambda spec: jax.ShapeDtypeStruct(size(spec), spec.dtype), task.batch_spec)
    fixed = jax.tree.map(jnp.asarray, variables)

    def predict(batch: dict) -> dict:
        return task.predict(fixed, batch)

    with jax.default_matmul_precision("float32"):
        return bytes(jax_export.export(jax.jit(predict), platforms=platforms)(shapes).serialize())


def _check(program: bytes, loaded: Loaded) -> tuple[dict[str, Any], dict[str, Any]]:
    """Runs the program on made-up rows and describes what goes in and comes out."""
    batch = loaded.task.made_up(_ROWS)
    if loaded.task.any_length:  # of several windows: one is the easier case
        batch = jax.tree.map(lambda x: np.concatenate([x, x], axis=1) if np.ndim(x) > 1 else x, batch)
    found = jax_export.deserialize(bytearray(program)).call(batch)
    with jax.default_matmul_precision("float32"):
        expected = jax.jit(loaded.task.predict)(loaded.variables, batch)
    for name, value in expected.items():
        if not np.allclose(found[name], value, rtol=_TOLERANCE, atol=_TOLERANCE):
            raise WeightsError(f"the exported program computes another '{name}' than the model: nothing was written")
    return _described(batch, loaded.task.any_length), _described(expected)


def _described(arrays: Batch, any_length: bool = False) -> dict[str, Any]:
    """Shape and dtype of every array; those of streams under their paths."""
    leaves = jax.tree_util.tree_leaves_with_path(arrays)
    shape = lambda x: ["rows", *(["points"] if any_length else np.shape(x)[1:2]), *np.shape(x)[2:]][: np.ndim(x)]
    return {path_name(path): {"shape": shape(x), "dtype": str(x.dtype)} for path, x in leaves}
