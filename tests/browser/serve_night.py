"""A night of made-up candidates in a process of its own, to be opened by a browser and to be killed.

python -m tests.browser.serve_night FOLDER PORT COUNT
"""

import sys
from pathlib import Path

from lcjax.hunt.serving import serve
from lcjax.hunt.settings import HuntOptions
from tests.hunt.nights import Brightness, MiddleHost, candidate, make_night


def main(folder: str, port: str, count: str) -> None:
    arrivals = [candidate(n) for n in range(int(count))]
    models = [Brightness("brightness"), Brightness("second")]
    night = make_night(Path(folder), arrivals, models=models, finder=MiddleHost(), start=False)
    serve(HuntOptions(port=int(port), user="ann"), night, print)


if __name__ == "__main__":
    main(*sys.argv[1:])
