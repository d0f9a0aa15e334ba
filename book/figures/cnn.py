"""The figures of the first half of chapter 4."""

from functools import cache

import numpy as np
from figures.style import COLORS, GRID, INK, MUTED, PAPER, _, new
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle

from textbook_code.data import digits
from textbook_code.experiments import cnn as lab
from textbook_code.with_numpy.activations import relu
from textbook_code.with_numpy.conv import conv2d

# None of these is a color of the palette: a picture of pixels stays as it is on a dark page.
WHITE, BLACK = "#fefefe", "#161616"
INKED = LinearSegmentedColormap.from_list("inked", [WHITE, BLACK])
SIGNED = LinearSegmentedColormap.from_list("signed", ["#d35e02", WHITE, "#035a9a"])


def picture(ax, values, signed=False):
    """Draw a matrix of pixels as squares, so that they stay sharp; only what is not blank is drawn."""
    high = np.abs(values).max()
    limits = {"vmin": -high if signed else 0, "vmax": high}
    seen = np.ma.masked_where(np.abs(values) < 0.01 * high, values)
    ax.pcolormesh(seen, cmap=SIGNED if signed else INKED, **limits)
    ax.set_facecolor(WHITE)
    ax.set(aspect="equal", xticks=[], yticks=[], ylim=(len(values), 0), xlim=(0, len(values)))
    ax.grid(False)
    for side in ax.spines.values():
        side.set(visible=True, color=GRID)


def frame(ax, column, row, side):
    ax.add_patch(Rectangle((column, row), side, side, fill=False, ec=COLORS[2], lw=2.5))


def sliding_window():
    image = digits()[0][0]
    edge = np.array([[-1.0, 0.0, 1.0]] * 3)
    output = conv2d(image[None, :, :, None], edge[:, :, None, None])[0, :, :, 0]
    fig, axes = new(columns=3, height=2.1, width_ratios=[8, 3, 6])
    for ax, values, title in [
        (axes[0], image, _("input, 8×8")),
        (axes[1], edge, _("filter, 3×3")),
        (axes[2], output, _("output, 6×6")),
    ]:
        picture(ax, values, signed=values is not image)
        ax.set_title(title, fontsize=9)
    for (i, j), value in np.ndenumerate(edge):
        axes[1].text(
            j + 0.5,
            i + 0.5,
            f"{value:.0f}".replace("-", "−"),
            color=WHITE if value > 0 else BLACK,
            ha="center",
            va="center",
        )
    frame(axes[0], 1, 2, 3)
    frame(axes[2], 1, 2, 1)
    return fig


def receptive_field():
    fig, (above, below) = new(rows=2, height=2.4)
    depths = np.arange(1, 41)
    above.plot(depths, 2 * depths + 1, color=COLORS[0])
    above.text(25, 56, _("what it can see"), color=COLORS[0], ha="right")
    spread = np.array([lab.spread_of_field(depth) for depth in depths])
    above.plot(depths, 4 * spread, color=COLORS[1], ls="--")
    above.text(40, 24, _("where it mostly looks"), color=COLORS[1], ha="right")
    some = [2, 5, 10, 20, 30, 40]
    above.plot(some, [4 * lab.measured_spread(depth, 16) for depth in some], "o", color=COLORS[1], ms=5)
    above.set(xlabel=_("number of 3×3 layers"), ylabel=_("width in pixels"), ylim=(0, 85), xlim=(0, 41))
    depth = 20
    place = np.arange(-depth, depth + 1)
    sigma = lab.spread_of_field(depth)
    normal = np.exp(-0.5 * (place / sigma) ** 2)
    below.bar(place, lab.field_profile(depth), width=0.8, color=COLORS[5])
    below.plot(place, normal / normal.sum(), color=COLORS[1], ls="--")
    below.annotate("", (-20.5, 0.125), (20.5, 0.125), arrowprops={"arrowstyle": "<->", "color": COLORS[0]})
    below.text(-20, 0.129, _("receptive field: 41 pixels"), color=COLORS[0])
    below.set(xlabel=_("distance from the middle, after 20 layers"), ylabel=_("share of gradient²"))
    below.set_ylim(0, 0.15)
    return fig


@cache
def trained():
    return lab.train_on_digits()


