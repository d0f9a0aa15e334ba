"""Questions and their answers: the directives, their checks, the indexes and questions.json.

A question is a heading, so that tables of contents, search and translation treat it as what it is. The
directives tie it to the registry and mark what Markdown has no word for: the short answer, wrong answers,
what an interviewer listens for. All checks run after translation: a Korean page is held to the Korean titles.
"""

import difflib
import functools
import json
import re
from collections.abc import Iterator
from html import escape
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.directives.patches import Rubric
from sphinx.domains import Domain
from sphinx.locale import _
from sphinx.transforms import SphinxContentsFilter, SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode

from _ext import registry
from _ext.registry import Chapter, Question, Registry

LEVELS = ("basic", "core", "deep")

logger = logging.getLogger(__name__)


# ---------------------------------------------------------------- nodes and directives


class question(nodes.General, nodes.Element):
    """The facts below a question's heading: number, level, where it is asked, how to cite it."""


class block(nodes.General, nodes.Element):
    """A titled part of an answer; its id is the question's id with a suffix, equal in all editions."""


class answer(block):
    directive = "answer"


class wrong_answer(block):
    """Its first child is a block_title: the wrong claim."""

    directive = "wrong-answer"


class listen_for(block):
    """What an interviewer listens for (docutils already has a rubric)."""

    directive = "rubric"


class block_title(nodes.title):
    """A title that Sphinx translates like a heading's but that opens no section."""


class chapter_citation(nodes.General, nodes.Element):
    """How to cite the chapter, at its end."""


class wrong_answer_list(nodes.General, nodes.Element):
    """Stands in an index for the wrong answers of one chapter until all pages are known."""


class QuestionDirective(SphinxDirective):
    required_arguments = 1
    option_spec = {"level": directives.unchanged}  # noqa: RUF012

    def run(self):
        node = question(id=self.arguments[0], level=self.options.get("level") or "")
        self.set_source_info(node)
        return [node]


class BlockDirective(SphinxDirective):
    has_content = True
    node_class = block

    def run(self):
        node = self.node_class("", *self.parse_content_to_nodes())
        self.set_source_info(node)
        return [node]


class AnswerDirective(BlockDirective):
    node_class = answer


class WrongAnswerDirective(BlockDirective):
    node_class = wrong_answer
    required_arguments = 1
    final_argument_whitespace = True

    def run(self):
        [node] = super().run()
        words, messages = self.parse_inline(self.arguments[0], lineno=self.lineno)
        node.insert(0, block_title(self.arguments[0], "", *words))
        return [node, *messages]


class RubricDirective(BlockDirective):
    """Ours has no argument; with one it is docutils' rubric, which the headings in docstrings become."""

    node_class = listen_for
    optional_arguments = 1
    final_argument_whitespace = True
    option_spec = Rubric.option_spec

    def run(self):
        return Rubric.run(self) if self.arguments else super().run()


class IndexDirective(SphinxDirective):
    """A section for each chapter; its titles come from the registry and need no catalog."""

    def run(self):
        self.env.get_domain("book").indexes.add(self.env.docname)
        self.env.note_dependency(str(registry_file(self.env)))
        chapters = read(registry_file(self.env)).chapters
        return [self.section(chapter) for chapter in chapters if self.shows(chapter)]

    def section(self, chapter: Chapter) -> nodes.section:
        title = f"{chapter.number}. {chapter.title(self.config.language)}"
        section = nodes.section(
            "",
            nodes.title("", title, translatable=False, chapter=chapter.file),
            self.content_of(chapter),
            ids=[f"chapter-{chapter.number}"],
        )
        self.state.document.set_id(section)
        return section


class QuestionIndex(IndexDirective):
    def shows(self, chapter: Chapter) -> bool:
        return True

    def content_of(self, chapter: Chapter) -> nodes.Node:
        items = (self.item(question) for question in chapter.questions)
        return nodes.bullet_list("", *items, classes=["question-index"])

    def item(self, asked: Question) -> nodes.list_item:
        own = self.config.language
        other = "en" if own == "ko" else "ko"
        return nodes.list_item(
            "",
            nodes.paragraph("", "", nodes.inline("", asked.title(own), classes=["question-title"])),
            nodes.paragraph("", asked.title(other), classes=["question-other", f"language-{other}"]),
            nodes.paragraph("", asked_in(asked), classes=["question-facts"]),
            question=asked.id,
        )


