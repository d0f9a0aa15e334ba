"""Code on a page: the source of textbook_code itself, cut out when the page is read; it is never a copy.

`mirror` shows functions of both halves, with_numpy (each with its derivative below it) and with_jax;
`listing` shows code that exists once. The files are read, not imported: a page needs no JAX to show JAX.
Docstrings are left out: the page explains, and the links lead to the code reference, where they stand.
"""

import ast
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.locale import _
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).parents[2]
HALVES = {"numpy": ("NumPy", "textbook_code.with_numpy"), "jax": ("JAX", "textbook_code.with_jax")}

logger = logging.getLogger(__name__)


class CodeError(Exception):
    """What the author of the page has to mend."""


class mirror(nodes.container):
    """Both halves, each labelled; on the web the reader chooses which one to see."""


class Listing(SphinxDirective):
    required_arguments = 1
    final_argument_whitespace = True

    def run(self):
        try:
            return [self.code()]
        except CodeError as error:
            logger.warning("%s %s", self.name, error, location=self.get_location(), type=self.name)
            return []

    def code(self) -> nodes.Node:
        return nodes.container("", *self.part("textbook_code"), classes=["listing"])

    def part(self, package: str) -> list[nodes.Node]:
        """The named functions of a package in one block, and where they are documented."""
        places = [place(package, name) for name in self.arguments[0].split()]
        for path, _module, _name in places:
            self.env.note_dependency(str(path))
        source = "\n\n".join(code_of(path, name) for path, _module, name in places)
        targets = [f"{module}.{name}" for _path, module, name in places]
        return [
            nodes.literal_block(source, source, language="python"),
            nodes.paragraph("", "", *links(targets, self.env.docname), classes=["code-links"]),
        ]


class Mirror(Listing):
    def code(self) -> nodes.Node:
        node = mirror(number=self.env.new_serialno("mirror"))
        for key, (label, package) in HALVES.items():
            heading = nodes.paragraph("", "", nodes.strong("", label), classes=["mirror-label"])
            node += nodes.container("", heading, *self.part(package), classes=[f"mirror-{key}"])
        return node


def place(package: str, dotted: str) -> tuple[Path, str, str]:
    """File, module and name: activations.relu in textbook_code.with_numpy."""
    inner, _dot, name = dotted.rpartition(".")
    module = f"{package}.{inner}"
    path = ROOT / f"{module.replace('.', '/')}.py"
    if not inner:
        raise CodeError(f"{dotted}: expected MODULE.NAME, for example activations.relu")
    if not path.exists():
        raise CodeError(f"{dotted}: there is no file {path.relative_to(ROOT)}")
    return path, module, name


def code_of(path: Path, name: str) -> str:
    """The function or class and, where there are such, the rule it hands on to, and its derivative by hand.

    JAX compiles the rule apart from the checks: ``adam_update`` checks, ``_adam`` is the rule.
    """
    try:
        text = path.read_text(encoding="utf-8")
        rule = f"_{name.removesuffix('_update')}"
        found = [cut(text, name), cut(text, rule), cut(text, f"{name}_vjp")]
    except SyntaxError as error:
        raise CodeError(f"{path.relative_to(ROOT)}:{error.lineno}: {error.msg}") from error
    if not found[0]:
        raise CodeError(f"{path.stem}.{name}: {path.relative_to(ROOT)} has no function or class '{name}'")
    return "\n\n".join(filter(None, found))


def cut(text: str, name: str) -> str:
    """The source of a function or class of a module, with decorators, without its docstring."""
    for node in ast.parse(text).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name == name:
            lines = text.splitlines()
            first = min([node, *node.decorator_list], key=lambda part: part.lineno).lineno
            if ast.get_docstring(node) is None or len(node.body) == 1:  # a docstring alone is the body
                return "\n".join(lines[first - 1 : node.end_lineno])
            docstring = node.body[0]
            head, body = (
                lines[first - 1 : docstring.lineno - 1],
                lines[docstring.end_lineno : node.end_lineno],
            )
            return "\n".join([*head, *"\n".join(body).lstrip("\n").split("\n")])
    return ""


def links(targets: list[str], docname: str) -> list[nodes.Node]:
    """To the code reference, with blanks between."""
    linked = []
    for target in targets:
        text = nodes.literal("", target, classes=["xref", "py", "py-obj"])
        xref = addnodes.pending_xref(
            "", text, refdomain="py", reftype="obj", reftarget=target, refdoc=docname
        )
        linked += [xref, nodes.Text(" ")]
    return linked[:-1]


def visit_mirror(translator, node):
    """Radio buttons: they work by keyboard and by style sheet alone; questions.js remembers the choice."""
    translator.body.append('<div class="mirror">\n')
    if translator.builder.name == "epub":
        return
    choices = "".join(choice(node["number"], key, label) for key, (label, _package) in HALVES.items())
    group = f'<div class="mirror-choice" role="radiogroup" aria-label="{_("Library")}">{choices}</div>\n'
    translator.body.append(group)


def choice(number: int, key: str, label: str) -> str:
    checked = " checked" if key == "numpy" else ""
    return f'<label><input type="radio" name="mirror-{number}" value="{key}"{checked}>{label}</label>'


def depart_mirror(translator, node):
    translator.body.append("</div>\n")


def setup(app):
    app.add_node(mirror, html=(visit_mirror, depart_mirror))
    app.add_directive("mirror", Mirror)
    app.add_directive("listing", Listing)
    app.add_js_file("questions.js", loading_method="defer")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
