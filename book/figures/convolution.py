"""The figures of chapter 4, second half."""

from functools import cache, partial

import numpy as np
from figures.style import COLORS, GRID, INK, MUTED, PAPER, _, new

from textbook_code.data import digits
from textbook_code.experiments import convolution as lab
from textbook_code.with_numpy.cnn import cnn_init, cnn_loss_and_grads
from textbook_code.with_numpy.conv import conv2d, conv2d_as_dense
from textbook_code.with_numpy.mlp import mlp_loss_and_grads
from textbook_code.with_numpy.optim import adam_init, adam_update, constant_schedule
from textbook_code.with_numpy.pool import avg_pool2d, max_pool2d
from textbook_code.with_numpy.train import fit


@cache
def trained():
    x, labels = digits()
    rng = np.random.default_rng(0)
    start = cnn_init(rng, (8, 8, 1), [8, 16], 10)
    adam, rate = (adam_init, adam_update), partial(constant_schedule, lr=0.01)
    params, _history = fit(start, x[..., None], labels, cnn_loss_and_grads, adam, rate, 3, 50, rng)
    return params


def matrix():
    # Each weight has a number of its own, so that the matrix shows which weight stands where.
    w = np.arange(1.0, 10.0).reshape(3, 3, 1, 1)
    weights = conv2d_as_dense(w, (6, 6, 1)).T
    fig, ax = new(height=2.9)
    for number in range(9):
        row, column = divmod(number, 3)
        y, x = np.nonzero(weights == number + 1)
        style = {"color": COLORS[row], "ms": 4.5, "mfc": PAPER if column == 1 else COLORS[row]}
        ax.plot(x, y, "os^"[row], **style)
    for edge in range(1, 4):
        ax.axhline(4 * edge - 0.5, color=MUTED, lw=0.6)
    for edge in range(1, 6):
        ax.axvline(6 * edge - 0.5, color=MUTED, lw=0.6)
    for row, name in enumerate([_("top row"), _("middle row"), _("bottom row")]):
        ax.plot([], [], "os^"[row], color=COLORS[row], ms=5, label=name)
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3, handletextpad=0.1, columnspacing=1.2)
    ax.grid(False)
    ax.set(xlim=(-0.7, 35.7), ylim=(15.7, -0.7), xticks=[0, 6, 12, 18, 24, 30], yticks=[0, 4, 8, 12])
    ax.set(xlabel=_("input pixel"), ylabel=_("output pixel"))
    return fig


def untied():
    x, labels = digits()
    layers = lab.cnn_as_mlp(trained(), (8, 8, 1))
    _loss, grads = mlp_loss_and_grads(layers, x[:200].reshape(200, -1), labels[:200])
    unit = np.ravel_multi_index((3, 3, 1), (8, 8, 8))
    fig, panels = new(columns=2, height=2.5)
    titles = _("its weights"), _("its gradient")
    for ax, layer, title in zip(panels, (layers[0], grads[0]), titles, strict=True):
        seen = np.abs(layer.w[:, unit]).reshape(8, 8)
        ax.imshow(seen, cmap="Greys", vmin=0)
        ax.plot([1.5, 4.5, 4.5, 1.5, 1.5], [1.5, 1.5, 4.5, 4.5, 1.5], color=COLORS[1], lw=1.6)
        ax.set_title(title)
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(True)
        ax.grid(False)
    return fig


def detection():
    sizes = np.arange(1, 17) ** 2
    fig, panels = new(rows=2, height=2.3, sharex=True, sharey=True)
    cases = [
        (4.0, False, _("one unit is active: μ = 4")),
        (0.5, True, _("all are active: μ = 0.5")),
    ]
    for ax, (strength, dense, title) in zip(panels, cases, strict=True):
        curves = np.array([lab.detection(strength, k if dense else 1, int(k)) for k in sizes]).T
        for curve, color, style, name in zip(
            curves, COLORS[:2], ("-", "--"), (_("max"), _("average")), strict=True
        ):
            ax.semilogx(sizes, curve, color=color, ls=style)
            place = {"xytext": (5, 0), "textcoords": "offset points", "va": "center", "color": color}
            ax.annotate(name, (256, curve[-1]), **place)
        ax.axhline(0.5, color=MUTED, lw=0.8, ls=":")
        ax.set_title(title, loc="left")
        ax.set(ylim=(0.45, 1.05), xlim=(1, 600), ylabel="AUC")
    panels[1].set_xticks([1, 4, 16, 64, 256], ["1", "4", "16", "64", "256"])
    panels[1].minorticks_off()
    panels[1].set_xlabel(_("units in the window"))
    return fig


