"""The checks find what they are for: each fault is planted in a page of its own."""

import random

import pytest
from site_checks import DESK, PHONE, id_faults, link_faults, nu_faults, untranslated_labels, visit

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>t</title>
<meta name="viewport" content="width=device-width">
<link rel="alternate" hreflang="en" href="../en/p.html">
<link rel="alternate" hreflang="ko" href="../ko/p.html">
<link rel="alternate" hreflang="x-default" href="../en/p.html"><link rel="icon" href="data:,">
</head><body><header class="mobile-header"><a class="language-switch" href="../ko/p.html">한국어</a></header>
<main class="content"><h1 id="a">t</h1>{}</main></body></html>"""


@pytest.fixture
def plant(tmp_path):
    """Write the page with the fault in English, without it in Korean."""

    def write(fault):
        for code in ("en", "ko"):
            (tmp_path / code).mkdir()
        (tmp_path / "en" / "p.html").write_text(PAGE.format(fault), "utf-8")
        (tmp_path / "ko" / "p.html").write_text(PAGE.format(""), "utf-8")
        return tmp_path

    return write


def seen(browser, serve, folder, width=DESK):
    return "\n".join(visit(browser, f"{serve(folder)}/en/p.html", width, axe=True))


def test_a_page_without_fault(browser, serve, plant):
    folder = plant("")
    assert seen(browser, serve, folder) == seen(browser, serve, folder, PHONE) == ""
    assert link_faults(folder, "en/p.html") == id_faults(folder / "en/p.html", folder / "ko/p.html") == []
    assert nu_faults(folder) == []


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        ('<img src="http://127.0.0.2:9/x.png" alt="x">', "third-party request"),
        ('<img src="missing.png" alt="x">', "status 404"),
        ("<script>console.error('oh')</script>", "console: oh"),
        ("<script>nothing()</script>", "script error"),
        ('<div style="width: 400px">x</div>', "wider than 360 px"),
        ('<div style="overflow: auto"><div style="width: 400px"></div></div>', ""),
        (
            '<b class="katex"><svg viewBox="0 0 400000 1080" style="width: 16px; height: auto"></svg></b>',
            "a sign of a formula is too small to see",
        ),
        ('<img src="missing.png">', "axe, light: image-alt"),
        (
            "<p>gray on gray</p>"
            "<style>@media (prefers-color-scheme: dark) { p { color: #777; background: #666 } }</style>",
            "axe, dark: color-contrast",
        ),
        (
            "<p id='late'></p><p>x</p><script>setTimeout(() => late.style.height = '400px', 100)</script>",
            "layout shift",
        ),
    ],
)
def test_faults_in_a_browser(browser, serve, plant, fault, found):
    faults = seen(browser, serve, plant(fault), PHONE)
    assert found in faults if found else faults == ""


def test_a_heavy_page(browser, serve, plant, tmp_path):
    (tmp_path / "heavy.bin").write_bytes(random.Random(0).randbytes(310_000))
    assert "bytes transferred" in seen(browser, serve, plant('<script>fetch("../heavy.bin")</script>'))


def test_an_id_that_only_one_edition_has(plant):
    folder = plant('<p id="b"></p>')
    assert "only in" in id_faults(folder / "en/p.html", folder / "ko/p.html")[0]


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        ('<a href="gone.html">x</a>', "link to nothing: gone.html"),
        ('<a href="../ko/p.html#gone">x</a>', "link to a missing anchor: ../ko/p.html#gone"),
        ('<a class="language-switch" href="../ko/index.html">x</a>', "the switch leads to ../ko/index.html"),
    ],
)
def test_faults_in_links(plant, fault, found):
    assert any(fault.startswith(found) for fault in link_faults(plant(fault), "en/p.html"))


def test_a_label_in_english(plant):
    assert untranslated_labels(plant('<p aria-label="Search">x</p>') / "en" / "p.html") == ["Search"]


def test_invalid_html(plant):
    assert "Duplicate ID" in nu_faults(plant('<p id="a"></p>'))[0]
