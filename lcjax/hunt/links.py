"""Pages of others about a place on the sky. They are links: nothing is fetched from there."""

from urllib.parse import quote

_SCHEMAS = {
    "ztf": "https://zwickytransientfacility.github.io/ztf-avro-alert/schema.html",
    "lsst": "https://github.com/lsst/alert_packet/tree/main/python/lsst/alert/packet/schema",
}


def links(survey: str, object_id: str, ra: float, dec: float) -> list[dict[str, str]]:
    """Name and address of each."""
    place = f"{ra:.6f}%20{dec:+.6f}".replace("+", "%2B")
    found = {}
    if survey == "ztf":
        found["ALeRCE"] = f"https://alerce.online/object/{quote(object_id, safe='')}"
        found["Lasair"] = f"https://lasair-ztf.lsst.ac.uk/objects/{quote(object_id, safe='')}/"
        found["Fink"] = f"https://fink-portal.org/{quote(object_id, safe='')}"
    elif survey == "lsst":
        found["Lasair"] = f"https://lasair.lsst.ac.uk/objects/{quote(object_id, safe='')}/"
        found["ALeRCE"] = f"https://lsst.alerce.online/object/{quote(object_id, safe='')}"
    found["TNS"] = f"https://www.wis-tns.org/search?ra={ra:.6f}&decl={dec:.6f}&radius=10&coords_unit=arcsec"
    found["NED"] = (
        "https://ned.ipac.caltech.edu/conesearch?search_type=Near%20Position%20Search&in_csys=Equatorial&in_equinox=J2000"
        f"&ra={ra:.6f}d&dec={dec:.6f}d&radius=0.17"
    )
    found["SIMBAD"] = (
        f"https://simbad.cds.unistra.fr/simbad/sim-coo?Coord={place}&CooFrame=FK5&Radius=10&Radius.unit=arcsec"
    )
    found["Pan-STARRS"] = f"https://ps1images.stsci.edu/cgi-bin/ps1cutouts?pos={place}&filter=color"
    found["Legacy Survey"] = (
        f"https://www.legacysurvey.org/viewer?ra={ra:.6f}&dec={dec:.6f}&zoom=15&mark={ra:.6f},{dec:.6f}"
    )
    return [{"name": name, "address": address} for name, address in found.items()]


def schema(survey: str) -> str | None:
    """Where a survey describes the fields of its packets."""
    return _SCHEMAS.get(survey)
