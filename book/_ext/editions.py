"""What differs between the two editions, the way from one to the other, and mends of what the theme writes.

The editions are built apart, from one source, into two folders side by side: ``OUT/ko`` and ``OUT/en``. So a
page knows where its twin is without looking. ``conf.py`` cannot see ``-D language=ko``; the hooks here can.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from docutils import nodes
from sphinx.locale import _, get_translator
from sphinx.transforms.post_transforms import SphinxPostTransform


@dataclass(frozen=True)
class Edition:
    code: str
    name: str  # of the language, in the language
    settings: dict  # values of conf.py


EDITIONS = {
    edition.code: edition
    for edition in (
        Edition(
            "en",
            "English",
            {
                "html_title": "The Deep Learning Interview, Answered in Code",
                "html_short_title": "DL Interview",
                "copyright": "2026, the authors of the book",
                "numfig_format": {
                    "figure": "Figure %s",
                    "table": "Table %s",
                    "code-block": "Listing %s",
                    "section": "Section %s",
                },
            },
        ),
        Edition(
            "ko",
            "한국어",
            {
                "project": "코드로 답하는 딥러닝 면접",
                "html_title": "코드로 답하는 딥러닝 면접",
                "html_short_title": "딥러닝 면접",
                "author": "이 책을 쓴 사람들",
                "copyright": "2026, 이 책을 쓴 사람들",
                "numfig_format": {
                    "figure": "그림 %s",
                    "table": "표 %s",
                    "code-block": "코드 %s",
                    "section": "%s절",
                },
            },
        ),
    )
}


def other_edition(code):
    return EDITIONS["en" if code == "ko" else "ko"]


def configure(app, config):
    if config.language not in EDITIONS:
        # Not one of Sphinx's own errors, which come with a traceback.
        raise SystemExit(
            f"language: the book has no edition '{config.language}'; expected {' or '.join(EDITIONS)} "
            "(sphinx-build … -D language=ko)"
        )
    for name, value in EDITIONS[config.language].settings.items():
        setattr(config, name, value)
    if config.html_baseurl:
        config.html_baseurl = f"{config.html_baseurl.rstrip('/')}/{config.language}/"


def check_encoding(app):
    """Sphinx would crash on a page that is not in UTF-8."""
    for path in sorted(Path(app.srcdir).rglob("*.md")) + sorted(Path(app.srcdir).rglob("*.rst")):
        try:
            path.read_text("utf-8")
        except UnicodeDecodeError as error:
            line = path.read_bytes()[: error.start].count(b"\n") + 1
            raise SystemExit(
                f"{path}:{line}: expected UTF-8, found byte 0x{error.object[error.start]:02x}"
            ) from None


# -- the way to the other edition ------------------------------------------------------------------


def alternates(language, base, content_root, uri):
    """(hreflang, address) of the page in each language and for readers of neither; absolute given a base."""
    site = base.removesuffix(f"{language}/") if base else f"{content_root}../"
    pages = [(code, f"{site}{code}/{uri}") for code in sorted(EDITIONS)]
    # The front page asks the browser for the language; deeper pages have no such twin.
    neutral = f"{site}index.html" if uri == "index.html" else f"{site}en/{uri}"
    return [*pages, ("x-default", neutral)]


def add_links(app, pagename, templatename, context, doctree):
    uri = app.builder.get_target_uri(pagename)
    language = app.config.language
    root = context["content_root"].removeprefix("./")
    context["other_edition"] = other_edition(language)
    context["switch_link"] = f"{root}../{other_edition(language).code}/{uri}"
    context["alternates"] = alternates(language, app.config.html_baseurl, root, uri)
    if suffix := context.get("page_source_suffix"):
        catalog = f"locale/{language}/LC_MESSAGES/{pagename}.po"
        context["page_files"] = [f"book/{pagename}{suffix}", *([catalog] if language != "en" else [])]


# -- words in scripts ------------------------------------------------------------------------------

# Sphinx's own Korean catalog lacks some of these and leaves others empty.
WORDS = (
    "Copied",
    "Copy",
    "Hide Search Matches",
    "Preparing search...",
    "Search Results",
    "Searching",
    "Your search did not match any documents. Please make sure that all words are spelled correctly "
    "and that you've selected enough categories.",
)
PLURALS = (
    (
        "Search finished, found one page matching the search query.",
        "Search finished, found ${resultCount} pages matching the search query.",
    ),
)


def write_words(app):
    """The interface words that scripts show, from the same catalog as all others."""
    if app.builder.format != "html" or app.config.language == "en":
        return
    messages = {word: str(_(word)) for word in WORDS}
    for one, many in PLURALS:
        messages[one] = [get_translator("sphinx").ngettext(one, many, 2)]
    catalog = {"locale": app.config.language, "plural_expr": "0", "messages": messages}
    static = Path(app.outdir, "_static")
    static.mkdir(parents=True, exist_ok=True)
    script = f"Documentation.addTranslations({json.dumps(catalog, ensure_ascii=False, indent=1)});\n"
    (static / "words.js").write_text(script, "utf-8")
    app.add_js_file("words.js", priority=600)


# -- mends -----------------------------------------------------------------------------------------


HANGUL = re.compile("[가-힣]")


class Mend(SphinxPostTransform):
    """What would make the page invalid, or hard to style."""

    default_priority = 501  # right after Furo has wrapped tables and formulas
    formats = ("html",)

    def run(self, **kwargs):
        for node in list(self.document.findall(nodes.Element)):
            if isinstance(node, nodes.meta):
                node.attributes.pop("translated", None)  # Sphinx's mark of a translated node
            elif isinstance(node, nodes.container) and {"table-wrapper", "math-wrapper"} & set(
                node["classes"]
            ):
                node["ids"] = []  # Furo copies them from the table or formula inside
            elif isinstance(node, nodes.paragraph) and any(isinstance(n, nodes.bullet_list) for n in node):
                node.replace_self(
                    node.children
                )  # Sphinx, for several return values: a list within a paragraph
            elif isinstance(node, nodes.emphasis) and not HANGUL.search(node.astext()):
                node["classes"].append("latin")  # may slant, which Hangul may not


def span_for_div(pre):
    return pre[0].replace("<div", "<span").replace("</div>", "</span>")


def mend_html(app, pagename, templatename, context, doctree):
    """What Sphinx and Furo write as text, after all transforms."""
    if tree := context.get("furo_navigation_tree"):
        context["furo_navigation_tree"] = re.sub(
            r'aria-label="Toggle navigation of ([^"]*)"',
            lambda match: f'aria-label="{_("Sections of %s") % match[1]}"',
            tree,
        )
    for part in ("furo_navigation_tree", "body"):
        if html := context.get(part):
            # The caption of a toctree: a heading must say its level. A role that ARIA has given up.
            html = html.replace('role="heading">', 'role="heading" aria-level="2">')
            context[part] = html.replace('role="doc-biblioentry"', 'role="listitem"')
    if pagename.startswith("_modules/"):
        # Source code: what can be linked to is a <div>, which may not stand in <pre>.
        context["body"] = re.sub(r"<pre>.*?</pre>", span_for_div, context["body"], flags=re.DOTALL)


def drop_old_pages(app, env):
    """A page whose source is gone must not stay in the site."""
    if app.builder.name != "html":
        return
    for page in sorted(Path(app.outdir).rglob("*.html")):
        name = page.relative_to(app.outdir).with_suffix("").as_posix()
        if name not in env.found_docs and not name.startswith("_") and name != "search":
            page.unlink()


def setup(app):
    app.connect("config-inited", configure, priority=100)
    app.connect("env-updated", drop_old_pages)
    app.connect("builder-inited", check_encoding)
    app.connect("builder-inited", write_words)
    app.connect("html-page-context", add_links)
    app.connect("html-page-context", mend_html, priority=900)
    app.add_post_transform(Mend)
    app.add_js_file("book.js", priority=700)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
