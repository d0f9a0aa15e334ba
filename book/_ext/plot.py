"""Figures drawn by the book's own code, in the language of the edition (how to write one: figures/style.py).

On the web a figure is inline SVG: its words stay words in the reader's font, its colours follow the
page's theme, and it costs no request. On paper and in EPUB it is a file. A drawing is kept beside the
doctrees until something it is made of changes.
"""

import hashlib
import importlib.util
import io
import os
import re
import traceback
import warnings
from html import escape
from importlib.metadata import version
from pathlib import Path
from xml.etree import ElementTree

from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.builders.gettext import MsgOrigin
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.osutil import relpath

ROOT = Path(__file__).parents[2]
STYLE = ROOT / "book/figures/style.py"

logger = logging.getLogger(__name__)


class FigureError(Exception):
    """What the author of a figure has to mend."""


class drawing(nodes.image):
    """An image (so that Sphinx translates its alt) whose picture is drawn by the function it names."""


class Plot(SphinxDirective):
    required_arguments = 1
    option_spec = {"alt": directives.unchanged}  # noqa: RUF012
    has_content = True

    def run(self):
        name = self.arguments[0]
        try:
            for path in sources(self.env, name):
                self.env.note_dependency(str(path))
            svg = cached(self.env, name, "inline")
            alt = self.options.get("alt") or ""
            if not alt:
                raise FigureError("it has no :alt:; describe in a sentence what the figure shows")
            caption = self.caption()
        except FigureError as error:
            logger.warning("plot %s: %s", name, error, location=self.get_location(), type="plot")
            return []
        image = drawing(uri=f"drawing://{name}", alt=" ".join(alt.split()), name=name, svg=svg.name)
        figure = nodes.figure("", image, caption, classes=["plot"], names=[nodes.fully_normalize_name(name)])
        self.set_source_info(image)
        self.set_source_info(figure)
        self.state.document.note_explicit_target(figure, figure)
        return [figure]

    def caption(self):
        content = self.parse_content_to_nodes()
        if len(content) != 1 or not isinstance(content[0], nodes.paragraph):
            raise FigureError("expected one paragraph inside the directive: the caption")
        caption = nodes.caption(content[0].rawsource, "", *content[0].children)
        caption.source, caption.line = content[0].source, content[0].line
        return caption


# ---------------------------------------------------------------- drawing


def figure_file(env, name: str) -> tuple[Path, str]:
    """File and function of a figure: activations.relu -> (…/figures/activations.py, relu)."""
    file, _, function = name.partition(".")
    path = Path(env.srcdir, "figures", f"{file}.py")
    if not function.isidentifier():
        raise FigureError("expected FILE.FUNCTION, a function of a file in the folder figures")
    if not path.exists():
        raise FigureError(f"there is no file {shown(path, env)}")
    return path, function


def shown(path: Path, env) -> str:
    return Path(os.path.relpath(path, Path(env.srcdir).parent)).as_posix()


def catalogs(env) -> list[Path]:
    """The translations of words in figures; English needs none."""
    paths = (
        Path(env.srcdir, d, env.config.language, "LC_MESSAGES/figures.po") for d in env.config.locale_dirs
    )
    return [path for path in paths if path.exists()]


def words(env) -> dict[str, str]:
    found = {}
    for path in catalogs(env):
        with path.open("rb") as file:
            found |= {
                m.id: m.string for m in read_po(file, abort_invalid=True) if m.id and m.string and not m.fuzzy
            }
    return found


def sources(env, name: str) -> list[Path]:
    """All files that a drawing is made of."""
    code = sorted((ROOT / "textbook_code").rglob("*.py"))
    return [figure_file(env, name)[0], STYLE, Path(__file__), *catalogs(env), *code]


def cached(env, name: str, kind: str) -> Path:
    """The file with the drawing: `kind` is inline (for a web page), svg or pdf."""
    made_of = [kind, env.config.language, version("matplotlib"), name]
    digest = hashlib.sha256(repr(made_of).encode())
    for path in sources(env, name):
        digest.update(path.read_bytes())
    folder = Path(env.doctreedir, "figures")
    file = folder / f"{name}.{digest.hexdigest()[:16]}.{kind}"
    if not file.exists():
        picture = draw(env, name, kind)
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob(f"{name}.*.{kind}"):
            old.unlink()
        file.write_bytes(picture)
    return file


def draw(env, name: str, kind: str) -> bytes:
    path, function = figure_file(env, name)
    try:
        # Imported here: a build with all figures cached does without matplotlib.
        from figures import style
        from matplotlib import style as looks

        look = style.LOOK | {"svg.hashsalt": name}
        if kind == "svg":  # a file can't rely on the reader's fonts
            look["svg.fonttype"] = "path"
        style.speak(words(env))
        with looks.context(look, after_reset=True), warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # a character that no font has
            warnings.simplefilter("error", RuntimeWarning)  # a division by zero
            figure = call(path, function, shown(path, env))
            style.finish(figure)
            picture = saved(figure, "pdf" if kind == "pdf" else "svg")
    except FigureError:
        raise
    except Exception as error:
        reason = error.msg if isinstance(error, SyntaxError) else error
        raise FigureError(f"{type(error).__name__}: {reason} ({fault_line(error, path, env)})") from error
    return inline(picture, name) if kind == "inline" else picture


