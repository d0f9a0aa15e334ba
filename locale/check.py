"""The translation gate (``make po-check``): does the Korean edition say what the English says?

Sphinx does not ask. A paragraph whose translation is missing, stale or unreadable comes out in English, a
wrong formula or number comes out as it is, and the build is green. The gate extracts the messages of the book
anew, reads each with the parser of its page (message.py), compares it part by part with its translation, and
names the catalog, the line, what is wrong and what is expected. Each check is a function of a message and its
translation; CHECKS lists them.

    python locale/check.py [--html _build/html/ko]

With ``--html`` it also looks through the pages of the built Korean edition for markup that came out as text.
"""

import argparse
import re
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple

import polib
from message import formula, is_formula, myst_reader, read_rst, read_words
from numerals import difference
from translate.filters.checks import CheckerConfig, FilterFailure, StandardChecker
from update import CATALOGS, INTERFACE, ROOT, CatalogError, extract, read_catalog, templates

sys.path.insert(0, str(ROOT / "book"))
from _ext.registry import RegistryError
from _ext.registry import load as load_registry
from _ext.terms import TermsError, read_rows

# --- checks of translate-toolkit ----------------------------------------------------------------------------
# Used on the words of a message, without its markup: doublewords, unchanged, urls; on interface words:
# printf, pythonbraceformat. Not used: numbers (see numerals.py); brackets, endpunc, sentencecount, startcaps,
# acronyms, long, short (good Korean differs from English in all of them); puncspacing (compares counts that
# agree by chance; our own `punctuation` knows Korean); xmltags, functions, escapes, variables, newlines (the
# parser sees them exactly); spellcheck (needs a system package).
TOOLKIT = StandardChecker(CheckerConfig(targetlanguage="ko"))


def toolkit_says(name, source, target):
    """What the toolkit's check `name` finds in the target, or None."""
    try:
        getattr(TOOLKIT, name)(source, target)
    except FilterFailure as failure:
        return str(failure)
    return None


# --- the house style ----------------------------------------------------------------------------------------


TERMS = "locale/terms.csv"


class House(NamedTuple):
    """What the book has decided: its terms and the titles of its questions."""

    terms: dict  # English term -> Korean
    avoid: dict  # Korean spelling that the book does not use -> (English term, Korean term)
    titles: dict  # English title of a question or chapter -> the Korean one, letter for letter
    exempt: list  # Korean titles that use an avoided spelling: questions are quoted as they are asked


def read_house(root):
    rows = [row for _, row in read_rows(root / TERMS, ("en", "ko", "avoid"))]
    registry = load_registry(root / "book/questions.yaml")
    avoid = {bad: (row["en"], row["ko"]) for row in rows for bad in row["avoid"].split("|") if bad}
    titles = {item.en: item.ko for item in [*registry.chapters, *registry.questions]}
    return House(
        terms={
            row["en"].split(" (")[0].lower(): row["ko"] for row in rows if not row["ko"].startswith(row["en"])
        },
        avoid=avoid,
        titles=titles,
        exempt=[title for title in titles.values() if any(bad in title for bad in avoid)],
    )


# --- checks of one message ----------------------------------------------------------------------------------
# Each takes the message, its translation (both as message.py reads them) and the house style, and yields
# "what is wrong; expected …".


def excerpt(msgid):
    return f"“{msgid[:57]}…”" if len(msgid) > 58 else f"“{msgid}”"


def shown(things):
    return ", ".join(f"“{thing}”" for thing in things) or "nothing"


def same(kind, source, target):
    """Both hold the same things, as often, in any order."""
    if source != target:
        extra, missing = (target - source).elements(), (source - target).elements()
        yield f"{kind}: {shown(extra)} instead of {shown(missing)}; expected the same as in the English"


def formulas(source, target, house):
    """A bare symbol may be repeated or left to a pronoun, where the other language does so."""
    shared = {symbol for symbol in source.formulas & target.formulas if SYMBOL.fullmatch(symbol)}
    sides = [
        Counter({f: n for f, n in side.formulas.items() if f not in shared}) for side in (source, target)
    ]
    yield from same("formulas", *sides)


