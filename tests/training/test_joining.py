"""Several processes as one run: all is given, or nothing."""

import jax
import pytest

from lcjax.errors import ConfigError
from lcjax.training.joining import join_processes


def test_all_or_nothing(monkeypatch):
    joined = []
    monkeypatch.setattr(jax.distributed, "initialize", lambda *given: joined.append(given))
    join_processes(None, None, None)
    assert joined == []
    join_processes("h:1", 2, 0)
    assert joined == [("h:1", 2, 0)]
    for some in (("h:1", None, None), (None, 2, 0), ("h:1", 2, None)):
        with pytest.raises(ConfigError, match="needs all of --coordinator, --processes and --process"):
            join_processes(*some)
