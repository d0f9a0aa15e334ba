"""The book's directives on tiny books: what they make, and the one message for each fault of an author."""

import json
import re
from concurrent.futures import ProcessPoolExecutor
from io import StringIO
from multiprocessing import get_context
from pathlib import Path

import pytest
from _ext import mirror, plot
from sphinx.application import Sphinx
from sphinx.locale import translators
from sphinx.util.console import strip_colors
from sphinx.util.docutils import docutils_namespace, patch_docutils

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.filterwarnings("ignore::sphinx.deprecation.RemovedInSphinx11Warning:myst_parser")

REGISTRY = """\
- chapter: 1
  file: 01-first
  title: {en: "First things", ko: "첫째"}
  questions:
  - id: q01
    slug: one
    ko: "하나는 \\"하나\\"인가?"
    en: "What is \\"one\\", ...?"
    asked_as: [nam-1, adc-12]
  - {id: q01-1, slug: two, ko: "둘은?", en: "What is x_2 & 50%?", asked_as: [nam-1+1], note: "A secret."}
- chapter: 2
  file: 02-second
  title: {en: "Second things", ko: "둘째"}
  questions:
  - {id: q02, slug: three, ko: "셋은?", en: "What is three?", asked_as: [adc-3-1]}
"""

CHAPTER = """\
# First things

(q01)=
## What is "one", ...?

:::{question} q01
:level: basic
:::

:::{answer}
One is *one*, $1^2$; see [the next](#q01-1) and {ref}`q01-1`.

It is a number.
:::

The full answer.

### The long way

:::{wrong-answer} One is *always* $1$
It is not.
:::

:::{wrong-answer} One is none
It is one.
:::

:::{rubric}
- says one, $1$
- counts
:::

(q01-1)=
## What is x_2 & 50%?

:::{question} q01-1
:level: deep
:::

:::{answer}
Two.
:::
"""

INDEX = """\
# Book

Why [one is not always one](#q01-wrong-1), by {ref}`label <q01-wrong-2>` too.

```{toctree}
01-first
questions
wrong-answers
```
"""

FIGURES = """\
import numpy as np

from figures.style import COLORS, MUTED, PAPER, _, new


def line():
    fig, ax = new()
    ax.plot([0, 1, 2], color=COLORS[0], marker="o", markerfacecolor=PAPER)
    ax.plot([2, 1, 0], color="#123456", clip_on=True)
    ax.set_xlabel(_("input x"))
    ax.text(1, 1, _("{n} layers").format(n=3), color=MUTED)
    ax.set_yscale("symlog")
    return fig


def powers():
    fig, axes = new(rows=2)
    axes[0].loglog([1e-3, 1e3], [1, 1e4])
    axes[1].plot(np.arange(200.0) ** 2)
    return fig


def fails():
    return 1 / 0


def no_figure():
    return "a figure"


def no_glyph():
    fig, ax = new()
    ax.set_title("𓀀")
    return fig


def divides():
    fig, ax = new()
    ax.plot(np.ones(2) / np.zeros(2))
    return fig
"""

PLOT = """\
# Book

See {numref}`curves.line`.

:::{plot} curves.line
:alt: A line that "rises".
A line *rises*.
:::
"""

KOREAN = {
    "01-first": {
        "First things": "첫째",
        'What is "one", ...?': '하나는 "하나"인가?',
        "What is x_2 & 50%?": "둘은?",
        "Two.": "둘입니다.",
        "One is *always* $1$": "하나는 *늘* $1$이다",
        "One is none": "하나는 없다",
        "says one, $1$": "하나를 말함, $1$",
    },
    "index": {'A line that "rises".': "오르는 '선'.", "A line *rises*.": "선이 *오른다*."},
    "figures": {"input x": "입력 x"},
}


