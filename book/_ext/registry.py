"""The registry of questions, book/questions.yaml: the only place that fixes ids, titles and order.

Everything about a question that is not its answer comes from here: the directives, the indexes and the tests
read it through load(). A fault in the file is one error that names the line and what is expected there.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

CHAPTER_KEYS = {"chapter", "file", "title", "questions"}
QUESTION_KEYS = {"id", "slug", "ko", "en", "asked_as"}
ORIGIN = re.compile(r"(?P<list>nam|adc)-(?P<group>\d+)(?:(?P<sign>[+-])(?P<follow_up>\d+))?")


class RegistryError(Exception):
    """A fault in the registry: FILE:LINE: what is wrong and what was expected."""


@dataclass(frozen=True)
class Question:
    id: str
    slug: str
    ko: str
    en: str
    asked_as: tuple[str, ...]
    note: str
    chapter: int
    file: str

    @property
    def number(self) -> str:
        """How readers call it: q01-3 is Q1.3, q01 is Q1."""
        return "Q" + ".".join(str(int(part)) for part in self.id[1:].split("-"))

    def title(self, language: str) -> str:
        return self.ko if language == "ko" else self.en


@dataclass(frozen=True)
class Chapter:
    number: int
    file: str
    en: str
    ko: str
    questions: tuple[Question, ...]

    def title(self, language: str) -> str:
        return self.ko if language == "ko" else self.en


@dataclass(frozen=True)
class Registry:
    chapters: tuple[Chapter, ...]

    @property
    def questions(self) -> Iterator[Question]:
        return (question for chapter in self.chapters for question in chapter.questions)

    def question(self, id: str) -> Question | None:
        return next((question for question in self.questions if question.id == id), None)

    def chapter_of(self, docname: str) -> Chapter | None:
        return next((chapter for chapter in self.chapters if chapter.file == docname), None)


def load(path: Path) -> Registry:
    try:
        text = path.read_bytes().decode("utf-8")
        node = yaml.compose(text)
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        what = f"not UTF-8: byte 0x{error.object[error.start]:02x}; expected the file saved as UTF-8"
        raise RegistryError(f"{path}:{line}: {what}") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        what = f"not YAML: the control character U+{ord(text[error.position]):04X}; expected text without it"
        raise RegistryError(f"{path}:{line}: {what}") from error
    except yaml.MarkedYAMLError as error:
        raise RegistryError(f"{path}:{error.problem_mark.line + 1}: not YAML: {error.problem}") from error
    reader = Reader(path)
    chapters = tuple(reader.chapter(item) for item in reader.items(node, "a list of chapters"))
    return Registry(chapters)


class Reader:
    """Walks the YAML nodes, which know their lines, and remembers what must not come twice."""

    def __init__(self, path: Path):
        self.path = path
        self.seen: dict[tuple[str, str], int] = {}

    def fail(self, node, message: str):
        line = node.start_mark.line + 1 if node else 1
        raise RegistryError(f"{self.path}:{line}: {message}")

    def items(self, node, expected: str) -> list:
        if not isinstance(node, yaml.SequenceNode) or not node.value:
            self.fail(node, f"expected {expected}")
        return node.value

    def mapping(self, node, what: str, required: set[str], allowed: set[str]) -> dict:
        if not isinstance(node, yaml.MappingNode):
            self.fail(node, f"expected {what} with {', '.join(sorted(required))}")
        values = {key.value: value for key, value in node.value}
        for key in sorted(required - values.keys()):
            self.fail(node, f"{what} lacks '{key}'; expected {', '.join(sorted(required))}")
        for key, _ in node.value:
            if key.value not in allowed:
                self.fail(
                    key, f"{what} has the unknown key '{key.value}'; expected {', '.join(sorted(allowed))}"
                )
        return values

    def text(self, node, key: str) -> str:
        if not isinstance(node, yaml.ScalarNode) or not node.value.strip():
            self.fail(node, f"'{key}' is empty; expected text")
        return node.value

    def unique(self, node, key: str) -> str:
        value = self.text(node, key)
        if (key, value) in self.seen:
            self.fail(
                node, f"{key} '{value}' is already used in line {self.seen[key, value]}; each is used once"
            )
        self.seen[key, value] = node.start_mark.line + 1
        return value

    def chapter(self, node) -> Chapter:
        values = self.mapping(node, "a chapter", CHAPTER_KEYS, CHAPTER_KEYS)
        number = self.unique(values["chapter"], "chapter")
        if not number.isdecimal():
            self.fail(values["chapter"], f"chapter is '{number}'; expected a number")
        file = self.unique(values["file"], "file")
        if not re.fullmatch(rf"{int(number):02}-[a-z0-9-]+", file):
            self.fail(values["file"], f"file is '{file}'; expected {int(number):02}-SOME-WORDS, without .md")
        title = self.mapping(values["title"], "a title", {"en", "ko"}, {"en", "ko"})
        questions = self.items(values["questions"], "a list of questions")
        return Chapter(
            int(number),
            file,
            self.text(title["en"], "en"),
            self.text(title["ko"], "ko"),
            tuple(self.question(question, int(number), file) for question in questions),
        )

    def question(self, node, chapter: int, file: str) -> Question:
        values = self.mapping(node, "a question", QUESTION_KEYS, QUESTION_KEYS | {"note"})
        id = self.unique(values["id"], "id")
        if not re.fullmatch(rf"q{chapter:02}(-[1-9]\d*)?", id):
            self.fail(
                values["id"], f"id is '{id}'; expected q{chapter:02} or q{chapter:02}-1, q{chapter:02}-2, …"
            )
        origins = self.items(values["asked_as"], "a list such as [nam-1+3, adc-12-3]")
        return Question(
            id,
            self.unique(values["slug"], "slug"),
            self.text(values["ko"], "ko"),
            self.text(values["en"], "en"),
            tuple(self.origin(origin) for origin in origins),
            self.text(values["note"], "note") if "note" in values else "",
            chapter,
            file,
        )

    def origin(self, node) -> str:
        value = self.text(node, "asked_as")
        match = ORIGIN.fullmatch(value)
        if not match or (match["sign"] and match["sign"] != {"nam": "+", "adc": "-"}[match["list"]]):
            self.fail(node, f"asked_as has '{value}'; expected nam-G, nam-G+K, adc-N or adc-N-K")
        return value
