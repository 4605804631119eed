"""Plain settings shared by the tasks and the engine. Nothing here imports jax, so the command line starts fast."""

from dataclasses import dataclass, field
from typing import Any, Literal

from lcjax.schema import Count, DropRate, NotNegative, Positive, Settings, Whole


@dataclass(frozen=True)
class WindowConfig(Settings):
    """How a light curve of N points becomes windows of at most `length` points."""

    length: Count = 200
    """Longest window, points."""
    mode: Literal["random", "sequential", "published"] = "random"
    """Training windows: `random` one per curve and epoch, start uniform in [0, N - length]; `sequential` windows that
    hold each point once; `published` the overlapping windows of the Astromer papers."""
    evaluation_mode: Literal["sequential", "published"] = "sequential"
    """Windows for validation, test and prediction."""
    buckets: tuple[Count, ...] = ()
    """Padded lengths, ascending, the last equal to `length`; empty means every row is padded to `length`."""


@dataclass(frozen=True)
class OptimizerConfig(Settings):
    """Adam or AdamW with a schedule."""

    name: Literal["adam", "adamw", "adam_tensorflow", "adam_l2"] = "adamw"
    """`adam_tensorflow` adds eps to the uncorrected root, as TensorFlow 1 does; `adam_l2` adds the decay of every parameter to
    its gradient, after clipping, as PyTorch's Adam does."""
    learning_rate: NotNegative = 1e-3
    """Peak learning rate (a factor on the schedule for `noam`)."""
    schedule: Literal["constant", "cosine", "noam"] = "cosine"
    """`noam` is width^-0.5 * min(step^-0.5, step * warmup_steps^-1.5), the published option of Astromer 2."""
    warmup_steps: Whole = 0
    final_fraction: NotNegative = 0.01
    """Cosine: last learning rate over the peak."""
    b1: DropRate = 0.9
    b2: DropRate = 0.999
    eps: NotNegative = 1e-8
    weight_decay: NotNegative = 0.0
    """AdamW: of matrices, not of biases, norms or tokens. `adam_l2`: of all."""
    clip_norm: Positive | None = 1.0
    """Global gradient norm above which gradients are scaled down; None: off."""
    width: Count | None = None
    """Model width of the `noam` schedule; None: taken from the model."""


@dataclass(frozen=True)
class TrainingConfig(Settings):
    """How long, how often, how wide: everything about a run that is not the model."""

    steps: Count = 10_000
    """Optimizer updates of the whole run (a resumed run goes on to the same total)."""
    batch_size: Count = 64
    """Rows of the global batch, over all devices and processes."""
    seed: Whole = 0
    parallel: Literal["jit", "pmap"] = "jit"
    mesh: tuple[Count, Count] | None = None
    """Devices along (data, model) for `jit`; None: all on data."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Compute dtype of the model; parameters, norms, softmax and losses stay float32."""
    accumulate: Count = 1
    """Batches whose gradients are averaged before one update."""
    steps_per_dispatch: Count = 1
    """Updates fused into one device call by `lax.scan` (small models are launch-bound)."""
    ema_decay: DropRate | None = None
    """Decay of the averaged weights used for evaluation; None: off."""
    evaluate_every: Count = 500
    evaluate_batches: Count | None = None
    """Validation batches per evaluation; None: all."""
    log_every: Count = 50
    checkpoint_every: Count = 500
    keep_checkpoints: Count = 3
    patience: Count | None = None
    """Evaluations without improvement before the run stops and the best weights are restored; None: off."""
    extend: Count | None = None
    """Updates that the run goes on for, beyond `steps` if need be, after an evaluation better than all before; None:
    `steps` is the end. A cosine schedule stays at its last rate from `steps` on."""
    monitor: str = "loss"
    """Validation metric of early stopping and of the best weights; smaller is better unless it starts with '-'. Of equal ones the
    weights of the smaller loss (`Task.headline`) are the best."""
    max_bad_steps: Count = 10
    """Non-finite steps in a row that stop the run."""
    initial_weights: str | None = None
    """A workdir or published name to fine-tune from."""
    debug_nans: bool = False


@dataclass(frozen=True)
class Experiment(Settings):
    """What `lcjax train PRESET` runs; each system subclasses it with its own `model` and objective settings.

    `optimizer`, `training` and `window` mean the same for every system.
    """

    system: str = ""
    """System of `lcjax.systems` that builds the Task: 'astromer1', 'astromer2', ..."""
    window: WindowConfig = field(default_factory=WindowConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)


def dotted(tree: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Nested settings as dotted names, the way the command line and errors write them.

    >>> dotted({"model": {"width": 8}, "system": "x"})
    [('model.width', 8), ('system', 'x')]
    """
    rows: list[tuple[str, Any]] = []
    for key, value in tree.items():
        rows += dotted(value, f"{prefix}{key}.") if isinstance(value, dict) else [(prefix + key, value)]
    return rows
