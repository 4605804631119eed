"""Datasets that are as written are said to be; damaged ones are named, all of them."""

import shutil

import pytest

from data_pipelines.shards.verifying import verify_all
from lcjax.errors import DataError
from tests.data_pipelines.shards.test_manifest import pristine  # noqa: F401


def test_sound_ones_are_said_and_damaged_ones_named(pristine, tmp_path):  # noqa: F811
    sound, bad = (shutil.copytree(pristine, tmp_path / name / "toy" / "1.0.0") for name in ("sound", "bad"))
    said = []
    verify_all([sound], said.append)
    assert len(said) == 1 and "40 records, all as written" in said[0] and str(sound) in said[0]
    for path in list(bad.glob("*tfrecord*"))[:2]:
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match="2 damaged file"):
        verify_all([tmp_path], said.append)
    assert len(said) == 2
