"""What differs by edition, the links between the editions, and the mends of the theme's output."""

import ast
import io
import re
from pathlib import Path
from types import SimpleNamespace

import polib
import pytest
import sphinx
from _ext import editions
from _ext.editions import EDITIONS, PLURALS, WORDS, alternates, other_edition
from sphinx.application import Sphinx
from sphinx.locale import translators

ROOT = Path(__file__).parents[1]
CONF = f"""
project = "Book"
extensions = ["myst_parser", "sphinx.ext.viewcode", "_ext.editions"]
source_suffix = {{".md": "markdown"}}
myst_enable_extensions = ["colon_fence", "dollarmath"]
templates_path = [{str(ROOT / "book/_templates")!r}]
exclude_patterns = ["locale"]
suppress_warnings = ["app"]  # several applications in one process register the same nodes
html_theme = "furo"
html_static_path = [{str(ROOT / "book/_static")!r}]
locale_dirs = ["locale"]
numfig = True
"""
PAGES = {
    "index": """
---
myst:
  html_meta:
    description: A short book
---
# Top

```{toctree}
:caption: Chapters
sub/page
```
""",
    "sub/page": """
# Page

```{toctree}
deep
```

```{table} Caption
:name: tab

| a |
|---|
| b |
```

{numref}`tab`, *word* and *낱말*

$$
x
$$ (eq-x)

```{eval-rst}
.. py:function:: json.dumps

   :returns: * a
             * b
```
""",
    "sub/deep": "# Deep\n\ntext\n",
}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Both editions of a tiny book with the book's own interface words; from a page to its text."""
    folder = tmp_path_factory.mktemp("editions")
    source = folder / "book"
    for name, text in PAGES.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / f"{name}.md").write_text(text.lstrip(), "utf-8")
    (source / "conf.py").write_text(CONF, "utf-8")
    catalogs = source / "locale" / "ko" / "LC_MESSAGES"
    catalogs.mkdir(parents=True)
    words = ROOT / "locale/ko/LC_MESSAGES/sphinx.po"
    (catalogs / "sphinx.po").write_bytes(words.read_bytes())
    page = polib.POFile()
    page.metadata = {"Content-Type": "text/plain; charset=UTF-8"}
    page.append(polib.POEntry(msgid="A short book", msgstr="짧은 책"))
    page.save(catalogs / "index.po")
    for code, base in (("en", ""), ("ko", ""), ("ko", "https://book.example/")):
        translators.clear()  # Sphinx keeps those of every application that this process has made
        warnings = io.StringIO()
        out = folder / ("published" if base else "html") / code
        overrides = {"language": code, "html_baseurl": base}
        doctrees = folder / "doctrees" / f"{code}{bool(base)}"
        Sphinx(source, source, out, doctrees, "html", overrides, status=None, warning=warnings).build()
        assert warnings.getvalue() == ""
    return lambda name, kind="html": (folder / kind / name).read_text("utf-8")


# -- settings -----------------------------------------------------------------------------------------


def test_every_setting_is_given_for_both():
    assert set(EDITIONS["ko"].settings) >= set(EDITIONS["en"].settings)
    assert (other_edition("ko").name, other_edition("en").name) == ("English", "한국어")


def test_titles_and_numbers_are_in_the_language(built):
    assert "<title>Page – 코드로 답하는 딥러닝 면접</title>" in built("ko/sub/page.html")
    assert "<title>Page – The Deep Learning Interview, Answered in Code</title>" in built("en/sub/page.html")
    assert "표 1" in built("ko/sub/page.html") and "Table 1" in built("en/sub/page.html")
    assert '<html class="no-js" lang="ko"' in built("ko/index.html")


def test_unknown_edition_is_one_clear_error(tmp_path):
    (tmp_path / "conf.py").write_text(CONF, "utf-8")
    with pytest.raises(SystemExit, match="no edition 'fr'; expected en or ko"):
        Sphinx(tmp_path, tmp_path, tmp_path / "o", tmp_path / "d", "html", {"language": "fr"}, status=None)


# -- the way to the other edition ---------------------------------------------------------------------


def test_switch_on_every_page(built):
    for name, link in [
        ("index", "../en/index.html"),
        ("sub/page", "../../en/sub/page.html"),
        ("search", "../en/search.html"),
        ("genindex", "../en/genindex.html"),
    ]:
        links = re.findall(
            r'<a class="language-switch" href="([^"]*)" .*lang="en">English</a>', built(f"ko/{name}.html")
        )
        assert links == [link, link]  # on top of a phone's screen, and in the list of chapters


