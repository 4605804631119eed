"""Reports to the Transient Name Server: made and checked here, sent only by a command of its own.

Field names, which of them are required, and numbers of units, filters and instruments: TNS Bulk Report manual, version 2.0 (AT reports),
and www.wis-tns.org/api/values (`tns_numbers`).
"""

import datetime
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from lcjax.errors import ConfigError
from lcjax.hunt import tables as t
from lcjax.hunt.tns_numbers import CHOICES, KNOWN, Numbers, missing

_AB_MAG, _SUPERNOVA, _OTHER_ARCHIVE = "1", "1", "0"
_MOST_POINTS = 10
_AT_TYPES = ("0", "1", "2", "3", "4", "5")
"""Other, PSN, PNV, AGN, NUC, FRB."""

_PLACE = {"value": True, "error": False, "units": False}
_EXPOSURE = {
    **dict.fromkeys(("obsdate", "flux_units", "filter_value", "instrument_value"), True),
    **dict.fromkeys(("exptime", "observer", "comments"), False),
}
_POINT = {**_EXPOSURE, "flux": True, "flux_error": False, "limiting_flux": False}
_LIMIT = {**_EXPOSURE, "limiting_flux": True, "archiveid": False, "archival_remarks": False}
_ARCHIVAL = {**dict.fromkeys(_LIMIT, False), "archiveid": True, "archival_remarks": True}
_REPORT = {
    **dict.fromkeys(("ra", "dec", "reporting_group_id", "discovery_data_source_id", "reporter"), True),
    **dict.fromkeys(("discovery_datetime", "at_type", "non_detection", "photometry"), True),
    **dict.fromkeys(("host_name", "host_redshift", "transient_redshift", "internal_name", "remarks"), False),
    **dict.fromkeys(
        ("internal_name_format", "proprietary_period_groups", "proprietary_period", "related_files"), False
    ),
}
"""Field -> whether it is required."""
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}( \d{2}:\d{2}:\d{2}(\.\d+)?|\.\d+)")


@dataclass(frozen=True)
class Reporter:
    """Who reports."""

    group_id: int
    """Of the reporting group, at TNS."""
    names: str
    """As TNS wants them: `A. Astronomer (Institute), B. Other (Institute), on behalf of ...`."""
    numbers: Mapping[str, Numbers] = field(default_factory=lambda: KNOWN)
    """Survey -> its numbers."""


def bulk_report(connection: Connection, rows: Sequence[Mapping[str, Any]], reporter: Reporter | None) -> dict[str, Any]:
    """The report of accepted candidates, as TNS takes it.

    Raises:
      ConfigError: who reports is not known; nothing to report; or a candidate cannot be reported.
    """
    if reporter is None:
        raise ConfigError(
            "a report needs who reports: start with --tns-group-id N --tns-reporter 'A. Name (Institute)'"
        )
    if not rows:
        raise ConfigError("there is nothing to report: accept candidates first")
    reports = {}
    for number, row in enumerate(rows):
        curve = connection.execute(select(t.Detail.light_curve).where(t.Detail.candidate_id == row["id"])).scalar_one()
        reports[str(number)] = _report(row, curve, reporter)
    found = {"at_report": reports}
    if wrong := problems(found):
        raise ConfigError(f"{len(wrong)} fields of the report are not as TNS wants them; the first: {wrong[0]}")
    return found


def _report(row: Mapping[str, Any], curve: Mapping[str, Any], reporter: Reporter) -> dict[str, Any]:
    name, survey = row["object_id"], row["survey"]
    numbers = reporter.numbers.get(survey)
    if numbers is None:
        raise ConfigError(
            f"'{name}' is of the survey '{survey or 'unknown'}', of which TNS has no objects from here "
            f"(those of {', '.join(reporter.numbers)} can be reported): leave it out of the list by a filter"
        )
    points = [
        p for p in _rows(curve.get("detections", {})) if p["magnitude"] is not None and p["positive"] is not False
    ]
    if not points:
        raise ConfigError(
            f"'{name}' has no detection with a magnitude that is brighter than the template: leave it out of the list by a filter"
        )
    points = sorted(points, key=_time)[:_MOST_POINTS]
    limits = [p for p in _rows(curve.get("limits", {})) if p["mjd"] < points[0]["mjd"] and p["limit"] is not None]
    before = max(limits, key=_time) if limits else None
    if unknown := missing(survey, numbers, [p["band"] for p in (*points, *([before] if before else []))]):
        choices = "; ".join(CHOICES[what] for what in unknown if what in CHOICES)
        raise ConfigError(
            f"'{name}' is of {numbers.title}, and the numbers of TNS (www.wis-tns.org/api/values) for {', '.join(unknown)} are not known here"
            f"{f' ({choices})' if choices else ''}: start with --tns-numbers {' '.join(f'{what}=N' for what in unknown)}"
        )
    return {
        "ra": {"value": f"{row['ra']:.7f}", "error": "", "units": "deg"},
        "dec": {"value": f"{row['dec']:.7f}", "error": "", "units": "deg"},
        "reporting_group_id": str(reporter.group_id),
        "discovery_data_source_id": numbers.source,
        "reporter": reporter.names,
        "discovery_datetime": date(points[0]["mjd"]),
        "at_type": _SUPERNOVA,
        "host_name": "",
        "host_redshift": "",
        "transient_redshift": "",
        "internal_name": name,
        "remarks": "",
        "non_detection": _non_detection(before, numbers),
        "photometry": {"photometry_group": {str(i): _point(p, numbers) for i, p in enumerate(points)}},
    }


