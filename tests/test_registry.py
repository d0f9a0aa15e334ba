"""The registry of questions: the book's own copy is sound, and each fault in one is named with its line."""

from collections import Counter
from pathlib import Path

import pytest
from _ext.registry import RegistryError, load

BOOK = Path(__file__).parents[1] / "book"

SOUND = """\
- chapter: 1
  file: 01-first
  title: {en: "First", ko: "하나"}
  questions:
  - id: q01
    slug: one
    ko: "하나?"
    en: "One?"
    asked_as: [nam-1, adc-12]
  - id: q01-1
    slug: one-more
    ko: "하나 더?"
    en: "One more?"
    asked_as: [nam-1+1, adc-12-1]
    note: "Not for readers."
- chapter: 2
  file: 02-second
  title: {en: "Second", ko: "둘"}
  questions:
  - id: q02
    slug: two
    ko: "둘?"
    en: "Two?"
    asked_as: [adc-3]
"""

FAULTS = {
    "doubled id": ("id: q02", "id: q01", 20, "id 'q01' is already used in line 5"),
    "doubled slug": ("slug: two", "slug: one", 21, "slug 'one' is already used in line 6"),
    "doubled file": ("file: 02-second", "file: 01-first", 17, "file '01-first' is already used in line 2"),
    "doubled chapter": ("chapter: 2", "chapter: 1", 16, "chapter '1' is already used in line 1"),
    "id of another chapter": ("id: q02", "id: q03", 20, "id is 'q03'; expected q02 or q02-1"),
    "id of another form": ("id: q01-1", "id: q1-1", 10, "id is 'q1-1'; expected q01 or q01-1"),
    "file of another chapter": ("file: 02-second", "file: 03-second", 17, "expected 02-SOME-WORDS"),
    "missing key": ('    ko: "둘?"\n', "", 20, "a question lacks 'ko'; expected asked_as, en, id, ko, slug"),
    "misspelt key": ("slug: two", "slugg: two", 20, "a question lacks 'slug'"),
    "key too many": ("note:", "hint:", 15, "unknown key 'hint'"),
    "empty title": ('en: "Two?"', 'en: ""', 23, "'en' is empty"),
    "no Korean chapter title": (', ko: "둘"', "", 18, "a title lacks 'ko'"),
    "unknown origin": ("[adc-3]", "[adc-3, web-1]", 24, "asked_as has 'web-1'; expected nam-G"),
    "origin with the other sign": ("nam-1+1", "nam-1-1", 14, "asked_as has 'nam-1-1'"),
    "no origin": ("[adc-3]", "[]", 24, "expected a list such as [nam-1+3, adc-12-3]"),
    "chapter is no number": ("chapter: 2", "chapter: two", 16, "chapter is 'two'; expected a number"),
    "not YAML": ("slug: two", "slug: [two", 22, "not YAML"),
}


@pytest.fixture
def registry(tmp_path):
    def read(text):
        path = tmp_path / "questions.yaml"
        path.write_text(text, encoding="utf-8")
        return load(path)

    return read


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_with_its_line(registry, fault):
    sound, broken, line, message = FAULTS[fault]
    assert SOUND.count(sound) == 1
    with pytest.raises(RegistryError) as error:
        registry(SOUND.replace(sound, broken))
    assert f"questions.yaml:{line}: " in str(error.value)
    assert message in str(error.value)


def test_an_empty_registry_is_a_fault(registry):
    with pytest.raises(RegistryError, match=r"questions\.yaml:1: expected a list of chapters"):
        registry("")


def test_another_encoding_is_a_fault(tmp_path):
    path = tmp_path / "questions.yaml"
    path.write_bytes(SOUND.encode("cp949"))
    with pytest.raises(RegistryError, match=r"questions\.yaml:3: not UTF-8: byte 0xc7; expected"):
        load(path)


def test_a_control_character_is_a_fault(registry):
    with pytest.raises(RegistryError, match=r"questions\.yaml:21: not YAML: the control character U\+0007"):
        registry(SOUND.replace("slug: two", "slug: t\awo"))


def test_what_a_sound_registry_says(registry):
    read = registry(SOUND)
    assert [question.number for question in read.questions] == ["Q1", "Q1.1", "Q2"]
    assert [question.file for question in read.questions] == ["01-first", "01-first", "02-second"]
    assert read.question("q01-1").title("ko") == "하나 더?"
    assert read.question("q01-1").title("en") == "One more?"
    assert read.question("q09") is None
    assert read.chapter_of("02-second").title("ko") == "둘"
    assert read.chapter_of("index") is None


def test_the_book_has_all_questions_of_both_lists():
    read = load(BOOK / "questions.yaml")
    questions = list(read.questions)
    assert (len(read.chapters), len(questions)) == (16, 74)
    assert [chapter.number for chapter in read.chapters] == list(range(1, 17))
    origins = Counter(origin.split("-")[0] for question in questions for origin in question.asked_as)
    assert set(origins) == {"nam", "adc"}
    named = {origin for question in questions for origin in question.asked_as}
    assert {f"nam-{group}" for group in range(1, 17)} <= named
    assert {f"adc-{number}" for number in range(1, 21)} <= named


def test_questions_of_a_chapter_stand_in_the_order_of_their_numbers():
    for chapter in load(BOOK / "questions.yaml").chapters:
        numbers = [int(question.id.partition("-")[2] or 0) for question in chapter.questions]
        assert numbers == list(range(len(numbers)))
