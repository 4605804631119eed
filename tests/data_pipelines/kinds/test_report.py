"""What is printed after a dataset was prepared."""

from data_pipelines.kinds.alerts.settings import AlertReport
from data_pipelines.kinds.light_curves.cleaning import CleaningReport
from data_pipelines.kinds.report import RecordReport, Report
from lcjax.errors import Rejection


def test_every_report_says_what_was_kept_and_set_aside():
    rejected = [Rejection("a", "too faint: 25 mag", "f#0"), Rejection("b", "too faint: 26 mag", "f#1")]
    reports: list[Report] = [
        RecordReport("spectra", 5, 3, rejected),
        CleaningReport(curves_kept=3, rejected=rejected),
        AlertReport(alerts_read=5, alerts_kept=3, rejected=rejected, choices={"keep": "all"}),
    ]
    for report, unit in zip(reports, ("spectra", "light curves", "alerts"), strict=True):
        rows = report.rows({"train": 2, "validation": 0, "test": 1})
        assert next(iter(rows)) == f"{unit} kept" and "2 train, 1 test" in rows[f"{unit} kept"]
        assert rows["rejected"] == "2 (2 too faint)"
        assert {"too faint": 2} in report.as_dict().values()
    assert reports[2].as_dict()["keep"] == "all"


def test_an_object_without_its_spectrum_is_one_object_that_is_kept():
    report = RecordReport("objects")
    for found in (
        {"object_id": "a"},
        Rejection("a", "spectrum left out: nm", "f", partial=True),
        Rejection("b", "no id: 3", "f"),
    ):
        report.count(found)
    rows = report.rows({"train": 1})
    assert rows["objects kept"] == "1 of 2 (1 train)" and rows["rejected"] == "1 (1 no id)"
    assert rows["parts left out"] == "1 (1 spectrum left out)"
    assert report.as_dict()["parts_left_out"] == {"spectrum left out": 1}
