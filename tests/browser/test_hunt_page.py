"""The triage page in a real browser: a tour, a night by keyboard, filters, export, two users, a server that is killed."""

import contextlib
import csv
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("selenium", reason="the browser tests need selenium (extra test)")
pytest.importorskip("fastapi", reason="the triage page needs the extra hunt")

from selenium import webdriver
from selenium.common.exceptions import ElementNotInteractableException, StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="no Chromium here: apt-get install chromium chromium-driver"
)
ROOT = Path(__file__).resolve().parents[2]
COUNT = 24


class Server:
    """A night in a process of its own."""

    def __init__(self, folder: Path):
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.start()

    def start(self):
        command = [sys.executable, "-m", "tests.browser.serve_night", str(self.folder), str(self.port), str(COUNT)]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        self.address = re.search(r"http\S+", self.process.stdout.readline())[0]
        self.base = self.address.split("enter")[0]

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def enter(self, name):
        return self.address.replace("name=ann", f"name={name}")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("night"))
    yield server
    server.kill()


def open_browser(downloads=None):
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1360,950"):
        options.add_argument(argument)
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads or "/dev/null")})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options=options, service=Service(DRIVER))


@pytest.fixture(scope="module")
def downloads(tmp_path_factory):
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def browser(downloads):
    browser = open_browser(downloads)
    yield browser
    browser.quit()


@pytest.fixture(scope="module")
def ann(browser, server):
    page = Page(browser)
    page.enter(server.enter("ann"))
    return page


class Page:
    """The page as its user sees it."""

    def __init__(self, browser):
        self.browser = browser

    def enter(self, address):
        self.browser.get(address)
        self.wait(lambda: self.all("#rows tr") and self.one("#object"))
        self.wait(lambda: f"{COUNT} candidates" == self.text("#progress"))  # all are read and classified
        self.wait(lambda: self.one("#tour[open]"))  # each browser is a new one
        self.one("#tour-skip").click()
        self.wait(lambda: not self.one("#tour[open], .toured"))

    def one(self, css):
        return next(iter(self.all(css)), None)

    def all(self, css):
        return self.browser.find_elements(By.CSS_SELECTOR, css)

    def text(self, css):
        return self.run(f"return document.querySelector('{css}')?.textContent ?? ''")

    def run(self, script):
        return self.browser.execute_script(script)

    def wait(self, condition, seconds=15):
        """Until it is so: the browser queues events, what is drawn anew loses its old elements, and a dialog may still be closing."""
        drawn_anew = [StaleElementReferenceException, ElementNotInteractableException]
        return WebDriverWait(self.browser, seconds, 0.05, drawn_anew).until(lambda _: condition())

    def keys(self, keys):
        for key in keys:
            self.one("body").send_keys(key)

    def step(self, keys):
        """Keys that lead to another candidate, each when the one before has: what is not shown cannot be voted on."""
        for key in keys:
            before = self.text("#object")
            self.keys(key)
            self.wait(lambda before=before: self.text("#object") not in ("", before))

    def press(self, css, *keys):
        """Keys into the element that is there when they come."""
        self.wait(lambda: [self.one(css).send_keys(*keys)])

    def closed(self, css="#dialog"):
        self.press(css, Keys.ESCAPE)
        self.wait(lambda: not self.one(f"{css}[open]"))

    def saved(self):
        self.wait(lambda: self.text("#saving") == "all saved")

    def column(self, number):
        """Cells of the list from above, as text."""
        return self.run(f"return [...document.querySelectorAll('#rows tr')].map(r => r.cells[{number}].textContent)")

    def votes(self):
        """Object -> vote, of the rows that have one."""
        script = "return [...document.querySelectorAll('#rows tr')].map(r => [r.cells[0].textContent, r.cells[2].textContent])"
        return {name: vote for name, vote in self.run(script) if vote}

    def set(self, name, value):
        self.run("document.getElementById('more-filters').open = true")
        field = self.one(f"#filters [name={name}]")
        if field.tag_name == "select":
            Select(field).select_by_value(value)
        else:
            field.clear()
            field.send_keys(value)

    def clear_filters(self):
        self.run("document.getElementById('filters').reset()")
        self.wait(lambda: self.text("#total") == str(COUNT))