class WrongAnswerIndex(IndexDirective):
    def shows(self, chapter: Chapter) -> bool:
        return chapter.file in self.env.found_docs

    def content_of(self, chapter: Chapter) -> nodes.Node:
        return wrong_answer_list(chapter=chapter.file)


# ---------------------------------------------------------------- what the pages say


def registry_file(env) -> Path:
    return Path(env.srcdir, "questions.yaml")


def read(path: Path) -> Registry:
    try:
        return _read(path, path.stat().st_mtime_ns)
    except (registry.RegistryError, OSError) as error:
        raise SystemExit(str(error)) from None  # Sphinx would add a traceback to an error of its own


@functools.lru_cache(maxsize=1)
def _read(path: Path, _changed: int) -> Registry:
    return registry.load(path)


def asked_in(asked: Question) -> str:
    origins = (registry.ORIGIN.fullmatch(origin).groupdict() for origin in asked.asked_as)
    return _("Asked in: %s") % "; ".join(origin_name(origin) for origin in origins)


def origin_name(origin: dict[str, str]) -> str:
    if origin["list"] == "adc":
        return "ai-tech-interview, " + "-".join(filter(None, (origin["group"], origin["follow_up"])))
    if origin["follow_up"]:
        return _("Nam Sedong’s list, %(group)s, follow-up %(follow_up)s") % origin
    return _("Nam Sedong’s list, %(group)s") % origin


def level_name(level: str) -> str:
    return {"basic": _("Basic"), "core": _("Core"), "deep": _("Deep")}.get(level, "")


class BookDomain(Domain):
    """What the pages said; Sphinx keeps it up to date in incremental and parallel builds.

    answered: page -> question id -> what `collect` found; indexes: the pages that list questions
    """

    name = "book"
    label = "Book"
    initial_data = {"answered": {}, "indexes": set()}  # noqa: RUF012
    data_version = 1

    @property
    def answered(self) -> dict[str, dict[str, dict]]:
        return self.data["answered"]

    @property
    def indexes(self) -> set[str]:
        return self.data["indexes"]

    def questions(self) -> dict[str, dict]:
        return {id: facts for page in self.answered.values() for id, facts in page.items()}

    def clear_doc(self, docname):
        self.answered.pop(docname, None)
        self.indexes.discard(docname)

    def merge_domaindata(self, docnames, otherdata):
        self.answered.update({doc: facts for doc, facts in otherdata["answered"].items() if doc in docnames})
        self.indexes.update(otherdata["indexes"] & set(docnames))

    def resolve_any_xref(self, *args):
        return []


def outdated_indexes(app, env, added, changed, removed):
    """The indexes show what stands on other pages: they are read again with any other."""
    return sorted(env.get_domain("book").indexes) if added or changed or removed else []


# ---------------------------------------------------------------- a page: checks, ids, facts


class Questions(SphinxTransform):
    """After translation, before labels are collected: check the page, give ids, note what indexes need."""

    default_priority = 840

    def apply(self, **kwargs):
        docname, path = self.env.docname, registry_file(self.env)
        known = read(path) if path.exists() else Registry(())
        if not known.chapter_of(docname) and not any(self.document.findall(is_ours)):
            return
        self.env.note_dependency(str(path))
        for node, message in faults(self.document, docname, known, self.config.language):
            logger.warning(message, location=docname if node is None else node, type="question")
        drop_strays(self.document, known)
        answered = {node["id"]: collect(node) for node in self.document.findall(question)}
        if answered:
            self.env.get_domain("book").answered[docname] = answered
        section = next(self.document.findall(nodes.section), None)
        if known.chapter_of(docname) and section is not None:
            section += chapter_citation()


def is_ours(node) -> bool:
    return isinstance(node, (question, block))


