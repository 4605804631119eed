"""What the builders of surveys share: the card, settings, splits by object, repeated objects, bands, what is set aside."""

import dataclasses

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow_datasets as tfds

from data_pipelines.datasets.alert_builder import AlertBuilder
from data_pipelines.datasets.alert_checks import container, packet
from data_pipelines.datasets.light_curve_builder import LightCurveBuilder
from data_pipelines.datasets.survey_builder import PrepareSettings, SurveyBuilder
from data_pipelines.kinds.alerts.settings import AlertSettings
from data_pipelines.kinds.light_curves.cleaning import CleaningSettings
from data_pipelines.kinds.report import RecordReport
from lcjax.errors import ConfigError, DataError


class Plain(SurveyBuilder):
    """Numbers of made-up objects."""

    name = "plain_numbers"
    kind = "light_curves"
    homepage = "https://example.org/"
    citation = "Nobody 2026"

    def __init__(self, *, settings=None, split_of=None, **kwargs):
        self.start(settings)
        self.split_of, self.report = split_of or {"a": "test", "b": "train"}, RecordReport()
        super().__init__(**kwargs)

    def _features(self):
        return tfds.features.FeaturesDict({"name": tfds.features.Text()})

    def _generate_examples(self, split):
        yield from ((name, {"name": name}) for name, found in self.split_of.items() if found == split)


class Curves(LightCurveBuilder):
    """Made-up curves."""

    name = "made_up_curves"
    band = "V"


class Alerts(AlertBuilder):
    """Made-up alerts."""

    name = "made_up_alerts"
    survey = "ztf"


def test_the_card_and_the_splits_that_there_are(tmp_path):
    builder = Plain(data_dir=tmp_path)
    assert builder.info.description.strip() == "Numbers of made-up objects."
    assert builder.info.citation == "Nobody 2026" and builder.info.homepage == "https://example.org/"
    assert str(builder.version) == "1.0.0"
    found = builder._split_generators(None)
    assert list(found) == ["train", "test"] and [key for key, _ in found["test"]] == ["a"]
    builder.description = "Another."
    assert builder._info().description == "Another."


def test_every_option_group_of_the_kind_is_filled_in(tmp_path):
    builder = Plain(data_dir=tmp_path, settings=PrepareSettings(options={"cleaning": CleaningSettings(min_points=9)}))
    assert builder.settings.options["cleaning"].min_points == 9 and "columns" in builder.settings.options
    with pytest.raises(ConfigError, match=r"'plain_numbers' has no use for --alerts\.size"):
        Plain(data_dir=tmp_path, settings=PrepareSettings(options={"alerts": AlertSettings(size="any")}))


def curves(path, names, **columns):
    n = 8
    rows = {"id": list(names), "time": [np.arange(n) + 50_000.0] * len(names), "err": [np.full(n, 0.1)] * len(names)}
    rows["mag"] = [np.full(n, 12.0 + i) for i in range(len(names))]
    pq.write_table(pa.table(rows | columns), path)
    return path


def settings(*sources, **more):
    return PrepareSettings(sources=sources, fractions=(0.5, 0.25, 0.25), **more)


def records(builder):
    return {
        key: (split, record)
        for split in set(builder.split_of.values())
        for key, record in builder._generate_examples(split)
    }


def test_rows_of_one_star_are_put_together_and_the_band_is_that_of_the_survey(tmp_path):
    path = curves(tmp_path / "a.parquet", "abcda", label=["x", None, "y", "x", "z"], period=[1.0, None, 3.0, 4.0, 5.0])
    builder = Curves(data_dir=tmp_path, settings=settings(path))
    assert not builder.report.rejected and builder.report.points_read == 40
    assert builder.report.points_dropped["time repeated"] == 8  # of two points at one time one stays
    assert builder.report.label_conflicts == {"a": ("x", "z")}
    assert builder.class_names == ["x", "y"] and set(builder.split_of) == set("abcd")
    found = records(builder)
    assert set(found) == {f"{name}\tV" for name in "abcd"}
    split, record = found["a\tV"]
    assert split == builder.split_of["a"] and record["label"] == -1 and record["band"] in ("V", b"V")
    assert len(record["magnitude"]) == 8 and record["metadata"]["period"] == 1.0
    assert found["b\tV"][1]["label"] == -1 and np.isnan(found["b\tV"][1]["metadata"]["period"])