class Book:
    """A tiny book in a folder, with the extensions that are tested."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.write("locale/.keep", "")
        self.write("book/questions.yaml", REGISTRY)
        for catalog, entries in KOREAN.items():
            self.write(f"locale/ko/LC_MESSAGES/{catalog}.po", po(entries))

    def write(self, path: str, text: str) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def pages(self, **pages: str) -> "Book":
        for name, text in pages.items():
            self.write(f"book/{name.replace('_', '-').removeprefix('c')}.md", text)
        return self

    def build(self, builder="html", language="en", parallel=1, **settings) -> list[str]:
        """Build, incrementally where the folder was built before; the warnings, one a line."""
        warnings = StringIO()
        out = self.folder / "out" / f"{builder}-{language}"
        settings = {
            "extensions": ["myst_parser", "_ext.questions", "_ext.mirror", "_ext.plot"],
            "myst_enable_extensions": ["colon_fence", "dollarmath"],
            "html_theme": "basic",
            "html_use_index": False,
            "exclude_patterns": ["figures"],
            "locale_dirs": ["../locale"],
            "gettext_compact": False,
            "language": language,
            "numfig": True,
            "project": "책" if language == "ko" else "The Book",
            "author": "Ann & Bo",
            "release": "1.2",
            "book_date": "2026-11-20",
            "show_warning_types": False,
            **settings,
        }
        translators.clear()  # Sphinx keeps them for the process
        with patch_docutils(), docutils_namespace():
            doctrees = self.folder / "doctrees" / f"{builder}-{language}"
            app = Sphinx(
                self.folder / "book",
                None,
                out,
                doctrees,
                builder,
                settings,
                StringIO(),
                warnings,
                parallel=parallel,
            )
            app.build()
        self.out, self.app = out, app
        return strip_colors(warnings.getvalue()).replace(f"{self.folder}/", "").splitlines()

    def read(self, name: str) -> str:
        return (self.out / name).read_text(encoding="utf-8")


def po(entries: dict[str, str]) -> str:
    quoted = [
        f"msgid {json.dumps(k, ensure_ascii=False)}\nmsgstr {json.dumps(v, ensure_ascii=False)}"
        for k, v in entries.items()
    ]
    return "\n\n".join(['msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"', *quoted]) + "\n"


@pytest.fixture
def book(tmp_path):
    return Book(tmp_path)


@pytest.fixture
def sound(book):
    return book.pages(
        index=INDEX,
        c01_first=CHAPTER,
        questions="# Questions\n\n```{question-index}\n```\n",
        wrong_answers="# Wrong answers\n\n```{wrong-answer-index}\n```\n",
    )


# ---------------------------------------------------------------- questions: faults


def line_of(text: str, piece: str) -> int:
    return text[: text.index(piece)].count("\n") + 1


QUESTION_FAULTS = {
    "unknown id": (
        "{question} q01-1",
        "{question} q01-2",
        "question q01-2: unknown id; expected one of questions.yaml, perhaps",
    ),
    "id used twice": (
        "{question} q01-1",
        "{question} q01",
        "question q01 already stands in line 6; expected each id once",
    ),
    "heading differs": (
        "## What is x_2 & 50%?",
        "## What is x_3?",
        "its heading is 'What is x_3?'; expected 'What is x_2 & 50%?'",
    ),
    "label missing": ("(q01-1)=\n", "", "expected (q01-1)= above the heading"),
    "label differs": ("(q01-1)=\n", "(q01-2)=\n", "expected (q01-1)= above the heading"),
    "level missing": (":level: deep\n", "", "its level is ''; expected basic, core, deep"),
    "level unknown": (":level: deep", ":level: hard", "its level is 'hard'; expected basic, core, deep"),
    "no answer": (
        ":::{answer}\nTwo.\n:::\n",
        "",
        "question q01-1 has no answer; expected one answer directive",
    ),
    "another chapter's": (
        "{question} q01-1",
        "{question} q02",
        "it belongs in 02-second.md, not in 01-first.md",
    ),
    "not below its heading": (
        ":::{question} q01-1",
        "Before.\n\n:::{question} q01-1",
        "expected directly below its heading",
    ),
}
BLOCK_FAULTS = {
    "answer outside": (
        "# First things\n",
        "# First things\n\n:::{answer}\nAstray.\n:::\n",
        "{answer}",
        "answer stands outside of a question",
    ),
    "rubric outside": (
        "# First things\n",
        "# First things\n\n:::{rubric}\n- a\n:::\n",
        "{rubric}",
        "rubric stands outside of a question",
    ),
    "wrong answer outside": (
        "# First things\n",
        "# First things\n\n:::{wrong-answer} A\nB\n:::\n",
        "{wrong-answer}",
        "wrong-answer stands outside",
    ),
    "second answer": (
        "The full answer.",
        ":::{answer}\nAgain.\n:::",
        "{answer}\nAgain",
        "answer: question q01 already has one",
    ),
    "empty answer": ("Two.\n", "", "{answer}\n:::", "answer of question q01-1 is empty; expected text"),
    "empty wrong answer": (
        "It is one.\n",
        "",
        "{wrong-answer} One is none",
        "wrong-answer of question q01 is empty",
    ),
    "no list": (
        "- says one, $1$\n- counts\n",
        "says one\n",
        "{rubric}",
        "rubric of question q01: expected a list",
    ),
    "no claim": (
        "{wrong-answer} One is none",
        "{wrong-answer}",
        "{wrong-answer}\n",
        "1 argument(s) required, 0 supplied",
    ),
}


@pytest.mark.parametrize("fault", QUESTION_FAULTS)
def test_a_fault_of_a_question_is_named_with_its_line(sound, fault):
    right, wrong, message = QUESTION_FAULTS[fault]
    assert CHAPTER.count(right) == 1
    text = CHAPTER.replace(right, wrong)
    named = re.findall(r"\{question\} \S+", text)[-1]
    line = text[: text.rindex(named)].count("\n") + 1
    warnings = sound.pages(c01_first=text).build("dummy")
    assert [w for w in warnings if w.startswith(f"book/01-first.md:{line}: WARNING: ") and message in w], (
        warnings
    )


@pytest.mark.parametrize("fault", BLOCK_FAULTS)
def test_a_fault_of_a_block_is_named_with_its_line(sound, fault):
    right, wrong, place, message = BLOCK_FAULTS[fault]
    assert CHAPTER.count(right) == 1
    text = CHAPTER.replace(right, wrong)
    warnings = sound.pages(c01_first=text).build("dummy")
    assert [
        w for w in warnings if w.startswith(f"book/01-first.md:{line_of(text, place)}: ") and message in w
    ], warnings


def test_a_chapter_is_whole(sound):
    text = CHAPTER[: CHAPTER.index("(q01-1)=")].replace("see [the next](#q01-1) and {ref}`q01-1`.", "")
    [warning] = sound.pages(c01_first=text).build("dummy")
    assert warning == "book/01-first.md: WARNING: q01-1 missing; expected all 2 questions of chapter 1"


def test_a_chapter_has_the_title_of_the_registry(sound):
    [warning] = sound.pages(c01_first=CHAPTER.replace("# First things", "# First thing")).build("dummy")
    expected = "the chapter's title is 'First thing'; expected 'First things'"
    assert warning == f"book/01-first.md:1: WARNING: {expected}"


@pytest.mark.parametrize("text", ["", "Words without a title.\n", "# Second things\n"])
def test_a_page_without_a_chapter_is_no_traceback(sound, text):
    warnings = sound.pages(c02_second=text, index=INDEX.replace("01-first", "01-first\n02-second")).build()
    assert "book/02-second.md: WARNING: q02 missing; expected all 1 questions of chapter 2" in warnings


def test_questions_stand_in_the_order_of_the_registry(sound):
    start, middle = CHAPTER.index("(q01)="), CHAPTER.index("(q01-1)=")
    text = f"{CHAPTER[:start]}{CHAPTER[middle:]}\n{CHAPTER[start:middle]}"
    [warning] = sound.pages(c01_first=text).build("dummy")
    line = line_of(text, ":::{question} q01\n")
    expected = "question q01 stands after q01-1; expected the order of questions.yaml"
    assert warning == f"book/01-first.md:{line}: WARNING: {expected}"


def test_a_question_outside_of_its_chapter(sound):
    stray = CHAPTER[CHAPTER.index("(q01-1)=") :].replace("(q01-1)=", "(other)=")
    warnings = sound.pages(questions=f"# Questions\n\n{stray}").build("dummy")
    assert any("questions.md:6: WARNING: question q01-1: it belongs in 01-first.md" in w for w in warnings)


def test_a_korean_heading_is_held_to_the_korean_title(sound):
    catalog = KOREAN["01-first"] | {"What is x_2 & 50%?": "셋은?"}
    sound.write("locale/ko/LC_MESSAGES/01-first.po", po(catalog))
    [warning] = sound.build("dummy", "ko")
    assert "book/01-first.md:" in warning
    assert "question q01-1: its heading is '셋은?'; expected '둘은?' in the page's catalog" in warning


def test_a_broken_registry_stops_the_build_with_its_line(sound):
    sound.write("book/questions.yaml", REGISTRY.replace("id: q02", "id: q01"))
    # SystemExit, because Sphinx adds a traceback to errors of other kinds.
    with pytest.raises(SystemExit, match=r"questions\.yaml:15: id 'q01' is already used in line 5"):
        sound.build("dummy")


# ---------------------------------------------------------------- questions: what they make


def test_a_sound_book_has_no_warnings(sound):
    assert sound.build("html", "en") == []
    assert sound.build("html", "ko") == []


def ids(html: str) -> list[str]:
    return re.findall(r'\bid="([^"]+)"', html)


def test_ids_are_equal_in_both_editions_and_unique(sound):
    sound.build("html", "en")
    english = {page.name: ids(page.read_text("utf-8")) for page in sound.out.glob("*.html")}
    sound.build("html", "ko")
    korean = {page.name: ids(page.read_text("utf-8")) for page in sound.out.glob("*.html")}
    assert english == korean
    expected = ["q01", "q01-answer", "q01-wrong-1", "q01-wrong-2", "q01-rubric", "q01-1", "q01-1-answer"]
    assert [id for id in english["01-first.html"] if id in expected] == expected
    assert all(len(found) == len(set(found)) for found in english.values())


def test_what_a_reader_sees_of_a_question(sound):
    sound.build("html", "en")
    html = sound.read("01-first.html")
    assert '<a class="question-number" href="#q01-1" title="Permanent link">Q1.1</a>' in html
    assert "Asked in: Nam Sedong’s list, 1; ai-tech-interview, 12<" in html
    assert "Asked in: Nam Sedong’s list, 1, follow-up 1<" in html
    assert "A secret." not in html
    assert re.search(
        r'<div class="answer" id="q01-answer" role="group" aria-labelledby="q01-answer-title">', html
    )
    assert re.search(
        r'id="q01-wrong-1-title"><span class="block-label">Wrong answer:</span> One is <em>always</em>', html
    )
    assert '<section id="q01">' in html
    sound.build("html", "ko")
    assert '<span class="block-label">Wrong answer:</span> 하나는 <em>늘</em>' in sound.read("01-first.html")


def test_how_a_question_is_cited(sound):
    sound.build("html", "en")
    html = sound.read("01-first.html")
    assert (
        "Ann &amp; Bo: “What is x_2 &amp; 50%?” (q01-1). In: The Book, version 1.2, 2026-11-20.</p>" in html
    )
    bibtex = html[html.index("@incollection{dl-interview-q01-1,") :]
    assert r"title = {{What is x\_2 \&amp; 50\%?}}," in bibtex[:300]
    assert "url =" not in html
    assert "@incollection{dl-interview-ch01," in html
    sound.build("html", "ko", html_baseurl="https://example.org/ko")
    html = sound.read("01-first.html")
    assert "url = {https://example.org/ko/01-first.html#q01-1}," in html
    assert "title = {{둘은?}}," in html
    assert "booktitle = {{책}}," in html


def test_the_index_of_questions(sound):
    sound.build("html", "en")
    html = sound.read("questions.html")
    assert (
        '<section id="chapter-1">\n<h2><a class="reference internal" href="01-first.html">1. First things</a>'
        in html
    )
    assert re.search(r'<section id="chapter-2">\n<h2>2\. Second things', html)
    assert 'href="01-first.html#q01-1"><span class="question-title">What is x_2 &amp; 50%?</span></a>' in html
    assert '<p class="question-other" lang="ko">셋은?</p>' in html
    assert re.search(r'What is three\?</span> <span class="question-level">in preparation</span>', html)
    assert "#q02" not in html
    sound.build("html", "ko")
    assert '<p class="question-other" lang="en">What is three?</p>' in sound.read("questions.html")


def test_the_index_of_wrong_answers(sound):
    sound.build("html", "en")
    html = sound.read("wrong-answers.html")
    assert "1. First things" in html
    assert "Second things" not in html
    assert '<a class="reference internal" href="01-first.html#q01-wrong-1">One is <em>always</em>' in html
    assert "Q1 What is “one”, …?" in html
    assert "Q1.1" not in html  # it has none


def test_the_export(sound):
    sound.build("html", "en")
    first, second = json.loads(sound.read("questions.json"))
    spoken = "One is one, $1^2$; see the next and What is x_2 & 50%?.\n\nIt is a number."
    assert first.pop("answer_text") == spoken
    html = first.pop("answer")
    assert html.startswith("<p>One is <em>one</em>, ")
    assert '<a class="reference internal" href="01-first.html#q01-1">' in html
    assert html.endswith("<p>It is a number.</p>")
    assert first == {
        "id": "q01",
        "number": "Q1",
        "title": 'What is "one", ...?',
        "level": "basic",
        "chapter": 1,
        "rubric": ["says one, $1$", "counts"],
        "wrong_answers": [
            {"id": "q01-wrong-1", "title": "One is always $1$"},
            {"id": "q01-wrong-2", "title": "One is none"},
        ],
        "url": "01-first.html#q01",
    }
    assert second["answer_text"] == "Two."
    sound.build("html", "ko")
    first, second = json.loads(sound.read("questions.json"))
    assert (first["title"], second["answer_text"]) == ('하나는 "하나"인가?', "둘입니다.")
    assert first["wrong_answers"][0]["title"] == "하나는 늘 $1$이다"


SECOND = """\
# Second things

