"""A stranger's kind of data of a few lines: found by its entry point, learned from, described, read."""

import numpy as np
import pytest

from data_pipelines.kinds import find_kind, kind_of_records, kinds
from data_pipelines.kinds.base import Kind
from data_pipelines.kinds.reading import PrepareSettings, Request
from data_pipelines.kinds.report import RecordReport
from lcjax.errors import ConfigError, DataError, Rejection
from tests.data_pipelines.toy import installed as installed
from tests.data_pipelines.toy import record, write


def test_ours_say_what_their_records_are():
    for kind in kinds().values():
        assert kind_of_records(kind.layout.kind).layout == kind.layout
    with pytest.raises(DataError, match="'runes'"):
        kind_of_records("runes")


def test_batches_of_a_kind_that_has_only_a_layout(installed, tmp_path):
    kind = find_kind("spectral_stars")
    source = kind.open_source([write(tmp_path / "d")], "train", 8, seed=1, reader="plain", limits={"spectrum": 5})
    _, batch = next(source.train_batches())
    assert batch["flux"].shape == (8, 5) and batch["picture"].shape == (8, 2, 3) and batch["votes"].shape == (8, 3)


def test_it_reads_files_and_prepared_data(installed, tmp_path):
    flux = np.random.default_rng(0).random((6, 4))
    flux[3, 1] = np.nan
    np.savez(tmp_path / "a.npz", flux=flux)
    reader = find_kind("spectral_stars").reader(Request())
    folder = write(tmp_path / "d", 5, 1)
    found = list(reader.items([str(tmp_path / "a.npz"), str(folder)]))
    assert [isinstance(item, Rejection) for item in found] == 3 * [False] + [True] + 7 * [False]
    assert [item["object_id"] for item in found[6:]] == [record(i)["object_id"] for i in range(5)]
    assert [item["label"] for item in found[6:]] == [None, "EA", "RRab", None, "EA"]
    np.testing.assert_array_equal(found[7]["flux"], record(1)["flux"])
    assert (reader.report.read, reader.report.kept) == (11, 10) and reader.sentences() == []
    with pytest.raises(DataError, match="no file or folder 'nowhere'"):
        list(reader.items(["nowhere"]))


def test_kinds_that_are_not_read_from_files():
    with pytest.raises(ConfigError, match="light curves are not read from files"):
        Kind.read_files(find_kind("light_curves"), [], PrepareSettings(), RecordReport())
