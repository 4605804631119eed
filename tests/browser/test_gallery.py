"""Pictures of the triage page for the documentation: LCJAX_GALLERY=DIR pytest tests/browser/test_gallery.py

They are of the simulated night that `lcjax hunt` shows without options. Without $LCJAX_GALLERY nothing is drawn: the page itself is tested
beside.
"""

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("selenium", reason="the browser tests need selenium (extra test)")
pytest.importorskip("fastapi", reason="the triage page needs the extra hunt")

from tests.browser.test_hunt_page import CHROMIUM, DRIVER, ROOT, Page, open_browser

FOLDER = os.environ.get("LCJAX_GALLERY")
pytestmark = pytest.mark.skipif(
    not (FOLDER and CHROMIUM and DRIVER), reason="$LCJAX_GALLERY names no folder for pictures, or there is no Chromium"
)
MOST_BYTES = 150_000


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    command = [sys.executable, "-m", "lcjax", "hunt", "--port", "0", "--every", "0", "--count", "200", "--user", "ann"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    server = subprocess.Popen(
        command, cwd=tmp_path_factory.mktemp("gallery"), env=environment, stdout=subprocess.PIPE, text=True
    )
    browser = open_browser()
    try:
        page = Page(browser)
        browser.get(re.search(r"http\S+", server.stdout.readline())[0])
        page.wait(lambda: page.one("#object"), 60)
        page.wait(lambda: page.text("#progress") == "200 candidates", 300)  # the demonstration learns first
        page.one("#tour-skip").click()
        yield page
    finally:
        browser.quit()
        server.kill()


def keep(page: Page, name: str) -> None:
    """Of 256 colours, rare ones among them: a third of the bytes, and hardly a difference to the eye."""
    from PIL import Image

    with Image.open(io.BytesIO(page.browser.get_screenshot_as_png())) as picture:
        file = Path(FOLDER) / f"{name}.png"
        picture.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
            file, optimize=True
        )
    assert file.stat().st_size < MOST_BYTES, f"{name} is too large for the repository"


def test_the_page_as_it_opens_and_explains(page):
    page.browser.set_window_size(1280, 1010)
    page.keys("jj")
    page.keys("e")
    page.wait(lambda: "hiding it lowers" in page.text("#detail"), 300)
    keep(page, "hunt")


def test_the_tour(page):
    page.keys("g")
    for _ in range(3):
        page.one("#tour-next").click()
    keep(page, "hunt-tour")
    page.one("#tour-skip").click()


def test_the_sky_in_light_colours(page):
    page.one("#theme").click()
    page.keys("s")
    page.wait(lambda: page.all("#dialog circle.candidate"))
    keep(page, "hunt-sky")
    page.run("document.getElementById('dialog').close()")
    page.one("#theme").click()


def test_a_phone(page):
    screen = {"width": 390, "height": 844, "deviceScaleFactor": 1.5, "mobile": True}
    page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    page.run("document.getElementById('object').scrollIntoView()")
    keep(page, "hunt-phone")
    page.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
