"""Cores of this process: those it may run on, not those of the machine."""

import os

from lcjax.cores import cores


def test_a_process_that_may_use_one_core_has_one(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3}, raising=False)
    assert cores() == 1
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert cores() == 1
