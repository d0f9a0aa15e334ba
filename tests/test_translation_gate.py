"""The translation gate names every fault that a catalog or a built page can have.

A tiny book is extracted and translated without a fault. Each test plants one fault in a copy of it and sees
the gate name that fault, its catalog and its line, and nothing else.
"""

import os
import shutil
import subprocess
import sys

import polib
import pytest
from tiny_book import REAL, TRANSLATIONS, check, make_book, translate, update

CATALOGS = "locale/ko/LC_MESSAGES"


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """The tiny book with its extracted messages in ``pot`` and a complete translation."""
    root = tmp_path_factory.mktemp("gate")
    make_book(root)
    update.extract(root, root / "pot")
    update.update(root, root / "pot")
    translate(root, TRANSLATIONS)
    return root


@pytest.fixture
def book(original, tmp_path):
    return shutil.copytree(original, tmp_path / "book")


def problems(book):
    return list(check.catalog_problems(book, book / "pot"))


def open_catalog(book, name):
    return polib.pofile(str(book / CATALOGS / f"{name}.po"), wrapwidth=0)


def lines_of(book, name, msgid):
    """Where the entries of a message begin, as the gate names the place."""
    entries = (entry for entry in open_catalog(book, name) if entry.msgid == msgid)
    return [f"{CATALOGS}/{name}.po:{entry.linenum}" for entry in entries]


def test_a_translation_without_a_fault_passes(book):
    assert problems(book) == []


PAGE, API, FIGURES, INTERFACE = "page", "code/api", "figures", "sphinx"

