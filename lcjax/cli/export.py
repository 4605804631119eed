"""`lcjax export MODEL OUT`: a trained model as StableHLO and safetensors."""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

import tyro

from lcjax.cli.remarks import tell


@dataclasses.dataclass(frozen=True)
class ExportOptions:
    """Writes a model for use without lcjax: predict.stablehlo (weights inside), weights.safetensors, export.json.

    The program takes raw windows of the model's full length (or raw stamps), any number of rows, and needs only jax (or
    any StableHLO runtime) to run.
    """

    model: Annotated[str, tyro.conf.Positional]
    """Workdir, weights folder, or published name (lcjax weights list)."""
    out: Annotated[Path, tyro.conf.Positional]
    """New or empty folder; an earlier export there is replaced."""
    which: Literal["best", "latest", "ema"] = "best"
    """Which weights of a workdir."""
    platforms: tuple[Literal["cpu", "cuda", "rocm", "tpu"], ...] = ("cpu", "cuda")
    """Where the program must run."""


def main(argv: list[str]) -> int:
    """Loads, exports, says what was written."""
    options = tyro.cli(ExportOptions, args=argv, prog="lcjax export")
    from lcjax.inference import export
    from lcjax.systems.loading import load

    loaded = load(options.model, options.which)
    description = export(loaded, options.out, options.platforms)
    outputs = ", ".join(f"{k} {'x'.join(map(str, v['shape']))}" for k, v in description["outputs"].items())
    tell(f"{description['parameters']:,} parameters; outputs: {outputs}")
    tell(f"written to {options.out} (export.json says how to call it)")
    return 0
