"""What Markdown and browsers do not know of Hangul: a particle follows its word without a space.

``**경사하강법(gradient descent)**은``: CommonMark lets ``**`` close after punctuation only where a space or
punctuation follows, and open before punctuation only where one precedes. Here a Hangul neighbor counts as
punctuation does.

``기울기(gradient)는``: a browser may break the line after the parenthesis and begin the next one with the
particle. A word joiner forbids it. (After formulas, code and links ``particles`` does.)
"""

import re
import unicodedata

from markdown_it.rules_inline.state_inline import Scanned, StateInline

by_commonmark = StateInline.scanDelims


def is_hangul(char):
    return unicodedata.name(char, "").startswith("HANGUL")


def is_solid(char):
    return char != "" and not char.isspace()


def scan_delims(state, start, can_split_word):
    """What ``StateInline.scanDelims`` answers, widened for ``*`` (not for ``_``: it stands in names)."""
    found = by_commonmark(state, start, can_split_word)
    if state.src[start] != "*":
        return found
    end = start + found.length
    before = state.src[start - 1] if start else ""
    after = state.src[end] if end < state.posMax else ""
    can_open = found.can_open or (is_solid(after) and before != "" and is_hangul(before))
    can_close = found.can_close or (is_solid(before) and after != "" and is_hangul(after))
    return Scanned(can_open, can_close, found.length)


# A closing bracket or quote, perhaps at the end of an element, then Hangul without a space.
LOOSE = re.compile(r"([)\]’”%](?:</\w+>)*)(?=[가-힣])")
WORD_JOINER = "\u2060"


def hold_particles(html):
    return LOOSE.sub(rf"\1{WORD_JOINER}", html)


def mend_lines(app, pagename, templatename, context, doctree):
    if app.config.language == "ko" and context.get("body"):
        context["body"] = hold_particles(context["body"])


def widen_emphasis():
    StateInline.scanDelims = scan_delims


def setup(app):
    widen_emphasis()
    app.connect("html-page-context", mend_lines)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