FAULTS = {
    # what stands in a msgstr, what is planted there, what the gate says
    "untranslated": (PAGE, "기울기를 따라 내려간다.", "", "untranslated: “We follow the slope downwards.”"),
    "blank": (PAGE, "기울기를 따라 내려간다.", " ", "untranslated: “We follow the slope downwards.”"),
    "inline formula": (PAGE, "$x^2$은 ", "$x^3$은 ", "formulas: “x^3” instead of “x^2”"),
    "dropped formula": (PAGE, "$x^2$은 ", "제곱은 ", "formulas: nothing instead of “x^2”"),
    "other symbol": (PAGE, "가중치 $w$", "가중치 $v$", "formulas: “v” instead of “w”"),
    "doubled formula": (
        PAGE,
        "0.25를",
        "$\\frac{1}{4}$ 0.25를",
        "formulas: “\\frac{1}{4}” instead of nothing",
    ),
    "display formula": (PAGE, "y = W x", "y = W z", "formulas"),
    "display formula with commands": (
        PAGE,
        r"\frac{1}{2} \text{오차}",
        r"\frac{1}{3} \text{오차}",
        "formulas",
    ),
    "inline code": (PAGE, "`relu(x)`는", "`relu(y)`는", "inline code: “relu(y)” instead of “relu(x)”"),
    "dropped role": (PAGE, "{ref}`첫 질문 <q01>`", "첫 질문", "roles: nothing instead of “{ref}`q01`”"),
    "other target": (PAGE, "{ref}`첫 질문 <q01>`", "{ref}`첫 질문 <q02>`", "roles: “{ref}`q02`” instead of"),
    "other role": (PAGE, "{ref}`첫 질문 <q01>`", "{doc}`첫 질문 <q01>`", "roles: “{doc}`q01`” instead of"),
    "citation": (PAGE, "{cite:p}`he2015`", "{cite:p}`he2016`", "roles: “{cite:p}`he2016`” instead of"),
    "term without its English target": (
        PAGE,
        "{term}`경사하강법 <gradient descent>`",
        "{term}`경사하강법`",
        "{term}`경사하강법` has no English target; expected {term}`경사하강법 <gradient descent>`",
    ),
    "link": (
        PAGE,
        "(https://example.org/a)",
        "(https://example.org/b)",
        "links: “https://example.org/b” instead",
    ),
    "autolink": (
        PAGE,
        "<https://example.org/c>",
        "<https://example.org/d>",
        "links: “https://example.org/d” instead",
    ),
    "bare address": (PAGE, "www.example.org/e", "www.example.org/f", "Different URLs"),
    "HTML": (PAGE, "<kbd>G</kbd>", "G", "HTML tags: nothing instead of"),
    "dropped footnote": (PAGE, "각주[^a]와", "각주와", "footnotes “b”; expected “a”, “b” in this order"),
    "order of footnotes": (
        PAGE,
        "각주[^a]와 둘째[^b]",
        "각주[^b]와 둘째[^a]",
        "footnotes “b”, “a”; expected “a”, “b”",
    ),
    "changed number": (PAGE, "0.25를", "0.255를", "numbers: “0.255” instead of “0.25”"),
    "number ten times as large": (PAGE, "10개", "100개", "numbers: “100” instead of “10”"),
    "number in exponent form": (PAGE, "1e4까지", "1e5까지", "numbers: “1e5” instead of “1e4”"),
    "number of another unit": (PAGE, "200만 개", "20만 개", "numbers: “200000” instead of “2000000”"),
    "invented number": (PAGE, "30초 답변", "40초 답변", "numbers: “40” instead of nothing"),
    "dropped number": (PAGE, "10개 중", "중", "numbers: nothing instead of “10”"),
    "bullet list": (PAGE, "기울기를", "- 기울기를", "it reads as bullet_list; expected one paragraph"),
    "numbered list": (PAGE, "첫째,", "1. 첫째,", "it reads as ordered_list; expected one paragraph"),
    "heading": (PAGE, "기울기를", "# 기울기를", "it reads as heading; expected one paragraph"),
    "quote": (PAGE, "기울기를", "> 기울기를", "it reads as blockquote; expected one paragraph"),
    "code block": (PAGE, "기울기를", "    기울기를", "it reads as code_block; expected one paragraph"),
    "table": (PAGE, "기울기를 따라 내려간다.", "| 가 | 나 |\n| --- | --- |", "it reads as table"),
    "two paragraphs": (PAGE, "기울기를 따라", "기울기를\n\n따라", "it reads as paragraph + paragraph"),
    "dropped link": (PAGE, "[논문](https://example.org/a)", "[논문][a]", "links: nothing instead of"),
    "reference link": (PAGE, "내려간다.", "[내려간다][a].", "a reference link [text][label]"),
    "raw emphasis": (PAGE, "**굵게(bold)**는", "** 굵게(bold)**는", "markup stays as text: “**” in “** 굵게"),
    "raw role": (PAGE, "{term}`경사하강법 <gradient descent>`", "{term} `경사하강법`", "{term}"),
    "raw dollar": (PAGE, "**굵게(bold)**는", "**굵게(bold)**는 $", "markup stays as text: “$”"),
    "still English": (
        PAGE,
        "기울기를 따라 내려간다.",
        "We follow the slope.",
        "still English; expected Korean",
    ),
    "short and still English": (API, "다시 한번.", "Once again.", "still English; expected Korean"),
    "unchanged term": (PAGE, "과적합", "Overfitting", "“overfitting” is not translated; expected 과적합"),
    "doubled word": (PAGE, "기울기를 따라", "기울기를 기울기를 따라", "The word '기울기를' is repeated"),
    "forbidden term": (PAGE, "학습률은", "학습 속도는", "“학습 속도” for learning rate; expected 학습률"),
    "forbidden term beside a title": (
        PAGE,
        "작다. “",
        "작다. 첫 장 이용률. “",
        "“첫 장 이용률” for use; expected 첫 장 사용률",
    ),
    "full-width sign": (PAGE, "내려간다.", "내려간다。", "punctuation “。”: a full-width sign"),
    "no space after a stop": (
        PAGE,
        "첫째, 재고,",
        "첫째,재고,",
        "punctuation “째,”: no space after the sign",
    ),
    "space before a stop": (PAGE, "내려간다.", "내려간다 .", "a space before the sign"),
    "open parenthesis": (PAGE, "굵게(bold)", "굵게(bold", "“(” and “)” do not pair up"),
    "title of a question": (PAGE, "이것은 무엇인가?", "이것은 무엇일까?", "expected “이것은 무엇인가?”"),
    "title of a chapter": (PAGE, "첫 장", "첫째 장", "expected “첫 장”"),
    "formula in rst": (API, ":math:`x^2`", ":math:`x^3`", "formulas: “x^3” instead of “x^2”"),
    "code in rst": (API, "``relu``", "``rely``", "inline code: “rely” instead of “relu”"),
    "role in rst": (API, ":ref:`첫 질문 <q01>`", "첫 질문", "roles: nothing instead of “{ref}`q01`”"),
    "link in rst": (
        API,
        "<https://example.org/a>",
        "<https://example.org/b>",
        "links: “https://example.org/b”",
    ),
    "number in rst": (API, "0.5를", "0.6을", "numbers: “0.6” instead of “0.5”"),
    "list in rst": (API, "다시", "- 다시", "it reads as bullet_list"),
    "glued particle in rst": (API, "``relu``\\ 의", "``relu``의", "reStructuredText: "),
    "exponent": (API, "10⁴", "10⁵", "numbers: “⁵” instead of “⁴”"),
    "untranslated in rst": (API, "다시 한번.", "", "untranslated"),
    "placeholder in a figure": (FIGURES, "층 %s의", "층의", "Missing printf variable: %s"),
    "untranslated in a figure": (FIGURES, "손실", "", "untranslated"),
    "placeholder of the interface": (INTERFACE, "{name}에", "{nom}에", "Unknown named placeholders"),
    "untranslated in the interface": (INTERFACE, "답", "", "untranslated: “Answer”"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_named(book, fault):
    name, old, new, expected = FAULTS[fault]
    catalog = open_catalog(book, name)
    [entry] = [entry for entry in catalog if old in entry.msgstr]
    entry.msgstr = entry.msgstr.replace(old, new)
    catalog.save()
    found = problems(book)
    assert any(expected in message for message in found), found
    assert {message.partition(": ")[0] for message in found} == {*lines_of(book, name, entry.msgid)}
    assert all("; expected " in message for message in found)


@pytest.mark.parametrize(("planted", "expected"), [("", "untranslated: “One page”"), ("쪽", "{count}")])
def test_a_plural(book, planted, expected):
    catalog = open_catalog(book, INTERFACE)
    catalog.find("One page").msgstr_plural = {0: planted}
    catalog.save()
    [problem] = problems(book)
    assert problem.startswith(lines_of(book, INTERFACE, "One page")[0])
    assert expected in problem


def test_a_fuzzy_entry(book):
    catalog = open_catalog(book, PAGE)
    catalog.find("The thirty-second answer").flags.append("fuzzy")
    catalog.save()
    [place] = lines_of(book, PAGE, "The thirty-second answer")
    [problem] = problems(book)
    assert problem.startswith(f"{place}: fuzzy: the English “The thirty-second answer” changed; expected")


def test_an_obsolete_entry(book):
    catalog = open_catalog(book, PAGE)
    catalog.append(polib.POEntry(msgid="Gone.", msgstr="사라졌다.", obsolete=True))
    catalog.save()
    [place] = lines_of(book, PAGE, "Gone.")
    assert problems(book) == [
        f"{place}: obsolete: no page holds “Gone.” any more; expected its words moved or removed"
    ]


def test_a_message_that_the_catalog_lacks(book):
    catalog = open_catalog(book, PAGE)
    catalog.remove(catalog.find("The thirty-second answer"))
    catalog.save()
    assert problems(book) == [
        f"{CATALOGS}/page.po:1: no entry for “The thirty-second answer”; expected one (make po)"
    ]


def test_a_message_that_the_page_no_longer_has(book):
    catalog = open_catalog(book, PAGE)
    catalog.append(polib.POEntry(msgid="Gone.", msgstr="사라졌다."))
    catalog.save()
    [place] = lines_of(book, PAGE, "Gone.")
    assert problems(book) == [f"{place}: stale: no page holds “Gone.”; expected the English of now (make po)"]


def test_an_entry_twice(book):
    catalog = open_catalog(book, PAGE)
    catalog.append(polib.POEntry(msgid="ReLU", msgstr="렐루"))
    catalog.save()
    second = lines_of(book, PAGE, "ReLU")[1]
    assert problems(book) == [f"{second}: a second entry for “ReLU”; expected one"]


def test_a_catalog_that_is_missing(book):
    (book / CATALOGS / "code/api.po").unlink()
    assert problems(book) == [
        f"{CATALOGS}/code/api.po:1: the catalog is missing (3 messages); expected one (make po)"
    ]


def test_a_catalog_without_a_page(book):
    shutil.copy(book / CATALOGS / "page.po", book / CATALOGS / "old.po")
    assert problems(book) == [
        f"{CATALOGS}/old.po:1: a catalog without a page; expected its words moved and the file removed"
    ]


def test_a_catalog_that_cannot_be_read(book):
    path = book / CATALOGS / "page.po"
    path.write_text(path.read_text("utf-8") + "\ngarbage\n", "utf-8")
    [problem] = problems(book)
    last = path.read_text("utf-8").count("\n")
    assert problem.startswith(f"{CATALOGS}/page.po:{last}: not readable: Syntax error")


def test_a_message_that_sphinx_cannot_translate(original):
    read, house = check.read_rst, check.read_house(original)
    english = "* **dx** (*float*) -- By x. * **dy** (*float*) -- Derivative by y."
    korean = english.replace("Derivative by", "미분")
    assert list(check.check_message(read(english), read(korean), check.PROSE, house)) == [
        "its English reads as bullet_list, which Sphinx cannot translate; expected one paragraph"
    ]


# Good Korean that a naive comparison would refuse.
GOOD = [
    ("Ten layers leave a millionth.", "10층이면 100만분의 1이 남는다."),
    ("It has 60,000 images, as of November 2026.", "이미지는 2026년 11월 현재 6만 장이다."),
    ("It uses one of the 350 million.", "3억 5천만 중 하나만 쓴다."),
    ("Add only 1.", "1만 더한다."),
    ("Two thirds, or a hundred thousand, twice.", "3분의 2, 곧 10만의 2배."),
    ("The second derivative is quadratic.", "2차 도함수는 2차식이다."),
    ("See `f`, then $x$ and {term}`loss`.", "{term}`손실 <loss>`과 $x$를 본 다음 `f`를 보라."),
    ("Then {math}`x^2` follows.", "그러면 $x^2$이 나온다."),
    (r"Then $a \text{ if } b$.", r"그러면 $a \text{ 만약 } b.$"),
    ("What is a slope?", "기울기(slope)란 무엇인가? “학습 속도”는 아니다."),
    ("A _very_ *large* step", "**아주** 큰 걸음"),
    ("2 of 3", "3개 중 2개"),
    ("Let $s$ be positive; it vanishes nowhere.", "$s$는 0보다 크다. $s$는 0이 되지 않는다."),
    ("One unit came back; the other 63 are stuck.", "유닛 1개가 돌아왔다. 나머지 63개는, 63개 모두 멈춘다."),
    ("leaky ReLU", "leaky ReLU"),
    ("SiLU (swish)", "SiLU(swish)"),
    ("{term}`tanh`", "{term}`tanh <tanh>`"),
    ("Adam (Kingma and Ba)", "Adam (Kingma and Ba)"),
    ("3.5 is not a list.", "3.5는 목록이 아니다."),
    ("0.7 %", "0.7 %"),
    ("It is 0.7 percent of 5 million, not 8%.", "500만의 0.7%이지 8퍼센트는 아니다."),
    ("Fifty percent, from minus two to −1e-5.", "-2에서 -1e-5까지, 50%."),
    ("From minus 2 to -1, and 5 minus 3.", "−2에서 마이너스 1까지, 그리고 5 빼기 3."),
    ("GPT-2 has layers 3-5.", "GPT-2에는 층 3-5가 있다."),
    (
        "Nair, Rectified Linear Units Work with Noise, 2010.",
        "Nair, Rectified Linear Units Work with Noise, 2010.",
    ),
]


@pytest.mark.parametrize(("english", "korean"), GOOD)
def test_good_korean_passes(original, english, korean):
    read = check.myst_reader(original / "conf.py")
    house = check.read_house(original)
    assert list(check.check_message(read(english), read(korean), check.PROSE, house)) == []


@pytest.mark.parametrize(
    ("html", "left"),
    [
        ("<p>**굵게**를</p>", "**"),
        ("<p>{term}`<code>x</code></p>", "{term}"),
        ("<ul><li>값 $x$<li>둘</ul>", "$"),
        ("<p>[글](<a href='x'>주소</a>)</p>", "]("),
        ("<p>[글][주소]</p>", "]["),
        ("<p>`코드`</p>", "`"),
        ("<p><br>한 줄 <img alt='x'> :ref:`글`</p>", ":ref:"),
        ("<p>굵게</p><pre>a ** b</pre><p>**</p>", "**"),
        ("<p>굵게</p><pre>a ** b, `x`, $y</pre><code>**</code><script>$('x')</script>", None),
        ("<span class='katex'><math><annotation>$x$</annotation></math><span>**</span></span>", None),
        ("<dt class='sig sig-object'><em>**</em><span>options</span></dt>", None),
        ("<p><strong>**options</strong> (float)</p>", None),
        ("<p>**options and more</p>", "**"),
        ("<svg><text>**</text></svg><p title='**'>5 * 3 {a} : `</p>".replace(" `", ""), None),
    ],
)
def test_markup_in_the_text_of_a_page(html, left):
    found = list(check.page_problems(html, "ko/page.html"))
    assert [problem.split("”")[0] for problem in found][:1] == ([f"ko/page.html: “{left}"] if left else [])


def test_a_built_page(book):
    """What Sphinx leaves as text is what the gate finds, and nothing else on the pages of the tiny book."""
    catalog = open_catalog(book, PAGE)
    catalog.find("The learning rate is small.").msgstr = "** 학습률**은 작다."
    catalog.save()
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-Q",
        "-D",
        "language=ko",
        "-c",
        book,
        book / "book",
        book / "site",
    ]
    subprocess.run(command, check=True)
    found = list(check.site_problems(book / "site"))
    assert found == [
        f"{book}/site/page.html: “**” came out as text in “** 학습률**은 작다.”; expected closed marks"
    ]


def test_a_site_that_was_not_built(book):
    [problem] = check.site_problems(book / "nowhere")
    assert problem == f"{book}/nowhere: no built Korean edition here; expected one (make html)"


@pytest.mark.parametrize(
    ("english", "korean", "missing", "surplus"),
    [
        ("It falls to -3 there.", "거기서 3까지 떨어진다.", ["-3"], ["3"]),
        ("It falls to −3 there.", "거기서 3까지 떨어진다.", ["-3"], ["3"]),
        ("It rises to 3 there.", "거기서 -3까지 오른다.", ["3"], ["-3"]),
        ("It lies in [-1, 1].", "[1, 1] 안에 있다.", ["-1"], []),
        ("It grows by 5 % there.", "거기서 5만큼 자란다.", ["5%"], ["50000"]),
        ("It grows by 5 there.", "거기서 5퍼센트 자란다.", ["5"], ["5%"]),
        ("Minus three.", "-4", [], ["-4"]),
    ],
)
def test_a_sign_and_a_percent_sign_belong_to_the_number(english, korean, missing, surplus):
    assert check.difference(english, korean) == (missing, surplus)


TERMS = "locale/terms.csv"
QUESTIONS = "book/questions.yaml"


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        (TERMS, None, f"{TERMS}:1: not readable: No such file or directory; expected the CSV file"),
        (TERMS, "en,ko,avoid\nloss,손실,\n".encode("cp949"), f"{TERMS}:2: not UTF-8: byte 0xbc; expected"),
        (TERMS, b"", f"{TERMS}:1: no column avoid, en, ko; expected en, ko, avoid"),
        (TERMS, b"en,ko,note\n", f"{TERMS}:1: no column avoid; expected en, ko, avoid"),
        (TERMS, b"en,ko,avoid\n\na,b\n", f"{TERMS}:3: expected 3 cells, as in line 1 (en, ko, avoid), got 2"),
        (QUESTIONS, None, "No such file or directory"),
        (QUESTIONS, b"- chapter: 1\n", f"{QUESTIONS}:1: a chapter lacks 'file'; expected"),
        (QUESTIONS, "- 둘\n".encode("cp949"), f"{QUESTIONS}:1: not UTF-8: byte 0xb5"),
    ],
)
def test_a_house_style_that_cannot_be_read_is_the_one_fault(book, name, content, expected):
    if content is None:
        (book / name).unlink()
    else:
        (book / name).write_bytes(content)
    [problem] = problems(book)
    assert expected in problem


