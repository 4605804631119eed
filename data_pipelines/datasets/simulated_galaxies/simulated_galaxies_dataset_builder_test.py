"""simulated_galaxies: batches carry the stamps and votes that the seed gives; a galaxy is in one split with all its bands."""

import numpy as np
import pytest

from data_pipelines.kinds.images.galaxies import GalaxySettings
from data_pipelines.kinds.images.source import ImageSource
from data_pipelines.prepare import prepare
from data_pipelines.simulate.galaxies import BANDS, VOTES, simulate_galaxy, simulate_stamp, vote_chances
from lcjax.errors import ConfigError


def test_prepared_and_read(tmp_path):
    settings = GalaxySettings(survey="clash", bands_of_each=3, side=16)
    done = prepare(
        "simulated_galaxies", [], tmp_path, n_objects=12, seed=4, fractions=(0.5, 0.25, 0.25), galaxies=settings
    )
    seen = {}
    for split in ("train", "validation", "test"):
        source = ImageSource(done.manifest.folder, split, 5, reader="plain")
        assert set(source.target_names) == set(VOTES)
        order = [VOTES.index(name) for name in source.target_names]
        for batch in source.evaluation_batches():
            for i in np.flatnonzero(batch["weight"]):
                number = int(batch["object_id"][i].split("-")[-1])
                seen.setdefault(number, []).append(split)
                pixels, votes = simulate_stamp(simulate_galaxy(4, number), str(batch["band"][i]), "clash", 16)
                np.testing.assert_array_equal(batch["image"][i, :, :, 0], pixels)
                np.testing.assert_allclose(batch["target"][i], votes[order], atol=1e-7)
    assert len(seen) == 12 and all(len(set(splits)) == 1 and len(splits) == 3 for splits in seen.values())


def test_votes_follow_what_can_be_seen():
    galaxies = [simulate_galaxy(0, i) for i in range(300)]
    for galaxy in galaxies[:40]:
        for signal in (1.0, 1e4):
            assert vote_chances(galaxy, signal, 0.1).sum() == pytest.approx(1.0)
    faint, bright = (np.mean([vote_chances(g, s, 0.1)[4] for g in galaxies]) for s in (3.0, 3000.0))
    assert faint > 0.9 > 0.1 > bright
    disk = next(g for g in galaxies if g.kind == 1 and g.radius > 0.8)
    assert vote_chances(disk, 3000.0, 0.1)[1] > 0.8 > vote_chances(disk, 3000.0, 2.0)[1]
    red = [g for g in galaxies if g.kind == 0]
    assert np.mean([g.slope for g in red]) > 1.5 and len(BANDS) == 16
    light = simulate_stamp(disk, "F160W", "candels", 20)[0]
    assert light[8:12, 8:12].mean() > light[:4].mean()
    assert (simulate_stamp(disk, "F160W", "candels", 20)[0] == light).all()


def test_refused(tmp_path):
    with pytest.raises(ConfigError, match="no band 'F435W' in candels"):
        prepare("simulated_galaxies", [], tmp_path, n_objects=2, galaxies=GalaxySettings(bands=("F435W",)))
    with pytest.raises(ConfigError, match="8 or more"):
        GalaxySettings(side=2)
