"""What no other tool sees in the book: examples that nothing would run, and rules of the book's own."""

import re
from pathlib import Path

import pytest

BOOK = Path(__file__).parent.parent / "book"
PAGES = sorted(BOOK.glob("*.md"))
FENCE = re.compile(r"^(`{3,}|:{3,}) *(.*)$")


def blocks(text):
    """The fenced blocks of a page: (line, what stands behind the opening fence, the lines inside)."""
    opened, found = [], []
    for number, line in enumerate(text.splitlines(), start=1):
        fence = FENCE.match(line)
        if fence and opened and fence[1] == opened[-1][0] and not fence[2]:
            found.append(opened.pop()[1:])
        elif fence:
            opened.append((fence[1], number, fence[2], []))
        elif opened:
            opened[-1][3].append(line)
    return found


def never_run(text):
    """Prompts outside of {doctest} blocks, and examples that are skipped: 'line N: what'."""
    ran = {
        number + i
        for number, info, lines in blocks(text)
        if info == "{doctest}"
        for i in range(1, len(lines) + 1)
    }
    for number, line in enumerate(text.splitlines(), start=1):
        if line.lstrip().startswith(">>>") and number not in ran:
            yield f"line {number}: a prompt outside of a {{doctest}} fence is never run: {line.strip()}"
        if "+SKIP" in line:
            yield f"line {number}: a skipped example proves nothing: {line.strip()}"


def too_wide(text, width=80):
    """Lines of code that would not fit beside the contents of a page."""
    for number, info, lines in blocks(text):
        if info == "{doctest}":
            for i, line in enumerate(lines, start=1):
                if len(line) > width:
                    yield f"line {number + i}: {len(line)} characters, expected at most {width}: {line}"


def bad_answers(text):
    """Thirty-second answers that nobody says in thirty seconds."""
    for number, info, lines in blocks(text):
        words = len(re.sub(r"\$[^$]+\$", "formula", " ".join(lines)).split())
        if info == "{answer}" and not 40 <= words <= 90:
            yield f"line {number}: the answer has {words} words, expected 40 to 90"


RULES = [never_run, too_wide, bad_answers]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page(page, rule):
    assert not list(rule(page.read_text("utf-8")))


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (never_run, "```python\n>>> 1 + 1\n2\n```\n"),
        (never_run, "```pycon\n>>> 1\n1\n```\n"),
        (never_run, "```{doctest}\n>>> f()  # doctest: +SKIP\n```\n"),
        (too_wide, f"```{{doctest}}\n>>> {'x' * 90}\n```\n"),
        (bad_answers, ":::{answer}\nBecause.\n:::\n"),
        (bad_answers, f":::{{answer}}\n{'word ' * 120}\n:::\n"),
    ],
)
def test_faults_are_seen(rule, text):
    [message] = rule(text)
    assert message.startswith("line ")


def test_a_good_page_passes():
    text = "```{doctest}\n>>> 1 + 1\n2\n```\n\n:::{answer}\n" + "word " * 50 + "\n:::\n"
    assert not [message for rule in RULES for message in rule(text)]