def test_a_catalog_in_another_encoding(book):
    path = book / CATALOGS / "page.po"
    path.write_bytes(path.read_text("utf-8").encode("cp949", "replace"))
    line = path.read_text("ascii", "replace").partition("\ufffd")[0].count("\n") + 1
    [problem] = problems(book)
    assert problem.startswith(f"{CATALOGS}/page.po:{line}: not readable: byte 0x")
    assert problem.endswith(" is not UTF-8; expected the gettext format")


def test_the_command(book):
    """It extracts anew by itself: what changed in the English is found without `make po`."""
    for script in ("check", "message", "numerals", "update"):
        shutil.copy(REAL / f"locale/{script}.py", book / "locale")
    command = [sys.executable, book / "locale/check.py"]
    environment = {**os.environ, "PYTHONPATH": str(REAL / "book")}  # the tiny book has no extensions
    good = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert (good.returncode, good.stdout) == (0, "The translation gate: no fault.\n")
    page = book / "book/page.md"
    page.write_text(page.read_text("utf-8").replace("downwards", "upwards"), "utf-8")
    bad = subprocess.run(command, capture_output=True, text=True, env=environment)
    [stale] = lines_of(book, PAGE, "We follow the slope downwards.")
    assert bad.returncode == 1
    [first, second] = bad.stdout.splitlines()
    assert first.startswith(f"{stale}: stale: no page holds “We follow the slope downwards.”; expected")
    assert second.startswith(f"{CATALOGS}/page.po:1: no entry for “We follow the slope upwards.”; expected")
    assert bad.stderr.strip() == "The translation gate: 2 faults."


def test_the_book(tmp_path):
    """The Korean edition of this book."""
    update.extract(REAL, tmp_path / "pot")
    assert list(check.catalog_problems(REAL, tmp_path / "pot")) == []