def owner(node) -> question | None:
    """The question whose section a block stands in."""
    while node := node.parent:
        for child in node.children:
            if isinstance(child, question):
                return child
    return None


def blocks_of(node: question, kind: type[block]) -> list[block]:
    return [found for found in node.parent.findall(kind) if owner(found) is node]


def faults(document, docname: str, known: Registry, language: str) -> Iterator[tuple[nodes.Node | None, str]]:
    """What is wrong with the questions of a page: where (None: the page as a whole) and what."""
    seen = {}
    for node in document.findall(question):
        id = node["id"]
        if id in seen:
            yield node, f"question {id} already stands in line {seen[id]}; expected each id once"
            continue
        seen[id] = node.line
        for message in question_faults(node, docname, known, language):
            yield node, f"question {id}: {message}"
        yield from block_faults(node)
    for node in document.findall(block):
        if not owner(node):
            yield node, f"{node.directive} stands outside of a question; expected in the section of one"
    if known.chapter_of(docname):
        yield from chapter_faults(document, known.chapter_of(docname), language)


def question_faults(node: question, docname: str, known: Registry, language: str) -> Iterator[str]:
    entry = known.question(node["id"])
    if not entry:
        yield f"unknown id; expected one of questions.yaml{nearest(node['id'], known)}"
        return
    if docname != entry.file:
        yield f"it belongs in {entry.file}.md, not in {docname}.md"
    if node["level"] not in LEVELS:
        yield f"its level is '{node['level']}'; expected {', '.join(LEVELS)}"
    section = node.parent
    if not isinstance(section, nodes.section) or section.index(node) != 1:
        yield "expected directly below its heading"
        return
    if section["ids"][0] != entry.id:
        yield f"the label of its heading is missing or different; expected ({entry.id})= above the heading"
    title, expected = section[0].astext(), entry.title(language)
    if as_typed(title) != as_typed(expected):
        yield f"its heading is '{title}'; expected '{expected}'{place(language)}"


def place(language: str) -> str:
    """Where the author of a translation has to look."""
    return "" if language == "en" else " in the page's catalog"


def nearest(id: str, known: Registry) -> str:
    close = difflib.get_close_matches(id, [question.id for question in known.questions], 3)
    return f", perhaps {' or '.join(close)}" if close else ""


def as_typed(text: str) -> str:
    """Text without what typography made of it: curly quotes, dashes, ellipses, runs of blanks."""
    plain = text.translate(str.maketrans("“”‘’", "\"\"''", "")).replace("…", "...").replace("–", "--")
    return " ".join(plain.replace("—", "---").split())


def block_faults(node: question) -> Iterator[tuple[nodes.Node, str]]:
    id = node["id"]
    if not blocks_of(node, answer):
        yield node, f"question {id} has no answer; expected one answer directive in its section"
    for kind in (answer, listen_for):
        for second in blocks_of(node, kind)[1:]:
            yield second, f"{kind.directive}: question {id} already has one; expected one"
    for found in blocks_of(node, block):
        if not any(not isinstance(child, block_title) for child in found):
            yield found, f"{found.directive} of question {id} is empty; expected text"
    for found in blocks_of(node, listen_for):
        if found.children and not isinstance(found[0], nodes.bullet_list):
            yield found, f"rubric of question {id}: expected a list, a point a line: '- what one listens for'"


def chapter_faults(document, chapter: Chapter, language: str) -> Iterator[tuple[nodes.Node | None, str]]:
    """A chapter has the registry's title and all its questions, in the registry's order."""
    title = next(document.findall(nodes.title), None)
    if title is None or as_typed(title.astext()) != as_typed(chapter.title(language)):
        found = title.astext() if title is not None else ""
        expected = f"expected '{chapter.title(language)}'{place(language)}"
        yield title, f"the chapter's title is '{found}'; {expected}"
    order = [entry.id for entry in chapter.questions]
    nodes_found = {node["id"]: node for node in document.findall(question) if node["id"] in order}
    last = ""
    for id, node in nodes_found.items():
        if last and order.index(id) < order.index(last):
            yield node, f"question {id} stands after {last}; expected the order of questions.yaml"
        last = id
    missing = [id for id in order if id not in nodes_found]
    if missing:
        expected = f"expected all {len(order)} questions of chapter {chapter.number}"
        yield None, f"{', '.join(missing)} missing; {expected}"


