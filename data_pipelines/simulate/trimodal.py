"""Simulated stars of three modalities: stellar parameters -> spectrum, light curve, colours and catalogue columns.

Star i depends on (seed, i) alone. What the modalities share is what real ones share: the temperature sets the slope and lines of the
spectrum and the colours, the luminosity the absolute magnitudes, period and amplitude the light curve and the catalogue. Nothing
else tells the class, and classes overlap.
"""

from dataclasses import dataclass

import numpy as np

from data_pipelines.simulate.variables import VARIABLES

Generator = np.random.Generator


@dataclass(frozen=True)
class StarClass:
    """Where stars of a class lie, and how they vary."""

    share: float
    """Of all stars; as in the table of classes of arXiv 2411.08842."""
    model: str
    """Of `simulate.variables`."""
    temperature: tuple[float, float]
    """Mean and standard deviation, K."""
    magnitude: tuple[float, float]
    """Absolute, V band."""
    gravity: float
    """log10 g, cgs."""
    amplitude: float = 1.0
    """Factor of the light curve."""


CLASSES: dict[str, StarClass] = {
    "DSCT": StarClass(0.03, "DSCT", (7400, 350), (2.0, 0.5), 4.0, 0.35),
    "EA": StarClass(0.136, "EA", (6800, 1100), (3.2, 1.2), 4.2),
    "EB": StarClass(0.092, "EB", (6700, 900), (3.0, 1.0), 4.1),
    "EW": StarClass(0.25, "EW", (5800, 450), (4.2, 0.7), 4.4),
    "HADS": StarClass(0.03, "DSCT", (7300, 300), (1.6, 0.4), 3.8),
    "M": StarClass(0.03, "MIRA", (3000, 150), (-1.5, 0.7), 0.0),
    "ROT": StarClass(0.09, "ROT", (4600, 450), (6.0, 1.0), 4.5, 0.6),
    "RRAB": StarClass(0.11, "RRab", (6500, 250), (0.6, 0.2), 2.7),
    "RRC": StarClass(0.042, "RRc", (7000, 250), (0.6, 0.2), 2.8),
    "SR": StarClass(0.19, "SR", (3400, 200), (-0.8, 0.8), 0.8),
}
"""Class -> its stars."""
BALMER = (6562.8, 4861.3, 4340.5, 4101.7, 3970.1)
METALS = (3933.7, 3968.5, 4226.7, 5167.3, 5172.7, 5183.6, 5270.0, 5328.0, 5890.0, 5895.9, 8498.0, 8542.1, 8662.1)
TITANIUM_OXIDE = (4760.0, 4954.0, 5167.0, 5448.0, 5847.0, 6158.0, 6651.0, 7053.0, 7589.0, 8206.0, 8432.0)
"""Heads of the bands, Angstrom: they absorb redwards."""
COLOURS = {"bp": 5110.0, "g": 6220.0, "rp": 7770.0, "j": 12350.0, "h": 16620.0, "k": 21590.0, "w1": 33526.0, "w2": 46028.0,
           "w3": 115608.0, "w4": 220883.0}  # fmt: skip
"""Band -> wavelength, Angstrom."""


@dataclass(frozen=True)
class SimulatedStar:
    """One star as files would have it."""

    object_id: str
    label: str
    curve: np.ndarray
    """(M, 3) HJD, flux in mJy, error."""
    spectrum: np.ndarray
    """(X, 3) Angstrom, flux, inverse variance."""
    numbers: dict[str, float]
    """The 38 catalogue columns."""
    ra: float
    dec: float


def planck(wavelength: np.ndarray | float, temperature: float) -> np.ndarray:
    """Flux of a black body per wavelength, arbitrary units; wavelength in Angstrom."""
    wavelength = np.asarray(wavelength, float)
    x = np.minimum(1.4388e8 / (wavelength * temperature), 700)
    return (wavelength / 5000.0) ** -5 / np.expm1(x)


def continuum_and_lines(wavelength: np.ndarray, temperature: float, gravity: float, metallicity: float) -> np.ndarray:
    """A spectrum without noise, about 1 at its middle: black body, Balmer lines strongest at 9500 K, metal lines and bands of
    titanium oxide that grow towards cool stars, lines wider at high gravity.
    """
    flux = planck(wavelength, temperature)
    flux = flux / np.median(flux)
    hydrogen = 0.75 * np.exp(-(((np.log(temperature) - np.log(9500)) / 0.28) ** 2))
    width = 6.0 + 2.5 * max(gravity, 0.0) * (temperature / 7000.0)
    absorbed = sum(hydrogen * np.exp(-0.5 * ((wavelength - line) / width) ** 2) for line in BALMER)
    metal = float(np.clip(0.75 * (6800.0 - temperature) / 3000.0 + 0.25 * metallicity + 0.15, 0.02, 0.8))
    absorbed = absorbed + sum(metal * np.exp(-0.5 * ((wavelength - line) / 5.0) ** 2) for line in METALS)
    oxide = float(np.clip((4000.0 - temperature) / 1200.0, 0.0, 0.75))
    for head in TITANIUM_OXIDE:
        behind = wavelength - head
        absorbed = absorbed + np.where(behind > 0, oxide * np.exp(-np.maximum(behind, 0) / 120.0), 0.0)
    return flux * np.exp(-absorbed)