(q02)=
## What is three?

:::{question} q02
:level: core
:::

:::{answer}
Three.
:::
"""


def test_an_incremental_build_keeps_indexes_and_export_complete(sound):
    sound.build("html", "en")
    assert (
        sound.pages(c02_second=SECOND, index=INDEX.replace("01-first", "01-first\n02-second")).build() == []
    )
    assert [entry["id"] for entry in json.loads(sound.read("questions.json"))] == ["q01", "q01-1", "q02"]
    assert 'href="02-second.html#q02"' in sound.read("questions.html")
    assert "in preparation" not in sound.read("questions.html")
    sound.pages(c02_second=SECOND.replace("Three.\n", "Three!\n").replace("core", "deep")).build()
    assert [entry["answer_text"] for entry in json.loads(sound.read("questions.json"))][1:] == [
        "Two.",
        "Three!",
    ]
    assert '<span class="question-level">Core</span>' not in sound.read("questions.html")
    (sound.folder / "book/02-second.md").unlink()
    sound.pages(index=INDEX).build()
    assert [entry["id"] for entry in json.loads(sound.read("questions.json"))] == ["q01", "q01-1"]
    assert "in preparation" in sound.read("questions.html")


def test_a_changed_registry_is_read_by_its_pages(sound):
    sound.build("dummy")
    sound.write("book/questions.yaml", REGISTRY.replace("What is x_2 & 50%?", "What is x_9?"))
    assert any("expected 'What is x_9?'" in warning for warning in sound.build("dummy"))


def test_parallel_builds_make_the_same(tmp_path):
    made = []
    for jobs in (1, 2):
        book = Book(tmp_path / str(jobs))
        extra = {f"page{i}": f"# Page {i}\n" for i in range(8)}  # Sphinx divides more than five pages
        book.pages(
            index=INDEX.replace("01-first", "01-first\n02-second\n" + "\n".join(extra)), c01_first=CHAPTER
        )
        book.pages(questions="# Q\n\n```{question-index}\n```\n", c02_second=SECOND, **extra)
        book.pages(wrong_answers="# W\n\n```{wrong-answer-index}\n```\n")
        # In a process of its own: Sphinx forks, which JAX, loaded by other tests, does not survive.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            assert pool.submit(book.build, parallel=jobs).result() == []
        made.append(
            {
                page.name: page.read_bytes()
                for page in (book.folder / "out" / "html-en").glob("*.*")
                if page.suffix in {".html", ".json"}
            }
        )
    assert made[0] == made[1]
    assert len(json.loads(made[0]["questions.json"])) == 3


def test_what_is_extracted_for_translation(sound):
    sound.pages(index=PLOT).write("book/figures/curves.py", FIGURES)
    sound.build("gettext")
    chapter = sound.read("01-first.pot")
    for message in ("What is x_2 & 50%?", "One is *always* $1$", "says one, $1$", "Two."):
        assert f'msgid "{message}"' in chapter
    assert "Wrong answer" not in chapter  # an interface word
    assert re.findall(r'msgid "(.+)"', sound.read("questions.pot")) == ["Questions"]
    assert re.findall(r'msgid "(.+)"', sound.read("figures.pot")) == ["input x", "{n} layers"]
    assert "book/figures/curves.py:10" in sound.read("figures.pot")
    assert {"A line *rises*.", 'A line that \\"rises\\".'} <= set(
        re.findall(r'msgid "(.+)"', sound.read("index.pot"))
    )


@pytest.mark.parametrize("builder", ["latex", "text", "epub"])
def test_other_builders_show_plain_titled_blocks(sound, builder):
    sound.pages(index=f"{INDEX}\n{PLOT.removeprefix('# Book')}").write("book/figures/curves.py", FIGURES)
    warnings = sound.build(builder, epub_show_urls="no", version="1", epub_copyright="c")
    assert [w for w in warnings if "conf value" not in w] == []
    page = {"latex": "thebook.tex", "text": "01-first.txt", "epub": "01-first.xhtml"}[builder]
    page = next(sound.out.glob("*.tex")).read_text("utf-8") if builder == "latex" else sound.read(page)
    for words in (
        "Wrong answer:",
        "second answer",
        "What the interviewer listens for",
        "Asked in:",
    ):
        assert words in page
    if builder == "latex":
        assert list(sound.out.glob("curves.line.*.pdf"))
    if builder == "epub":
        assert list(sound.out.glob("_images/curves.line.*.svg"))


def test_rubrics_of_docstrings_stay_docutils_own(book):
    book.write("book/index.rst", "Book\n====\n\n.. rubric:: Examples\n   :heading-level: 3\n\nText.\n")
    assert book.build() == []
    assert '<h3 class="rubric">Examples</h3>' in book.read("index.html")


# ---------------------------------------------------------------- mirror and listing

NUMPY = '''\
"""Module."""
raise ImportError("a page reads this file, it must not import it")


@decorated
def f(x):
    """Say what it does.

    At length.
    """

    # why
    return x + 1


def f_vjp(dy, x):
    """Derivative."""
    return dy


class Layer(NamedTuple):
    """Weights."""

    w: int


def lonely(x):
    return x
'''

JAX = """\
def f(x):
    return jnp.add(x, 1)


