"""The contestants of a run of the few-shot benchmark, and which of them have seen stars that they are scored on."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from benchmarks.few_shot_contestants import (
    CHANGES,
    FEATURE_TABLE,
    FIRST_WINDOW,
    FOREST,
    LINEAR,
    NO_BRIGHTNESS,
    NO_PERIOD,
    PERIOD_ALONE,
    SCALARS,
    Contestant,
    encoder,
    from_table,
    pooled,
)
from benchmarks.few_shot_trained import from_scratch, settings, trained
from benchmarks.harness import short_names
from data_pipelines.shards.leaks import say_what_it_trained_on
from lcjax.errors import ConfigError
from lcjax.inference.loaded import Loaded
from lcjax.models.light_curve_head_config import HeadConfig
from lcjax.systems.loading import load


@dataclasses.dataclass(frozen=True)
class Lineup:
    """Who competes."""

    contestants: tuple[Contestant, ...]
    leaks: dict[str, dict[str, int]]
    """Model -> split -> stars of it that trained the model."""


def line_up(
    models: Sequence[str],
    tables: Sequence[Path],
    data: Sequence[Path],
    ablations: bool,
    networks: bool,
    kept: Path | None = None,
) -> Lineup:
    """Features, encoders and tables, what they are together, and, where asked for, ablations and trained networks.

    Args:
      kept: folder for trainings that are going on.

    Raises:
      ConfigError: two contestants of one name.
    """
    loaded = {short: load(name) for short, name in short_names(models).items()}
    if len(loaded) < len(models):
        raise ConfigError("two models have one name: rename the folder of one")
    found = [FEATURE_TABLE, NO_BRIGHTNESS, NO_PERIOD]
    bases = {name: encoder(name, model) for name, model in loaded.items()}
    for name, model in loaded.items():
        found += _of_encoder(name, bases[name], _layers(model), ablations)
    found += [from_table(path) for path in tables]
    if ablations:
        found += [SCALARS, PERIOD_ALONE, FIRST_WINDOW]
        for name, model in loaded.items():
            for what, change in CHANGES.items():
                base = encoder(f"{name} of curves, {what}", model, change)
                one = pooled(base, _layers(model), f"{name}, last block, {what}", "last")
                found.append(dataclasses.replace(one, development=True, windows=False))
    if networks:
        found += _trained(loaded, kept)
    names = [contestant.name for contestant in found]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ConfigError(f"two contestants are called '{min(twice)}': rename a folder or a table")
    splits = ("validation", "test")
    leaks = {
        name: {split: say_what_it_trained_on(model.record, data, split, print) for split in splits}
        for name, model in loaded.items()
    }
    return Lineup(tuple(found), leaks)


def _layers(model: Loaded) -> int:
    """Blocks and the input embedding."""
    return model.experiment.model.num_layers + 1  # type: ignore[attr-defined]


def _of_encoder(name: str, base: Contestant, layers: int, ablations: bool) -> list[Contestant]:
    """Poolings, and the last block (the better one on the development part) with what it may lack."""
    last = pooled(base, layers, f"{name}, last block", "last")
    every = pooled(base, layers, f"{name}, all blocks", "all")
    found = [last, every, Contestant(f"features + {name}", heads=(FOREST, LINEAR), parts=(FEATURE_TABLE, last))]
    if ablations:
        beside = lambda what, *parts: Contestant(f"{name}, last block + {what}", parts=(last, *parts))
        some = [
            pooled(base, layers, f"{name}, max of last block", "max"),
            beside("four scalars", SCALARS),
            beside("period", PERIOD_ALONE),
            beside("four scalars + period", SCALARS, PERIOD_ALONE),
        ]
        found += [dataclasses.replace(one, development=True) for one in some]
    return found


def _trained(loaded: dict[str, Loaded], kept: Path | None) -> list[Contestant]:
    """The published head on each encoder; a GRU and a transformer without one."""
    skip = HeadConfig("skip_avg_mlp", widths=(256, 128))
    found = [
        trained(f"{name}, skip head", settings(skip, 600, 1e-3), model, kept=kept) for name, model in loaded.items()
    ]
    gru = HeadConfig("raw_gru", units=64, widths=(128,), scaling="gaps")
    mean = HeadConfig("avg_mlp", widths=(128,))
    return [
        *found,
        trained("GRU from scratch", from_scratch(settings(gru, 1000, 3e-3)), kept=kept),
        trained(
            "transformer from scratch", from_scratch(settings(mean, 600, 2e-3, "astromer2-survey"), batch=32), kept=kept
        ),
    ]
