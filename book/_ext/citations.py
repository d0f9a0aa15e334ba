"""How the text names the authors that it cites: upright, and in the words of the edition."""

from pathlib import Path

from pybtex.database import parse_file
from pybtex.exceptions import PybtexError
from pybtex.richtext import Text
from sphinxcontrib.bibtex.plugin import register_plugin
from sphinxcontrib.bibtex.style.referencing import PersonStyle
from sphinxcontrib.bibtex.style.referencing.author_year import AuthorYearReferenceStyle

NAMES = {
    "en": PersonStyle(other=Text(" et al.")),
    "ko": PersonStyle(other=Text(" 등"), sep2="·", last_sep="·"),
}


def style_of_edition(app, config):
    register_plugin(
        "sphinxcontrib.bibtex.style.referencing",
        "book",
        lambda: AuthorYearReferenceStyle(person=NAMES[config.language]),
        force=True,
    )
    config.bibtex_reference_style = "book"


def check_references(app, config):
    """A fault in the list of references is told by file and line, before Sphinx would crash on it."""
    for name in config.bibtex_bibfiles:
        try:
            parse_file(Path(app.confdir, name), "bibtex")
        except (OSError, UnicodeDecodeError, PybtexError) as error:
            raise SystemExit(f"{name}: {error}") from None


def setup(app):
    app.connect("config-inited", check_references)
    app.connect("config-inited", style_of_edition)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
