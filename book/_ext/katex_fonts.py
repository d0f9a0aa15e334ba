"""KaTeX's style sheet with the glyphs that the book uses inside it.

A font that arrives after the text moves the text, and KaTeX's whole fonts weigh more than a page. So the
faces that the book's formulas call for are cut to their characters and put into the style sheet itself,
which the browser waits for. All other faces stay files beside it.
"""

import base64
import html
import io
import logging
import re

from fontTools import subset

logging.getLogger("fontTools").setLevel(logging.ERROR)  # it tells of every table, and of KaTeX's odd dates

FACE = re.compile(r"@font-face\{[^}]*\}")
RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
SOURCE = re.compile(r"src:url\(fonts/([\w-]+)\.woff2\)[^;}]*")


def face_of(declarations):
    """(family, weight, style) that a rule asks for; KaTeX_Main is what .katex sets."""
    family = re.search(r"KaTeX_\w+", declarations)
    weight = "700" if "font-weight:700" in declarations else "400"
    style = "italic" if "font-style:italic" in declarations else "normal"
    return family[0] if family else "KaTeX_Main", weight, style


def faces_called_for(css, classes):
    faces = {("KaTeX_Main", "400", "normal")} if "katex" in classes else set()
    for selectors, declarations in RULE.findall(FACE.sub("", css)):
        if not re.search(r"KaTeX_|font-weight|font-style", declarations):
            continue
        for selector in selectors.split(","):
            if set(re.findall(r"\.([\w-]+)", selector)) <= classes:
                faces.add(face_of(declarations))
    return faces


def classes_of(formulas):
    return {name for value in set(re.findall(r'class="([^"]*)"', formulas)) for name in value.split()}


def cut(path, characters):
    """The font file with nothing but these characters, as an address that holds it."""
    options = subset.Options(flavor="woff", notdef_outline=True)
    font = subset.load_font(path, options)
    cutter = subset.Subsetter(options)
    cutter.populate(text=characters)
    cutter.subset(font)
    file = io.BytesIO()
    subset.save_font(font, file, options)
    return f"data:font/woff;base64,{base64.b64encode(file.getvalue()).decode()}"


def style_sheet(dist, formulas):
    """The style sheet for these formulas (KaTeX's HTML); ``dist`` is KaTeX's folder."""
    css = (dist / "katex.min.css").read_text("utf-8")
    formulas = "".join(formulas)
    characters = "".join(sorted(set(html.unescape(re.sub(r"<[^>]*>", "", formulas)))))
    wanted = faces_called_for(css, classes_of(formulas))

    def source(face):
        if face_of(face[0]) not in wanted:
            return SOURCE.sub(r'src:url(fonts/\1.woff2) format("woff2")', face[0])
        return SOURCE.sub(
            lambda name: f'src:url({cut(dist / "fonts" / f"{name[1]}.ttf", characters)}) format("woff")',
            face[0],
        )

    return FACE.sub(source, css)