def test_a_first_visit_is_offered_a_tour(ann):
    ann.run("localStorage.removeItem('lcjax-hunt-tour')")
    ann.browser.refresh()
    ann.wait(lambda: ann.one("#tour[open]"))
    titles = [ann.text("#tour-title")]
    while ann.text("#tour-next") != "Done":
        assert ann.run(
            "return document.activeElement.id === 'tour-next' && document.querySelectorAll('.toured').length === 1"
        )
        box, (wide, high) = ann.one("#tour").rect, ann.run("return [innerWidth, innerHeight]")
        assert box["x"] >= 0 and box["y"] >= 0 and box["x"] + box["width"] <= wide and box["y"] + box["height"] <= high
        ann.press("#tour-next", Keys.ARROW_RIGHT)
        ann.wait(lambda: ann.text("#tour-title") != titles[-1])
        titles.append(ann.text("#tour-title"))
    assert len(set(titles)) == len(titles) == 10
    ann.press("#tour-next", Keys.ARROW_LEFT)
    ann.wait(lambda: ann.text("#tour-title") == titles[-2])
    ann.press("#tour-next", Keys.ESCAPE)
    ann.wait(lambda: not ann.one("#tour[open], .toured"))
    ann.browser.refresh()
    ann.wait(lambda: ann.one("#object"))
    assert not ann.one("#tour[open]")
    ann.keys("g")
    ann.wait(lambda: ann.one("#tour[open]") and ann.text("#tour-title") == titles[0])
    ann.one("#tour-skip").click()
    ann.wait(lambda: not ann.one("#tour[open], .toured"))
    ann.keys("?")
    ann.wait(lambda: {"J or ↓", "A", "G", "L"} <= {one.text for one in ann.all("#dialog kbd")})
    ann.closed()


def test_a_night_by_keyboard(ann):
    ann.wait(lambda: ann.column(0) and ann.text("#object") == ann.column(0)[0])
    order = ann.column(0)
    ann.step("ara1")  # accept, reject, accept, first other label
    ann.saved()
    ann.wait(lambda: ann.text("#object") == order[4])
    ann.wait(lambda: ann.votes() == {order[0]: "SN", order[1]: "bogus", order[2]: "SN", order[3]: "AGN"})
    ann.keys("u")
    ann.saved()
    ann.wait(lambda: ann.text("#object") == order[3])
    ann.wait(lambda: ann.votes() == {order[0]: "SN", order[1]: "bogus", order[2]: "SN"})
    ann.step("kk")
    assert ann.text("#object") == order[1]
    ann.keys("r")  # again: withdrawn
    ann.saved()
    ann.wait(lambda: order[1] not in ann.votes() and ann.text("#object") == order[1])
    ann.keys("u")
    ann.saved()
    ann.wait(lambda: ann.votes().get(order[1]) == "bogus")
    assert float(ann.one("#detail").get_attribute("data-milliseconds")) < 1000