def _dates(rng: Generator) -> np.ndarray:
    """HJD of an ASAS-SN-like season pattern over four to six years."""
    span = rng.uniform(1400, 2200)
    nights = np.arange(0, span, rng.uniform(2.0, 5.0))
    seen = nights[np.cos(2 * np.pi * (nights / 365.25 + rng.random())) > rng.uniform(-0.6, 0.0)]
    seen = seen[rng.random(len(seen)) < rng.uniform(0.4, 0.9)] + rng.uniform(-0.15, 0.15)
    return 2_456_000.0 + np.sort(seen + rng.uniform(-0.1, 0.1, len(seen)))


def simulate_star(index: int, seed: int, grid: np.ndarray | None = None) -> SimulatedStar:
    """Star `index` of the survey `seed`.

    Args:
      grid: wavelengths of the spectrum, Angstrom; None: as LAMOST has them.
    """
    rng = np.random.default_rng([seed, index, 3])
    names, shares = list(CLASSES), np.array([c.share for c in CLASSES.values()])
    label = names[int(rng.choice(len(names), p=shares / shares.sum()))]
    kind = CLASSES[label]
    temperature = float(np.clip(rng.normal(*kind.temperature), 2500, 12000))
    absolute, metallicity = float(rng.normal(*kind.magnitude)), float(np.clip(rng.normal(-0.3, 0.4), -2.5, 0.5))
    distance = 10 ** rng.uniform(2.2, 3.5)  # parsec
    apparent = absolute + 5 * np.log10(distance) - 5 + 0.0004 * distance
    dates = _dates(rng)
    delta, period = VARIABLES[kind.model](rng, dates)
    delta = (delta - np.median(delta)) * kind.amplitude
    flux = 3.6e6 * 10 ** (-0.4 * (apparent + delta))
    error = np.hypot(0.012 * flux, 0.03 * 3.6e6 * 10 ** (-0.4 * (apparent + 1.0)))
    curve = np.stack([dates, flux + error * rng.normal(size=len(dates)), error], axis=1)
    wavelength = 10 ** (3.5682 + 1e-4 * np.arange(3904)) if grid is None else grid
    clean = continuum_and_lines(wavelength, temperature, kind.gravity, metallicity) * rng.uniform(50, 5000)
    noise = np.median(clean) / rng.uniform(8, 60)
    spectrum = np.stack(
        [wavelength, clean + noise * rng.normal(size=len(clean)), np.full(len(clean), noise**-2)], axis=1
    )
    numbers = _catalogue(rng, temperature, apparent, distance, delta, period)
    ra, dec = rng.uniform(0, 360), np.degrees(np.arcsin(rng.uniform(-0.2, 1)))
    return SimulatedStar(f"sim-{seed}-{index:06d}", label, curve, spectrum, numbers, float(ra), float(dec))


def _catalogue(
    rng: Generator, temperature: float, apparent: float, distance: float, delta: np.ndarray, period: float
) -> dict[str, float]:
    """The columns of the published catalogue."""
    reference = planck(5500.0, temperature) / planck(5500.0, 9500.0)
    colour = lambda wave: -2.5 * float(np.log10(planck(wave, temperature) / planck(wave, 9500.0) / reference))
    magnitude = {name: apparent + colour(wave) + rng.normal(0, 0.03) for name, wave in COLOURS.items()}
    error = {name: float(0.002 * 10 ** (0.12 * (value - 10)) + 0.001) for name, value in magnitude.items()}
    parallax_error = float(10 ** rng.normal(-1.7, 0.15))
    parallax = 1000 / distance + parallax_error * rng.normal()
    motion = rng.normal(0, 30 * 300 / distance, 2)
    values = {
        "mean_vmag": apparent + rng.normal(0, 0.02),
        **{f"phot_{b}_mean_mag": magnitude[b] for b in ("g", "bp", "rp")},
        **{f"e_phot_{b}_mean_mag": error[b] for b in ("g", "bp", "rp")},
        "bp_rp": magnitude["bp"] - magnitude["rp"],
        "parallax": parallax,
        "parallax_error": parallax_error,
        "parallax_over_error": parallax / parallax_error,
        "pmra": motion[0],
        "pmra_error": parallax_error * 1.1,
        "pmdec": motion[1],
        "pmdec_error": parallax_error * 1.1,
        **{f"{b}_mag": magnitude[b] for b in ("j", "h", "k", "w1", "w2", "w3", "w4")},
        **{f"e_{b}_mag": error[b] + 0.02 for b in ("j", "h", "k", "w1", "w2")},
        "j_k": magnitude["j"] - magnitude["k"],
        "w1_w2": magnitude["w1"] - magnitude["w2"],
        "w3_w4": magnitude["w3"] - magnitude["w4"],
        "pm": float(np.hypot(*motion)),
        "ruwe": float(np.exp(rng.normal(0.03, 0.1))),
        "l": rng.uniform(0, 360),
        "b": float(np.degrees(np.arcsin(rng.uniform(-1, 1)))),
        "amplitude": float(np.ptp(delta) * np.exp(rng.normal(0, 0.05))),
        "period": period if np.isfinite(period) else float(rng.uniform(20, 500)),
        "lksl_statistic": float(np.clip(rng.normal(0.35, 0.1), 0.05, 0.9)),
        "rfr_score": float(np.clip(rng.normal(1.2, 0.2), 0.3, 2.0)),
    }
    return {name: float(value) for name, value in values.items()}
