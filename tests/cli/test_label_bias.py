"""`lcjax label-bias`: from files of any format to numbers and pictures; what can mean two things is refused in a sentence."""

import json
import re

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from data_pipelines.sources.catalogues import CatalogueTable
from lcjax.cli.main import main
from lcjax.evaluation import label_bias_simulation as simulation
from lcjax.evaluation.labelled_catalogue import CatalogueColumns, LabelOptions, labelled_catalogue

QUICK = ["--draws", "10", "--permutations", "20", "--depth", "3", "--bins", "3"]
WHICH = ["--intrinsic", *simulation.INTRINSIC, "--observed", *simulation.OBSERVED]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    rng = np.random.default_rng(0)
    table = simulation.simulated_catalogue(rng, 3000)
    label = simulation.biased_labels(rng, table, 1.0)
    table |= {"kind": np.array(["E", "S"])[label], "number": label + 0.0}
    table |= {"p_s": np.clip(label * 0.9 + 0.05, 0, 1), "p_e": 0.95 - label * 0.9, "flat": np.zeros(3000)}
    table["magnitude"][:30] = np.nan
    table["p_s"][-7:] = table["p_e"][-7:] = 0.5
    table["dirty"] = np.where(np.arange(3000) % 20 == 0, -9999.0, table["redshift"])
    folder = tmp_path_factory.mktemp("catalogue")
    pq.write_table(pa.table(table), folder / "c.parquet")
    pa.csv.write_csv(pa.table(table), folder / "c.csv")
    from astropy.table import Table

    Table(table).write(folder / "c.fits")
    return folder


def run(folder, *arguments, name="c.parquet"):
    return main(["label-bias", str(folder / name), *arguments])


def test_formats_and_labels_say_the_same(folder, tmp_path, capsys):
    found = {}
    for name in ("c.parquet", "c.csv", "c.fits"):
        for label in (["kind"], ["number"], ["p_s", "p_e", "--thresholds", "0.8"]):
            out = tmp_path / "s.json"
            assert run(folder, "--labels", *label, *WHICH, *QUICK, "--json", str(out), name=name) == 0
            found[name, label[0]] = json.loads(out.read_text())
    assert {v["all_objects"]["bias"] for (_, label), v in found.items() if label != "p_s"} == {
        found["c.csv", "kind"]["all_objects"]["bias"]
    }
    first = found["c.parquet", "kind"]
    assert first["objects"] == 2970 and found["c.fits", "p_s"]["objects"] == 2963
    assert found["c.parquet", "number"]["classes"].keys() == {"0", "1"}
    assert first["classes"].keys() == {"E", "S"} and first["bins"]["reference"]["radius_over_seeing"] == "high"
    assert [row["of"] for row in first["scores"]][:3] == ["all", "magnitude", "radius_over_seeing"]
    assert any("30 of 3,000 rows have no 'magnitude'" in text for text in first["remarks"])
    assert first["all_objects"]["p_value"] < 0.06 and "7 rows reach no threshold" in capsys.readouterr().out


def test_search_and_report(folder, tmp_path, capsys):
    arguments = [*WHICH, "--draws", "5", "--permutations", "5", "--report", str(tmp_path)]
    assert run(folder, "--labels", "kind", *arguments) == 0
    assert "bins searched for" in capsys.readouterr().out
    page = (tmp_path / "report" / "index.html").read_text()
    assert page.count("<img") == 2 and "radius_over_seeing, class S" in page


SAID = ["--intrinsic", "radius_kpc", "--observed", "magnitude", "radius_over_seeing"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--labels", "kinds", *SAID], "has no column 'kinds': did you mean 'kind'?"),
        (["--labels", "kind", "--intrinsic", "Redshift", "--observed", "magnitude", "--reference", "low"], "mean 'redshift'"),
        (["--labels", "kind", "--intrinsic", "flat", *SAID[2:]], "'flat' is 0 for all objects"),
        (["--labels", "kind", "--intrinsic", "magnitude", *SAID[2:]], "'magnitude' is given twice"),
        (["--labels", "kind", "--intrinsic", "kind", *SAID[2:]], "'kind' is given twice"),
        (["--labels", "number", "--intrinsic", "kind", *SAID[2:]], "'kind' of .* has no number in any of 3,000 rows"),
        (["--labels", "p_s", *SAID], "holds probabilities: say with --thresholds"),
        (["--labels", "radius", "--intrinsic", "redshift", *SAID[2:]], "2,970 different classes"),
        (["--labels", "p_s", "p_e", *SAID], "2 columns of labels .* are probabilities: give --thresholds"),
        (["--labels", "flat", *SAID], "all objects have the same class"),
        (["--labels", "kind", "--intrinsic", "radius_kpc", "--observed", "magnitude"], "where labels are best is not known of 1"),
        (["--labels", "kind", *SAID, "--reference", "low"], "--reference says 1 ends for 2 observables"),
        (["--labels", "kind", *SAID, "--depth", "9", "--bins", "8"], "512 leaves of 8 bins with 10 objects each need 40,960"),
        (["--labels", "kind", *SAID, "--bins", "8"], "--bins without --depth"),
        (["--labels", "kind", *SAID, "--classes", "X"], "has no class 'X': it has E, S"),
        (["--labels", "kind", *SAID, "--keep-undecided"], "--keep-undecided is for probabilities"),
        (["--labels", "kind", *SAID, "--depth", "1", "--bins", "2", "--draws", "1"], "--draws is 2 or more"),
    ],
)  # fmt: skip
def test_what_is_refused(folder, capsys, arguments, said):
    assert run(folder, *arguments) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and re.search(said, error), error


