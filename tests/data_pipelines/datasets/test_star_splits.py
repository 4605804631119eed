"""Objects of alerts, and of any records that say where they are, are split by place: within a dataset, across datasets and surveys."""

import numpy as np
import pytest

from data_pipelines.datasets import record_builder
from data_pipelines.datasets.alert_checks import container, packet
from data_pipelines.kinds.alerts.records import STAMPS
from data_pipelines.kinds.alerts.settings import AlertSettings
from data_pipelines.kinds.alerts.source import StampSource
from data_pipelines.kinds.base import Kind
from data_pipelines.kinds.reading import PrepareSettings
from data_pipelines.kinds.star_settings import StarSettings
from data_pipelines.prepare import prepare
from data_pipelines.shards.layout import RecordLayout
from data_pipelines.shards.leaks import leaking_stars, say_what_it_trained_on
from data_pipelines.shards.stars import STARS, find_leaks, make_stars, note_place, read_stars, same_stars, star_groups
from data_pipelines.shards.writing import write_manifest, write_shards
from lcjax.errors import ConfigError, DataError
from tests.data_pipelines.alerts import rubin

ARCSEC = 1 / 3600
N = 30
RA = np.linspace(10, 300, N)


def ztf(path, prefixes, shift=0.0):
    """Objects `<prefix><i>` with an alert each at place i, `shift` arcseconds north."""
    made = []
    for k, prefix in enumerate(prefixes):
        places = [{"ra": float(ra), "dec": -5 + (shift + k) * ARCSEC} for ra in RA]
        made += [packet(100 * k + i, objectId=f"{prefix}{i}", candidate=place) for i, place in enumerate(places)]
    path.write_bytes(container(made, "deflate", 1 << 20))
    return path


def splits(done):
    stars = read_stars(done.manifest)
    return dict(zip(stars.ids.tolist(), stars.splits.tolist(), strict=True))


@pytest.fixture(scope="module")
def surveys(tmp_path_factory):
    """ZTF alerts of objects that have two ids each, and Rubin's of the same places."""
    root = tmp_path_factory.mktemp("alerts")
    one = prepare("ztf_alerts", [ztf(root / "z.avro", "ab")], root, name="north", shards=1, fractions=(0.6, 0.2, 0.2))
    packets = [rubin.packet(i, ra=float(ra), dec=-5 + ARCSEC) for i, ra in enumerate(RA)]
    (root / "r.avro").write_bytes(container(packets, schema=rubin.schema()))
    return one, prepare("lsst_alerts", [root / "r.avro"], root, shards=1, fractions=(0.6, 0.2, 0.2))


def test_ids_at_one_place_share_a_split(surveys, tmp_path):
    north, _ = surveys
    found = splits(north)
    assert len(found) == 2 * N and set(found.values()) == {"train", "validation", "test"}
    assert all(found[f"a{i}"] == found[f"b{i}"] for i in range(N))
    assert north.rows()["split together"].startswith(f"{N} ids") and find_leaks([north.manifest]).count == 0
    source, asked = ztf(tmp_path / "z.avro", "ab"), StarSettings(arcsec=0.0)
    apart = splits(prepare("ztf_alerts", [source], tmp_path, name="apart", shards=1, stars=asked))
    assert any(apart[f"a{i}"] != apart[f"b{i}"] for i in range(N))


def test_leaks_between_surveys_of_alerts(surveys):
    done = surveys
    folders = [d.manifest.folder for d in done]
    north, west = map(splits, done)
    name = lambda i: str(2 * 10**17 + i)
    leaking = {x for i in range(N) for x in (f"a{i}", f"b{i}") if north[x] == "train" != west[name(i)]}
    leaking |= {name(i) for i in range(N) if west[name(i)] == "train" != north[f"a{i}"]}
    without = leaking_stars(folders, "leave_out", print)
    assert set().union(*without["train"].values()) == leaking and len(leaking) > 5
    for folder in folders:  # the surveys' stamps are of two sizes, so they are read one by one
        seen = {
            i
            for batch in StampSource(folder, "train", 4, reader="plain", without=without["train"]).evaluation_batches()
            for i in batch["object_id"]
        }
        assert seen and not seen & leaking
    trained = {"data": {"paths": [str(folders[0])]}}
    both = sum(north[f"a{i}"] != "test" and west[name(i)] == "test" for i in range(N))
    assert say_what_it_trained_on(trained, folders[1:], "test", print) == 2 * both > 0