def blurred(x):
    y = max_pool2d(np.pad(x, [(0, 0), (0, 1), (0, 1), (0, 0)]), 2, stride=1)
    for axis in (1, 2):
        y = (np.roll(y, 1, axis) + 2 * y + np.roll(y, -1, axis)) / 4
    return lab.every_second(y)


def shifts():
    x, _labels = digits()
    wide = np.pad(x[:300], [(0, 0), (4, 4), (4, 4)])[..., None]
    seen = np.maximum(conv2d(wide, trained().convs[0].w, pad="same"), 0)
    kinds = [
        (_("every second pixel"), lab.every_second, "-.", "o"),
        (_("max"), partial(max_pool2d, size=2), "-", "s"),
        (_("average"), partial(avg_pool2d, size=2), "--", "^"),
        (_("max, blurred"), blurred, ":", "D"),
    ]
    steps = np.arange(5)
    fig, ax = new(height=3)
    for (name, pool, style, marker), color in zip(kinds, COLORS, strict=False):
        before = pool(seen)
        size = np.linalg.norm(before)
        change = [np.linalg.norm(pool(np.roll(seen, s, axis=2)) - before) / size for s in steps]
        ax.plot(steps, change, marker=marker, ls=style, color=color, ms=4.5, label=name)
    ax.set(xlabel=_("shift of the image in pixels"), ylabel=_("relative change"), xticks=steps, ylim=(0, 1.5))
    ax.legend(loc="lower right")
    return fig


def draw_tree(ax, dilations, title):
    length, depth = 16, len(dilations)
    reached = {length - 1}
    for level in range(depth, 0, -1):
        step = dilations[level - 1]
        for t in range(step, length):
            used = t in reached
            color, width = (COLORS[0], 1.6) if used else (GRID, 0.7)
            for past in (t, t - step):
                ax.plot([t, past], [level, level - 1], color=color, lw=width, zorder=2 if used else 1)
        before = {t - past for t in reached for past in (0, step)}
        mark(ax, level, length, reached)
        reached = before
    mark(ax, 0, length, reached)
    ax.set_title(title, loc="left")
    ax.set(xlim=(-0.6, length - 0.4), ylim=(-0.4, depth + 0.4), yticks=range(depth + 1))
    ax.set_ylabel(_("layer"))
    ax.grid(False)


def mark(ax, level, length, reached):
    for t in range(length):
        on = t in reached
        face = COLORS[0] if on else PAPER
        ax.plot(t, level, "o", ms=5.5 if on else 4, color=face, mec=COLORS[0] if on else MUTED, zorder=3)


def dilation():
    fig, (above, below) = new(rows=2, height=2.4, sharex=True)
    draw_tree(above, (1, 1, 1, 1), _("dilation 1 in every layer: {n} inputs").format(n=5))
    draw_tree(below, (1, 2, 4, 8), _("dilation 1, 2, 4, 8: {n} inputs").format(n=16))
    below.set(xticks=[0, 5, 10, 15], xlabel=_("time"))
    return fig


def im2col():
    fig, (left, right) = new(columns=2, height=2.2, gridspec_kw={"width_ratios": [4, 9]})
    image = np.arange(1, 17).reshape(4, 4)
    rows = np.lib.stride_tricks.sliding_window_view(image, (3, 3)).reshape(4, 9)
    for ax, table in ((left, image), (right, rows)):
        for (i, j), number in np.ndenumerate(table):
            ax.text(j, i, str(number), ha="center", va="center", fontsize=9)
        h, w = table.shape
        ax.hlines(np.arange(h + 1) - 0.5, -0.5, w - 0.5, color=GRID, lw=0.8)
        ax.vlines(np.arange(w + 1) - 0.5, -0.5, h - 0.5, color=GRID, lw=0.8)
        ax.set(xlim=(-0.6, w - 0.4), ylim=(h - 0.4, -0.6), xticks=[], yticks=[], aspect="equal")
        ax.grid(False)
        ax.spines[:].set_visible(False)
    boxes = [(left, 0, 0, 3, 3, 0), (right, 0, 0, 9, 1, 0), (left, 1, 1, 3, 3, 1), (right, 0, 3, 9, 1, 1)]
    for ax, x, y, width, height, which in boxes:
        edges = {"color": COLORS[which], "ls": ("-", "--")[which], "lw": 2.2}
        x0, y0, x1, y1 = x - 0.5, y - 0.5, x + width - 0.5, y + height - 0.5
        ax.plot([x0, x1, x1, x0, x0], [y0, y0, y1, y1, y0], **edges)
    left.set_title(_("image"), color=INK)
    right.set_title(_("its windows as rows"), color=INK)
    return fig
