"""A book of three pages, a figure catalog and an interface catalog, with all that a message can hold."""

import importlib
import sys
from pathlib import Path

import polib

REAL = Path(__file__).parent.parent
sys.path.insert(0, str(REAL / "locale"))  # scripts of a folder, not a package: `locale` is Python's own

check = importlib.import_module("check")
update = importlib.import_module("update")

FILES = {
    "conf.py": f"""
import sys
from sphinx.builders.gettext import MsgOrigin

sys.path.insert(0, {str(REAL / "book")!r})
project = "A tiny book"
extensions = ["myst_parser", "_ext.hangul"]
source_suffix = {{".md": "markdown", ".rst": "restructuredtext"}}
myst_enable_extensions = ["dollarmath"]
gettext_compact = False
locale_dirs = ["../locale"]


def figure_words(app):
    if app.builder.name == "gettext":
        for line, words in enumerate(["Loss", "Gradient of layer %s"], 1):
            app.builder.catalogs["figures"].add(words, MsgOrigin(str(app.srcdir / "figures/loss.py"), line))


def setup(app):
    app.connect("builder-inited", figure_words)
""",
    "book/questions.yaml": """
- chapter: 1
  file: 01-page
  title: {en: "A first chapter", ko: "첫 장"}
  questions:
  - {id: q01, slug: it, en: 'What is "it"?', ko: "이것은 무엇인가?", asked_as: [nam-1]}
""",
    "book/index.md": """
# The tiny book

```{toctree}
page
code/api
```
""",
    "book/page.md": """
# A first chapter

(q01)=
## What is "it"?

We follow the slope downwards.

The square $x^2$ is convex, and `relu(x)` is not smooth.

$$
y = W x
$$

$$
E = \\frac{1}{2} \\text{error}^2 .
$$

See {ref}`the first question <q01>` and {term}`gradient descent`, due to {cite:p}`he2015`.

See [the paper](https://example.org/a), <https://example.org/c> or www.example.org/e <kbd>G</kbd>.

A footnote[^a] and a second[^b].

It takes 0.25 of the 10 units, up to 1e4, with 2 million weights $w$.

The thirty-second answer

First, measure, then cut.

**Bold** is loud.

The learning rate is small.

- Overfitting
- ReLU
- $0$

[^a]: One.

[^b]: Two.
""",
    "book/code/api.rst": """
Reference
=========

The square :math:`x^2` of ``relu``, as in :ref:`the first question <q01>` and `the paper <https://example.org/a>`_,
loses 0.5 of it, up to 10⁴.

Once again.
""",
    "locale/terms.csv": """en,ko,avoid,note
learning rate,학습률,학습 속도|학습율,
overfitting,과적합,,
use,첫 장 사용률,첫 장 이용률,
""",
    "locale/ko/LC_MESSAGES/sphinx.po": """msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"

msgid "Answer"
msgstr "답"

msgid "One page"
msgid_plural "${count} pages"
msgstr[0] "${count}쪽"

msgid "Go to {name}"
msgstr "{name}에 가기"
""",
}

TRANSLATIONS = {
    "The tiny book": "작은 책",
    "A first chapter": "첫 장",
    'What is "it"?': "이것은 무엇인가?",
    "We follow the slope downwards.": "기울기를 따라 내려간다.",
    "The square $x^2$ is convex, and `relu(x)` is not smooth.": "$x^2$은 볼록하고 `relu(x)`는 매끄럽지 않다.",
    "E = \\frac{1}{2} \\text{error}^2 .": "E = \\frac{1}{2} \\text{오차}^2",
    "See {ref}`the first question <q01>` and {term}`gradient descent`, due to {cite:p}`he2015`.": (
        "{term}`경사하강법 <gradient descent>`과 {ref}`첫 질문 <q01>`을 보라 {cite:p}`he2015`."
    ),
    "See [the paper](https://example.org/a), <https://example.org/c> or www.example.org/e <kbd>G</kbd>.": (
        "[논문](https://example.org/a)이나 <https://example.org/c>, www.example.org/e 참고 <kbd>G</kbd>."
    ),
    "A footnote[^a] and a second[^b].": "각주[^a]와 둘째[^b].",
    "It takes 0.25 of the 10 units, up to 1e4, with 2 million weights $w$.": (
        "유닛 10개 중 0.25를 쓰고, 가중치 $w$가 200만 개일 때 1e4까지 간다."
    ),
    "The thirty-second answer": "30초 답변",
    "First, measure, then cut.": "첫째, 재고, 자른다.",
    "**Bold** is loud.": "**굵게(bold)**는 시끄럽다.",
    "The learning rate is small.": "학습률은 작다. “학습 속도”라고는 쓰지 않는다.",
    "Overfitting": "과적합",
    "ReLU": "ReLU",
    "$0$": "$0$",
    "One.": "하나.",
    "Two.": "둘.",
    "Reference": "참조",
    "The square :math:`x^2` of ``relu``, as in :ref:`the first question <q01>` and "
    "`the paper <https://example.org/a>`_, loses 0.5 of it, up to 10⁴.": (
        "``relu``\\ 의 :math:`x^2`, :ref:`첫 질문 <q01>`, `논문 <https://example.org/a>`_\\ , 10⁴까지 0.5를."
    ),
    "Once again.": "다시 한번.",
    "Loss": "손실",
    "Gradient of layer %s": "층 %s의 기울기",
}


def make_book(root):
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.lstrip("\n"), "utf-8")


def translate(root, translations):
    """Fill in the catalogs of the pages, as a translator does."""
    for path in (root / update.CATALOGS).rglob("*.po"):
        if path.stem == update.INTERFACE:
            continue
        catalog = polib.pofile(str(path), wrapwidth=0)
        for entry in catalog:
            entry.msgstr = translations.get(entry.msgid, entry.msgstr)
        catalog.save()
