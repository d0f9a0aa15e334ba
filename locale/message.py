"""What a message of a catalog is made of: its formulas, code, roles, links, footnotes, and the words left
over.

The gate compares a message with its translation part by part. It must see the parts that the build will see,
so each message is read by the parser that Sphinx gives it to: MyST for the catalog of a ``.md`` page,
docutils for a ``.rst`` page (Sphinx parses a translation as it parses its page). Catalogs without a page hold
plain words.
"""

import importlib
import re
import runpy
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field, fields

from docutils import nodes
from docutils.frontend import get_default_settings
from docutils.parsers.rst import Parser, roles
from docutils.utils import new_document
from markdown_it.renderer import RendererHTML
from myst_parser.config.main import MdParserConfig
from myst_parser.parsers.mdit import create_md_parser
from sphinx.util.nodes import explicit_title_re

# Roles whose content is prose through and through.
PROSE = {"abbr", "dfn", "emphasis", "guilabel", "index", "menuselection", "strong", "sub", "sup"}
FORMULAS = {"math_inline", "math_inline_double", "math_block", "math_block_label", "amsmath"}


@dataclass
class Message:
    text: str  # as it stands in the catalog
    blocks: list = field(default_factory=list)  # types of the top-level blocks; one paragraph is the rule
    faults: list = field(default_factory=list)  # what the parser itself complains about
    formulas: Counter = field(default_factory=Counter)
    code: Counter = field(default_factory=Counter)
    roles: Counter = field(default_factory=Counter)  # (name, target)
    links: Counter = field(default_factory=Counter)
    html: Counter = field(default_factory=Counter)
    footnotes: list = field(default_factory=list)  # their order matters: Sphinx pairs them one by one
    words: str = ""  # with a character of its own for each formula, code, …

    def hole(self):
        """Stand in for a part that isn't prose; never twice the same, or neighbors would be doubled words."""
        self.words += chr(0xE000 + sum(0xE000 <= ord(char) < 0xF8FF for char in self.words))

    def say(self, words):
        """Add prose; an address in angle brackets is a link whose text is no prose."""
        if words in self.links:
            self.hole()
        else:
            self.words += words


def formula(latex):
    """A formula for comparison. Free are white space, the words in ``\\text{…}``, and a comma or full stop
    at the end, which belongs to the sentence around it."""
    wordless = re.sub(r"\\text(\w*)\{[^{}]*\}", r"\\text\1{}", latex)
    return re.sub(r"[\s.,;]+$", "", " ".join(wordless.split()))


def is_formula(text):
    """The body of a display formula is a message of its own, without dollar signs around it."""
    if re.search("[$`]", text):
        return False
    return bool(re.search(r"\\[A-Za-z]|[_^]\{", text)) or ("=" in text and not re.search("[A-Za-z]{3}", text))


def add_role(message, name, content):
    """File a role under what it is: a formula, prose, or a reference with a target and perhaps a title."""
    name = name.lower()
    titled = explicit_title_re.match(content)
    title, target = titled.groups() if titled else (content, content)
    if name == "math":
        message.formulas[formula(content)] += 1
        return message.hole()
    if name in PROSE:
        message.roles[name, ""] += 1
        message.words += title
        return None
    # Sphinx folds the case of terms and labels, and reads ~ and ! as signs of how to show a name.
    target = " ".join(target.lower().split()) if name in {"term", "ref", "numref"} else target.lstrip("~!")
    message.roles[name, target] += 1
    if titled or name == "term":
        message.words += title
        return None
    return message.hole()


def read_words(text):
    return Message(text, blocks=["paragraph"], words=text)


# --- MyST ---------------------------------------------------------------------------------------------------


def myst_reader(conf_path):
    """The reader of ``.md`` catalogs, set up as ``conf.py`` sets up the build."""
    conf = runpy.run_path(str(conf_path))
    known = {option.name for option in fields(MdParserConfig)}
    options = {name.removeprefix("myst_"): value for name, value in conf.items() if name.startswith("myst_")}
    parser = create_md_parser(
        MdParserConfig(**{k: v for k, v in options.items() if k in known}), RendererHTML
    )
    if "_ext.hangul" in conf["extensions"]:
        importlib.import_module("_ext.hangul").widen_emphasis()  # conf.py has put book/ on the path

    def read_myst(text):
        message = Message(text)
        for token in parser.parse(text):
            if token.level == 0 and token.nesting >= 0:
                message.blocks.append(token.type.removesuffix("_open"))
            add_token(message, token)
        return message

    return read_myst


def add_token(message, token):
    if token.type in FORMULAS:
        message.formulas[formula(token.content)] += 1
        message.hole()
    elif token.type in {"code_inline", "code_block", "fence", "colon_fence"}:
        message.code[token.content] += 1
        message.hole()
    elif token.type == "myst_role":
        add_role(message, token.meta["name"], token.content)
    elif token.type == "footnote_ref":
        message.footnotes.append(token.meta["label"])
        message.hole()
    elif token.type in {"html_inline", "html_block"}:
        message.html[token.content] += 1
    elif token.type == "link_open":
        message.links[token.attrs["href"]] += 1
    elif token.type == "image":
        message.links[token.attrs["src"]] += 1
        message.words += token.content
    elif token.type == "text":
        message.say(token.content)
    elif token.type in {"softbreak", "hardbreak", "paragraph_close"}:
        message.words += " "
    else:
        for child in token.children or []:
            add_token(message, child)


# --- reStructuredText ---------------------------------------------------------------------------------------


class role(nodes.inline):
    """Any role: its name and content are all that the gate wants to know."""


@contextmanager
def every_role_known():
    """docutils asks a registry that only a running Sphinx fills; here every name is a role."""

    def make(name, rawtext, text, lineno, inliner, options=None, content=None):
        return [role(rawtext, nodes.unescape(text), role=name)], []

    original, roles.role = roles.role, lambda name, *_: (make, [])
    try:
        yield
    finally:
        roles.role = original


def read_rst(text):
    settings = get_default_settings(Parser)
    settings.report_level = settings.halt_level = 5  # complaints go to the document, not to the terminal
    settings.file_insertion_enabled = False
    document = new_document("message", settings)
    with every_role_known():
        Parser().parse(text, document)
    message = Message(text)
    for block in document.children:
        if not isinstance(block, nodes.system_message):
            message.blocks.append(block.tagname)
    message.faults = [
        fault.astext() for fault in document.findall(nodes.system_message) if fault["level"] > 1
    ]
    add_node(message, document)
    return message


def add_node(message, node):
    if isinstance(node, role):
        add_role(message, node["role"], node.astext())
    elif isinstance(node, (nodes.literal, nodes.literal_block, nodes.doctest_block)):
        message.code[node.astext()] += 1
        message.hole()
    elif isinstance(node, nodes.footnote_reference):
        message.footnotes.append(node.astext() or node.get("refname", node.rawsource))
        message.hole()
    elif isinstance(node, nodes.Text):
        message.say(node.astext())
    elif not isinstance(node, (nodes.system_message, nodes.target, nodes.comment)):
        if isinstance(node, nodes.reference):
            message.links[node.get("refuri", node.get("refname", ""))] += 1
        elif isinstance(node, (nodes.citation_reference, nodes.substitution_reference)):
            message.roles[node.tagname, node.astext()] += 1
        for child in node.children:
            add_node(message, child)
        if isinstance(node, nodes.paragraph):
            message.words += " "