SYMBOL = re.compile(r"(\\[A-Za-z]+|[A-Za-z])'*([_^](\w|\{\w+\}))*")


def code(source, target, house):
    yield from same("inline code", source.code, target.code)


def links(source, target, house):
    yield from same("links", source.links, target.links)
    if failure := toolkit_says("urls", source.words, target.words):
        yield f"{failure}; expected the addresses of the English"


def html(source, target, house):
    yield from same("HTML tags", source.html, target.html)


def roles(source, target, house):
    missing, extra = source.roles - target.roles, target.roles - source.roles
    for name, label in list(extra):
        if name.endswith("term") and re.search("[가-힣]", label):
            wanted = [english for role, english in missing if role == name]
            yield (
                f"{{term}}`{label}` has no English target; "
                f"expected {{term}}`{label} <{wanted[0] if wanted else 'English term'}>`"
            )
            return
    named = [
        Counter(f"{{{name}}}`{label}`" for name, label in side.elements())
        for side in (source.roles, target.roles)
    ]
    yield from same("roles", *named)


def footnotes(source, target, house):
    if source.footnotes != target.footnotes:
        yield (
            f"footnotes {shown(target.footnotes)}; expected {shown(source.footnotes)} in this order "
            "(Sphinx pairs them one by one)"
        )


def numbers(source, target, house):
    missing, surplus = difference(source.words, target.words)
    if missing or surplus:
        yield f"numbers: {shown(surplus)} instead of {shown(missing)}; expected the numbers of the English"


def structure(source, target, house):
    """Sphinx translates only what is one paragraph; anything else silently stays English."""
    if source.blocks != ["paragraph"] and is_english(source.words):
        yield f"its English reads as {blocks(source)}, which Sphinx cannot translate; expected one paragraph"
    elif target.blocks != ["paragraph"] and target.text != source.text:
        yield (
            f"it reads as {blocks(target)}; expected one paragraph "
            "(write a backslash before the sign that starts the list, heading, quote or table)"
        )
    for fault in set(target.faults) - set(source.faults):
        yield f"reStructuredText: {fault}; expected “\\ ” between markup and a particle, and closed marks"


def blocks(message):
    return " + ".join(message.blocks) or "nothing"


MARKUP = re.compile(r"\*\*|\{[\w:+-]+\}(?=`)|:[\w:+-]+:(?=`)|[$`]|\]\(|\]\[")


def leftovers(source, target, house):
    left = Counter(MARKUP.findall(target.words)) - Counter(MARKUP.findall(source.words))
    if "][" in target.words:
        yield "a reference link [text][label], which a translation cannot resolve; expected [text](address)"
    elif left:
        where = excerpt(target.words.strip())
        yield f"markup stays as text: {shown(left)} in {where}; expected marks that open and close"


def is_english(words):
    """Whether it is a phrase or a sentence, not only names, code and formulas. A dated paper is a name."""
    bare = [word.strip(".,:;!?()\"'“”‘’") for word in words.split()]
    small = sum(bool(re.fullmatch(r"[a-z-]{2,}", word)) for word in bare)
    dated = any(re.fullmatch(r"(19|20)\d\d|arXiv:.*", word) for word in bare)
    if dated and sum(word[:1].isupper() for word in bare) > small:
        return False
    sentence = re.search(r"[.!?]\W*$", words) and any(
        re.fullmatch("[A-Za-z][a-z]{3,}", word) for word in bare
    )
    return small >= 2 or bool(sentence)


def translated(source, target, house):
    words = source.words.strip().lower()
    if is_english(source.words) and not re.search("[가-힣]", target.words):
        yield "it is still English; expected Korean"
    elif words in house.terms and toolkit_says("unchanged", source.words, target.words):
        yield f"“{words}” is not translated; expected {house.terms[words]}"


def doubled(source, target, house):
    failure = toolkit_says("doublewords", source.words, target.words)
    if failure and not toolkit_says("doublewords", source.words, source.words):
        yield f"{failure}; expected it once"


