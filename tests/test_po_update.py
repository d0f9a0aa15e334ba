"""``make po`` changes in the catalogs what changed in the text, and not a byte more."""

import difflib
import shutil
from functools import partial
from pathlib import Path

import polib
import pytest
from tiny_book import FILES, TRANSLATIONS, make_book, translate, update


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    root = tmp_path_factory.mktemp("po")
    make_book(root)
    run(root)
    translate(root, TRANSLATIONS)
    return root


@pytest.fixture
def book(original, tmp_path):
    return shutil.copytree(original, tmp_path / "book")


def run(root):
    update.extract(root, root / "pot")
    return update.update(root, root / "pot")


def edit(root, old, new):
    page = root / "book/page.md"
    assert old in page.read_text("utf-8")
    page.write_text(page.read_text("utf-8").replace(old, new), "utf-8")


def texts(root):
    folder = root / update.CATALOGS
    return {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in folder.rglob("*.po")}


def difference(before, after):
    return [line for line in difflib.ndiff(before.splitlines(), after.splitlines()) if line[0] in "+-"]


def test_when_no_word_changed_no_byte_changes(book):
    before = texts(book)
    edit(book, "We follow", "% Line numbers move.\n\n\nWe follow")
    assert run(book) == []
    assert texts(book) == before


def test_a_changed_paragraph_changes_one_entry(book):
    before = texts(book)
    edit(book, "We follow the slope downwards.", "We follow the steep slope downwards.")
    assert run(book) == ["locale/ko/LC_MESSAGES/page.po: 0 to translate, 1 fuzzy, 0 obsolete"]
    after = texts(book)
    assert {name for name in after if after[name] != before[name]} == {"page.po"}
    assert sorted(difference(before["page.po"], after["page.po"]), key=lambda line: line[0] == "+") == [
        '- msgid "We follow the slope downwards."',
        "+ #, fuzzy",
        '+ #| msgid "We follow the slope downwards."',
        '+ msgid "We follow the steep slope downwards."',
    ]
    assert run(book) == []


def test_a_paragraph_that_went_keeps_its_translation_as_obsolete(book):
    before = texts(book)["page.po"]
    edit(book, "We follow the slope downwards.\n", "")
    assert run(book) == ["locale/ko/LC_MESSAGES/page.po: 0 to translate, 0 fuzzy, 1 obsolete"]
    assert [line for line in difference(before, texts(book)["page.po"]) if line[2:].strip()] == [
        '- msgid "We follow the slope downwards."',
        '- msgstr "기울기를 따라 내려간다."',
        '+ #~ msgid "We follow the slope downwards."',
        '+ #~ msgstr "기울기를 따라 내려간다."',
    ]
    edit(book, "The square", "We follow the slope downwards.\n\nThe square")
    run(book)
    assert texts(book)["page.po"] == before


def test_a_new_paragraph_is_one_new_entry_at_its_place(book):
    before = texts(book)["page.po"]
    edit(book, "The square", "Nothing of this was here.\n\nThe square")
    assert run(book) == ["locale/ko/LC_MESSAGES/page.po: 1 to translate, 0 fuzzy, 0 obsolete"]
    after = texts(book)["page.po"]
    added = [line for line in difference(before, after) if line[2:]]
    assert added == ['+ msgid "Nothing of this was here."', '+ msgstr ""']
    assert after.index("downwards") < after.index("Nothing of this") < after.index("The square")


def test_the_interface_is_left_alone(original):
    assert texts(original)["sphinx.po"] == FILES["locale/ko/LC_MESSAGES/sphinx.po"]


def test_catalogs_hold_no_dates_people_line_numbers_or_wrapped_lines(original):
    text = texts(original)["page.po"]
    header = text[: text.index("\n\n")]
    assert header.splitlines()[1:] == [
        'msgid ""',
        'msgstr ""',
        '"Project-Id-Version: A tiny book\\n"',
        '"Language: ko\\n"',
        '"MIME-Version: 1.0\\n"',
        '"Content-Type: text/plain; charset=UTF-8\\n"',
        '"Content-Transfer-Encoding: 8bit\\n"',
        '"Plural-Forms: nplurals=1; plural=0;\\n"',
    ]
    assert "page.md" not in text
    assert all(line.startswith(("msgid ", "msgstr ")) for line in text[len(header) :].splitlines() if line)