def drop_strays(document, known: Registry) -> None:
    """After the faults were told: only the first of each known question and what belongs to it stays."""
    for node in list(document.findall(question)):
        for second in [*blocks_of(node, answer)[1:], *blocks_of(node, listen_for)[1:]]:
            second.parent.remove(second)
    seen = set()
    for node in list(document.findall(question)):
        if not known.question(node["id"]) or node["id"] in seen or not isinstance(node.parent, nodes.section):
            for stray in [*blocks_of(node, block), node]:
                stray.parent.remove(stray)
        seen.add(node["id"])
    for node in list(document.findall(block)):
        if not owner(node):
            node.parent.remove(node)


def collect(node: question) -> dict:
    """Give the blocks of a question their ids; note what indexes show; wrong answers as id, text, nodes."""
    for found in [*blocks_of(node, answer), *blocks_of(node, listen_for)]:
        label(found, f"{node['id']}-{found.directive}")
    wrong = blocks_of(node, wrong_answer)
    for number, found in enumerate(wrong, 1):
        label(found, f"{node['id']}-wrong-{number}")
    return {
        "level": node["level"],
        "heading": inline_nodes(node.parent[0]),
        "wrong_answers": [(found["ids"][0], plain(found[0]), inline_nodes(found[0])) for found in wrong],
    }


def label(node: block, id: str) -> None:
    """An explicit target, so that pages can link to it; set late, so that nothing else took the id."""
    node["ids"], node["names"] = [id], [id]
    document = node.document
    document.note_explicit_target(node, node)


def plain(node: nodes.Element) -> str:
    """Text for where there is no markup; formulas keep their dollars."""
    node = node.deepcopy()
    for formula in list(node.findall(nodes.math)):
        formula.replace_self(nodes.Text(f"${formula.astext()}$"))
    return " ".join(node.astext().split())


def inline_nodes(title: nodes.title) -> list[nodes.Node]:
    """The title's content without links, as tables of contents take it."""
    visitor = SphinxContentsFilter(title.document)
    title.walkabout(visitor)
    return visitor.get_entry_text()


# ---------------------------------------------------------------- HTML


def visit_question(translator, node):
    builder, config = translator.builder, translator.config
    entry = read(registry_file(builder.env)).question(node["id"])
    link = f'<a class="question-number" href="#{entry.id}" title="{_("Permanent link")}">{entry.number}</a>'
    level = f'<span class="question-level">{level_name(node["level"])}</span>'
    asked = f'<span class="question-asked">{escape(asked_in(entry))}</span>'
    cited = citation(builder, entry.id, entry.title(config.language), entry.file, f"#{entry.id}")
    translator.body.append(
        f'<div class="question-card"><p class="question-facts">{link} {level} {asked}</p>'
        f"{details(_('Cite'), *cited)}</div>\n"
    )
    raise nodes.SkipNode


def visit_chapter_citation(translator, node):
    builder, config = translator.builder, translator.config
    chapter = read(registry_file(builder.env)).chapter_of(builder.current_docname)
    cited = citation(builder, f"ch{chapter.number:02}", chapter.title(config.language), chapter.file, "")
    translator.body.append(details(_("Cite this chapter"), *cited) + "\n")
    raise nodes.SkipNode


def citation(builder, id: str, title: str, docname: str, anchor: str) -> tuple[str, str]:
    """A citation of a part of the book: plain text and BibTeX; without html_baseurl it has no address."""
    config = builder.config
    url = (
        config.html_baseurl
        and config.html_baseurl.rstrip("/") + "/" + builder.get_target_uri(docname) + anchor
    )
    facts = {"author": config.author, "title": title, "id": id, "book": config.project}
    facts |= {"version": config.release, "date": config.book_date}
    text = _("%(author)s: “%(title)s” (%(id)s). In: %(book)s, version %(version)s, %(date)s.") % facts
    fields = {
        "author": f"{{{config.author}}}",
        "title": f"{{{title}}}",
        "booktitle": f"{{{config.project}}}",
        "edition": config.release,
        "year": config.book_date[:4],
        "note": f"{id}, {config.book_date}",
        "url": url,
    }
    lines = [
        f"  {key} = {{{value if key == 'url' else tex(value)}}}," for key, value in fields.items() if value
    ]
    return f"{text} {url}".strip(), "\n".join([f"@incollection{{dl-interview-{id},", *lines, "}"])