def terms(source, target, house):
    """Spellings that the book does not use. Titles of questions keep theirs, and a word in quotation marks is
    spoken about, not used."""
    words = " ".join(target.words.split())
    for title in house.exempt:
        words = words.replace(title, "")
    for bad, (english, korean) in house.avoid.items():
        if bad in re.sub(rf"[\"'“‘]{re.escape(bad)}[\"'”’]", "", words):
            yield f"“{bad}” for {english}; expected {korean} (locale/terms.csv)"


TRAPS = {
    r"[，．：；（）？！。、]": "a full-width sign; expected the ASCII one",
    r"[가-힣)][.,?!;](?=[가-힣])": "no space after the sign; expected one",
    r"\S [.,?!;:](?=\s|$)": "a space before the sign; expected none",
    "\u00a0|\u3000|\u200b|\ufeff": "a special space; expected an ordinary one or none",
}


def punctuation(source, target, house):
    for trap, complaint in TRAPS.items():
        found = re.search(trap, target.words)
        if found and not re.search(trap, source.words):
            yield f"punctuation “{found.group()}”: {complaint}"
    for left, right in ["()", "[]", "“”", "‘’"]:
        opened = [words.count(left) - words.count(right) for words in (source.words, target.words)]
        if opened[1] and not opened[0]:
            yield f"“{left}” and “{right}” do not pair up; expected as many of each"


def placeholders(source, target, house):
    for check in ("printf", "pythonbraceformat"):
        if failure := toolkit_says(check, source.words, target.words):
            yield f"{failure}; expected the placeholders of the English"


PROSE = (
    *(structure, formulas, code, roles, links, html, footnotes, numbers),
    *(leftovers, translated, doubled, terms, punctuation),
)
CHECKS = {"md": PROSE, "rst": PROSE, "words": (placeholders,)}


def check_message(source, target, checks, house):
    """Everything that is wrong with a translation."""
    title = house.titles.get(source.words.strip())
    if title is not None and checks is PROSE:
        if target.words.strip() != title:
            yield f"the title of a question or chapter is “{target.words.strip()}”; expected “{title}”"
        yield from structure(source, target, house)
    elif checks is PROSE and is_formula(source.text):
        yield from same("formulas", *(Counter([formula(message.text)]) for message in (source, target)))
    else:
        for check in checks:
            yield from check(source, target, house)


# --- catalogs -----------------------------------------------------------------------------------------------


def pairs(entry):
    """English and Korean of an entry. Korean has one form for all numbers, a translation of the plural."""
    if entry.msgid_plural:
        return [(entry.msgid_plural, korean) for korean in entry.msgstr_plural.values()]
    return [(entry.msgid, entry.msgstr)]


def state_of(entry):
    """What is wrong with an entry before one reads it, or None."""
    if entry.obsolete:
        return f"obsolete: no page holds {excerpt(entry.msgid)} any more; expected its words moved or removed"
    if entry.fuzzy:
        return f"fuzzy: the English {excerpt(entry.msgid)} changed; expected new Korean, without the flag"
    if not all(korean.strip() for _, korean in pairs(entry)):
        return f"untranslated: {excerpt(entry.msgid)}; expected a Korean msgstr"
    return None


def catalog_faults(catalog, wanted, read, checks, house):
    """A line and a complaint for each fault. `wanted`: the messages of the page, None if unknown."""
    seen = set()
    for entry in catalog:
        start = excerpt(entry.msgid)
        if entry.msgid in seen:
            yield entry.linenum, f"a second entry for {start}; expected one"
        elif wanted is not None and not entry.obsolete and entry.msgid not in wanted:
            yield entry.linenum, f"stale: no page holds {start}; expected the English of now (make po)"
        elif state := state_of(entry):
            yield entry.linenum, state
        else:
            for english, korean in pairs(entry):
                for complaint in check_message(read(english), read(korean), checks, house):
                    yield entry.linenum, complaint
        seen.add(entry.msgid)
    for msgid in wanted or ():
        if msgid not in seen:
            yield 1, f"no entry for {excerpt(msgid)}; expected one (make po)"


