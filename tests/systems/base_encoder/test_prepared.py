"""Stars whose parts are prepared: the same batches from any position, parts without a common point, a cache that is checked."""

import itertools

import jax
import numpy as np
import pytest

from lcjax.systems.base_encoder.parts import SERIES, packed, views_of
from lcjax.systems.base_encoder.prepared import PreparedStars
from tests.systems.base_encoder.small import LENGTH, Stars, small


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LCJAX_CACHE", str(tmp_path_factory.mktemp("cache")))
        source = PreparedStars(Stars(length=LENGTH), small(prepared=True), training=True)
        next(source.train_batches())
        yield source


def test_every_star_once_a_round_and_the_same_from_any_position(prepared):
    first = list(itertools.islice(prepared.train_batches(), 5))
    names = np.concatenate([batch["record"] for _, batch in first])
    assert sorted(names[:13]) == sorted(set(range(16)) - {13, 14, 15}) and len(first[0][1]["mask"]) == 8
    position, again = next(prepared.train_batches(*first[3][0]))
    assert position == first[3][0]
    jax.tree.map(np.testing.assert_array_equal, again, first[3][1])
    assert prepared.batches_per_epoch == 2


def test_views_are_those_of_the_parts(prepared):
    settings = small(prepared=True)
    batch = next(prepared.evaluation_batches())
    run = jax.jit(lambda batch: packed(views_of(settings)(batch)))
    assert batch["first"].any(1).all() and (batch["mask"] & ~batch["first"]).any(1).all()
    for name, visible in (("first_views", batch["first"]), ("second_views", batch["mask"] & ~batch["first"])):
        found = run({**{n: batch[n] for n in SERIES}, "visible": visible})
        np.testing.assert_allclose(found["periodogram"], batch[name]["periodogram"], rtol=0.02, atol=0.02)
        # Of a handful of points many periods fit as well, and rounding picks one: only what needs none is compared.
        np.testing.assert_allclose(found["scalars"][:, :12], batch[name]["scalars"][:, :12], rtol=1e-3, atol=1e-3)
    last = list(prepared.evaluation_batches())[-1]
    assert last["weight"].tolist() == [1.0] * 5 + [0.0] * 3


def test_what_is_in_the_cache_is_read_and_what_is_damaged_computed_again(prepared, monkeypatch, tmp_path):
    from lcjax.systems.base_encoder import kept_views as module

    path = module.cache_folder() / "views"
    files = list(path.glob("*/*.npz"))
    assert len(files) == 1
    fresh = lambda: PreparedStars(Stars(length=LENGTH), small(prepared=True), training=True)
    with monkeypatch.context() as patch:
        patch.setattr(module, "_computed", None)
        kept = next(fresh().train_batches())[1]
    files[0].write_bytes(files[0].read_bytes()[:1000])
    again = next(fresh().train_batches())[1]
    jax.tree.map(np.testing.assert_array_equal, kept, again)
    assert len(list(path.glob("*/*.npz"))) == 1
    files[0].unlink()
    said = []
    next(PreparedStars(Stars(length=LENGTH), small(prepared=True), True, said.append).train_batches())
    assert len(said) == 1 and said[0].startswith("views of parts of stars: 100%")
    other = PreparedStars(Stars(length=LENGTH), small(prepared=True, seed=3), training=True)
    assert other.fingerprint != fresh().fingerprint


def test_views_of_several_bands_are_kept_and_read(tmp_path, monkeypatch):
    """Two rows a star, in g and r: one window of both; what is packed is what the views are."""
    import dataclasses

    from lcjax.systems.base_encoder.parts import grid_of, points_of, unpacked

    class Bands(Stars):
        def evaluation_batches(self):
            for batch in super().evaluation_batches():
                star = np.arange(8) // 2 + 10 * batch["record"][0]
                names = {"object_id": star.astype(str), "band": np.array(["g", "r"] * 4)}
                yield batch | names | {"reference_mjd": np.full(8, 55_000.0)}

    monkeypatch.setenv("LCJAX_CACHE", str(tmp_path))
    settings = small(prepared=True)
    encoder = dataclasses.replace(settings.model.encoder, bands=3)
    settings = dataclasses.replace(settings, model=dataclasses.replace(settings.model, encoder=encoder))
    batch = next(PreparedStars(Bands(length=LENGTH), settings, training=False).evaluation_batches())
    assert (batch["weight"] > 0).sum() == 7, "four stars of two bands, two of two and one of one"
    both = batch["mask"].sum(1) > 0
    assert batch["band"].dtype == np.int32 and set(batch["band"][batch["mask"]]) == {1, 2} and both.all()
    kept = unpacked(batch["first_views"], grid_of(settings))
    assert kept.bands.folded.mean.shape == (8, 2, 2, 3, 8)
    for row in range(8):
        for slot in range(3):
            own = batch["first"][row] & (batch["band"][row] == slot)
            there, share, *_ = np.asarray(kept.bands.numbers[row, slot])
            assert there == own.any() and share == pytest.approx(own.sum() / batch["first"][row].sum(), abs=1e-5)
    # Shapes alone: nothing is compiled.
    shapes = lambda points: jax.eval_shape(views_of(settings), points)
    assert shapes(points_of(batch)).bands is not None and shapes({name: batch[name] for name in SERIES}).bands is None