class Layer(NamedTuple):
    w: jax.Array
"""

SHOWN_NUMPY = """\
@decorated
def f(x):
    # why
    return x + 1

def f_vjp(dy, x):
    return dy

class Layer(NamedTuple):
    w: int
"""

SHOWN_JAX = """\
def f(x):
    return jnp.add(x, 1)

class Layer(NamedTuple):
    w: jax.Array
"""

REFERENCE = """\
Code
====

.. py:function:: textbook_code.with_numpy.toys.f
.. py:function:: textbook_code.with_jax.toys.f
.. py:class:: textbook_code.with_numpy.toys.Layer
.. py:class:: textbook_code.with_jax.toys.Layer
.. py:function:: textbook_code.study.toys.f
"""


@pytest.fixture
def coded(book, monkeypatch):
    monkeypatch.setattr(mirror, "ROOT", book.folder)
    book.write("textbook_code/with_numpy/toys.py", NUMPY)
    book.write("textbook_code/with_jax/toys.py", JAX)
    book.write("textbook_code/study/toys.py", NUMPY)
    book.write("book/code.rst", f":orphan:\n\n{REFERENCE}")
    return book


def text_of(html: str) -> str:
    return re.sub(r"<[^>]+>", "", html).replace("&gt;", ">").replace("&#39;", "'")


def test_a_mirror_shows_both_halves_as_they_run(coded):
    assert coded.pages(index="# Book\n\n:::{mirror} toys.f toys.Layer\n:::\n").build(nitpicky=True) == []
    html = coded.read("index.html")
    numpy, jax = html.split('<div class="mirror-jax')
    assert SHOWN_NUMPY in text_of(numpy)
    assert SHOWN_JAX in text_of(jax)
    assert 'href="code.html#textbook_code.with_numpy.toys.f"' in numpy
    assert 'href="code.html#textbook_code.with_jax.toys.Layer"' in jax
    assert re.findall(r'<input type="radio" name="mirror-0" value="(\w+)"( checked)?>', html) == [
        ("numpy", " checked"),
        ("jax", ""),
    ]


def test_a_mirror_shows_the_rule_behind_the_checks(coded):
    coded.write("textbook_code/with_jax/toys.py", JAX + "\n\n@compiled\ndef _f(x):\n    return jnp.tanh(x)\n")
    assert coded.pages(index="# Book\n\n:::{mirror} toys.f\n:::\n").build() == []
    numpy, jax = coded.read("index.html").split('<div class="mirror-jax')
    assert "@compiled\ndef _f(x):\n    return jnp.tanh(x)" in text_of(jax) and "_f" not in text_of(numpy)


def test_a_listing_shows_what_exists_once(coded):
    assert coded.pages(index="# Book\n\n:::{listing} study.toys.f\n:::\n").build(nitpicky=True) == []
    html = coded.read("index.html")
    assert "@decorated\ndef f(x):" in text_of(html)
    assert 'href="code.html#textbook_code.study.toys.f"' in html
    assert "radio" not in html


def test_text_has_both_halves_one_under_the_other(coded):
    coded.pages(index="# Book\n\n:::{mirror} toys.f\n:::\n").build("text")
    assert re.search(r"\*\*NumPy\*\*.*x \+ 1.*\*\*JAX\*\*.*jnp\.add", coded.read("index.txt"), re.DOTALL)


@pytest.mark.parametrize(
    ("directive", "message"),
    [
        (
            "mirror} toys.lonely",
            "mirror toys.lonely: textbook_code/with_jax/toys.py has no function or class 'lonely'",
        ),
        (
            "mirror} toys.f toys.g",
            "mirror toys.g: textbook_code/with_numpy/toys.py has no function or class 'g'",
        ),
        ("mirror} tools.f", "mirror tools.f: there is no file textbook_code/with_numpy/tools.py"),
        ("mirror} f", "mirror f: expected MODULE.NAME, for example activations.relu"),
        ("listing} study.toys.g", "listing toys.g: textbook_code/study/toys.py has no function or class 'g'"),
        ("listing} study.tools.f", "listing study.tools.f: there is no file textbook_code/study/tools.py"),
    ],
)
def test_a_fault_of_a_mirror_is_named_with_its_line(coded, directive, message):
    assert coded.pages(index=f"# Book\n\nText.\n\n:::{{{directive}\n:::\n").build("dummy") == [
        f"book/index.md:5: WARNING: {message}"
    ]


def test_a_name_that_the_code_reference_lacks_is_named(coded):
    coded.write("book/code.rst", f":orphan:\n\n{REFERENCE.replace('with_jax.toys.f', 'with_jax.toys.h')}")
    [warning] = coded.pages(index="# Book\n\n:::{mirror} toys.f\n:::\n").build("html", nitpicky=True)
    assert warning.startswith(
        "book/index.md:3: WARNING: py:obj reference target not found: textbook_code.with_jax.toys.f"
    )


def test_changed_code_is_shown_by_the_next_build(coded):
    coded.pages(index="# Book\n\n:::{mirror} toys.f\n:::\n").build()
    coded.write("textbook_code/with_jax/toys.py", JAX.replace("jnp.add(x, 1)", "x + 2"))
    coded.build()
    assert "return x + 2" in text_of(coded.read("index.html"))


def test_every_function_of_the_book_can_be_cut_out():
    for path in sorted((ROOT / "textbook_code").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r"^(?:def|class) (\w+)", text, re.MULTILINE):
            source = mirror.cut(text, name)
            compile(source, str(path), "exec")
            assert '"""' not in source or len(source.splitlines()) == 2


