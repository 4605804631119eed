"""Packets for `benchmarks.alerts`: real ones of both surveys where they are at hand, else made-up ones, and bare arrays."""

import copy
import importlib.util
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data_pipelines.sources.alerts import SchemaSet


@dataclass(frozen=True)
class Packets:
    """Messages of one survey, one alert each, and what is needed to read them."""

    survey: str
    messages: list[bytes]
    schemas: SchemaSet
    about: str
    """A sentence about them."""

    def taken(self, count: int) -> "Packets":
        """So many of them; they come again and again."""
        messages = [self.messages[i % len(self.messages)] for i in range(count)]
        return Packets(self.survey, messages, self.schemas, self.about)


def can_read_avro() -> bool:
    """Whether packets can be read; without, only arrays can be timed."""
    return importlib.util.find_spec("fastavro") is not None


def ztf_packets(paths: Sequence[Path]) -> Packets:
    """Avro files or folders; without any the real ones of `$LCJAX_DATA`, else made-up ones."""
    files = _files(paths or [_data() / "ztf_alerts" / "kowalski_avro"])
    messages = [f.read_bytes() for f in files] or _made_up(64)
    return Packets("ZTF", messages, SchemaSet(), _about(messages, "real" if files else "made-up", "ZTF"))


def rubin_packets(paths: Sequence[Path]) -> Packets | None:
    """Confluent-framed messages with their schemas beside; None: there are none, and a made-up one would not be honest."""
    files = [f for f in _files(paths or [_data() / "avro" / "lsst"]) if f.read_bytes()[:1] == b"\0"]
    schemas = SchemaSet()
    for file in files:
        schemas.add_beside(file.parent)
    messages = [f.read_bytes() for f in files]
    return Packets("Rubin", messages, schemas, _about(messages, "real", "Rubin")) if files else None


def rubin_tables(paths: Sequence[Path]) -> list[Path]:
    """Parquet files of Rubin alerts."""
    folders = [p if p.is_dir() else p.parent for p in paths] or [_data() / "avro" / "lsst"]
    return sorted({f for folder in folders if folder.is_dir() for f in folder.glob("*.parquet")})


def _data() -> Path:
    return Path(os.environ.get("LCJAX_DATA") or Path(__file__).parents[2] / "shared" / "data")


def _files(paths: Sequence[Path]) -> list[Path]:
    """Avro files, not those of schema folders, which hold made-up packets without the cutouts of real ones."""
    return [f for p in paths for f in (sorted(p.glob("*.avro")) if p.is_dir() else [p] if p.is_file() else [])]


def _about(messages: Sequence[bytes], kind: str, survey: str) -> str:
    size = np.mean([len(m) for m in messages]) / 1e3
    return f"{len(messages)} {kind} {survey} packet{'s' * (len(messages) > 1)}, {size:.0f} kB each on average"


def _made_up(count: int) -> list[bytes]:
    """Packets with all columns of the published network and noisy stamps, which compress like real ones."""
    from data_pipelines.datasets.alert_checks import ZTF_SCHEMA, container, packet
    from lcjax.systems.stamp_classifier.config import RAW_COLUMNS

    schema = copy.deepcopy(ZTF_SCHEMA)
    fields = schema["fields"][2]["type"]["fields"]
    have = {field["name"] for field in fields}
    fields += [{"name": n, "type": ["null", "float"], "default": None} for n in RAW_COLUMNS if n not in have]
    values = dict.fromkeys((n for n in RAW_COLUMNS if n not in have), 1.0)
    return [container([packet(i, candidate=values)], schema=schema) for i in range(count)]


def arrays(task: Any, rows: int) -> dict[str, np.ndarray]:
    """A batch of noise with the shapes that a network takes."""
    rng = np.random.default_rng(0)
    spec = {name: task.batch_spec[name] for name in ("stamps", "metadata", "ra", "dec")}
    return {name: rng.normal(10, 1, (rows, *s.shape[1:])).astype(np.float32) for name, s in spec.items()}