def _time(point: Mapping[str, Any]) -> float:
    return point["mjd"]


def _rows(columns: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    names = list(columns)
    return [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _exposure(point: Mapping[str, Any], numbers: Numbers) -> dict[str, str]:
    return {
        "obsdate": date(point["mjd"]),
        "flux_units": _AB_MAG,
        "filter_value": numbers.filters[point["band"]],
        "instrument_value": numbers.instrument,
        "exptime": numbers.exptime,
        "observer": "Robot",
        "comments": "",
    }


def _point(point: Mapping[str, Any], numbers: Numbers) -> dict[str, str]:
    error = "" if point.get("error") is None else f"{point['error']:.3f}"
    return {**_exposure(point, numbers), "flux": f"{point['magnitude']:.3f}", "flux_error": error, "limiting_flux": ""}


def _non_detection(point: Mapping[str, Any] | None, numbers: Numbers) -> dict[str, str]:
    if point is None:
        return {"archiveid": _OTHER_ARCHIVE, "archival_remarks": f"{numbers.title} reference images"}
    return {
        **_exposure(point, numbers),
        "limiting_flux": f"{point['limit']:.3f}",
        "archiveid": "",
        "archival_remarks": "",
    }


def date(mjd: float) -> str:
    """UTC as TNS wants it.

    >>> date(58000.5)
    '2017-09-04 12:00:00.000'
    """
    moment = datetime.datetime(1858, 11, 17) + datetime.timedelta(milliseconds=round(mjd * 86_400_000))
    return moment.isoformat(" ", "milliseconds")


def problems(report: Any) -> list[str]:
    """What of a report is not as the published field list has it, one sentence each; empty: nothing."""
    if not isinstance(report, Mapping) or set(report) != {"at_report"} or not isinstance(report["at_report"], Mapping):
        return ["the report has one field, at_report, that numbers the objects from 0"]
    if list(report["at_report"]) != [str(i) for i in range(len(report["at_report"]))] or not report["at_report"]:
        return ["at_report numbers the objects 0, 1, 2, ..."]
    return [text for number, one in report["at_report"].items() for text in _problems_of(f"object {number}", one)]


def _problems_of(where: str, one: Any) -> list[str]:
    found = _fields(where, one, _REPORT)
    if found:
        return found
    for name, most in (("ra", 360.0), ("dec", 90.0)):
        found += _fields(f"{where}, {name}", one[name], _PLACE)
        low = 0.0 if name == "ra" else -most
        if not found and not low <= _real(one[name]["value"]) <= most:
            found.append(f"{where}: {name} is {one[name]['value']!r}, not {low:g} to {most:g} degrees")
    for name in ("reporting_group_id", "discovery_data_source_id"):
        if not str(one[name]).isdigit() or int(one[name]) < 1:
            found.append(f"{where}: {name} is {one[name]!r}, not a number of a group at TNS")
    if str(one["at_type"]) not in _AT_TYPES:
        found.append(f"{where}: at_type is {one['at_type']!r}, not one of {', '.join(_AT_TYPES)}")
    if not _DATE.fullmatch(str(one["discovery_datetime"])):
        found.append(f"{where}: discovery_datetime is {one['discovery_datetime']!r}, not YYYY-MM-DD HH:MM:SS")
    groups = one["photometry"].get("photometry_group") if isinstance(one["photometry"], Mapping) else None
    if not isinstance(groups, Mapping) or not groups:
        return [*found, f"{where}: photometry has no photometry_group with a point"]
    for number, point in groups.items():
        found += _exposure_problems(f"{where}, photometry {number}", point, _POINT, "flux")
    limit = one["non_detection"]
    if isinstance(limit, Mapping) and limit.get("archiveid"):
        return found + _fields(f"{where}, non_detection", limit, _ARCHIVAL)
    return found + _exposure_problems(f"{where}, non_detection", limit, _LIMIT, "limiting_flux")


def _exposure_problems(where: str, point: Any, allowed: Mapping[str, bool], brightness: str) -> list[str]:
    found = _fields(where, point, allowed)
    if found:
        return found
    if not _DATE.fullmatch(str(point["obsdate"])):
        found.append(f"{where}: obsdate is {point['obsdate']!r}, not YYYY-MM-DD HH:MM:SS")
    if not -50 < _real(point[brightness]) < 50:
        found.append(f"{where}: {brightness} is {point[brightness]!r}, no magnitude")
    for name in ("flux_units", "filter_value", "instrument_value"):
        if not str(point[name]).isdigit():
            found.append(f"{where}: {name} is {point[name]!r}, not a number of TNS")
    return found


def _real(text: Any) -> float:
    try:
        return float(text)
    except (TypeError, ValueError):
        return float("nan")


def _fields(where: str, part: Any, allowed: Mapping[str, bool]) -> list[str]:
    """Fields that are missing, empty, or not in the list."""
    if not isinstance(part, Mapping):
        return [f"{where} is {str(part)[:40]!r}, not fields"]
    found = [
        f"{where}: {name} is required" for name, needed in allowed.items() if needed and part.get(name) in ("", None)
    ]
    return found + [f"{where}: there is no field {name!r}" for name in part if name not in allowed]