def test_a_class_that_is_a_docstring_keeps_it():
    source = 'class SGD:\n    """State: nothing."""\n'
    assert mirror.cut(source, "SGD") == source.rstrip()


# ---------------------------------------------------------------- plot


@pytest.fixture
def drawn(book):
    book.write("book/figures/curves.py", FIGURES)
    return book.pages(index=PLOT)


def svg(html: str) -> str:
    return re.search(r"<svg.*?</svg>", html, re.DOTALL)[0]


def test_a_figure_is_a_part_of_the_page(drawn):
    assert drawn.build() == []
    html = drawn.read("index.html")
    picture = svg(html)
    assert picture.startswith(
        '<svg role="img" aria-label="A line that &quot;rises&quot;." viewBox="0 0 360 201.6">'
    )
    assert ">input x</text>" in picture
    assert ">3 layers</text>" in picture
    for foreign in ("<?xml", "DOCTYPE", "metadata", "<style", "font-family", "xmlns", "xlink", 'pt"'):
        assert foreign not in picture
    assert '<figure class="plot align-default" id="curves-line">' in html
    assert (
        '<a class="reference internal" href="#curves-line"><span class="std std-numref">Fig. 1</span></a>'
        in html
    )
    assert "A line <em>rises</em>." in html
    assert set(re.findall(r'id="([^"]+)"', picture)) == set(re.findall(r"#([\w-]+)[\")]", picture))
    assert all(id.startswith("curves-line-") for id in ids(picture))