def test_a_survey_is_split_as_another_one_is(surveys, tmp_path):
    north, _ = surveys
    like = StarSettings(like=(north.manifest.folder,))
    done = prepare("ztf_alerts", [ztf(tmp_path / "z.avro", "xa", 0.5)], tmp_path, name="like", shards=1, stars=like)
    found, there = splits(done), splits(north)
    assert all(found[f"x{i}"] == found[f"a{i}"] == there[f"a{i}"] for i in range(N))
    with pytest.raises(ConfigError, match=r"--alerts.per-class and --stars.like both"):
        asked = {"stars": like, "alerts": AlertSettings(per_class=1)}
        prepare("ztf_alerts", [tmp_path / "z.avro"], tmp_path, name="both", **asked)


def test_equal_ids_are_one_object_wherever_they_are(tmp_path):
    """An object whose first alert lies elsewhere in another dataset is the same one still; light curves' ids are less sure."""
    here, there = {"s": "train"}, {"s": "test"}
    for same, pairs in ((True, 1), (False, 0)):
        tables = [make_stars(here, {"s": (10.0, 0.0)}, 1.5, same), make_stars(there, {"s": (10.0, 0.01)}, 1.5, same)]
        assert len(same_stars(tables)) == pairs


def test_what_moves_has_no_place():
    places = {}
    for ra, dec in ((10.0, 5.0), (10.0, 5 + ARCSEC), (10.0, np.nan)):
        note_place(places, "star", ra, dec)
    for dec in (5.0, 5.1, 5.0):
        note_place(places, "asteroid", 10.0, dec)
    note_place(places, "pole", 0.0, 90.0)
    note_place(places, "pole", 180.0, 90.0)
    assert places["star"] == (10.0, 5.0) and places["pole"] == (0.0, 90.0) and np.isnan(places["asteroid"]).all()


def test_datasets_from_before_there_were_places_are_looked_up_in_their_index(surveys, tmp_path, capfd):
    """A single one is not changed, so that runs go on, but said."""
    folders = []
    for place in ("one", "two"):
        source = ztf(tmp_path / f"{place}.avro", "ab" if place == "one" else "xy")
        done = prepare("ztf_alerts", [source], tmp_path, name=place, shards=1, stars=StarSettings(arcsec=0.0))
        (done.manifest.folder / STARS).unlink()
        folders.append(write_manifest(done.manifest.folder, STAMPS).folder)
    leaks = leaking_stars(folders, "leave_out", print)["train"]
    assert {name[0] for ids in leaks.values() for name in ids} == set("abxy")
    capfd.readouterr()
    assert leaking_stars(folders[:1], "leave_out", print) == {}
    assert "was not split by place" in capfd.readouterr().out


def test_fields_at_made_up_places_are_told_apart_by_id(tmp_path):
    """Host fields of before lie all at ra 0, dec 0."""
    stamps = np.ones((2, 2, 1), np.float32)
    folder = tmp_path / "fields" / "1.0.0"
    for split, ids in (("train", range(80)), ("test", range(79, 120))):
        records = [STAMPS.encode(f"f{i}", alert_id=i, mjd=0.0, ra=0.0, dec=0.0, survey="", stamps=stamps, pixel_scale=1.0,
                                 metadata={"host_dx": 0.0}) for i in ids]  # fmt: skip
        write_shards(folder, "fields", split, records, STAMPS)
    stars = read_stars(write_manifest(folder, STAMPS))
    assert not np.isfinite(stars.places).any() and len(stars) == 120


def test_any_records_with_places_are_split_by_place(tmp_path, monkeypatch):
    class Placed(Kind):
        name, unit = "placed", "spectra"
        layout = RecordLayout("placed", series={"flux": ("length",)}, exact=("ra", "dec"))

        def read_files(self, paths, settings, report):
            for i in range(40):
                for prefix in "ab":
                    yield self.layout.encode(f"{prefix}{i}", flux=np.ones(3), ra=9.0 * i, dec=1.0, label=None)

    class Spectra(record_builder.RecordBuilder):
        """Made up."""

        name, kind = "spectra_somewhere", "placed"

    kind = Placed()
    monkeypatch.setattr(record_builder, "find_kind", lambda name: kind)
    monkeypatch.setattr("data_pipelines.datasets.options.find_kind", lambda name: kind)
    builder = Spectra(settings=PrepareSettings((tmp_path,)), data_dir=tmp_path)
    assert all(builder.split_of[f"a{i}"] == builder.split_of[f"b{i}"] for i in range(40))
    assert builder.report.rows({})["split together"].startswith("40 ids")


def test_a_crowd_is_refused_before_its_pairs_fill_the_memory():
    crowd = make_stars(dict.fromkeys(map(str, range(3000)), ""), {str(i): (10.0, 5.0) for i in range(3000)}, 2.0)
    with pytest.raises(DataError, match=r"3,000 ids have 2,999 others within 2 arcsec .*--stars.arcsec"):
        star_groups(crowd)
