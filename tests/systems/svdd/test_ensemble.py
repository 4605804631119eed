"""Many detectors at once are the same as one by one, each with rows and an end of its own."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lcjax.errors import DataError
from lcjax.systems.svdd.core import build_core
from lcjax.systems.svdd.ensemble import Members, Schedule, initial_variables, train_members
from lcjax.systems.svdd.scaler import fit_scaler, scale
from tests.systems.svdd.conftest import SMALL


@pytest.fixture(scope="module")
def setting(blobs):
    inputs = dataclasses.replace(SMALL.inputs, feature_names=tuple("abcdef"), class_names=("a", "b", "c"))
    scaler = fit_scaler(inputs, blobs.features, blobs.known)
    tables = jnp.asarray(scale("none", scaler["table"], blobs.features))[None]
    held = np.arange(len(blobs.label)) % 5 == 0
    members = Members(
        np.zeros(3, int),
        np.tile(blobs.known, (3, 1)),
        np.tile(~held, (3, 1)),
        np.tile(held, (3, 1)),
        np.array([4, 5, 6]),
    )
    return build_core(dataclasses.replace(SMALL, detector="autoencoder")), tables, members


def run(core, tables, members, **changes):
    schedule = dataclasses.replace(Schedule(1e-3, 64, max_epochs=6, patience=4, epochs_at_once=3), **changes)
    start = initial_variables(core, members, tables.shape[-1])
    return train_members(core, tables, members, start, jnp.zeros((len(members), 0, 3)), schedule)


def test_one_by_one_and_together(setting):
    core, tables, members = setting
    together = run(core, tables, members, spread="vmap")
    alone = run(core, tables, members.taken(np.array([1])), spread="map")
    np.testing.assert_allclose(together.best_loss[1], alone.best_loss[0], rtol=1e-3)
    assert len(set(together.best_loss.tolist())) == 3
    assert (together.best_epoch >= 1).all() and (together.epochs <= 6).all()
    for leaf in jax.tree.leaves(together.variables):
        assert len(leaf) == 3


def test_members_stop_when_nothing_gets_better(setting):
    core, tables, members = setting
    stopped = run(core, tables, members, learning_rate=0.0, max_epochs=30)
    # Without learning only the running statistics move, and soon the loss does not.
    early = stopped.epochs < 30
    assert early.any() and (stopped.epochs == stopped.best_epoch + 4)[early].all()


def test_members_without_rows_are_refused(setting):
    _, _, members = setting
    with pytest.raises(DataError, match="no objects to validate on"):
        dataclasses.replace(members, validation=np.zeros_like(members.validation))