def test_its_colours_follow_the_theme_and_no_other_colour_changes(drawn):
    drawn.build()
    picture = svg(drawn.read("index.html"))
    assert {"var(--plot-1)", "var(--plot-ink)", "var(--plot-muted)", "var(--plot-paper)"} <= set(
        re.findall(r"var\([\w-]+\)", picture)
    )
    assert set(re.findall(r"#[0-9a-f]{6}", picture)) == {"#123456"}


def test_it_speaks_the_language_of_the_edition(drawn):
    assert drawn.build("html", "ko") == []
    html = drawn.read("index.html")
    assert ">입력 x</text>" in html
    assert ">3 layers</text>" in html  # not translated yet
    assert 'aria-label="오르는 &#x27;선&#x27;."' in html
    assert "선이 <em>오른다</em>." in html


def test_logarithmic_axes_are_labelled_in_characters(drawn):
    drawn.pages(index=PLOT.replace("curves.line", "curves.powers")).build()
    labels = re.findall(r">([^<>]+)</text>", svg(drawn.read("index.html")))
    assert {"10⁻³", "10⁰", "10³", "10⁴"} <= set(labels)
    assert not any("$" in label for label in labels)


def test_drawing_twice_gives_the_same_bytes(drawn, tmp_path):
    drawn.build()
    once = svg(drawn.read("index.html"))
    again = Book(tmp_path / "again").pages(index=PLOT)
    again.write("book/figures/curves.py", FIGURES)
    again.build()
    assert svg(again.read("index.html")) == once


