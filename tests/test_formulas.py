"""Formulas are set when the book is built, and a bad one is the author's error with file and line."""

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import polib
import pytest
from _ext import formulas
from sphinx.application import Sphinx

BOOK = Path(__file__).parents[1] / "book"

CONF = """
extensions = ["myst_parser", "_ext.formulas"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["locale"]
suppress_warnings = ["app"]  # several applications in one process register the same nodes
myst_enable_extensions = ["amsmath", "dollarmath"]
numfig = True
html_theme = "basic"
locale_dirs = ["locale"]
"""
GOOD = """
# Order $O(n^2)$

An inline $\\sigma(x)$ and $\\text{손실}$.

$$
y = \\frac{1}{2}
$$ (eq-half)

\\begin{align}
a &= b \\\\
c &= d
\\end{align}
"""


@pytest.fixture
def build(tmp_path):
    """Build pages (name -> Markdown) and return the warnings, without the colors of the terminal."""

    def run(pages, language="en", out="out"):
        source = tmp_path / "book"
        source.mkdir(exist_ok=True)
        (source / "conf.py").write_text(CONF, "utf-8")
        for name, text in pages.items():
            (source / f"{name}.md").write_text(text.lstrip(), "utf-8")
        warnings = io.StringIO()
        app = Sphinx(
            source,
            source,
            tmp_path / out,
            tmp_path / f"{out}-doctrees",
            "html",
            {"language": language},
            status=None,
            warning=warnings,
        )
        app.build()
        return re.sub(r"\x1b\[[\d;]*m", "", warnings.getvalue()).replace(f"{source}/", "")

    return run


def page(tmp_path, name="index", out="out"):
    return (tmp_path / out / f"{name}.html").read_text("utf-8")


def test_html_and_mathml_and_numbers(build, tmp_path):
    assert build({"index": GOOD}) == ""
    html = page(tmp_path)
    assert html.count('<span class="katex-mathml">') == html.count('<span class="katex-html"') == 5
    assert re.findall(r'class="eqno">\((\d)\)', html) == ["1", "2"]
    assert "eqn-num" not in html  # KaTeX's own numbers
    assert "<title>Order O(n^2)" in html


def test_styles_only_where_formulas_are(build, tmp_path):
    build({"index": GOOD, "plain": "---\norphan: true\n---\n# No formula\n"})
    assert "katex.css" in page(tmp_path) and "katex" not in page(tmp_path, "plain")


def test_the_style_sheet_holds_the_fonts_that_the_book_uses(build, tmp_path):
    build({"index": GOOD})
    static = tmp_path / "out" / "_static" / "katex"
    css = (static / "katex.css").read_text("utf-8")
    faces = re.findall(r"@font-face\{.*?font-family:\W?(\w+).*?src:url\((data|fonts/[^)]+)", css)
    assert {family for family, source in faces if source == "data"} == {"KaTeX_Main", "KaTeX_Math"}
    beside = {source.removeprefix("fonts/") for _family, source in faces if source != "data"}
    assert beside <= {font.name for font in (static / "fonts").iterdir()} and len(faces) == 20
    assert len(css) < 60_000
    build({"index": GOOD + "\n$\\mathbb{R}$\n"})
    assert (
        "@font-face{font-display:block;font-family:KaTeX_AMS;font-style:normal;font-weight:400;src:url(data:"
        in (static / "katex.css").read_text("utf-8")
    )


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("# T\n\nOne\ntwo $a^b^c$.\n", 3, "formula a^b^c: Double superscript"),
        ("# T\n\ntext\n\n$$\n\\frac{1\n$$\n", 5, r"formula \frac{1: Unexpected end of input"),
        ("# T\n\n$손실$\n", 3, "formula 손실: LaTeX-incompatible input and strict mode is set to 'error'"),
        ("# T\n\n## On $\\nope$\n", 3, r"formula \nope: Undefined control sequence: \nope"),
        ("# T\n\n| a |\n|---|\n| $x_$ |\n", 5, "formula x_: Expected group after '_'"),
    ],
)
def test_bad_formula_names_file_and_line(build, text, line, message):
    warning = build({"index": text})
    assert warning.startswith(f"index.md:{line}: WARNING: {message}")
    assert warning.count("WARNING") == 1


