"""What a dataset is called, and whether its place is free: nothing is replaced without a word."""

import dataclasses
import hashlib
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from data_pipelines.kinds.reading import PrepareSettings
from lcjax.errors import ConfigError

if TYPE_CHECKING:
    from data_pipelines.datasets.survey_builder import SurveyBuilder

REPORT, REQUEST = "cleaning.json", "request_sha256"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def check_name(name: str) -> str:
    """The name, which becomes a folder and part of file names.

    Raises:
      ConfigError: it is no word of letters, digits and underscores.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(f"--name '{name}' cannot name a dataset: use letters, digits and _, a letter first")
    return name


def named(builder: "type[SurveyBuilder]", name: str) -> "type[SurveyBuilder]":
    """A builder of the same dataset under another name."""
    if name == builder.name:
        return builder
    import tensorflow_datasets as tfds

    with tfds.core.registered.skip_registration():  # tfds knows a name for good, and this one is the user's
        return type("Named", (builder,), {"name": name, "__module__": builder.__module__, "__doc__": builder.__doc__})


def request_hash(dataset: str, settings: PrepareSettings, shards: int) -> str:
    """Of all that was asked for; preparing the same again replaces what was prepared before."""
    asked = dataclasses.asdict(dataclasses.replace(settings, sources=(), processes=0, options={}))
    options = {k: dataclasses.asdict(v) for k, v in settings.options.items() if v is not None and v != type(v)()}
    sources = [os.path.realpath(path) for path in settings.sources]
    text = json.dumps([dataset, shards, asked, options, sources], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def check_place(folder: Path, request: str, overwrite: bool) -> None:
    """Refuses to replace anything but what the same request made.

    Args:
      folder: of the dataset, above its versions. request: `request_hash` of what is to be prepared.

    Raises:
      ConfigError: something else is there.
    """
    if not folder.exists() or (folder.is_dir() and (overwrite or not any(folder.iterdir()))):
        return
    reports = sorted(folder.glob(f"*/{REPORT}"))
    if len(reports) == 1 and _request(reports[0]) == request:
        return
    what = "was prepared from other files or with other settings" if reports else "is no dataset"
    raise ConfigError(
        f"'{folder}' is already there and {what}: give the new dataset a name of its own with --name, or another --out; "
        "--overwrite replaces the old one"
    )


def _request(report: Path) -> str | None:
    try:
        return json.loads(report.read_text()).get(REQUEST)
    except (OSError, ValueError, AttributeError, RecursionError):
        return None
