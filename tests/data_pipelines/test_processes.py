"""A function over a stream by processes of their own: order, bounds, errors, deaths."""

import itertools
import os

import pytest

from data_pipelines.processes import Processes
from lcjax.errors import DataError


def square(number):
    if number == 70:
        raise DataError("seventy is too many")
    return number**2


def die(number):
    if number > 40:
        os._exit(9)
    return number


def test_order_and_bounded_memory():
    taken = []
    with Processes(2) as processes:
        found = processes.map(square, (taken.append(n) or n for n in itertools.count()))
        assert list(itertools.islice(found, 60)) == [n**2 for n in range(60)]
        assert len(taken) < 80
        with pytest.raises(DataError, match="seventy"):
            list(found)
        assert list(processes.map(square, range(3))) == [0, 1, 4]  # the processes are still there


def test_few_items_and_no_processes():
    for count, number in ((0, 60), (2, 5)):
        with Processes(count) as processes:
            assert list(processes.map(square, range(number))) == [n**2 for n in range(number)]
            assert processes._pool is None


def test_nothing_is_lost_where_the_processes_start():
    """Items and results may be None."""
    with Processes(1) as processes:
        assert list(processes.map(bool, [None] * 45)) == [False] * 45
        assert processes._pool is not None


def test_a_process_dies():
    with Processes(1) as processes, pytest.raises(DataError, match="died"):
        list(processes.map(die, range(60)))