def test_a_class_given_with_any_band_is_that_of_the_object(tmp_path):
    path = curves(tmp_path / "a.parquet", "aab", band=["g", "r", "g"], label=[None, "x", None])
    builder = Curves(data_dir=tmp_path, settings=settings(path))
    found = records(builder)
    assert set(found) == {"a\tg", "a\tr", "b\tg"}
    assert [found[key][1]["label"] for key in sorted(found)] == [0, 0, -1]
    assert len({found[key][0] for key in ("a\tg", "a\tr")}) == 1 and not builder.report.rejected


def test_nothing_usable_is_one_sentence_with_the_first_reason(tmp_path):
    with pytest.raises(DataError, match="'made_up_curves' needs its survey files"):
        Curves(data_dir=tmp_path, settings=settings())
    path = curves(tmp_path / "a.parquet", "ab")
    strict = settings(path, options={"cleaning": CleaningSettings(min_points=20)})
    with pytest.raises(DataError, match="no usable light curve: 2 rejected; the first reason: fewer than 20 points"):
        Curves(data_dir=tmp_path, settings=strict)
    with pytest.raises(DataError, match="'made_up_alerts' needs alert files"):
        Alerts(data_dir=tmp_path, settings=settings())


def night(folder, packets):
    (folder / "a.avro").write_bytes(container(packets))
    return folder / "a.avro"


def test_alerts_of_one_object_are_in_one_split_and_classes_are_of_alerts(tmp_path):
    kinds = ({"ssdistnr": 0.5}, {})
    path = night(tmp_path, [packet(i, candidate=kinds[i // 2 % 2]) for i in range(12)] + [packet(3)])
    builder = Alerts(data_dir=tmp_path, settings=settings(path))
    report = builder.report
    assert (report.alerts_read, report.alerts_kept, report.objects) == (13, 12, 6)
    assert [r.reason for r in report.rejected] == ["alert repeated: the first one is kept"]
    assert builder.class_names == ["asteroid"] and report.labels == {"asteroid (solar-system)": 6, "unlabelled": 6}
    found = records(builder)
    assert set(found) == {f"ZTF{i // 2}\t{1000 + i}" for i in range(12)}
    assert [found[f"ZTF{i // 2}\t{1000 + i}"][1]["label"] for i in range(4)] == [0, 0, -1, -1]
    assert all(split == builder.split_of[key.split("\t")[0]] for key, (split, _) in found.items())
    assert found["ZTF0\t1000"][1]["stamps"].shape == (63, 63, 3) and report.with_missing_pixels == 0


def test_alerts_of_other_surveys_and_unequal_stamps_are_set_aside(tmp_path):
    odd = packet(2) | {"cutoutTemplate": packet(2, 30)["cutoutTemplate"]}
    path = night(tmp_path, [packet(0), odd])
    loose = {"alerts": AlertSettings(size="any")}
    builder = Alerts(data_dir=tmp_path, settings=settings(path, options=loose))
    assert [r.reason for r in builder.report.rejected] == ["stamp size: the stamps of one alert differ"]

    class Others(Alerts):
        """Of another survey."""

        name = "made_up_others"
        survey = "lsst"

    with pytest.raises(DataError, match="no usable alert: 2 rejected; the first reason: another survey: ztf"):
        Others(data_dir=tmp_path, settings=settings(path))


def test_what_is_left_out_by_choice_is_counted(tmp_path):
    path = night(tmp_path, [packet(i, candidate={"ssdistnr": 0.5}) for i in range(12)])
    asked = {"alerts": AlertSettings(keep="first", cap=("asteroid=4",))}
    builder = Alerts(data_dir=tmp_path, settings=settings(path, options=asked))
    assert dict(builder.report.left_out) == {
        "objects above --alerts.cap": 4,
        "other alerts of an object (--alerts.keep first)": 4,
    }
    assert set(records(builder)) == {f"{name}\t{1000 + 2 * int(name[3:])}" for name in builder.split_of}
    assert len(builder.split_of) == 4
    none = dataclasses.replace(asked["alerts"], cap=("asteroid=0",))
    with pytest.raises((DataError, ConfigError), match="cap"):
        Alerts(data_dir=tmp_path, settings=settings(path, options={"alerts": none}))
