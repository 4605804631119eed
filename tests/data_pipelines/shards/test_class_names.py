"""Names of classes that cannot stand side by side."""

import pytest

from data_pipelines.shards.class_names import check_class_names
from lcjax.errors import DataError
from tests.data_pipelines.toy import LAYOUT


def test_classes_that_differ_in_case_alone_are_refused():
    """Models look classes up without regard to case: both would be the second."""
    check_class_names(("EB", "RR", "R R", "é"))
    for names in (["EB", "RR", "rr"], ["rr", "RR"]):
        with pytest.raises(DataError, match=r"'(RR|rr)' and '(RR|rr)' differ in case alone"):
            LAYOUT.features(names)


@pytest.mark.parametrize("name", ["SN\nIa", " SN", "", "a\x0cb"])
def test_names_are_one_line(name):
    with pytest.raises(DataError, match="is not one line"):
        check_class_names(["EB", name])
