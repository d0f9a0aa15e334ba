"""Emphasis may end right before a Hangul particle: ``**경사하강법(gradient descent)**은``.

CommonMark lets ``**`` close after punctuation only where a space or punctuation follows, and open before
punctuation only where one precedes. Korean writes the particle without a space. Here a Hangul neighbor counts
as punctuation does.
"""

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


def setup(app):
    StateInline.scanDelims = scan_delims
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
