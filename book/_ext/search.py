"""The site's search: Sphinx's own page and index, taught Korean, the terms' spellings, and questions.

Sphinx indexes whole words of whole pages. Korean glues particles to its words, so that 손실은 would not
find 손실; a term has several spellings in two languages; and a page here is a chapter, where a reader looks
for one question. Three additions mend this. `search.js` is their other half: it reads a query by these rules.

- Hangul is indexed in pairs of syllables, 경사하강법 as 경사 사하 하강 강법, so that neither a particle nor
  a space hides anything.
- Each spelling of a term in `locale/terms.csv` also puts the term itself, @gradientdescent, into the index.
  One token for all spellings costs less than asking for each, demands that the words stand side by side, and
  is the same in both editions, so that either can be asked in either language. Sphinx's index tells where a
  word is but not how often: a term that comes up again puts in @gradientdescent+ as well, so that the pages
  about it stand before those that mention it.
- A question is indexed as a page of its own, named `01-activations#q01-3`.
"""

import functools
import json
import re
from collections import Counter
from pathlib import Path

from docutils import nodes
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.search.en import SearchEnglish
from sphinx.util import logging

from _ext.terms import TermsError, read_rows

logger = logging.getLogger(__name__)

TERMS = Path(__file__).parents[2] / "locale" / "terms.csv"
SCRIPT = Path(__file__).with_name("search.js")

# What may follow a noun: particles, and the forms of 이다 and 하다 that readers type.
ENDINGS = """
    은 는 이 가 을 를 의 에 와 과 도 만 로 으로 란 이란 라는 이라는 라고 이라고 라면 이라면 인가
    인가요 나 이나 엔 에는 에도 에서 에서는 에서도 에서의 에게 에게서 까지 부터 에서부터 으로부터
    로서 으로서 로써 으로써 로는 으로는 와의 과의 처럼 보다 마다 하는 하기 하면 하고 하다 한다 되는
"""
ENDINGS = ENDINGS.split()

OFTEN = {2: "+", 6: "++"}  # mentions of a term on a page: what the term's token then ends in, besides

RUN = re.compile(r"[가-힣]+|[^\W가-힣]+")
QUESTION_ID = re.compile(r"q\d\d(-\d+)?")


def is_hangul(run):
    return "가" <= run[0] <= "힣"


def key(spelling):
    """Spacing, hyphens and capitals are no difference between two spellings."""
    return "".join(RUN.findall(spelling.lower()))


def read_concepts(path):
    """The terms as lists [name, spellings the book writes, further spellings readers type].

    In `en`, parentheses say which sense is meant; in `ko`, they hold a variant. Where both cells name several
    things, divided by a slash or a dot, and as many, they are as many terms: encoder / decoder.
    """
    concepts = []
    columns = ("en", "ko", "also")
    for line, row in read_rows(path, columns):
        if not key(without_sense(row["en"])):
            raise TermsError(line, f"expected an English term in en, got {row['en']!r}")
        en, ko, also = (re.split(r"\s*[/·]\s*", row[column]) for column in columns)
        if not 1 < len(en) == len(ko):
            en, ko, also = [row["en"]], [row["ko"]], [row["also"]]
        elif len(also) != len(en):
            expected = f"expected spellings of {len(en)} terms in also, divided by ' / ' as in en and ko"
            raise TermsError(line, f"{expected}, got {row['also']!r}")
        concepts += map(concept, en, ko, also)
    return concepts


def without_sense(en):
    return re.sub(r"\(.*?\)", "", en)


def concept(en, ko, also):
    own = [*without_sense(en).split("/"), *re.split(r"[(),/·]", ko)]
    own, also = ([s.strip() for s in spellings if s.strip()] for spellings in (own, also.split("|")))
    return [key(own[0]), own, also]


def by_spelling(concepts):
    """Map each spelling's key to the names it may stand for, the first being what the book means by it."""
    names = {}
    for column in (1, 2):
        for term in concepts:
            for spelling in term[column]:
                found = names.setdefault(key(spelling), [])
                if term[0] not in found:
                    found.append(term[0])
    return names


def spelled(spelling):
    """Return a regular expression for a spelling where it stands in a text."""
    runs = RUN.findall(spelling)
    # Long Korean terms are written with and without spaces; in a short one a space parts two other words.
    loose = sum(len(run) for run in runs if is_hangul(run)) >= 4
    pattern = r"[\s\-–]?".join(r"\s?".join(run) if loose and is_hangul(run) else run for run in runs)
    if not is_hangul(runs[-1]):
        return pattern + r"(?:e?s)?(?![^\W가-힣])"
    if len(key(spelling)) == 1:  # 층은 is a layer, 층계 is not
        return pattern + rf"(?=(?:{'|'.join(ENDINGS)})?(?![가-힣]))"
    return pattern