def tex(text: str) -> str:
    return re.sub(r"([%&#_$])", r"\\\1", text)


def details(summary: str, text: str, bibtex: str) -> str:
    return (
        f'<details class="cite"><summary>{summary}</summary><p>{escape(text)}</p>'
        f'<div class="highlight"><pre>{escape(bibtex)}</pre></div></details>'
    )


def block_label(node: block) -> str:
    return {
        "answer": _("The thirty-second answer"),
        "wrong-answer": _("Wrong answer:"),
        "rubric": _("What the interviewer listens for"),
    }[node.directive]


def visit_block(translator, node):
    id = node["ids"][0]
    translator.body.append(
        f'<div class="{node.directive}" id="{id}" role="group" aria-labelledby="{id}-title">\n'
        f'<p class="block-title" id="{id}-title"><span class="block-label">{block_label(node)}</span>'
    )
    if not isinstance(node, wrong_answer):
        translator.body.append("</p>\n")
    node.start = len(translator.body)


def depart_block(translator, node):
    if translator.builder.name == "html":
        keep(translator.builder, node, "".join(translator.body[node.start :]).strip())
    translator.body.append("</div>\n")


def visit_block_title(translator, node):
    translator.body.append(" ")


def depart_block_title(translator, node):
    translator.body.append("</p>\n")


# ---------------------------------------------------------------- paper and plain text


class PlainBlocks(SphinxPostTransform):
    """Where there is no HTML, a block is a container with a title in bold."""

    default_priority = 8
    formats = ("latex", "text", "man")

    def run(self, **kwargs):
        known = read(registry_file(self.env)) if any(self.document.findall(is_ours)) else None
        for node in list(self.document.findall(question)):
            entry = known.question(node["id"])
            facts = f"{entry.number} · {level_name(node['level'])} · {asked_in(entry)}"
            node.replace_self(nodes.paragraph("", "", nodes.emphasis("", facts)))
        for node in list(self.document.findall(block)):
            title = nodes.strong("", block_label(node))
            if isinstance(node, wrong_answer):
                title += [nodes.Text(" "), *node.pop(0).children]
            paragraph = nodes.paragraph("", "", nodes.target("", "", ids=node["ids"]), title)
            node.replace_self(nodes.container("", paragraph, *node.children))
        for node in list(self.document.findall(chapter_citation)):
            node.parent.remove(node)


# ---------------------------------------------------------------- indexes and questions.json


def fill_indexes(app, doctree, docname):
    """With all pages known: links where there is something to link to."""
    domain = app.env.get_domain("book")
    if not domain.indexes:
        return
    known, answered = read(registry_file(app.env)), domain.questions()
    for title in doctree.findall(nodes.title):
        if title.get("chapter") in app.env.found_docs:
            title[:] = [make_refnode(app.builder, docname, title["chapter"], "", list(title.children))]
    for item in doctree.findall(nodes.list_item):
        if "question" in item:
            fill_item(app.builder, docname, item, known.question(item["question"]), answered)
    for node in list(doctree.findall(wrong_answer_list)):
        chapter = known.chapter_of(node["chapter"])
        node.replace_self(wrong_answers(app, docname, chapter, answered))


def fill_item(builder, docname: str, item: nodes.list_item, entry: Question, answered: dict[str, dict]):
    line = item[0]
    if entry.id in answered:
        line[:] = [make_refnode(builder, docname, entry.file, entry.id, list(line.children))]
        state = level_name(answered[entry.id]["level"])
    else:
        item["classes"].append("in-preparation")
        state = _("in preparation")
    line.insert(0, [nodes.inline("", entry.number, classes=["question-number"]), nodes.Text(" ")])
    line += [nodes.Text(" "), nodes.inline("", state, classes=["question-level"])]