def call(path: Path, function: str, label: str):
    """The figure that the function returns. The file is read anew: in a live build it may have changed."""
    from matplotlib.figure import Figure

    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not hasattr(module, function):
        raise FigureError(f"there is no function {function} in {label}")
    figure = getattr(module, function)()
    if not isinstance(figure, Figure):
        raise FigureError(f"expected a matplotlib Figure from {label}, got {type(figure).__name__}")
    return figure


def saved(figure, file_format: str) -> bytes:
    out = io.BytesIO()
    date = {"pdf": "CreationDate", "svg": "Date"}[file_format]
    figure.savefig(out, format=file_format, metadata={date: None})
    return out.getvalue()


def fault_line(error: Exception, path: Path, env) -> str:
    """Where in the figure's file it went wrong."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{shown(Path(error.filename), env)}:{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(path)]
    return f"{shown(path, env)}:{lines[-1]}" if lines else f"while drawing {shown(path, env)}"


# ---------------------------------------------------------------- from matplotlib's SVG to a part of the page


def inline(svg: bytes, name: str) -> bytes:
    """matplotlib's SVG file as an element of a page: no prologue, fonts, fixed colours or size; own ids."""
    root = ElementTree.fromstring(svg)
    used = set(re.findall(r"#([\w.-]+)", svg.decode()))
    clean(root, used)
    root.attrib = {"viewBox": root.get("viewBox")}
    text = ElementTree.tostring(root, encoding="unicode")
    for number, old in enumerate(dict.fromkeys(re.findall(r' id="([^"]+)"', text)), 1):
        new = f"{nodes.make_id(name)}-{number}"
        text = re.sub(rf'(id="|#){re.escape(old)}(?=["\)])', rf"\g<1>{new}", text)
    return text.encode()


def clean(element, used: set[str]) -> None:
    """Simplify the tree in place; `used` are the ids that something refers to."""
    element.tag = local(element.tag)
    attributes = {local(key): value for key, value in element.attrib.items()}
    attributes = {
        key: attribute(key, value) for key, value in attributes.items() if key != "id" or value in used
    }
    element.attrib = {key: value for key, value in attributes.items() if value}
    element.tail = None
    if element.tag not in {"text", "tspan"}:
        element.text = None
    kept = []
    for child in element:
        clean(child, used)
        if child.tag == "g" and not child.attrib:
            kept.extend(child)
        elif not empty(child):
            kept.append(child)
    element[:] = kept


def local(name: str) -> str:
    return name.rpartition("}")[2]


def empty(element) -> bool:
    """What shows nothing: metadata, a sheet for the whole document, empty groups, paths without a pen."""
    if element.tag in {"metadata", "style"}:
        return True
    if element.tag in {"g", "defs"}:
        return not len(element)
    return element.tag == "path" and element.get("style") == "fill: none"


def attribute(key: str, value: str) -> str:
    if key == "style":
        value = re.sub(r"font-family:[^;]*;? ?", "", value)
        return re.sub(r"#[0-9a-f]{6}", lambda match: theme_color(match[0]), value)
    if key == "transform":
        return "" if value.startswith("rotate(-0 ") else value
    if key in {"d", "x", "y"}:
        value = re.sub(r"-?\d+\.\d+", lambda match: f"{round(float(match[0]), 2) + 0:g}", value)
        return " ".join(value.split())
    return value


def theme_color(color: str) -> str:
    """The variable of questions.css for a colour of the palette; another colour stays."""
    from figures import style

    names = {code: f"var(--plot-{i})" for i, code in enumerate(style.COLORS, 1)}
    names |= {style.INK: "var(--plot-ink)", style.MUTED: "var(--plot-muted)", style.GRID: "var(--plot-grid)"}
    names |= {style.PAPER: "var(--plot-paper)", "#000000": "var(--plot-ink)"}
    return names.get(color, color)


# ---------------------------------------------------------------- into the page, a file, the catalog


def visit_drawing(translator, node):
    svg = Path(translator.builder.doctreedir, "figures", node["svg"]).read_text(encoding="utf-8")
    label = escape(node["alt"])
    translator.body.append(svg.replace("<svg", f'<svg role="img" aria-label="{label}"', 1))
    raise nodes.SkipNode


class DrawingFiles(SphinxPostTransform):
    """Paper and EPUB get an ordinary image: a file. Other builders show the alt, as for any image."""

    default_priority = 8  # before Sphinx looks which images the builder can use
    kind = ""

    def run(self, **kwargs):
        for node in list(self.document.findall(drawing)):
            uri = relpath(cached(self.env, node["name"], self.kind), self.env.srcdir)
            self.env.images.add_file(self.env.docname, uri)
            node.replace_self(nodes.image(alt=node["alt"], uri=uri, candidates={"*": uri}))


class DrawingFilesForPaper(DrawingFiles):
    builders = ("latex",)
    kind = "pdf"


class DrawingFilesForEpub(DrawingFiles):
    builders = ("epub",)
    kind = "svg"


def extract_words(app):
    """On the gettext builder: figures.pot, from the arguments of _() in the figure files."""
    if app.builder.name != "gettext":
        return
    for path in sorted(Path(app.srcdir, "figures").glob("*.py")):
        for line, message, _comments, _context in extract_from_file("python", path, keywords={"_": None}):
            app.builder.catalogs["figures"].add(message, MsgOrigin(str(path), line))


def setup(app):
    app.add_directive("plot", Plot)
    app.add_node(drawing, html=(visit_drawing, None))
    app.add_post_transform(DrawingFilesForPaper)
    app.add_post_transform(DrawingFilesForEpub)
    app.connect("builder-inited", extract_words)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
