"""Spectral templates: what a band sees of one, files and sncosmo, and what is none."""

import numpy as np
import pytest

from data_pipelines.simulate.sed_templates import DARK, SedTemplate, read_template, templates_of
from lcjax.errors import ConfigError, DataError

DAYS, WAVES = np.arange(-15.0, 45.0, 2.0), np.arange(3000.0, 10000.0, 100.0)


def grid(peak_day=5.0, slope=-1.0):
    """A Gaussian in time, a power law in wavelength."""
    return np.exp(-0.5 * ((DAYS - peak_day) / 10) ** 2)[:, None] * (WAVES / 5510.0) ** slope


def write(path, flux, days=DAYS, waves=WAVES):
    rows = [(day, wave, flux[i, j]) for i, day in enumerate(days) for j, wave in enumerate(waves)]
    np.random.default_rng(0).shuffle(rows)
    np.savetxt(path, rows)
    return str(path)


def test_a_file_is_brought_to_its_maximum_and_to_visual_magnitude_0(tmp_path):
    found = read_template(write(tmp_path / "a.dat", 7e-15 * grid()))
    assert found.magnitude(np.zeros(1), 551.0)[0] == pytest.approx(0, abs=1e-6)
    # 20 days after a Gaussian's maximum of 10 days; AB colour of a flux per wavelength that falls with it.
    assert found.magnitude(np.array([20.0]), 551.0)[0] == pytest.approx(1.0857 * 2.0, abs=0.01)
    assert found.magnitude(np.zeros(1), 800.0)[0] == pytest.approx(-2.5 * np.log10(800 / 551), abs=0.01)
    assert found.magnitude(np.array([-30.0]), 551.0)[0] == DARK
    late = found.magnitude(np.array([40.0, 50.0, 60.0]), 551.0)
    assert late[2] - late[1] == pytest.approx(late[1] - late[0], abs=0.3) and late[1] > late[0]


def test_a_wavelength_without_light_is_dark():
    flux = grid(0.0)
    flux[:, WAVES < 4500] = 0
    found = SedTemplate(DAYS, WAVES / 10, flux)
    assert found.magnitude(np.zeros(1), 350.0)[0] > 5 and np.all(np.isfinite(found.magnitude(DAYS, 350.0)))


def test_a_source_of_sncosmo(monkeypatch):
    """One that needs no download; names that are none are one sentence."""
    sncosmo = pytest.importorskip("sncosmo", reason="needs sncosmo (extra test or supernovae)")
    source = sncosmo.TimeSeriesSource(DAYS, WAVES, grid(0.0, -2.0), zero_before=True)
    monkeypatch.setattr(sncosmo, "get_source", lambda name: source if name == "mine" else sncosmo.Oops)
    found = templates_of(["SNIa=mine"])["SNIa"]
    assert found.magnitude(np.array([10.0]), 700.0)[0] == pytest.approx(1.0857 * 0.5, abs=0.05)
    with pytest.raises(ConfigError, match=r"'other'"):
        read_template("other")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.unlink(), "there is no template"),
        (lambda path: path.write_text("what is this"), "no table of numbers"),
        (lambda path: path.write_text(""), "no table of numbers"),
        (lambda path: np.savetxt(path, np.ones((30, 2))), "2 columns"),
        (lambda path: np.savetxt(path, np.loadtxt(path)[:-3]), "no grid"),
        (lambda path: write(path, grid(), waves=WAVES / 10), "in Angstrom"),
        (lambda path: write(path, grid() - 0.5), "least flux"),
        (lambda path: write(path, np.ones_like(grid())), "never changes"),
    ],
)
def test_what_is_no_template(tmp_path, damage, said):
    path = tmp_path / "a.dat"
    write(path, grid())
    damage(path)
    with pytest.raises(DataError, match=said):
        read_template(str(path))
    with pytest.raises(ConfigError, match="CLASS=TEMPLATE"):
        templates_of([str(path)])
