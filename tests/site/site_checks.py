"""The checks themselves: functions that return a list of faults, so that a test can plant one and see it."""

import os
import subprocess
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

SITE = Path(os.environ.get("BOOK_HTML", "_build/html")).absolute()
NODE_MODULES = Path(__file__).parents[2] / "node_modules"
AXE = NODE_MODULES / "axe-core" / "axe.min.js"
NU = NODE_MODULES / "vnu-jar" / "build" / "dist" / "vnu.jar"

MOST_BYTES = 300_000  # transferred on a first load
MOST_SHIFT = 0.02
PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 900}


def edition_pages(site):
    """Every page of the editions, as a path relative to the site: ``ko/index.html``."""
    found = (path.relative_to(site) for code in ("en", "ko") for path in (site / code).rglob("*.html"))
    return sorted(path.as_posix() for path in found if "_static" not in path.parts)


# -- in a browser -------------------------------------------------------------------------------------

WATCH_SHIFTS = """
window.layoutShift = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.layoutShift += entry.value;
}).observe({type: "layout-shift", buffered: true});
"""
BYTES = """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
  .reduce((sum, entry) => sum + entry.transferSize, 0)"""
RUN_AXE = """async () => (await axe.run({resultTypes: ["violations"]})).violations.flatMap(
  (rule) => rule.nodes.map((node) => `${rule.id}: ${node.target.join(" ")} ${node.html.slice(0, 160)}`))"""
# Furo lets .content scroll sideways on a phone, so the width of the document alone would hide a fault.
TOO_WIDE = """() => {
  const width = document.documentElement.clientWidth;
  const boxed = (element) => {
    for (let box = element.parentElement; box && !box.matches(".content, body"); box = box.parentElement)
      if (getComputedStyle(box).overflowX !== "visible") return true;
    return false;
  };
  const wide = [...document.querySelectorAll(".mobile-header *, .content *")].filter(
    (element) => element.getBoundingClientRect().right > width + 1 && !boxed(element));
  const scrolls = [document.documentElement, ...document.querySelectorAll(".content")].filter(
    (element) => element.scrollWidth > element.clientWidth + 1);
  return [...scrolls, ...wide].slice(0, 5).map((element) => element.outerHTML.slice(0, 160));
}"""

# KaTeX draws roots and braces as wide pictures: a rule meant for figures must not shrink them.
SHRUNK = """() => [...document.querySelectorAll(".katex svg")].filter(
  (picture) => picture.getClientRects().length && picture.getBoundingClientRect().height < 3
).slice(0, 5).map((picture) => picture.closest(".katex").textContent.slice(0, 80))"""


def visit(browser, url, width, *, axe):
    """Load a page as a new reader does, and list what is wrong with it."""
    context = browser.new_context(viewport=width, color_scheme="light")
    page = context.new_page()
    page.add_init_script(WATCH_SHIFTS)
    own = urlsplit(url).netloc
    faults = []
    page.on("console", lambda m: m.type == "error" and faults.append(f"console: {m.text}"))
    page.on("pageerror", lambda error: faults.append(f"script error: {error}"))
    page.on("response", lambda r: r.status >= 400 and faults.append(f"status {r.status}: {r.url}"))
    page.on(
        "request",
        lambda r: (
            urlsplit(r.url).scheme in ("http", "https")
            and urlsplit(r.url).netloc != own
            and faults.append(f"third-party request: {r.url}")
        ),
    )
    page.goto(url)
    page.evaluate("document.fonts.ready")
    page.wait_for_timeout(200)  # what scripts do after the load
    if (size := page.evaluate(BYTES)) > MOST_BYTES:
        faults.append(f"first load: {size} bytes transferred, at most {MOST_BYTES} expected")
    if (shift := page.evaluate("window.layoutShift")) > MOST_SHIFT:
        faults.append(f"layout shift at {width['width']} px: {shift:.3f}, at most {MOST_SHIFT} expected")
    if width == PHONE:
        faults += [f"wider than {PHONE['width']} px: {html}" for html in page.evaluate(TOO_WIDE)]
    faults += [f"a sign of a formula is too small to see: {text}" for text in page.evaluate(SHRUNK)]
    if axe:
        page.add_script_tag(path=AXE)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            faults += [f"axe, {scheme}: {violation}" for violation in page.evaluate(RUN_AXE)]
    context.close()
    return faults


# -- without a browser --------------------------------------------------------------------------------


class Page(HTMLParser):
    """What the other checks need to know of a page."""

    def __init__(self, path):
        super().__init__()
        self.ids, self.links, self.alternates, self.labels = [], [], {}, []
        self.language = self.switch = None
        self.feed(Path(path).read_text("utf-8"))

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "html":
            self.language = attributes.get("lang")
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if "href" in attributes:
            self.links.append(attributes["href"])
        if tag == "link" and "hreflang" in attributes:
            self.alternates[attributes["hreflang"]] = attributes["href"]
        if tag == "a" and "language-switch" in (attributes.get("class") or ""):
            self.switch = attributes["href"]
        for name in ("aria-label", "placeholder"):
            if name in attributes:
                self.labels.append(attributes[name])
        if tag == "a" and attributes.get("class") == "headerlink":
            self.labels.append(attributes["title"])


def twin(path):
    """``ko/x.html`` -> ``en/x.html`` and back."""
    code, _slash, rest = path.partition("/")
    return f"{'en' if code == 'ko' else 'ko'}/{rest}"


def id_faults(first, second):
    """Ids that one of two pages has and the other has not, or has more often."""
    one, two = Counter(Page(first).ids), Counter(Page(second).ids)
    return [f"only in {first}: {name}" for name in sorted(one - two)] + [
        f"only in {second}: {name}" for name in sorted(two - one)
    ]


def link_faults(site, path):
    """Links to files or anchors of the site that do not exist, and what the way to the twin lacks."""
    page, here = Page(site / path), site / path
    faults = []
    for link in page.links:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        target = (here.parent / unquote(parts.path)).resolve() if parts.path else here
        if not target.exists():
            faults.append(f"link to nothing: {link}")
        elif parts.fragment and target.suffix == ".html" and unquote(parts.fragment) not in ids_of(target):
            faults.append(f"link to a missing anchor: {link}")
    if page.language != path[:2]:
        faults.append(f"<html lang={page.language}> in {path}")
    if page.switch is None or (here.parent / page.switch).resolve() != (site / twin(path)).resolve():
        faults.append(f"the switch leads to {page.switch}, expected {twin(path)}")
    if set(page.alternates) != {"ko", "en", "x-default"}:
        faults.append(f"hreflang of {sorted(page.alternates)}, expected en, ko and x-default")
    return faults


def ids_of(path, known={}):  # noqa: B006 - the cache is meant
    if path not in known:
        known[path] = set(Page(path).ids)
    return known[path]


def untranslated_labels(path):
    """Labels of the interface on a Korean page that are not Korean."""
    return [text for text in Page(path).labels if not any("가" <= char <= "힣" for char in text)]


def nu_faults(folder):
    command = ["java", "-jar", str(NU), "--errors-only", "--skip-non-html", str(folder)]
    run = subprocess.run(command, capture_output=True, text=True)
    return run.stderr.splitlines()
