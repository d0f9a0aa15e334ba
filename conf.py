"""Sphinx configuration of both editions and all builders.

``sphinx-build -c . book OUT -D language=ko`` builds the Korean edition, without ``-D`` the English one. What
differs between the two is set in ``book/_ext/editions.py``, because this file cannot see ``-D language``.
"""

import gc
import hashlib
import os
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parent
sys.path[:0] = [str(ROOT), str(ROOT / "book")]

# A build makes millions of small objects and drops few: with Python's default threshold the collector
# takes a third of the time.
gc.set_threshold(200_000, 50, 100)

project = "The Deep Learning Interview, Answered in Code"
author = "The authors of the book"
about = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
version = release = about["version"]
book_date = str(about["date-released"])  # of this version: citations show it
language = "en"
html_baseurl = os.environ.get("BOOK_URL", "")  # where the site is published; citations use it when it is set

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.doctest",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinxcontrib.bibtex",
    "_ext.editions",
    "_ext.citations",
    "_ext.hangul",
    "_ext.formulas",
    "_ext.questions",
    "_ext.chapters",
    "_ext.docstrings",
    "_ext.mirror",
    "_ext.particles",
    "_ext.plot",
    "_ext.agreement",
    "_ext.speed",
    "_ext.search",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_*", "**/_*", "front/**"]
templates_path = ["book/_templates"]
nitpicky = True
numfig = True
numfig_secnum_depth = 1
show_warning_types = True

myst_enable_extensions = ["amsmath", "attrs_block", "attrs_inline", "colon_fence", "deflist", "dollarmath"]
bibtex_bibfiles = ["book/references.bib"]
bibtex_default_style = "plain"

autodoc_typehints = "none"
autodoc_member_order = "bysource"
napoleon_google_docstring = False
viewcode_line_numbers = True

doctest_test_doctest_blocks = ""  # docstrings are run by pytest, see the Makefile

locale_dirs = ["../locale"]  # relative to book/
gettext_compact = False
gettext_additional_targets = []

html_theme = "furo"
html_static_path = ["book/_static"]
html_css_files = ["book.css", "questions.css"]
html_show_sourcelink = False
html_copy_source = False
html_use_index = False
html_domain_indices = False
html_permalinks_icon = "#"


def setup(app):
    # Extensions, interface words and terms shape every page but are no source files: a change reads all anew.
    words = [ROOT / "locale/terms.csv", ROOT / "locale/ko/LC_MESSAGES/sphinx.po"]
    shared = [*sorted((ROOT / "book/_ext").glob("*.py")), *words]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in shared if path.exists())).hexdigest()
    app.add_config_value("book_sources_digest", digest, "env", str)