def test_stamps_explanation_light_curve_and_host_are_drawn(ann):
    dark = lambda: ann.run(
        "return [...document.querySelectorAll('canvas.stamp')].map(c => "
        "c.getContext('2d').getImageData(0, 0, c.width, c.height).data.reduce((a, b) => a + b, 0))"
    )
    plain = dark()
    assert len(plain) == 4 and len(set(plain)) == 4
    for key in "bi+nlcp":
        before = dark()
        ann.keys(key)
        ann.wait(lambda: dark() != before)
    ann.keys("bi0nlllcccpp")
    width = ann.one("canvas.stamp").rect["width"]
    ann.keys("v")
    ann.wait(lambda: ann.one("canvas.stamp").rect["width"] > 1.3 * width and not ann.one("#list").is_displayed())
    ann.keys("v")
    ann.wait(lambda: ann.one("#list").is_displayed())
    ann.keys("e")
    ann.wait(lambda: "hiding it lowers" in ann.text("#detail"))
    assert len(ann.all("#detail svg circle.point")) == 2 and ann.all("#detail svg path.limit")
    assert "2.00″ away" in ann.text("#detail") and "± 0.05 mag/d" in ann.text("#detail .facts")
    ann.keys("f")
    ann.press("#period", "1.5", Keys.ESCAPE)
    ann.wait(lambda: len(ann.all("#detail svg circle.point")) == 4)  # every point in two cycles
    ann.run("const p = document.getElementById('period'); p.value = ''; p.dispatchEvent(new Event('input'))")
    ann.keys("s")
    ann.wait(lambda: len(ann.all("#dialog circle.candidate")) == COUNT)
    next(b for b in ann.all("#dialog button") if b.text.startswith("Nearer")).click()
    ann.wait(
        lambda: ann.run("return document.querySelector('#dialog svg').getAttribute('viewBox')").endswith(" 360 180")
    )
    ann.closed()


def test_filters_and_sort(ann):
    ann.set("min_score", "0.5")
    ann.wait(lambda: 0 < int(ann.text("#total")) < COUNT)
    assert ann.text("#filters-set") == " (1 set)"
    scores = [float(score) for score in ann.column(1)]
    assert min(scores) >= 0.5 and scores == sorted(scores, reverse=True)
    ann.set("order", "ascending")
    ann.wait(lambda: float(ann.column(1)[0]) == min(scores))
    ann.set("cone", "1 2")
    ann.wait(lambda: "three numbers" in ann.text("#list-error"))
    ann.clear_filters()
    ann.wait(lambda: ann.text("#list-error") == "")
    ann.set("text", "nothing is called so")
    ann.wait(lambda: "No candidate fits" in ann.text("#empty") and ann.one("#empty").is_displayed())
    ann.press("#filters [name=text]", Keys.ESCAPE)
    ann.keys("x")
    ann.wait(lambda: ann.text("#total") == str(COUNT))


def test_export(ann, downloads):
    ann.one("#open-export").click()
    ann.one("#export-labels").click()
    found = ann.wait(lambda: list(downloads.glob("*-labels.csv")))
    rows = list(csv.DictReader(found[0].open()))
    assert sorted(r["label"] for r in rows) == ["SN", "SN", "bogus"]
    ann.one("#export-tns").click()
    ann.wait(lambda: "--tns-group-id" in ann.text("#dialog-body"))
    ann.closed()


def test_two_users_at_once(ann, server):
    first = ann.text("#rows tr td")
    other = open_browser()
    try:
        bob = Page(other)
        bob.enter(server.enter("bob"))
        bob.keys("r")
        bob.saved()
        ann.wait(lambda: ann.votes().get(first, "").startswith("disputed"))
        ann.one("#open-agreement").click()
        ann.wait(lambda: "1 of them of several users" in ann.text("#dialog-body"))
        ann.closed()
    finally:
        other.quit()


def test_a_killed_server_loses_no_vote(ann, server):
    ann.set("unseen", "yes")
    ann.wait(lambda: ann.text("#total") == str(COUNT - 3) and ann.text("#object") == ann.column(0)[0])
    wait = ann.column(0)[:4]
    ann.step("ar")
    ann.saved()  # acknowledged: on the disk
    ann.step("jk")  # the next one is there
    server.kill()
    ann.step("a")  # nobody is there to hear it
    ann.keys("r")
    ann.wait(lambda: "not saved yet" in ann.text("#saving"))
    last = ann.column(0)[-1]
    ann.all("#rows tr")[-1].click()
    ann.wait(lambda: ann.one("#detail > .error") or ann.text("#object") == last)  # nobody gives its stamps
    server.start()
    ann.saved()
    ann.wait(lambda: ann.text("#object") == last)  # it is shown without being asked for again
    ann.clear_filters()
    ann.wait(lambda: [ann.votes().get(name) for name in wait] == ["SN", "bogus", "SN", "bogus"])
    ann.browser.refresh()
    ann.wait(lambda: [ann.votes().get(name) for name in wait] == ["SN", "bogus", "SN", "bogus"])