def wrong_answers(app, docname: str, chapter: Chapter, answered: dict[str, dict]) -> list[nodes.Node]:
    shown = []
    for entry in chapter.questions:
        facts = answered.get(entry.id)
        if facts and facts["wrong_answers"]:
            heading = [nodes.Text(f"{entry.number} "), *copies(facts["heading"])]
            link = make_refnode(app.builder, docname, entry.file, entry.id, heading)
            shown.append(nodes.paragraph("", "", link, classes=["wrong-answer-question"]))
            items = nodes.bullet_list(classes=["wrong-answer-index"])
            for id, _text, title in facts["wrong_answers"]:
                link = make_refnode(app.builder, docname, entry.file, id, copies(title))
                items += nodes.list_item("", nodes.paragraph("", "", link))
            shown.append(items)
    return shown


def copies(found: list[nodes.Node]) -> list[nodes.Node]:
    return [node.deepcopy() for node in found]


def kept(builder, id: str) -> Path:
    return Path(builder.doctreedir, "blocks", f"{id}.json")


def keep(builder, node: block, html: str) -> None:
    """What the page shows, for questions.json; on disk, since a build writes only the pages that changed."""
    parts = node.findall(nodes.list_item) if isinstance(node, listen_for) else node.children
    file = kept(builder, node["ids"][0])
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"html": html, "text": [plain(part) for part in parts]}), encoding="utf-8")


def recall(builder, id: str) -> dict:
    file = kept(builder, id)
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {"html": "", "text": []}


def write_questions_json(app, exception):
    """questions.json: what rehearsal and cards are made of."""
    if exception or app.builder.name != "html" or not registry_file(app.env).exists():
        return
    answered = app.env.get_domain("book").questions()
    known = [entry for entry in read(registry_file(app.env)).questions if entry.id in answered]
    exported = [export(app.builder, entry, answered[entry.id]) for entry in known]
    text = json.dumps(exported, ensure_ascii=False, indent=1) + "\n"
    Path(app.outdir, "questions.json").write_text(text, encoding="utf-8")


def export(builder, entry: Question, facts: dict) -> dict:
    page = builder.get_target_uri(entry.file)
    spoken = recall(builder, f"{entry.id}-answer")
    return {
        "id": entry.id,
        "number": entry.number,
        "title": entry.title(builder.config.language),
        "level": facts["level"],
        "chapter": entry.chapter,
        "answer": spoken["html"].replace('href="#', f'href="{page}#'),
        "answer_text": "\n\n".join(spoken["text"]),
        "rubric": recall(builder, f"{entry.id}-rubric")["text"],
        "wrong_answers": [{"id": id, "title": title} for id, title, _nodes in facts["wrong_answers"]],
        "url": f"{page}#{entry.id}",
    }


def check_registry(app):
    """A fault in the registry stops the build before it begins."""
    if registry_file(app.env).exists():
        read(registry_file(app.env))


def setup(app):
    app.add_config_value("book_date", "", "html", str)
    app.add_domain(BookDomain)
    app.add_node(question, html=(visit_question, None))
    app.add_node(chapter_citation, html=(visit_chapter_citation, None))
    app.add_node(block_title, html=(visit_block_title, depart_block_title))
    for kind in (answer, wrong_answer, listen_for):
        app.add_node(kind, html=(visit_block, depart_block))
    app.add_directive("question", QuestionDirective)
    app.add_directive("answer", AnswerDirective)
    app.add_directive("wrong-answer", WrongAnswerDirective)
    app.add_directive("rubric", RubricDirective, override=True)
    app.add_directive("question-index", QuestionIndex)
    app.add_directive("wrong-answer-index", WrongAnswerIndex)
    app.add_transform(Questions)
    app.add_post_transform(PlainBlocks)
    app.connect("builder-inited", check_registry)
    app.connect("env-get-outdated", outdated_indexes)
    app.connect("doctree-resolved", fill_indexes)
    app.connect("build-finished", write_questions_json)
    return {"version": "1", "env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
