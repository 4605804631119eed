"""The log and the display."""

import io
import json
import re

import pytest
from rich.console import Console
from tensorboardX.proto.event_pb2 import Event

from data_pipelines.shards.tfrecord import read_records
from lcjax.errors import StorageError
from lcjax.training.progress import MetricsLog, ProgressDisplay, read_metrics


def test_lines_after_the_checkpoint_and_torn_ones_are_dropped(tmp_path):
    log = MetricsLog(tmp_path, 0)
    for step in (2, 4, 6):
        log.write(step, "train", {"loss": 1.0 / step, "odd": float("nan")})
    log.close()
    with open(log.path, "a") as file:
        file.write('{"step": "4", "split": "train"}\n{"step": 4, "spl')
    MetricsLog(tmp_path, 4).close()
    rows = read_metrics(tmp_path)
    assert [row["step"] for row in rows] == [2, 4] and rows[0]["loss"] == 0.5 and rows[0]["odd"] is None
    assert read_metrics(tmp_path, "validation") == [] and read_metrics(tmp_path / "none") == []


def test_full_disk_under_the_log_is_one_sentence(tmp_path):
    log = MetricsLog(tmp_path, 0)
    log._file.close()
    log._file = open("/dev/full", "a")  # noqa: SIM115
    with pytest.raises(StorageError, match=r"metrics.jsonl': No space left"):
        log.write(1, "train", {"loss": 1.0})


def test_tensorboard_reads_what_was_written(tmp_path):
    """Its files are TFRecords of `Event`s: whoever reads these, checksums included, reads them."""
    log = MetricsLog(tmp_path, 0)
    log.write(3, "train", {"loss": 0.25})
    log.close()
    (path,) = (tmp_path / "tensorboard").iterdir()
    events = [Event.FromString(record.payload) for record in read_records(path)]
    assert events[0].file_version == "brain.Event:2"
    values = [(event.step, value.tag, value.simple_value) for event in events for value in event.summary.value]
    assert values == [(3, "train/loss", 0.25)]


def _display(terminal):
    display = ProgressDisplay(100, headline=("loss", "rmse"), unit="points")
    display.console = Console(file=io.StringIO(), force_terminal=terminal, width=150, soft_wrap=True)
    display.start(0)
    return display, display.console.file


def test_plain_lines_say_rate_points_time_left_and_loss():
    display, text = _display(terminal=False)
    for step in (1, 10, 20):
        display.advance(step)
    display.report(20, "train", {"loss": 0.5, "rmse": 0.7, "points_per_second": 12345.6})
    display.report(20, "validation", {"loss": 0.4})
    display.say("[not markup]")
    display.close()
    train, validation, said = text.getvalue().splitlines()
    assert re.fullmatch(
        r"step 20/100 train: loss 0.5000  rmse 0.7000 \| [\d.e+]+ updates/s \| 12.3k points/s \| \d+:\d\d left", train
    )
    assert validation == "step 20 validation: loss 0.4000" and said == "[not markup]"


def test_live_bar_on_a_terminal():
    display, text = _display(terminal=True)
    display.advance(1)
    display.advance(50)
    display.report(50, "train", {"loss": 0.25, "points_per_second": 2e6})
    display.close()
    shown = text.getvalue()
    assert "50/100" in shown and "loss 0.2500" in shown and "2.00M points/s" in shown


def test_quiet_says_nothing(capsys):
    display = ProgressDisplay(10, quiet=True)
    display.start(0)
    display.report(1, "train", {"loss": 1.0})
    display.close()
    assert capsys.readouterr() == ("", "")


def test_damaged_lines_are_left_out_with_a_warning(tmp_path):
    good = '{"step": 2, "split": "train", "loss": 1.0}'
    bad = ["{", "[" * 100_000, "3", '{"step": 1}', '{"split": "train"}', '{"step": NaN, "split": "train"}']
    text = "\n".join([good, *bad]).encode() + b'\n{"step": 3, "split": ["train"]}\n\xff\n'
    (tmp_path / "metrics.jsonl").write_bytes(text)
    with pytest.warns(UserWarning, match="left out 8 of 9 lines"):
        assert read_metrics(tmp_path) == [json.loads(good)]
    MetricsLog(tmp_path, 2).close()
    assert (tmp_path / "metrics.jsonl").read_text().splitlines()[0] == good
