"""Quality flags: the rules of the surveys, and the user's word."""

import numpy as np
import pytest

from data_pipelines.kinds.light_curves.columns import ColumnNames
from data_pipelines.kinds.light_curves.quality import choose_flags
from lcjax.errors import ConfigError, DataError


def flagged(name, values, columns=None, **given):
    flags = choose_flags(["id", name], columns or {}, ColumnNames(**given), "t.csv")
    faults = flags.faults({name: np.array(values, float)})
    return np.logical_or.reduce([np.zeros(len(values), bool), *faults.values()]).tolist()


def test_rules_of_surveys():
    assert flagged("catflags", [0, 1, 32768, 32769, np.nan]) == [False, False, True, True, False]
    assert flagged("lc.infobits", [0, 33554431, 33554432, 67108864]) == [False, False, True, True]
    assert flagged("rejected_by_photometry", [0, 1]) == [False, True]
    assert choose_flags(["upperlimit"], {}, ColumnNames(), "t").bits == {"upperlimit": -1}
    tess = choose_flags(["SAP_FLUX", "QUALITY"], {"flux": "SAP_FLUX"}, ColumnNames(), "t.csv")
    found = tess.faults({"QUALITY": np.array([0.0, 1.0, 8192.0])})["flagged by QUALITY"]
    assert found.tolist() == [False, True, True]
    assert flagged("psfFlux_flag", [0, 1], {"flux": "psfFlux"}) == [False, True]


def test_the_users_word():
    assert flagged("q", [0, 1, 4]) == [False, False, False]
    assert "'q' not used" in choose_flags(["q"], {}, ColumnNames(), "t").said
    assert flagged("q", [0, 1, 4, 0.5, np.nan], flag="q") == [False, True, True, True, False]
    assert flagged("q", [0, 1, 4], flag="q", flag_bits=4) == [False, False, True]
    assert flagged("catflags", [32768], flag="none") == [False]
    with pytest.raises(DataError, match="no column 'p' for the flag: it has id, q"):
        flagged("q", [0], flag="p")
    with pytest.raises(ConfigError, match=r"--columns.flag-bits"):
        flagged("q", [0], flag_bits=1)