def test_a_text_that_cannot_be_extracted(tmp_path):
    make_book(tmp_path)
    (tmp_path / "conf.py").write_text("extensions = ['no_such_extension']", "utf-8")
    with pytest.raises(SystemExit) as stop:
        update.extract(tmp_path, tmp_path / "pot")
    reason, advice = str(stop.value).splitlines()
    assert "Could not import extension no_such_extension" in reason
    assert advice == "The text of the book could not be extracted."


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (b"\ngarbage\n", "Syntax error in po file (line {line})"),
        ("\n# 낱말\n".encode("cp949"), "byte 0xb3 is not UTF-8"),
    ],
)
def test_where_a_catalog_cannot_be_read_none_is_written(book, damage, reason):
    path = book / update.CATALOGS / "page.po"
    path.write_bytes(path.read_bytes() + damage)
    (book / update.CATALOGS / "code/api.po").unlink()  # comes first, and would be written
    line = path.read_bytes().count(b"\n")
    with pytest.raises(SystemExit) as stop:
        run(book)
    assert str(stop.value).splitlines() == [
        f"{update.CATALOGS}/page.po:{line}: not readable: {reason.format(line=line)}; "
        "expected the gettext format",
        "No catalog was written.",
    ]
    assert not (book / update.CATALOGS / "code/api.po").exists()


# Without Sphinx: a catalog from a template and the old catalog.


def entries(**translations):
    catalog = polib.POFile(wrapwidth=0)
    for msgid, msgstr in translations.items():
        catalog.append(polib.POEntry(msgid=msgid.replace("_", " "), msgstr=msgstr))
    return catalog


def merged(template, catalog):
    return update.merged(template, catalog, "A tiny book", lambda entry: "")


def summary(catalog):
    def state(entry):
        return "obsolete" if entry.obsolete else "fuzzy" if entry.fuzzy else "kept" if entry.msgstr else "new"

    return [(state(entry), entry.msgid, entry.msgstr) for entry in catalog]


def test_paragraphs_that_change_places_keep_their_translations():
    result = merged(entries(two="", one=""), entries(one="하나", two="둘"))
    assert summary(result) == [("kept", "two", "둘"), ("kept", "one", "하나")]


def test_each_old_translation_goes_to_the_most_similar_message_only():
    old = entries(the_loss_falls_with_each_step="손실")
    template = entries(the_loss_falls="", the_loss_falls_with_every_step="")
    assert summary(merged(template, old)) == [
        ("new", "the loss falls", ""),
        ("fuzzy", "the loss falls with every step", "손실"),
    ]


def test_a_formula_is_its_own_translation():
    template = polib.POFile()
    for latex in (r"\sqrt{x}", r"x \text{ if } y"):
        template.append(polib.POEntry(msgid=latex))
    old = polib.POFile()
    old.append(polib.POEntry(msgid=r"\sqrt{y}", msgstr=r"\sqrt{y}"))
    assert summary(merged(template, old)) == [
        ("kept", r"\sqrt{x}", r"\sqrt{x}"),
        ("new", r"x \text{ if } y", ""),
    ]


def test_what_a_translator_noted_stays():
    old = entries(one="하나", two="둘")
    old.header = "Who translated it"
    old[0].tcomment = "why so"
    old[1].flags.append("fuzzy")
    old[1].previous_msgid = "too"
    result = merged(entries(one="", two=""), old)
    assert (result.header, result[0].tcomment) == ("Who translated it", "why so")
    assert (result[1].fuzzy, result[1].previous_msgid) == (True, "too")


def test_where_a_message_stands(tmp_path):
    where = partial(update.origin, page=Path("book/page"), out=tmp_path / "a/b", root=tmp_path)
    places = {
        "../../book/page.md": "",
        "../../book/figures/loss.py": "book/figures/loss.py",
        "../../code/x.py:docstring of code.x.f ../../code/x.py:docstring of code.x.g": "code.x.f, code.x.g",
        " ".join(f"../../code/x.py:docstring of code.x.{name}" for name in "fgh"): "",
    }
    found = [where(polib.POEntry(msgid="x", occurrences=[(place, "")])) for place in places]
    assert found == list(places.values())