def file_faults(path, wanted, read, checks, house):
    try:
        catalog = read_catalog(path)
    except CatalogError as error:
        return [error.args]
    return catalog_faults(catalog, wanted, read, checks, house)


def catalog_problems(root, pot):
    """A message `catalog:line: what is wrong; expected …` for each fault of each catalog.

    Without the house style there is nothing to compare with: a fault of its files is then the only one."""
    try:
        house = read_house(root)
    except TermsError as error:
        line, complaint = error.args
        yield f"{TERMS}:{line}: {complaint}"
        return
    except (RegistryError, OSError) as error:
        yield str(error)
        return
    readers = {"md": myst_reader(root / "conf.py"), "rst": read_rst, "words": read_words}
    pages = {
        name: [entry.msgid for entry in polib.pofile(str(path))] for name, path in templates(pot).items()
    }
    folder = root / CATALOGS
    names = {path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.po")}
    for name in sorted(names | set(pages)):
        path = folder / f"{name}.po"
        if not path.exists():
            faults = [(1, f"the catalog is missing ({len(pages[name])} messages); expected one (make po)")]
        elif name not in pages and name != INTERFACE:
            faults = [(1, "a catalog without a page; expected its words moved and the file removed")]
        else:
            kind = kind_of(root, name)
            faults = file_faults(path, pages.get(name), readers[kind], CHECKS[kind], house)
        for line, complaint in faults:
            yield f"{path.relative_to(root)}:{line}: {complaint}"


def kind_of(root, name):
    """How the messages of a catalog are written: as its page is."""
    return next((kind for kind in ("md", "rst") if (root / f"book/{name}.{kind}").exists()), "words")


# --- the built pages ----------------------------------------------------------------------------------------

NOT_TEXT = {"annotation", "code", "kbd", "math", "pre", "samp", "script", "style", "svg", "textarea"}
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class Text(HTMLParser):
    """The text of a page without code and formulas."""

    def __init__(self):
        super().__init__()
        self.inside = []  # for each open element: its tag, and whether its text counts
        self.found = []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            symbols = {"katex", "sig"} & {*(dict(attrs).get("class") or "").split()}  # formulas, signatures
            counts = tag not in NOT_TEXT and not symbols and (not self.inside or self.inside[-1][1])
            self.inside.append((tag, counts))

    def handle_endtag(self, tag):
        while any(tag == name for name, _ in self.inside) and self.inside.pop()[0] != tag:
            pass  # elements that HTML lets one leave open, such as <p> and <li>

    def handle_data(self, data):
        if not self.inside or self.inside[-1][1]:
            self.found.append(data)


def page_problems(page, name):
    """A message for each piece of markup that came out as text on a page."""
    text = Text()
    text.feed(page)
    for piece in text.found:
        keywords = re.fullmatch(r"\*\*\w+", piece)  # a parameter, **options
        if not keywords and (left := MARKUP.search(piece)):
            around = " ".join(piece[max(0, left.start() - 30) : left.end() + 30].split())
            yield f"{name}: “{left.group()}” came out as text in “{around}”; expected closed marks"


def site_problems(site):
    if not (site / "index.html").exists():
        yield f"{site}: no built Korean edition here; expected one (make html)"
    for path in sorted(site.rglob("*.html")):
        yield from page_problems(path.read_text("utf-8"), path)


# --- the command --------------------------------------------------------------------------------------------


def main(arguments):
    parser = argparse.ArgumentParser(prog="locale/check.py", description="The translation gate.")
    parser.add_argument(
        "--html", type=Path, help="the built Korean edition, to look for markup that came out as text"
    )
    options = parser.parse_args(arguments)
    pot = ROOT / "_build/gettext"
    extract(ROOT, pot)
    problems = [*catalog_problems(ROOT, pot), *(site_problems(options.html) if options.html else ())]
    print("\n".join(problems) or "The translation gate: no fault.")
    if problems:
        print(f"\nThe translation gate: {len(problems)} faults.", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
