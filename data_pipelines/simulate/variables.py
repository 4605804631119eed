"""Variable stars and active nuclei: magnitude changes of each class at given epochs.

Every class is a function `(rng, mjd) -> (delta, period)`: `mjd` sorted days (N,), `delta` (N,) mag about the mean
(positive is fainter), `period` in days, NaN for aperiodic ones. Period and amplitude distributions follow the
Catalina (Drake et al. 2017) and ASAS (Pojmanski 2002) catalogues where they exist.
"""

from collections.abc import Callable

import numpy as np

from data_pipelines.simulate.shapes import (
    damped_random_walk,
    eclipse,
    flux_to_magnitude,
    fourier,
    sawtooth_pulsator,
    slow_drift,
)

Generator = np.random.Generator
Curve = tuple[np.ndarray, float]


def _phase(rng: Generator, mjd: np.ndarray, period: float) -> np.ndarray:
    return (mjd / period + rng.random()) % 1.0


def _log_uniform(rng: Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def rr_ab(rng: Generator, mjd: np.ndarray) -> Curve:
    """Fundamental-mode RR Lyrae: 0.45-0.75 d; amplitude falls with period (Oosterhoff I relation)."""
    period = float(np.clip(rng.normal(0.585, 0.07), 0.42, 0.9))
    amplitude = float(np.clip(1.0 - 3.4 * (period - 0.55) + rng.normal(0, 0.13), 0.25, 1.4))
    return amplitude * sawtooth_pulsator(rng, _phase(rng, mjd, period), 0.35 + 0.15 * amplitude), period


def rr_c(rng: Generator, mjd: np.ndarray) -> Curve:
    """First-overtone RR Lyrae: 0.25-0.42 d, nearly sinusoidal, 0.25-0.55 mag."""
    period = float(np.clip(rng.normal(0.328, 0.035), 0.22, 0.45))
    amplitude = float(np.clip(rng.normal(0.4, 0.09), 0.15, 0.65))
    ratios = (rng.uniform(0.05, 0.22), rng.uniform(0.03, 0.1))
    return amplitude * fourier(_phase(rng, mjd, period), ratios, (4.7 + rng.normal(0, 0.3), 3.4)), period


def rr_d(rng: Generator, mjd: np.ndarray) -> Curve:
    """Double-mode RR Lyrae: first overtone dominant, period ratio 0.742-0.748. The period given is the overtone's."""
    period = float(np.clip(rng.normal(0.37, 0.03), 0.29, 0.46))
    fundamental = period / rng.uniform(0.742, 0.748)
    amplitude = float(np.clip(rng.normal(0.38, 0.07), 0.2, 0.6))
    overtone = fourier(_phase(rng, mjd, period), (0.15, 0.05), (4.7, 3.4))
    base = sawtooth_pulsator(rng, _phase(rng, mjd, fundamental), 0.25)
    share = rng.uniform(0.3, 0.75)
    return amplitude * (overtone + share * base) / (1 + 0.5 * share), period


def rr_blazhko(rng: Generator, mjd: np.ndarray) -> Curve:
    """RRab with amplitude and phase modulated over 15-150 d (Blazhko effect)."""
    period = float(np.clip(rng.normal(0.53, 0.05), 0.42, 0.65))
    amplitude = float(np.clip(rng.normal(0.75, 0.2), 0.35, 1.2))
    cycle = 2 * np.pi * _phase(rng, mjd, _log_uniform(rng, 15, 150))
    lag = rng.uniform(0.01, 0.04) * np.sin(cycle + rng.uniform(0, 2 * np.pi))
    modulation = 1 + rng.uniform(0.1, 0.4) * np.sin(cycle)
    return amplitude * modulation * sawtooth_pulsator(rng, _phase(rng, mjd, period) + lag, 0.42), period


def delta_scuti(rng: Generator, mjd: np.ndarray) -> Curve:
    """Delta Scuti: 0.05-0.2 d, one asymmetric high-amplitude mode or several small ones."""
    period = _log_uniform(rng, 0.055, 0.21)
    amplitude = float(np.clip(rng.lognormal(np.log(0.25), 0.4), 0.06, 0.7))
    delta = amplitude * sawtooth_pulsator(rng, _phase(rng, mjd, period), 0.15 + 0.4 * amplitude)
    for _ in range(rng.integers(0, 3)):
        other = period * rng.uniform(0.6, 0.95)
        delta = delta + 0.4 * amplitude * rng.random() * np.cos(2 * np.pi * _phase(rng, mjd, other))
    return delta, period


def beta_cephei(rng: Generator, mjd: np.ndarray) -> Curve:
    """Beta Cephei: 0.1-0.3 d, sinusoidal, 0.03-0.2 mag."""
    period = rng.uniform(0.1, 0.3)
    delta = _log_uniform(rng, 0.03, 0.2) * fourier(_phase(rng, mjd, period), (0.08,), (rng.uniform(0, 6.28),))
    return delta, float(period)


def classical_cepheid(rng: Generator, mjd: np.ndarray) -> Curve:
    """Classical Cepheid: 2-60 d; phi_21 rises through the Hertzsprung progression, R_21 dips at 10 d."""
    period = float(np.clip(rng.lognormal(np.log(5), 0.7), 1.0, 70))
    amplitude = float(np.clip(0.55 + 0.35 * np.log10(period) + rng.normal(0, 0.15), 0.2, 1.4))
    bump = np.exp(-0.5 * (np.log10(period / 10) / 0.12) ** 2)
    ratios = (0.42 * (1 - 0.75 * bump), 0.22 * (1 - 0.6 * bump), 0.11, 0.05)
    progression = np.clip(np.log10(period) - 0.3, 0, 1.2)
    phases = (3.9 + 1.3 * progression, 1.9 + 2.6 * progression, 6.0 + 3 * progression, 4.0)
    return amplitude * fourier(_phase(rng, mjd, period), ratios, phases), period


def type2_cepheid(rng: Generator, mjd: np.ndarray) -> Curve:
    """Type II Cepheid: BL Her (1-4 d), W Vir (4-20 d), RV Tau (20-75 d, alternating minima)."""
    period = float(rng.choice([_log_uniform(rng, 0.8, 4), _log_uniform(rng, 4, 20), _log_uniform(rng, 20, 75)]))
    amplitude = float(np.clip(rng.normal(0.6, 0.25), 0.2, 1.3))
    phase = _phase(rng, mjd, period)
    delta = fourier(phase, (rng.uniform(0.1, 0.35), rng.uniform(0.02, 0.15)), (rng.normal(4.6, 0.7), 2.5))
    if period > 20:
        alternating = np.cos(2 * np.pi * _phase(rng, mjd, 2 * period)) * rng.uniform(0.2, 0.6)
        delta = delta + alternating * np.maximum(delta, 0)
    return amplitude * delta, period


def anomalous_cepheid(rng: Generator, mjd: np.ndarray) -> Curve:
    """Anomalous Cepheid: 0.6-2 d, shaped like an RRab."""
    period = float(np.clip(rng.lognormal(np.log(0.95), 0.28), 0.6, 2.2))
    amplitude = float(np.clip(rng.lognormal(np.log(0.55), 0.35), 0.25, 1.4))
    return amplitude * sawtooth_pulsator(rng, _phase(rng, mjd, period), 0.43), period


def mira(rng: Generator, mjd: np.ndarray) -> Curve:
    """Mira: 110-550 d, 1.5-6 mag, faster rise than decline, cycles that differ."""
    period = float(np.clip(rng.normal(275, 80), 110, 560))
    amplitude = float(np.clip(rng.normal(2.9, 0.9) + (period - 275) / 200, 1.2, 6.0))
    wander = 0.03 * slow_drift(rng, mjd, 5 * period)
    shape = fourier(_phase(rng, mjd, period) + wander, (rng.uniform(0.05, 0.25), 0.05), (rng.normal(4.2, 0.5), 2.4))
    cycles = 1 + 0.1 * slow_drift(rng, mjd, 2.5 * period)
    return amplitude * cycles * shape + 0.1 * slow_drift(rng, mjd, 4 * period), period


def semi_regular(rng: Generator, mjd: np.ndarray) -> Curve:
    """Semi-regular long-period variable: 50-500 d, 0.15-1.5 mag, several modes and a long secondary period."""
    period = float(np.clip(rng.lognormal(np.log(200), 0.55), 40, 550))
    amplitude = float(np.clip(rng.lognormal(np.log(0.7), 0.6), 0.12, 2.5))
    strength = np.abs(1 + 0.35 * slow_drift(rng, mjd, 4 * period))
    delta = 0.5 * strength * np.cos(2 * np.pi * (_phase(rng, mjd, period) + 0.05 * slow_drift(rng, mjd, 3 * period)))
    delta = delta + rng.uniform(0.1, 0.3) * np.cos(2 * np.pi * _phase(rng, mjd, period * rng.uniform(0.5, 0.7)))
    long = rng.uniform(0.0, 0.4) * np.cos(2 * np.pi * _phase(rng, mjd, period * rng.uniform(6, 10)))
    return amplitude * (delta + long), period


def detached_binary(rng: Generator, mjd: np.ndarray) -> Curve:
    """EA: narrow eclipses, flat between them, secondary anywhere from absent to equal, some eccentric."""
    period = float(np.clip(rng.lognormal(np.log(1.1), 0.75), 0.3, 60))
    depth = float(np.clip(rng.lognormal(np.log(0.55), 0.45), 0.15, 2.2))
    width = float(np.clip(0.055 * period**-0.4 * rng.lognormal(0, 0.3), 0.008, 0.09))
    second = depth * rng.choice([rng.uniform(0.03, 0.4), rng.uniform(0.4, 1.0)])
    centre = 0.5 + (rng.normal(0, 0.06) if rng.random() < 0.2 else 0.0)
    phase, sharpness = _phase(rng, mjd, period), rng.uniform(0.8, 2.0)
    delta = depth * eclipse(phase, 0.0, width, sharpness) + second * eclipse(phase, centre, width, sharpness)
    return delta + rng.uniform(0, 0.02) * np.cos(4 * np.pi * phase), period


def semi_detached_binary(rng: Generator, mjd: np.ndarray) -> Curve:
    """EB: rounded maxima, unequal eclipses, 0.3-5 d."""
    period = float(np.clip(rng.lognormal(np.log(0.75), 0.6), 0.28, 12))
    depth = float(np.clip(rng.lognormal(np.log(0.4), 0.4), 0.12, 1.3))
    phase, width = _phase(rng, mjd, period), rng.uniform(0.05, 0.085)
    second = depth * rng.uniform(0.25, 0.8)
    ellipsoid = 0.25 * depth * np.cos(4 * np.pi * phase)
    dips = 0.75 * depth * eclipse(phase, 0.0, width, 1.0) + 0.75 * second * eclipse(phase, 0.5, width, 1.0)
    return ellipsoid + dips, period


def contact_binary(rng: Generator, mjd: np.ndarray) -> Curve:
    """EW: continuous change, nearly equal minima, 0.22-0.8 d, sometimes unequal maxima (O'Connell effect)."""
    period = float(np.clip(rng.lognormal(np.log(0.345), 0.24), 0.215, 1.0))
    amplitude = float(np.clip(rng.lognormal(np.log(0.37), 0.4), 0.1, 0.9))
    phase = _phase(rng, mjd, period)
    dips = eclipse(phase, 0.0, 0.085, 0.9) + rng.uniform(0.75, 1.0) * eclipse(phase, 0.5, 0.085, 0.9)
    oconnell = rng.normal(0, 0.03) * np.sin(2 * np.pi * phase)
    return amplitude * (0.28 * np.cos(4 * np.pi * phase) + 0.5 * dips) + oconnell, period


def spotted_rotator(rng: Generator, mjd: np.ndarray) -> Curve:
    """Rotating spotted star (RS CVn, BY Dra): 0.25-40 d, 0.1-0.4 mag, spots that come and go over months."""
    period = _log_uniform(rng, 0.25, 0.6) if rng.random() < 0.6 else _log_uniform(rng, 0.6, 45)
    amplitude = float(np.clip(rng.lognormal(np.log(0.19), 0.4), 0.07, 0.55))
    strength = 1 + 0.25 * slow_drift(rng, mjd, 400)
    phase = _phase(rng, mjd, period) + 0.03 * slow_drift(rng, mjd, 700)
    delta = 0.5 * strength * fourier(phase, (rng.uniform(0.0, 0.5), 0.05), rng.uniform(0, 6.28, 2)) * 2
    return amplitude * (delta + 0.15 * slow_drift(rng, mjd, 1500)), period


def magnetic_rotator(rng: Generator, mjd: np.ndarray) -> Curve:
    """Alpha2 Canum Venaticorum star: 0.6-15 d, 0.02-0.12 mag, strictly periodic."""
    period = _log_uniform(rng, 0.6, 15)
    phases = rng.uniform(0, 6.28, 2)
    return _log_uniform(rng, 0.02, 0.12) * fourier(_phase(rng, mjd, period), (0.4, 0.1), phases), period


def ellipsoidal(rng: Generator, mjd: np.ndarray) -> Curve:
    """Ellipsoidal binary: two unequal sinusoidal waves per orbit, 0.03-0.25 mag, 0.3-20 d."""
    period = _log_uniform(rng, 0.3, 20)
    phase, amplitude = _phase(rng, mjd, period), _log_uniform(rng, 0.04, 0.25)
    return 0.5 * amplitude * (np.cos(4 * np.pi * phase) + 0.2 * np.cos(2 * np.pi * phase)), period


def dwarf_nova(rng: Generator, mjd: np.ndarray) -> Curve:
    """Cataclysmic variable: flickering quiescence, outbursts of 2-5 mag every 15-300 d lasting days to two weeks."""
    every = _log_uniform(rng, 15, 300)
    count = int((mjd[-1] - mjd[0]) / every) + 4
    peaks = mjd[0] - every + np.cumsum(every * rng.lognormal(0, 0.3, count))
    heights = rng.uniform(2, 5) * np.clip(rng.normal(1, 0.1, count), 0.6, 1.2)
    plateau = rng.uniform(1, 10) * rng.choice([0.4, 1.0, 1.6], size=count)
    nearest = np.clip(np.searchsorted(peaks, mjd, side="right") - 1, 0, count - 1)
    following = np.minimum(nearest + 1, count - 1)
    since, until = mjd - peaks[nearest], peaks[following] - mjd
    falling = heights[nearest] - np.maximum(since - plateau[nearest], 0) / rng.uniform(1.2, 2.8)
    falling = np.where(since >= 0, falling, 0.0)
    rising = heights[following] - until / rng.uniform(0.15, 0.5)
    outburst = np.maximum(np.maximum(falling, rising), 0.0)
    flicker = damped_random_walk(rng, mjd, rng.uniform(0.08, 0.25), 0.05)
    return flicker * np.exp(-outburst) + 0.15 * slow_drift(rng, mjd, 300) - outburst, np.nan


def quasar(rng: Generator, mjd: np.ndarray) -> Curve:
    """Quasar: damped random walk, 0.1-0.35 mag, decay over 100-1500 d (Kelly et al. 2009; MacLeod et al. 2010)."""
    sigma = float(np.clip(rng.lognormal(np.log(0.18), 0.35), 0.06, 0.5))
    return damped_random_walk(rng, mjd, sigma, float(rng.lognormal(np.log(350), 0.7))), np.nan


def blazar(rng: Generator, mjd: np.ndarray) -> Curve:
    """Blazar: a faster, stronger random walk with skewed flares."""
    walk = damped_random_walk(rng, mjd, rng.uniform(0.3, 0.7), _log_uniform(rng, 15, 150))
    return walk - 0.25 * np.maximum(-walk, 0) ** 1.5, np.nan


def t_tauri(rng: Generator, mjd: np.ndarray) -> Curve:
    """Young star: cool-spot rotation of 1-12 d, accretion noise over days, obscuration dips."""
    rotation = _log_uniform(rng, 1, 12)
    delta = rng.uniform(0.03, 0.15) * np.cos(2 * np.pi * _phase(rng, mjd, rotation))
    delta = delta + damped_random_walk(rng, mjd, rng.uniform(0.08, 0.35), _log_uniform(rng, 0.7, 8))
    dips = np.maximum(damped_random_walk(rng, mjd, 1.0, 2.0) - 1.3, 0)
    return delta + rng.uniform(0, 1.0) * dips + 0.1 * slow_drift(rng, mjd, 800), np.nan


def r_coronae_borealis(rng: Generator, mjd: np.ndarray) -> Curve:
    """R CrB: sudden dust declines of 2-7 mag within weeks, recovery over months to a year."""
    start, span = mjd[0] - 200, mjd[-1] - mjd[0] + 200
    onsets = start + span * rng.random(1 + rng.poisson(span / 1100))
    depth, recovery = rng.uniform(2, 7, len(onsets)), rng.uniform(80, 350, len(onsets))
    since = mjd[None, :] - onsets[:, None]
    fall = 1 - np.exp(-np.maximum(since, 0) / rng.uniform(8, 25))
    dust = (depth[:, None] * fall * np.exp(-np.maximum(since - 40, 0) / recovery[:, None])).sum(axis=0)
    pulsation = 0.1 * np.cos(2 * np.pi * _phase(rng, mjd, rng.uniform(38, 60)))
    return np.minimum(dust, 8) + pulsation, np.nan


def be_star(rng: Generator, mjd: np.ndarray) -> Curve:
    """Be star: disc outbursts of 0.1-0.5 mag with month-long decays over a slow drift."""
    span = mjd[-1] - mjd[0] + 300
    onsets = mjd[0] - 300 + span * rng.random(1 + rng.poisson(span / _log_uniform(rng, 120, 700)))
    since = np.maximum(mjd[None, :] - onsets[:, None], 0)
    heights = _log_uniform(rng, 0.1, 0.5) * rng.lognormal(0, 0.3, (len(onsets), 1))
    rise, decay = rng.uniform(5, 30), rng.uniform(40, 250)
    discs = (heights * (1 - np.exp(-since / rise)) * np.exp(-since / decay)).sum(axis=0)
    return 0.06 * slow_drift(rng, mjd, 900) - np.minimum(discs, 1.0), np.nan


def microlensing(rng: Generator, mjd: np.ndarray) -> Curve:
    """Point-lens microlensing (Paczynski 1986), Einstein times 5-150 d, blended; centred where it was observed."""
    einstein = float(np.clip(rng.lognormal(np.log(24), 0.7), 4, 200))
    impact = rng.uniform(0.02, 0.9)
    peak = rng.choice(mjd) + rng.normal(0, 0.3 * einstein)
    u2 = impact**2 + ((mjd - peak) / einstein) ** 2
    amplification = (u2 + 2) / np.sqrt(u2 * (u2 + 4))
    source = rng.uniform(0.3, 1.0)
    return flux_to_magnitude(source * amplification + 1 - source), np.nan


def constant(rng: Generator, mjd: np.ndarray) -> Curve:
    """A star that does not change."""
    return np.zeros(len(mjd)), np.nan


VARIABLES: dict[str, Callable[[Generator, np.ndarray], Curve]] = {
    "RRab": rr_ab,
    "RRc": rr_c,
    "RRd": rr_d,
    "RRab_BL": rr_blazhko,
    "DSCT": delta_scuti,
    "BCEP": beta_cephei,
    "CEP": classical_cepheid,
    "T2CEP": type2_cepheid,
    "ACEP": anomalous_cepheid,
    "MIRA": mira,
    "SR": semi_regular,
    "EA": detached_binary,
    "EB": semi_detached_binary,
    "EW": contact_binary,
    "ROT": spotted_rotator,
    "ACV": magnetic_rotator,
    "ELL": ellipsoidal,
    "CV": dwarf_nova,
    "QSO": quasar,
    "BLZ": blazar,
    "TTS": t_tauri,
    "RCB": r_coronae_borealis,
    "BE": be_star,
    "ML": microlensing,
    "CONST": constant,
}
"""Class name -> model."""

LONG_PERIOD = ("MIRA", "SR")
"""Classes to score apart: they vary over months by magnitudes and dominate every sum of squares."""