def test_a_figure_is_drawn_again_only_when_something_changed(drawn, monkeypatch):
    calls = []
    draw = plot.draw
    monkeypatch.setattr(plot, "draw", lambda app, name, kind: calls.append(name) or draw(app, name, kind))
    drawn.build()
    drawn.pages(index=PLOT.replace("rises", "falls")).build()
    assert calls == ["curves.line"]
    drawn.write("book/figures/curves.py", FIGURES.replace("[0, 1, 2]", "[0, 3, 2]"))
    before = svg(drawn.read("index.html"))
    drawn.build()
    assert calls == ["curves.line"] * 2
    assert svg(drawn.read("index.html")) != before
    drawn.build("html", "ko")
    drawn.write("locale/ko/LC_MESSAGES/figures.po", po({"input x": "들어온 x"}))
    drawn.build("html", "ko")
    assert ">들어온 x</text>" in drawn.read("index.html")
    assert len(list((drawn.folder / "doctrees/html-ko/figures").iterdir())) == 1


PLOT_FAULTS = {
    "raises": ("curves.fails", "ZeroDivisionError: division by zero (book/figures/curves.py:{line:1 / 0})"),
    "no figure": ("curves.no_figure", "expected a matplotlib Figure from book/figures/curves.py, got str"),
    "no glyph": ("curves.no_glyph", "UserWarning: Glyph 77824"),
    "division by zero": (
        "curves.divides",
        "RuntimeWarning: divide by zero encountered in divide (book/figures/curves.py:{line:np.zeros})",
    ),
    "no function": ("curves.lines", "there is no function lines in book/figures/curves.py"),
    "no file": ("curve.line", "there is no file book/figures/curve.py"),
    "no dot": ("line", "expected FILE.FUNCTION"),
    "syntax": ("broken.line", "SyntaxError: '(' was never closed (book/figures/broken.py:2)"),
}