def test_bad_formula_stays_bad_when_its_page_is_not_read_again(build):
    first = build({"index": "# T\n\n$a^b^c$\n"})
    assert build({}) == first != ""


def test_bad_formula_in_a_translation_names_the_catalog(build, tmp_path):
    catalog = polib.POFile()
    catalog.metadata = {"Content-Type": "text/plain; charset=UTF-8"}
    catalog.append(polib.POEntry(msgid="The loss $x^2$.", msgstr="손실 $x^2^3$."))
    folder = tmp_path / "book" / "locale" / "ko" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    catalog.save(folder / "index.po")
    warning = build({"index": "# T\n\nThe loss $x^2$.\n"}, language="ko")
    assert warning.startswith("index.md:3: WARNING: formula x^2^3: Double superscript")
    assert "(in the translation: locale/ko/LC_MESSAGES/index.po)" in warning


def test_words_of_a_displayed_formula_are_translated(build, tmp_path):
    catalog = polib.POFile()
    catalog.metadata = {"Content-Type": "text/plain; charset=UTF-8"}
    first, second = "E_{\\text{mean}} = 1 ,\n\\qquad x = 2", "\\text{bad}"
    catalog.append(polib.POEntry(msgid=first, msgstr=first.replace("mean", "평균")))
    catalog.append(polib.POEntry(msgid=second, msgstr="\\text{나쁨} x^2^3"))
    folder = tmp_path / "book" / "locale" / "ko" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    catalog.save(folder / "index.po")
    text = f"# T\n\n$$\n{first}\n$$\n\n$$\n{second}\n$$\n"
    warning = build({"index": text}, language="ko")
    assert "Double superscript" in warning and "(in the translation: locale/ko" in warning
    assert "<mtext>평균</mtext>" in page(tmp_path) and "::" not in page(tmp_path)


def test_mathml_is_valid_where_katex_is_careless(build, tmp_path):
    rows = r"\begin{gathered} a \\ b \end{gathered}"
    assert build({"index": f"# T\n\n$h_{{\\min}}$\n\n$$\n{rows}\n$$\n"}) == ""
    assert "<msub><mi>h</mi><mi>min</mi></msub>" in page(tmp_path)
    assert "<mtable" in page(tmp_path) and 'columnspacing=""' not in page(tmp_path)


def test_one_call_of_node_and_none_for_what_is_known(build, monkeypatch):
    calls = []
    katex = formulas.katex
    monkeypatch.setattr(formulas, "katex", lambda found: calls.append(len(found)) or katex(found))
    other = "---\norphan: true\n---\n# T\n\n$z$\n"
    build({"index": GOOD, "other": other})
    assert calls == [6]
    build({"other": other.replace("z", "w")})
    assert calls == [6, 1]


def test_builds_are_equal(build, tmp_path):
    pages = {"index": GOOD} | {f"p{i}": f"---\norphan: true\n---\n# T {i}\n{GOOD}" for i in range(6)}
    pages = {name: text.replace("eq-half", f"eq-{name}") for name, text in pages.items()}
    build(pages, out="first")
    # In processes of their own: Sphinx forks, which JAX, loaded by other tests, does not survive.
    environment = os.environ | {"PYTHONPATH": str(BOOK)}
    for out, jobs in (("one", "-j1"), ("two", "-j2")):
        command = [sys.executable, "-m", "sphinx", "-q", "-W", jobs, "-d", tmp_path / f"{out}-doctrees"]
        subprocess.run([*command, tmp_path / "book", tmp_path / out], check=True, env=environment)
    for name in pages:
        assert page(tmp_path, name, "one") == page(tmp_path, name, "two")


def test_missing_katex_is_one_clear_error(build, monkeypatch, tmp_path):
    monkeypatch.setattr(formulas, "KATEX", tmp_path / "node_modules" / "katex")
    with pytest.raises(SystemExit, match=r"KaTeX is not installed: .*katex.*run `make html`"):
        build({"index": GOOD})
