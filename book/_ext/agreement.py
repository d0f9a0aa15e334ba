"""``.. agreement::``, the table of how well derivatives by hand agree with JAX and with finite differences.

Nothing in the table is typed: the build goes through ``textbook_code.check.CASES``. A law that is broken is
an error at the directive. Only orders of magnitude are shown, so that the page is the same in every build.
"""

import math
import os
from importlib.util import find_spec
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.locale import _
from sphinx.util.docutils import SphinxDirective

WIDTHS = (30, 30, 20, 20)


def magnitude(gap: float) -> list[nodes.Node]:
    """The power of ten just above the gap."""
    if gap == 0:
        return [nodes.Text("0")]
    exponent = str(math.floor(math.log10(gap)) + 1).replace("-", "\N{MINUS SIGN}")
    return [nodes.Text("< 10"), nodes.superscript(text=exponent)]


def shape_text(shape) -> str:
    """A shape as the book writes it, (5, 3); brackets around arrays that are one argument together."""
    if isinstance(shape, list):
        return "[" + ", ".join(map(shape_text, shape)) + "]"
    return str(shape)


def arguments_text(case) -> str:
    """The shapes of a case, then its other arguments but for arrays: an activation, a slope."""
    named = [other.split(".")[-1] if isinstance(other, str) else other for other in case.others]
    others = [str(other) for other in named if isinstance(other, str | float)]
    return ", ".join([*map(shape_text, case.shapes), *others])


def entry(*content: nodes.Node) -> nodes.entry:
    # A paragraph without source stays out of the translation catalogs: names and numbers need no translation.
    return nodes.entry("", nodes.paragraph("", "", *content))


def link(function: str) -> nodes.Node:
    target = f"textbook_code.with_numpy.{function}"
    name = function.split(".")[1]
    reference = addnodes.pending_xref(
        "", nodes.literal(text=name), refdomain="py", reftype="func", reftarget=target, refexplicit=True
    )
    return reference


def table(agreements) -> nodes.table:
    head = nodes.row("", *(entry(nodes.Text(title)) for title in titles()))
    body = [
        nodes.row(
            "",
            entry(link(case.function)),
            entry(nodes.literal(text=arguments_text(case))),
            *(entry(*magnitude(gap)) for gap in agreement),
        )
        for case, agreement in agreements
    ]
    columns = [nodes.colspec(colwidth=width) for width in WIDTHS]
    group = nodes.tgroup("", *columns, nodes.thead("", head), nodes.tbody("", *body), cols=len(WIDTHS))
    return nodes.table("", group, classes=["agreement"])


def titles() -> tuple[str, ...]:
    return _("Function"), _("Arguments"), _("By hand − JAX"), _("By hand − finite difference")


class Agreement(SphinxDirective):
    def run(self) -> list[nodes.Node]:
        package = Path(find_spec("textbook_code").origin).parent
        halves = [*package.glob("with_*/*.py"), package / "check.py", package / "_arguments.py"]
        for path in halves:
            self.env.note_dependency(str(path))
        try:
            from textbook_code import check  # here, so that only a build of this page pays for JAX

            return [table(check.check_laws())]
        except Exception as error:  # the code under test may raise anything; its author gets one line
            raise self.error(f"agreement: {type(error).__name__}: {error}") from error


def setup(app):
    # The same table with and without an accelerator. JAX reads this when autodoc or the directive imports it.
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    app.add_directive("agreement", Agreement)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
