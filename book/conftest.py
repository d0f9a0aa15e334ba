"""Run the examples of the chapters: every ``{doctest}`` block, a page's blocks in one namespace.

One test a block, named by file and line. Blocks in other fences are never run; tests/test_chapters.py
forbids prompts in them.
"""

import os

os.environ.setdefault("JAX_PLATFORMS", "cpu")

from sybil import Sybil
from sybil.parsers.myst import DocTestDirectiveParser
from sybil.parsers.rest import DocTestParser

pytest_collect_file = (
    Sybil(parsers=[DocTestDirectiveParser()], patterns=["*.md"])
    + Sybil(parsers=[DocTestParser()], patterns=["*.rst"])
).pytest()