def test_alternates_are_relative_on_a_disk_and_absolute_when_published(built):
    found = re.compile(r'<link rel="alternate" hreflang="([^"]*)" href="([^"]*)">')
    assert found.findall(built("ko/sub/page.html")) == [
        ("en", "../../en/sub/page.html"),
        ("ko", "../../ko/sub/page.html"),
        ("x-default", "../../en/sub/page.html"),
    ]
    published = built("ko/sub/page.html", "published")
    assert found.findall(published) == [
        ("en", "https://book.example/en/sub/page.html"),
        ("ko", "https://book.example/ko/sub/page.html"),
        ("x-default", "https://book.example/en/sub/page.html"),
    ]
    assert '<link rel="canonical" href="https://book.example/ko/sub/page.html">' in published


def test_front_page_is_for_readers_of_neither_language():
    assert alternates("ko", "", "", "index.html")[-1] == ("x-default", "../index.html")


# -- words --------------------------------------------------------------------------------------------


def test_interface_is_in_the_language(built):
    page = built("ko/sub/page.html")
    labels = re.findall(r'(?:aria-label|placeholder)="([^"]*)"', page)
    labels += re.findall(r'class="headerlink" [^>]*title="([^"]*)"', page)
    assert len(labels) > 10
    assert [label for label in labels if not re.search("[가-힣]", label)] == []
    assert (
        "이 페이지의 원본: <code>book/sub/page.md</code>, <code>locale/ko/LC_MESSAGES/sub/page.po</code>"
        in page
    )


def test_words_of_scripts(built):
    words = built("ko/_static/words.js")
    assert '"Copy": "복사"' in words and "${resultCount}페이지" in words
    assert '""' not in words and "words.js" in built("ko/index.html")
    assert "words.js" not in built("en/index.html")


def interface_words(code):
    """The literals in _() of a Python file, also those within an f-string."""
    calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call) and node.args]
    names = [(getattr(call.func, "id", ""), call.args[0]) for call in calls]
    return {
        word.value
        for name, word in names
        if name == "_" and isinstance(word, ast.Constant) and isinstance(word.value, str)
    }


def test_interface_words_of_a_python_file():
    assert interface_words("""f'<b t="{_("One")}">'; _("Two, " "long"); _(three); other("Four")""") == {
        "One",
        "Two, long",
    }


def translated(path):
    return {
        entry.msgid
        for entry in polib.pofile(path)
        if not entry.fuzzy and (entry.msgstr or any(entry.msgstr_plural.values()))
    }


def test_every_interface_word_has_its_korean():
    """Each msgid of the templates and of the extensions is in our catalog or in Sphinx's own."""
    catalogs = [ROOT / "locale", Path(sphinx.__file__).parent / "locale"]
    known = set().union(*(translated(folder / "ko/LC_MESSAGES/sphinx.po") for folder in catalogs))
    extensions = [path.read_text("utf-8") for path in (ROOT / "book/_ext").glob("*.py")]
    used = {*WORDS, *(one for one, _many in PLURALS)}.union(*map(interface_words, extensions))
    assert {"Function", "Sections of %s"} <= used
    for path in [*(ROOT / "book/_templates").rglob("*.html"), *(ROOT / "book/_static").glob("*.js")]:
        used.update(word for _quote, word in re.findall(r"""\b_\((['"])(.+?)\1\)""", path.read_text("utf-8")))
    assert sorted(used - known) == []


# -- mends --------------------------------------------------------------------------------------------


def test_mends(built):
    assert "translated" not in built("ko/index.html") and "짧은 책" in built("ko/index.html")
    page = built("ko/sub/page.html")
    ids = re.findall(r' id="([^"]*)"', page)
    assert len(ids) == len(set(ids))
    assert "<p><ul" not in page and "<p>a</p>" in page
    assert '<em class="latin">word</em>' in page and "<em>낱말</em>" in page
    assert 'role="heading"' in page and 'role="heading">' not in page
    assert 'aria-label="Page의 절"' in page


def test_a_page_in_another_encoding_is_named_with_its_line(tmp_path):
    (tmp_path / "page.md").write_bytes("# Page\n\n한글\n".encode("cp949"))
    with pytest.raises(SystemExit, match=r"page\.md:3: expected UTF-8, found byte 0xc7"):
        editions.check_encoding(SimpleNamespace(srcdir=tmp_path))


def test_pages_without_source_leave_the_site(tmp_path):
    for name in ("index", "old", "code/old", "search", "_modules/x"):
        page = tmp_path / f"{name}.html"
        page.parent.mkdir(exist_ok=True)
        page.touch()
    app = SimpleNamespace(outdir=tmp_path, builder=SimpleNamespace(name="html"))
    editions.drop_old_pages(app, SimpleNamespace(found_docs={"index"}))
    left = {page.relative_to(tmp_path).as_posix() for page in tmp_path.rglob("*.html")}
    assert left == {"index.html", "search.html", "_modules/x.html"}
