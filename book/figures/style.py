"""How the book's figures look and which language they speak; every figure file imports from here.

A figure is a function without arguments that returns a matplotlib figure. It lies in a file of this folder
and is shown on a page by its name, ``FILE.FUNCTION``::

    # book/figures/activations.py
    import numpy as np

    from figures.style import COLORS, INK, _, new
    from textbook_code.with_numpy.activations import relu, sigmoid


    def sigmoid_and_relu():
        x = np.linspace(-6, 6, 201)
        fig, ax = new()
        ax.axhline(0, color=INK, lw=0.8)
        ax.plot(x, sigmoid(x), color=COLORS[0], label="sigmoid")
        ax.plot(x, relu(x), color=COLORS[1], label="ReLU", ls="--")
        ax.set_xlabel(_("input x"))
        ax.set_ylabel(_("output"))
        ax.legend()
        return fig

    <!-- book/01-activations.md -->
    :::{plot} activations.sigmoid_and_relu
    :alt: Sigmoid flattens on both sides; ReLU is zero on the left and a straight line on the right.
    Sigmoid saturates at both ends, ReLU only on the left.
    :::

The function's name is also the figure's label: ``{numref}`activations.sigmoid_and_relu` ``.

Rules
-----
- ``new()`` makes the figure, never pyplot. One panel is 5 x 2.8 inches; ``new(rows=2)`` stacks two (on a
  phone panels side by side would be too small to read) and returns an array of axes; other keywords go to
  ``Figure.subplots``.
- Colours: ``COLORS[0]`` to ``COLORS[5]``, ``INK`` (text, axes), ``MUTED`` (secondary text and lines),
  ``GRID``, ``PAPER`` (the page itself: halos, fills of markers). On the web they follow the page's light or
  dark theme; any other colour stays as it is in both. Colour alone must not carry the meaning: vary the
  line style or the marker too, or label the curves directly.
- Words go through ``_("...")``; the argument is a literal (it is found by reading the file, not by running
  it). Words with numbers in them: ``_("{n} layers").format(n=3)``. Names that are the same in both
  languages (ReLU, NumPy) need no ``_``.
- No mathtext: write α, x², 10⁻³, −1 as characters. Logarithmic axes label themselves so. A ``$`` is printed
  as it is.
- Deterministic: random numbers only from ``np.random.default_rng(seed)``.
- Fast: at most about a second. Few points: 200 a curve are plenty.
- Any warning while drawing (a division by zero, a character that no font has) fails the build like an
  exception.

A figure is drawn again when its own file, this file, ``textbook_code`` or the Korean words for figures
change. It is not when another file that it imports changes: figure files import only from here and from
``textbook_code``."""

from importlib.util import find_spec
from math import isclose
from pathlib import Path

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogFormatter, NullFormatter

# Okabe and Ito's hues, darkened until each stands out at least 3:1 from white, and they differ from one
# another in lightness too, also to colour-blind eyes. questions.css has the same as --plot-1 … and their
# twins for the dark.
COLORS = ("#005a9c", "#d55e00", "#008a66", "#cc6fa4", "#7a5600", "#3493d4")
INK, MUTED, GRID, PAPER = "#1a1a1a", "#63666b", "#d4d6da", "#ffffff"

# Hangul is measured with this face, so that labels get the room they need; on the web the reader sees their
# own.
_hangul = Path(find_spec("koreanize_matplotlib").submodule_search_locations[0], "fonts", "NanumGothic.ttf")
font_manager.fontManager.addfont(_hangul)

LOOK = {
    "font.family": ["DejaVu Sans", "NanumGothic"],
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.labelsize": 10,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.fontsize": 9,
    "text.parse_math": False,
    "text.color": INK,
    "axes.titlecolor": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.prop_cycle": mpl.cycler(color=COLORS),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.formatter.useoffset": False,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "lines.linewidth": 1.8,
    "patch.edgecolor": INK,
    "hatch.color": INK,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "legend.facecolor": PAPER,
    "legend.edgecolor": "none",
    "legend.framealpha": 0.85,
    "figure.dpi": 72,
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
}

_words: dict[str, str] = {}


def _(text: str) -> str:
    """`text` in the language of the edition that is being built."""
    return _words.get(text, text)


def speak(words: dict[str, str]) -> None:
    """Draw in another language from now on: English text -> its translation."""
    _words.clear()
    _words.update(words)


def new(rows: int = 1, columns: int = 1, height: float = 2.8, **subplots):
    """An empty figure of the book's width and its axes; `height` is that of one row, in inches."""
    fig = Figure(figsize=(5, rows * height), layout="constrained")
    return fig, fig.subplots(rows, columns, **subplots)


def _power_of_ten(value: float, _position) -> str:
    mantissa, exponent = f"{value:.0e}".split("e")
    if mantissa != "1" or not isclose(float(f"1e{exponent}"), value):
        return f"{value:g}"
    return "10" + str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def finish(fig: Figure) -> None:
    """What no figure should have to say: logarithmic axes are labelled in characters, not in mathtext."""
    for axes in fig.axes:
        for axis in (axes.xaxis, axes.yaxis):
            if isinstance(axis.get_major_formatter(), LogFormatter):
                axis.set_major_formatter(FuncFormatter(_power_of_ten))
                axis.set_minor_formatter(NullFormatter())