@pytest.mark.parametrize("fault", PLOT_FAULTS)
def test_a_fault_of_a_figure_is_named_with_its_line(drawn, fault):
    name, message = PLOT_FAULTS[fault]
    message = re.sub(r"\{line:(.*?)\}", lambda match: str(line_of(FIGURES, match[1])), message)
    drawn.write("book/figures/broken.py", "\nprint(\n")
    [warning] = drawn.pages(
        index=PLOT.replace("curves.line", name).replace(f"See {{numref}}`{name}`.", "")
    ).build("dummy")
    assert warning.startswith(f"book/index.md:5: WARNING: plot {name}: {message}")


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        (':alt: A line that "rises".\n', "", "it has no :alt:; describe in a sentence what the figure shows"),
        (':alt: A line that "rises".\n', ":alt:\n", "it has no :alt:"),
        ("A line *rises*.\n", "", "expected one paragraph inside the directive: the caption"),
        ("A line *rises*.\n", "One.\n\nTwo.\n", "expected one paragraph"),
    ],
)
def test_a_figure_without_words_is_named_with_its_line(drawn, right, wrong, message):
    text = PLOT.replace(right, wrong).replace("See {numref}`curves.line`.", "")
    [warning] = drawn.pages(index=text).build("dummy")
    assert warning.startswith(f"book/index.md:5: WARNING: plot curves.line: {message}")


# ---------------------------------------------------------------- the style sheet


def plot_colors(css: str) -> dict[str, str]:
    return dict(re.findall(r"--plot-(\w+): (#[0-9a-f]{6});", css))


def luminance(color: str) -> float:
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(color: str, background: str) -> float:
    dark, light = sorted((luminance(color), luminance(background)))
    return (light + 0.05) / (dark + 0.05)


def test_the_palette_of_figures_is_that_of_the_style_sheet_and_stands_out():
    from figures import style

    css = (ROOT / "book/_static/questions.css").read_text(encoding="utf-8")
    light, chosen_dark, system_dark = (plot_colors(part) for part in re.split(r"data-theme=", css))
    assert [light[str(i)] for i in range(1, 7)] == list(style.COLORS)
    assert (light["ink"], light["muted"], light["grid"]) == (style.INK, style.MUTED, style.GRID)
    assert chosen_dark == system_dark
    assert chosen_dark.keys() == light.keys()
    for colors, background in ((light, "#ffffff"), (chosen_dark, "#131416")):
        for name, color in colors.items():
            wanted = {"grid": 1.2, "ink": 7, "muted": 4.5}.get(name, 3)
            assert contrast(color, background) >= wanted, (name, color, background)
