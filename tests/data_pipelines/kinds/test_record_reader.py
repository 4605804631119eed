"""Prepared data of another kind are refused."""

import pytest

from data_pipelines.kinds import find_kind
from data_pipelines.kinds.reading import Request
from data_pipelines.kinds.record_reader import RecordReader
from lcjax.errors import DataError
from tests.data_pipelines.toy import write


def test_data_of_another_kind(tmp_path):
    reader = RecordReader(find_kind("light_curves"), Request())
    with pytest.raises(DataError, match="holds spectral stars, and this model reads light curves"):
        list(reader.items([str(write(tmp_path / "d", 4, 1))]))