def test_no_catalogue(tmp_path, capsys):
    (tmp_path / "a.txt").write_text("x")
    for name, said in (("none.csv", "there is no file"), ("a.txt", "of no known format")):
        assert (
            run(tmp_path, "--labels", "a", "--intrinsic", "b", "--observed", "c", "--reference", "low", name=name) == 2
        )
        assert said in capsys.readouterr().err


def test_marks_of_missing_values_are_told(folder, tmp_path, capsys):
    dirty = ["--labels", "kind", "--intrinsic", "dirty", *SAID[2:], *QUICK]
    assert run(folder, *dirty) == 0
    assert "give --columns.missing -9999" in capsys.readouterr().out
    assert run(folder, *dirty, "--columns.missing", "-9999", "--json", str(tmp_path / "s.json")) == 0
    assert json.loads((tmp_path / "s.json").read_text())["objects"] == 2970 - 150 + 2  # two lack both


def test_marks_of_missing_values_in_single_precision(tmp_path):
    """-99.9 of a float32 column is -99.9000015."""
    rng = np.random.default_rng(0)
    columns = {"label": np.repeat(["a", "b"], 50), "alpha": rng.normal(size=100), "beta": rng.normal(size=100)}
    columns["beta"][::4] = -99.9
    columns["beta"] = columns["beta"].astype(np.float32)
    pq.write_table(pa.table(columns), tmp_path / "c.parquet")
    table = lambda wanted: CatalogueTable.read(tmp_path / "c.parquet", wanted)
    meant = CatalogueColumns(missing=(-99.9,))
    found = labelled_catalogue(table, ["label"], ["alpha"], ["beta"], LabelOptions(), meant)[0]
    assert len(found) == 75


def test_rows_are_shuffled_so_that_ties_do_not_follow_the_classes(tmp_path):
    """A catalogue sorted by class, of coarse magnitudes: without the shuffle every bin edge would part the classes."""
    label = np.repeat(["a", "b"], 500)
    coarse = np.tile([1.0, 2.0], 500)
    rng = np.random.default_rng(0)
    pq.write_table(pa.table({"label": label, "alpha": rng.normal(size=1000), "beta": coarse}), tmp_path / "c.parquet")
    table = lambda wanted: CatalogueTable.read(tmp_path / "c.parquet", wanted)
    read = lambda: labelled_catalogue(table, ["label"], ["alpha"], ["beta"], LabelOptions(), CatalogueColumns())
    catalogue, said = read()
    assert np.abs(catalogue.observed[0].label[:250].mean() - 0.5) < 0.15
    assert "100.0% of the objects share their 'beta'" in said[-1].text
    assert (read()[0].label == catalogue.label).all()


def test_a_catalogue_listed_twice_is_no_evidence(folder, tmp_path, capsys):
    """Each copy counts as evidence, and chance becomes significant: many are refused until it is said what they are."""
    table = pq.read_table(folder / "c.parquet")
    pq.write_table(pa.concat_tables([table, table]), tmp_path / "twice.parquet")
    pq.write_table(pa.concat_tables([table, table.slice(100, 9)]), tmp_path / "few.parquet")
    ask = ["--labels", "kind", *WHICH, *QUICK, "--json", str(tmp_path / "s.json")]
    objects = lambda: json.loads((tmp_path / "s.json").read_text())["objects"]
    assert run(tmp_path, *ask, name="twice.parquet") == 2
    assert "2,970 of 5,940 rows" in (said := capsys.readouterr().err) and "say --columns.copies drop" in said
    assert run(tmp_path, *ask, "--columns.copies", "drop", name="twice.parquet") == 0 and objects() == 2970
    assert run(tmp_path, *ask, "--columns.copies", "keep", name="twice.parquet") == 0 and objects() == 5940
    assert run(tmp_path, *ask, name="few.parquet") == 0 and objects() == 2979
    assert "9 of 2,979 rows" in capsys.readouterr().out.replace("\n", " ")
