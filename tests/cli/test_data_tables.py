"""What `lcjax data` prints: every count, whole paths, and names with brackets as they are."""

import io
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from rich.console import Console

from data_pipelines.kinds.description import Description
from data_pipelines.kinds.report import RecordReport
from data_pipelines.prepare import Prepared
from data_pipelines.shards.manifest import Manifest
from lcjax.cli.data_tables import print_description, print_prepared
from lcjax.errors import Rejection

FOLDER = Path("/somewhere/with a long name/" + "x" * 120)
MANIFEST = Manifest(FOLDER, "toy", "1.0.0", ("EA", "RR[ab]"), ("V", ""), (), {}, "0", "0")


def printed(show, what, width=80):
    console = Console(file=io.StringIO(), width=width)
    show(what, console)
    return console.file.getvalue()


def test_what_became_of_raw_files():
    bad = {"/a/b.csv": "'/a/b.csv' [red] cannot be read"}
    report = RecordReport("stars", 1200, 1198, [Rejection("s", "too short: 3", "a")], bad, {"/a/README": None})
    text = printed(print_prepared, Prepared(MANIFEST, report, {"train": 1198}))
    assert "1,198 of 1,200" in text and "file set aside  '/a/b.csv' [red] cannot be read\n" in text
    assert f"written to  {FOLDER}\n" in text and f"names and reasons: {FOLDER}/rejected.parquet\n" in text
    assert "EA, RR[ab]" in text and "V, (unnamed)" in text and "1 of no wanted format (README)" in text
    nothing = printed(print_prepared, Prepared(MANIFEST, RecordReport("stars", 1, 1), {"train": 1}))
    assert "names and reasons" not in nothing and "file set aside" not in nothing


def test_what_is_in_a_dataset():
    counts = {"train": {"EA": 2000, "": 3}, "test": {"RR[ab]": 5}}
    values = {"n": np.arange(101.0), "none": np.full(3, np.nan)}
    description = Description(
        MANIFEST,
        "stars",
        {"light_curves": 2008, "points": 12345},
        counts,
        values,
        {"n": "points [n]"},
        {"[sky]": "all"},
    )
    text = printed(print_description, description)
    assert "toy 1.0.0: 2,008 light curves, 12,345 points, bands V, (unnamed)" in text
    rows = [line.split() for line in text.splitlines()]
    assert ["(unlabelled)", "3", "0"] in rows and ["EA", "2,000", "0"] in rows and ["RR[ab]", "0", "5"] in rows
    assert ["points", "[n]", "5", "25", "50", "75", "95"] in rows
    assert ["5", "%", "25", "%", "50", "%", "75", "%", "95", "%"] in rows
    assert SimpleNamespace(**description.as_dict()).points == 12345
