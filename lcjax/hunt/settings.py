"""What a user can say about a night of candidates and its page: the options of `lcjax hunt`."""

import dataclasses
import importlib.util
from pathlib import Path

from lcjax.errors import MissingExtraError

_NEEDED = ("fastapi", "uvicorn", "sqlalchemy", "alembic")


def check_installed() -> None:
    """Makes sure that the packages of the triage page are there.

    Raises:
      MissingExtraError: one is not.
    """
    for package in _NEEDED:
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(package, "hunt", "the triage page")


@dataclasses.dataclass(frozen=True)
class HuntOptions:
    """Opens the triage page of a night of candidates on this machine, and prints its address.

    Without --alerts the night is simulated, and a small network that has learned from the same simulation ranks it. With alerts
    and without --model they are ranked by the survey's own real-bogus score.

    One candidate is one object, shown by its earliest alert that has come; its light curve is of all.
    Votes are on the disk when the page says so. The same command goes on with the same night, with everything that was voted.
    """

    alerts: tuple[str, ...] = ()
    """Files and folders of alerts (Avro, tar, Parquet, FITS, .npy), which are watched for new ones; or kafka://host:port/topic."""
    model: tuple[str, ...] = ()
    """Stamp classifiers: workdirs, weights folders or published names. The first ranks the list, all are shown."""
    host_model: str | None = None
    """Host finder, such as delight."""
    hunted: str = "SN"
    """Class whose probability ranks the list; what is accepted gets it as label."""
    known: tuple[Path, ...] = ()
    """Catalogues of known objects: TNS's public list as downloaded, or CSV tables with ra, dec (degrees) and name."""
    known_arcsec: float = 3.0
    """Radius in which a candidate is a known object."""
    database: str | None = None
    """SQLite file, or URL such as postgresql+psycopg://user@host/name. Default: lcjax-hunt/hunt.sqlite, for simulated alerts
    lcjax-hunt/simulated.sqlite."""
    host: str = "127.0.0.1"
    """Interface to listen on. Others than loopback need users with passwords (lcjax hunt user NAME) or --token-file."""
    port: int = 8642
    """0: any that is free."""
    token_file: Path | None = None
    """File with a token, of 16 characters at least, that lets in whoever has it, under any name that has no password.
    Default on loopback: a new one at every start, in the printed address."""
    user: str | None = None
    """Your name in the printed address. Default: that of your account here."""
    allowed_host: tuple[str, ...] = ()
    """Host names, beside localhost and numbers, under which browsers may ask for the page."""
    tls_cert: Path | None = None
    """Certificate (PEM), to serve over TLS."""
    tls_key: Path | None = None
    """Its key."""
    browser: bool = False
    """Also open the page in this machine's browser."""
    count: int = 300
    """Simulated alerts."""
    every: float = 20.0
    """Seconds between further simulated alerts; 0: none come."""
    batch_size: int | None = None
    """Alerts classified at once; does not change results."""
    tns_group_id: int | None = None
    """Number of your reporting group at the Transient Name Server: for reports."""
    tns_numbers: tuple[str, ...] = ()
    """Numbers of TNS that are not known here, such as atlas.source=N atlas.instrument=N lsst.filter.r=N (www.wis-tns.org/api/values)."""
    tns_reporter: str = ""
    """Who reports, as TNS wants it: 'A. Name (Institute), on behalf of ...'."""
