"""What the fields of alert packets mean, and their units.

Sources: the schemas of the packets, github.com/ZwickyTransientFacility/ztf-avro-alert (candidate.avsc) and github.com/lsst/alert_packet
(diaSource.avsc).
"""

from typing import Any

_ZTF: dict[str, tuple[str, str]] = {
    "jd": ("d", "observation date, Julian date at the start of the exposure"),
    "fid": ("", "filter: 1 g, 2 r, 3 i"),
    "pid": ("", "processing number of the image"),
    "diffmaglim": ("mag", "5-sigma limit of the difference image"),
    "programid": ("", "programme: 0 engineering, 1 public, 2 private, 3 Caltech"),
    "candid": ("", "number of the alert"),
    "isdiffpos": ("", "t or 1: brighter than the template; f or 0: fainter"),
    "tblid": ("", "row in the catalogue of the image"),
    "nid": ("d", "night number"),
    "rcid": ("", "readout channel, 0 to 63"),
    "field": ("", "number of the survey field"),
    "xpos": ("pixel", "x on the detector"),
    "ypos": ("pixel", "y on the detector"),
    "ra": ("deg", "right ascension, J2000"),
    "dec": ("deg", "declination, J2000"),
    "magpsf": ("mag", "magnitude by PSF fit to the difference"),
    "sigmapsf": ("mag", "its 1-sigma error"),
    "chipsf": ("", "reduced chi-square of the PSF fit"),
    "magap": ("mag", "aperture magnitude, 14 pixels across"),
    "sigmagap": ("mag", "its 1-sigma error"),
    "distnr": ("pixel", "distance to the nearest source in the reference image"),
    "magnr": ("mag", "magnitude of that source"),
    "sigmagnr": ("mag", "its 1-sigma error"),
    "chinr": ("", "DAOPhot chi of that source"),
    "sharpnr": ("", "DAOPhot sharpness of that source"),
    "sky": ("DN", "local sky background"),
    "magdiff": ("mag", "aperture minus PSF magnitude"),
    "fwhm": ("pixel", "full width at half maximum, Gaussian core"),
    "classtar": ("", "star/galaxy score of SExtractor: 1 star"),
    "mindtoedge": ("pixel", "distance to the nearest edge"),
    "magfromlim": ("mag", "limit minus aperture magnitude"),
    "seeratio": ("", "fwhm over that of the field"),
    "aimage": ("pixel", "semi-major axis"),
    "bimage": ("pixel", "semi-minor axis"),
    "aimagerat": ("", "aimage over fwhm"),
    "bimagerat": ("", "bimage over fwhm"),
    "elong": ("", "aimage over bimage"),
    "nneg": ("", "negative pixels in 5 x 5"),
    "nbad": ("", "bad pixels in 5 x 5"),
    "rb": ("", "real-bogus score: 1 real"),
    "drb": ("", "real-bogus score of a deep network: 1 real"),
    "ssdistnr": ("arcsec", "distance to the nearest known solar-system object; -999 none"),
    "ssmagnr": ("mag", "V magnitude of that object"),
    "ssnamenr": ("", "its name"),
    "sumrat": ("", "sum of pixels over sum of their absolute values; 1 no negative pixels"),
    "magapbig": ("mag", "aperture magnitude, 18 pixels across"),
    "sigmagapbig": ("mag", "its 1-sigma error"),
    "ranr": ("deg", "right ascension of the nearest reference source"),
    "decnr": ("deg", "declination of the nearest reference source"),
    **{
        f"{name}{i}": (unit, f"{what} of the {which} source in Pan-STARRS 1 within 30 arcsec")
        for i, which in ((1, "nearest"), (2, "second nearest"), (3, "third nearest"))
        for name, unit, what in (
            ("sgmag", "mag", "g magnitude"),
            ("srmag", "mag", "r magnitude"),
            ("simag", "mag", "i magnitude"),
            ("szmag", "mag", "z magnitude"),
            ("sgscore", "", "star/galaxy score (1 star)"),
            ("distpsnr", "arcsec", "distance"),
            ("objectidps", "", "number"),
        )
    },
    "ndethist": ("", "detections at this place within 1.5 arcsec, all history"),
    "ncovhist": ("", "times this place was on an image"),
    "jdstarthist": ("d", "earliest Julian date of a detection here"),
    "jdendhist": ("d", "latest Julian date of a detection here"),
    "scorr": ("", "peak signal-to-noise in the detection image"),
    "tooflag": ("", "1: target of opportunity"),
    "rfid": ("", "number of the reference image"),
    "jdstartref": ("d", "earliest Julian date of the reference image"),
    "jdendref": ("d", "latest Julian date of the reference image"),
    "nframesref": ("", "exposures in the reference image"),
    "rbversion": ("", "version of rb"),
    "drbversion": ("", "version of drb"),
    "dsnrms": ("", "ratio: D/stddev(D) on event position"),
    "ssnrms": ("", "ratio: S/stddev(S) on event position"),
    "dsdiff": ("", "dsnrms - ssnrms"),
    "magzpsci": ("mag", "zero point of the science image"),
    "magzpsciunc": ("mag", "its error"),
    "magzpscirms": ("mag", "its scatter over stars"),
    "nmatches": ("", "stars in the calibration"),
    "clrcoeff": ("", "colour coefficient of the calibration"),
    "clrcounc": ("", "its error"),
    "zpclrcov": ("", "covariance of zero point and colour coefficient"),
    "zpmed": ("mag", "median of the zero points of stars"),
    "clrmed": ("mag", "median colour of the stars"),
    "clrrms": ("mag", "scatter of their colours"),
    "neargaia": ("arcsec", "distance to the nearest Gaia source within 90 arcsec"),
    "neargaiabright": ("arcsec", "distance to the nearest Gaia source brighter than G 14"),
    "maggaia": ("mag", "G of the nearest Gaia source"),
    "maggaiabright": ("mag", "G of the nearest bright Gaia source"),
    "exptime": ("s", "exposure time"),
}
_RUBIN: dict[str, tuple[str, str]] = {
    "diaSourceId": ("", "number of the detection"),
    "visit": ("", "number of the visit"),
    "detector": ("", "number of the detector"),
    "midpointMjdTai": ("d", "middle of the exposure, MJD, TAI"),
    "ra": ("deg", "right ascension, ICRS"),
    "dec": ("deg", "declination, ICRS"),
    "x": ("pixel", "x on the detector"),
    "y": ("pixel", "y on the detector"),
    "psfFlux": ("nJy", "flux by PSF fit to the difference"),
    "psfFluxErr": ("nJy", "its 1-sigma error"),
    "apFlux": ("nJy", "aperture flux of the difference"),
    "apFluxErr": ("nJy", "its 1-sigma error"),
    "scienceFlux": ("nJy", "forced PSF flux in the visit image"),
    "templateFlux": ("nJy", "forced PSF flux in the template"),
    "snr": ("", "signal-to-noise of the detection"),
    "reliability": ("", "real-bogus score: 1 real"),
    "extendedness": ("", "0 point source, 1 extended"),
    "band": ("", "filter"),
}
_MEANINGS = {"ztf": _ZTF, "lsst": _RUBIN}


def meaning(survey: str, name: str, value: Any) -> dict[str, Any]:
    """A field with its unit and what it means, empty where that is not known.

    >>> meaning("ztf", "fwhm", 2.1)["unit"]
    'pixel'
    """
    unit, text = _MEANINGS.get(survey, _ZTF if survey == "" else {}).get(name, ("", ""))
    return {"name": name, "value": value, "unit": unit, "meaning": text}
