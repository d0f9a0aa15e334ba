"""From one edition to the other and back, without losing the place; and the front page."""

import re

import pytest
from site_checks import SITE, Page, edition_pages, twin

QUESTION = re.compile(r"q\d\d(-\d+)?")
QUESTIONS = [
    (path, name) for path in edition_pages(SITE) for name in Page(SITE / path).ids if QUESTION.fullmatch(name)
]
CHAPTER = QUESTIONS[0][0] if QUESTIONS else "en/index.html"


@pytest.fixture(scope="module")
def tab(browser):
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    yield context.new_page()
    context.close()


def click_switch(tab):
    tab.locator(".language-switch:visible").click()
    tab.wait_for_load_state("load")
    tab.wait_for_timeout(50)  # the place is found again in the frame after the load


@pytest.mark.parametrize(("path", "name"), QUESTIONS)
def test_keeps_page_and_anchor(tab, base, path, name):
    tab.goto(f"{base}/{path}#{name}")
    click_switch(tab)
    assert tab.url == f"{base}/{twin(path)}#{name}"
    box = tab.locator(f"#{name}").bounding_box()
    assert box["y"] < 900 and box["y"] + box["height"] > 0, "the question is not on the screen"


def test_keeps_the_place_where_no_anchor_was_followed(tab, base):
    tab.goto(f"{base}/{CHAPTER}")
    ids = tab.evaluate("[...document.querySelectorAll('article section[id]')].map((section) => section.id)")
    name = ids[len(ids) // 2]
    tab.evaluate("(id) => scrollTo(0, document.getElementById(id).getBoundingClientRect().top)", name)
    click_switch(tab)
    assert tab.url == f"{base}/{twin(CHAPTER)}#{name}"
    assert abs(tab.locator(f"#{name}").bounding_box()["y"]) < 60


def test_top_of_the_page_needs_no_anchor(tab, base):
    tab.goto(f"{base}/{CHAPTER}")
    click_switch(tab)
    assert tab.url == f"{base}/{twin(CHAPTER)}"


def test_keeps_the_search(tab, base):
    tab.goto(f"{base}/ko/search.html?q=relu")
    click_switch(tab)
    assert tab.url == f"{base}/en/search.html?q=relu"


def test_on_a_phone_without_opening_the_drawer(browser, base):
    context = browser.new_context(viewport={"width": 360, "height": 740})
    tab = context.new_page()
    tab.goto(f"{base}/{CHAPTER}")
    link = tab.locator(".mobile-header .language-switch")
    box = link.bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 360
    link.click()
    tab.wait_for_url(f"{base}/{twin(CHAPTER)}")
    context.close()


def test_from_a_disk(tab, site):
    path, name = QUESTIONS[-1] if QUESTIONS else (CHAPTER, "furo-main-content")
    tab.goto(f"file://{site}/{path}#{name}")
    click_switch(tab)
    assert tab.url == f"file://{site}/{twin(path)}#{name}"


def test_without_scripts(browser, base):
    context = browser.new_context(java_script_enabled=False, viewport={"width": 1280, "height": 900})
    tab = context.new_page()
    tab.goto(f"{base}/{CHAPTER}")
    assert tab.locator("article h1").is_visible()
    tab.locator(".language-switch:visible").click()
    tab.wait_for_url(f"{base}/{twin(CHAPTER)}")
    assert tab.locator("article h1").is_visible()
    context.close()


# -- the front page -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("locale", "edition"), [("ko-KR", "ko"), ("ko", "ko"), ("en-US", "en"), ("en-GB", "en"), ("fr-FR", "en")]
)
def test_front_page_asks_the_browser(browser, base, locale, edition):
    context = browser.new_context(locale=locale)
    tab = context.new_page()
    tab.goto(f"{base}/index.html")
    tab.wait_for_url(f"{base}/{edition}/index.html")
    context.close()


def test_front_page_remembers_the_choice(browser, base):
    context = browser.new_context(locale="ko-KR", viewport={"width": 1280, "height": 900})
    tab = context.new_page()
    tab.goto(f"{base}/ko/index.html")
    click_switch(tab)
    tab.goto(f"{base}/index.html")
    tab.wait_for_url(f"{base}/en/index.html")
    context.close()


def test_front_page_without_scripts(browser, base):
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    for edition in ("ko", "en"):
        tab.goto(f"{base}/index.html")
        tab.locator(f"a[hreflang={edition}]").click()
        tab.wait_for_url(f"{base}/{edition}/index.html")
    context.close()


def test_front_page_from_a_disk(browser, site):
    context = browser.new_context(locale="ko-KR")
    tab = context.new_page()
    tab.goto(f"file://{site}/index.html")
    tab.wait_for_url(f"file://{site}/ko/index.html")
    context.close()
