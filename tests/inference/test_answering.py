"""Files are answered in order, counted as they come, and gone on with where the work was stopped."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lcjax.errors import DataError, Rejection
from lcjax.inference import resumable_answers
from lcjax.inference.answering import answer_files
from lcjax.inference.answers import Answers


class Numbers:
    rejection_columns = ("object_id", "reason")

    def items(self, inputs):
        return map(int, inputs)


class Squares(Answers):
    unit, schema, constant_columns = "numbers", pa.schema([("square", pa.int64())]), ()

    def __init__(self, last=99):
        self.last, self.asked = last, []

    def answer(self, items):
        for n in items:
            if n > self.last:
                raise KeyboardInterrupt
            self.asked.append(n)
            yield {"square": n * n} if n >= 0 else Rejection(str(n), "negative: a root of it is not real", "")


def answered(folder, numbers, last=99, said=None, counted=None):
    squares, where = Squares(last), (folder / "t.parquet", folder / "r.parquet")
    say, count = (x.append if x is not None else lambda y: None for x in (said, counted))
    results = answer_files(squares, Numbers(), list(map(str, numbers)), *where, "i", say, count)
    return results, squares.asked


def test_order_counts_and_going_on(tmp_path, monkeypatch):
    monkeypatch.setattr(resumable_answers, "PART_ITEMS", 2)
    said, counted = [], []
    with pytest.raises(KeyboardInterrupt):
        answered(tmp_path, [4, -1, 2, 5], last=4)
    results, asked = answered(tmp_path, [4, -1, 2, 5], said=said, counted=counted)
    assert said == ["going on behind 2 numbers that were answered or set aside before"]
    assert asked == [2, 5] and counted == [1, 1] and (results.answered, results.reasons) == (3, {"negative": 1})
    assert pq.read_table(tmp_path / "t.parquet")["square"].to_pylist() == [16, 4, 25]
    assert pq.read_table(tmp_path / "r.parquet")["object_id"].to_pylist() == ["-1"]


@pytest.mark.parametrize(
    ("numbers", "why"), [([-2, -3], "all 2 were set aside, .*the first: negative: a root"), ([], "none there")]
)
def test_no_answer_is_an_error(tmp_path, numbers, why):
    with pytest.raises(DataError, match=f"none of the numbers could be answered: {why}"):
        answered(tmp_path, numbers)