def learned():
    params, (x, _labels) = trained()
    w, b = params.convs[0]
    image = x[:1]
    maps = relu(conv2d(image, w, pad="same") + b)[0]
    fig, axes = new(rows=4, columns=5, height=1.05)
    picture(axes[0, 0], image[0, :, :, 0])
    axes[0, 0].set_title(_("input"), fontsize=9)
    for ax in axes[1:, 0]:
        ax.set_axis_off()
    for i in range(8):
        row, column = 2 * (i // 4), 1 + i % 4
        picture(axes[row, column], w[:, :, 0, i], signed=True)
        picture(axes[row + 1, column], maps[:, :, i])
    for row, name in enumerate([_("filters 1–4"), _("their maps"), _("filters 5–8"), _("their maps")]):
        axes[row, 1].set_title(name, fontsize=9, loc="left")
    return fig


def data_efficiency():
    sizes = [100, 800, 6400]
    fig, ax = new(height=3.2)
    for net, permuted, color, style, name, lift in [
        (lab.CNN, False, COLORS[0], "o-", "CNN", 0.035),
        (lab.MLP, False, COLORS[1], "s--", "MLP", 0.05),
        (lab.CNN, True, COLORS[2], "^:", _("CNN, places permuted"), -0.07),
    ]:
        run = [np.mean([lab.held_out_accuracy(net, n, seed, permuted) for seed in (0, 2)]) for n in sizes]
        ax.semilogx(sizes, run, style, color=color, ms=5)
        ax.text(sizes[-1], run[-1] + lift, name, color=color, ha="right", va="center")
    ax.axhline(0.25, color=MUTED, lw=0.8, ls=":")
    ax.text(sizes[0], 0.265, _("guessing"), color=MUTED)
    ax.set(ylim=(0.2, 1), xlabel=_("training examples"), ylabel=_("accuracy on new examples"))
    ax.set_xticks(sizes, [f"{n:,}" for n in sizes])
    ax.minorticks_off()
    return fig


def where_parameters_sit():
    nets = [
        ("LeNet-5", lab.lenet5()),
        ("AlexNet", lab.alexnet()),
        ("VGG-16", lab.vgg16()),
        ("ResNet-50", lab.resnet50()),
        ("MobileNet", lab.mobilenet()),
    ]
    fig, panels = new(rows=2, height=2.2, sharex=True)
    for ax, count, title in [
        (panels[0], lab.parameters, _("share of the parameters")),
        (panels[1], lab.multiply_adds, _("share of the multiply-adds")),
    ]:
        for row, (_name, net) in enumerate(nets):
            dense = lab.total(count, [layer for layer in net if layer.side == 1])
            share = dense / lab.total(count, net)
            ax.barh(row, 1 - share, color=COLORS[0], height=0.7)
            ax.barh(row, share, left=1 - share, color="none", ec=COLORS[1], hatch="///", height=0.7)
        ax.set_yticks(range(len(nets)), [name for name, _net in nets])
        ax.set(xlim=(0, 1), title=title, ylim=(4.6, -0.6))
        ax.set_xticks([0, 0.5, 1], ["0%", "50%", "100%"])
        ax.grid(False)
        ax.tick_params(axis="y", length=0)
    label = {"va": "center", "bbox": {"boxstyle": "square,pad=0.15", "fc": PAPER, "ec": "none"}}
    panels[1].text(0.3, 2, _("convolutions"), color=COLORS[0], ha="center", **label)
    panels[0].text(0.55, 1, _("dense layers"), color=COLORS[1], ha="center", **label)
    return fig


def vgg_layers():
    net = lab.vgg16()
    place = np.arange(1, 17)
    colors = [COLORS[0]] * 13 + [COLORS[1]] * 3
    fig, panels = new(rows=3, height=1.6, sharex=True)
    for ax, count, unit, title in [
        (panels[0], lab.parameters, 1e6, _("parameters, millions")),
        (panels[1], lab.multiply_adds, 1e9, _("multiply-adds, billions")),
        (panels[2], lab.outputs, 1e6, _("outputs, millions")),
    ]:
        heights = [count(layer) / unit for layer in net]
        bars = ax.bar(place, heights, color=colors)
        for bar in bars[13:]:
            bar.set(hatch="///", facecolor="none", edgecolor=COLORS[1])
        ax.set_title(title, loc="left")
        ax.grid(axis="x", visible=False)
    panels[0].text(13.4, 90, _("first dense layer"), color=COLORS[1], ha="right")
    panels[2].set_xticks([1, 5, 10, 13, 16])
    panels[2].set_xlabel(_("layer with weights; 14 to 16 are dense"), color=INK)
    return fig
