"""A line never ends between a formula and the particle or the punctuation that belongs to it.

Browsers may break a line before and after each inline box. Korean writes its particles without a space,
English its commas and full stops: alone at the start of a line they stop the reader. Here such a pair becomes
one unbreakable span.
"""

import re

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

BOXES = nodes.math | nodes.literal | nodes.reference | nodes.emphasis | nodes.strong
LONGEST = 24  # characters that are kept on one line, so that a phone can still break lines elsewhere
LONGEST_SOURCE = 40  # the same for a formula, whose TeX source is longer than what it prints
GLUED = re.compile(r"\S{1,12}")


def is_short(box):
    """Whether a box may be kept on one line with what follows it."""
    text = box.astext()
    if isinstance(box, nodes.math):
        return len(text) <= LONGEST_SOURCE
    return len(text) <= LONGEST and " " not in text


def keep_together(parent):
    """Wrap each short box and the text that follows it without a space, in the children of one paragraph."""
    # A text keeps the escapes of reStructuredText (backslash, space) until one asks for its words.
    children = [
        nodes.Text(child.astext()) if isinstance(child, nodes.Text) else child for child in parent.children
    ]
    i = 0
    while i + 1 < len(children):
        box, text = children[i], children[i + 1]
        tail = GLUED.match(text) if isinstance(box, BOXES) and isinstance(text, nodes.Text) else None
        if tail and is_short(box):
            glued = nodes.inline("", "", box.deepcopy(), nodes.Text(tail[0]), classes=["together"])
            children[i : i + 2] = [glued, nodes.Text(text[tail.end() :])]
        i += 1
    parent.children.clear()
    parent.extend(child for child in children if child.astext() or not isinstance(child, nodes.Text))


class KeepTogether(SphinxPostTransform):
    default_priority = 900  # when references and citations have become text
    formats = ("html",)

    def run(self, **kwargs):
        for parent in list(self.document.findall(nodes.TextElement)):
            if not isinstance(parent, nodes.FixedTextElement | BOXES):
                keep_together(parent)


def setup(app):
    app.add_post_transform(KeepTogether)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