class BookSearch(SearchEnglish):
    """What the index holds of a text; Latin words as in Sphinx's English search, in both editions."""

    def __init__(self, options):
        super().__init__(options)
        self.names = by_spelling(options["concepts"])
        spellings = {s.lower() for _, own, also in options["concepts"] for s in own + also}
        longest_first = sorted(spellings, key=lambda s: (-len(key(s)), s))
        # A term begins where a run of its script begins: neither 미분 in 편미분 nor bias in unbiased.
        start = r"(?:(?<![가-힣])(?=[가-힣])|(?<![^\W가-힣])(?=[^\W가-힣]))"
        self.spelling = re.compile(f"{start}(?=({'|'.join(map(spelled, longest_first)) or '(?!)'}))")
        self.stem_latin = functools.cache(super().stem)  # Sphinx forgets stems from page to page
        self.mentions = Counter()  # of each term on the page that is being indexed
        data = {"endings": ENDINGS, "concepts": options["concepts"]}
        constants = f"const BOOK_SEARCH = {json.dumps(data, ensure_ascii=False, separators=(',', ':'))};\n"
        self.js_splitter_code = constants + SCRIPT.read_text(encoding="utf-8")

    def split(self, input):
        text = input.lower()
        tokens = list(words(text))
        for match in self.spelling.finditer(text):
            word = key(match[1])
            term = next(self.names[w][0] for w in (word, word[:-1], word[:-2]) if w in self.names)  # -s, -es
            self.mentions[term] += 1
            tokens.append(f"@{term}{OFTEN.get(self.mentions[term], '')}")
        return tokens

    def stem(self, word):
        return word if word[0] == "@" or is_hangul(word) else self.stem_latin(word)


def words(text):
    """Yield Latin words whole and Hangul in pairs of syllables; a lone syllable (층, 층은) by itself too."""
    last, end = "", 0
    for run in RUN.finditer(text):
        word = run[0]
        if not is_hangul(word):
            yield word
            last = ""
            continue
        if last and text[end : run.start()].isspace():
            yield last + word[0]  # so that 활성화함수 finds 활성화 함수
        yield from (word[i : i + 2] for i in range(len(word) - 1))
        if len(word) == 1 or word[1:] in ENDINGS:
            yield word[0]
        last, end = word[-1], run.end()


class EnglishSearch(BookSearch):
    lang = "en"


class KoreanSearch(BookSearch):
    lang = "ko"
    language_name = "Korean"


def join_lines(doctree):
    """MyST makes a node of each line, and Sphinx indexes node by node: rejoin terms that lines part."""
    for parent in {text.parent for text in doctree.findall(nodes.Text)}:
        children = []
        for child in parent.children:
            if children and isinstance(child, nodes.Text) and isinstance(children[-1], nodes.Text):
                child = nodes.Text(children.pop() + child)
            children.append(child)
        parent[:] = children


class SearchedHTMLBuilder(StandaloneHTMLBuilder):
    """The HTML builder, feeding questions to the index beside pages."""

    def index_page(self, pagename, doctree, title):
        join_lines(doctree)
        self.indexer.lang.mentions.clear()
        super().index_page(pagename, doctree, title)
        filename = self.env.doc2path(pagename, base=False)
        for section in doctree.findall(nodes.section):
            for anchor in filter(QUESTION_ID.fullmatch, section["ids"]):
                self.indexer.lang.mentions.clear()
                self.indexer.feed(
                    f"{pagename}#{anchor}", filename, section.next_node(nodes.title).astext(), section
                )

    def load_indexer(self, docnames):
        # Sphinx keeps of the last build's index the pages that stay as they are: keep their questions too.
        prune = self.indexer.prune
        self.indexer.prune = lambda keep: prune(
            [name for name in self.indexer._titles if name.split("#")[0] in keep]
        )
        super().load_indexer(docnames)
        self.load_index_entries()

    def load_index_entries(self):
        """Sphinx loads all but these (the glossary's, the functions')."""
        try:
            with (self.outdir / self.searchindex_filename).open(encoding="utf-8") as file:
                last = self.indexer_format.load(file)
        except (OSError, ValueError):  # Sphinx has warned where it matters
            return
        for entry, places in last["indexentries"].items():
            for number, anchor, main in places:
                page = last["docnames"][number]
                if page in self.indexer._titles:
                    found = self.indexer._index_entries.setdefault(page, [])
                    found.append((entry, anchor, "main" if main else ""))

    def dump_search_index(self):
        # In one order, whether a page was read now or its entries were kept (those are in lower case).
        self.indexer._index_entries = {
            page: sorted({(entry.lower(), anchor, main or "") for entry, anchor, main in entries})
            for page, entries in sorted(self.indexer._index_entries.items())
        }
        # A word that has left its last page leaves the index too.
        for words in (self.indexer._mapping, self.indexer._title_mapping):
            for word in [word for word, pages in words.items() if not pages]:
                del words[word]
        super().dump_search_index()


def set_options(app, config):
    try:
        concepts = read_concepts(TERMS)
    except TermsError as error:
        line, message = error.args
        logger.warning(message, location=f"{TERMS}:{line}")
        concepts = []
    # An option rather than a file read later: Sphinx then rebuilds the index when the terms change.
    config.html_search_options = {"concepts": concepts}


def setup(app):
    app.add_search_language(EnglishSearch)
    app.add_search_language(KoreanSearch)
    app.add_builder(SearchedHTMLBuilder, override=True)
    app.connect("config-inited", set_options)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