def test_a_vote_is_undone_after_its_candidate_left_the_list(ann):
    ann.set("unseen", "yes")
    ann.wait(lambda: ann.column(0) and not ann.votes() and ann.text("#object") == ann.column(0)[0])
    before = ann.column(0)
    ann.keys("a")
    ann.wait(lambda: ann.column(0) == before[1:] and ann.text("#object") == before[1])
    ann.keys("u")
    ann.wait(lambda: ann.column(0) == before and ann.text("#object") == before[0])
    ann.clear_filters()


def test_a_session_that_ends_loses_neither_votes_nor_what_is_half_written(ann, server):
    ann.wait(lambda: ann.text("#object") in ann.column(0))
    name = ann.text("#object")
    end_sessions(server)
    ann.keys("r")
    come_in_again(ann, server)
    ann.saved()
    ann.wait(lambda: ann.votes().get(name) == "bogus")
    ann.wait(lambda: ann.text("#object") not in ("", name))
    ann.press("#note", "half", Keys.ESCAPE)
    end_sessions(server)
    come_in_again(ann, server)
    ann.wait(lambda: ann.run("return document.getElementById('note').value") == "half")
    ann.run("document.getElementById('note').value = ''")


def end_sessions(server):
    with contextlib.closing(sqlite3.connect(server.folder / "hunt.sqlite", timeout=10)) as database:
        database.execute("DELETE FROM sessions")
        database.commit()


def come_in_again(page, server):
    page.wait(lambda: page.one("#login[open]"))
    page.one("#login [name=name]").clear()
    page.one("#login [name=name]").send_keys("ann")
    page.one("#login [name=secret]").send_keys(server.address.split("token=")[1], Keys.ENTER)
    page.wait(lambda: not page.one("#login[open]"))


def test_narrow_screens_light_theme_and_names_of_controls(ann):
    ann.browser.set_window_size(500, 900)
    ann.wait(lambda: ann.run("return document.documentElement.scrollWidth <= window.innerWidth"))
    ann.browser.set_window_size(1360, 950)
    nameless = """
      return [...document.querySelectorAll('button, input, select, textarea, canvas, svg.plot')].filter(e => e.checkVisibility()
        && !(e.getAttribute('aria-label') || e.labels?.length || e.textContent.trim() || e.title)).map(e => e.outerHTML.slice(0, 90))"""
    assert ann.run(nameless) == []
    for _ in range(2):
        ann.one("#theme").click()
        assert ann.run(CONTRAST) == []
    ann.one("#theme").click()


def test_nothing_was_refused_by_the_content_policy(ann):
    said = [entry["message"] for entry in ann.browser.get_log("browser")]
    assert not [text for text in said if "Content Security Policy" in text or "Uncaught" in text]


CONTRAST = """
  const rgb = c => c.match(/[\\d.]+/g).map(Number);
  const light = c => { const [r, g, b] = rgb(c).map(v => v / 255).map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; };
  const ground = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if ((rgb(c)[3] ?? 1) === 1) return c; } return 'rgb(0,0,0)'; };
  return [...document.querySelectorAll('#detail *, #list *, header *')].filter(e => e.checkVisibility() && e.namespaceURI.endsWith('xhtml')
    && [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())).filter(e => {
      const [a, b] = [light(getComputedStyle(e).color), light(ground(e))].sort((x, y) => y - x); return (a + .05) / (b + .05) < 4.5; }).map(e => e.outerHTML.slice(0, 90));
"""
