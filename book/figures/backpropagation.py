"""The figures of chapter 2, second part."""

import numpy as np
from figures.style import COLORS, GRID, INK, MUTED, PAPER, _, new
from matplotlib.patches import FancyBboxPatch

from textbook_code._tree import leaves
from textbook_code.experiments import backpropagation as lab
from textbook_code.experiments.gradient_descent import descend
from textbook_code.with_numpy.activations import relu, sigmoid
from textbook_code.with_numpy.losses import accuracy, bce_with_logits_vjp, cross_entropy
from textbook_code.with_numpy.mlp import mlp, mlp_init, mlp_loss_and_grads
from textbook_code.with_numpy.optim import momentum_init, momentum_update

RECEIPTS = [(2, 1, 8.0), (1, 3, 14.0)]


def receipts():
    guesses = [(1.0, 1.0)]
    for _turn in range(12):
        guesses.append(lab.correct_once(*guesses[-1], RECEIPTS, step=0.05))
    apple, pear = np.meshgrid(np.linspace(0.5, 3.6, 80), np.linspace(0.5, 5, 80))
    wrong = lab.wrongness(apple, pear, RECEIPTS)
    fig, ax = new(height=3.6)
    lines = ax.contour(apple, pear, wrong, levels=[1, 10, 40, 100], colors=MUTED, linewidths=0.8)
    places = [(2.0, 3.72), (2.0, 2.95), (1.9, 1.85), (2.1, 0.8)]
    ax.clabel(lines, fontsize=8, colors=[INK], manual=places)
    ax.plot(*np.transpose(guesses), "o-", color=COLORS[0], ms=4, lw=1.2)
    ax.plot(2, 4, "*", color=COLORS[1], ms=13, mec=PAPER)
    halo = {"textcoords": "offset points", "bbox": {"fc": PAPER, "ec": "none", "pad": 1.5}}
    ax.annotate(_("first guess"), guesses[0], (8, -12), color=COLORS[0], **halo)
    ax.annotate(_("turn {n}").format(n=1), guesses[1], (9, 3), color=COLORS[0], **halo)
    ax.annotate(_("turn {n}").format(n=2), guesses[2], (-8, -8), ha="right", color=COLORS[0], **halo)
    ax.annotate(_("the real prices"), (2, 4), (-12, 14), ha="right", color=COLORS[1], **halo)
    ax.set(xlabel=_("guessed price of an apple, 1,000 won"), ylabel=_("guessed price of a pear, 1,000 won"))
    ax.grid(False)
    return fig


def ball_and_walker():
    x = np.linspace(-1.75, 1.95, 200)
    momentum = momentum_init, momentum_update
    walker = descend(lab.two_valleys_slope, [1.8], lr=0.01, steps=400)
    ball = descend(lab.two_valleys_slope, [1.8], lr=0.01, steps=400, optimizer=momentum)
    fig, (above, below) = new(rows=2, height=2.2, sharex=True)
    for ax, path, color, marker, name in [
        (above, walker, COLORS[0], "o", _("gradient descent: a walker")),
        (below, ball, COLORS[1], "s", _("with momentum: a ball")),
    ]:
        ax.plot(x, lab.two_valleys(x), color=MUTED, lw=1)
        ax.plot(path, lab.two_valleys(path), marker, color=color, ms=4, mec=PAPER, mew=0.4)
        ax.plot(path[-1], lab.two_valleys(path[-1]), "*", color=INK, ms=14, mec=PAPER)
        ax.set_title(name, loc="left", color=color)
        ax.set(ylim=(-0.9, 5.9), ylabel=_("height"))
    above.annotate(_("start"), (1.8, lab.two_valleys(1.8)), (-8, -2), textcoords="offset points", ha="right")
    below.set_xlabel(_("position"))
    return fig


def _box(ax, where, name, value, gradient):
    corner = (where[0] - 0.35, where[1] - 0.33)
    ax.add_patch(FancyBboxPatch(corner, 0.7, 0.66, "round,pad=0,rounding_size=0.08", fc=PAPER, ec=MUTED))
    for lift, text, color in [(0.16, f"{name} = {value}", COLORS[0]), (-0.16, f"← {gradient}", COLORS[1])]:
        ax.text(where[0], where[1] + lift, text, ha="center", va="center", color=color, zorder=4)


def graph():
    fig, ax = new(height=3.1)
    nodes = {
        "w": (0, 1.1, "3", "4"),
        "h": (1.1, 1.1, "6", "2"),
        "y": (2.45, 1.1, "3", "4"),
        "d": (3.55, 1.1, "2", "4"),
        "L": (4.75, 1.1, "4", "1"),
        "v": (0.55, -0.6, "−½", "24"),
        "g": (1.8, -0.6, "−3", "4"),
    }
    edges = [
        ("w", "h", "· 2", "4", 0),
        ("h", "y", "+", "4", 0),
        ("y", "d", "− 1", "4", 0),
        ("d", "L", "d · d", "2 + 2", 0),
        ("h", "g", "· v", "−2", -0.24),
        ("v", "g", "· h", "24", 0),
        ("g", "y", "+", "4", 0.2),
    ]
    for start, end, operation, gradient, aside in edges:
        a, b = np.array(nodes[start][:2]), np.array(nodes[end][:2])
        toward = (b - a) / np.abs(b - a).max()
        arrow = {"arrowstyle": "-|>", "color": MUTED, "shrinkA": 0, "shrinkB": 0, "lw": 1.1}
        ax.annotate("", b - 0.39 * toward, a + 0.39 * toward, arrowprops=arrow)
        x, y = (a + b) / 2 + np.array([aside, 0])
        ax.text(x, y + 0.14, operation, ha="center", va="center", fontsize=9)
        ax.text(x, y - 0.14, gradient, ha="center", va="center", color=COLORS[1], fontsize=9)
    for name, (x, y, value, gradient) in nodes.items():
        _box(ax, (x, y), name, value, gradient)
    ax.text(3.85, -0.45, _("forward: the values"), color=COLORS[0], ha="center")
    ax.text(3.85, -0.75, _("← backward: ∂L/∂…"), color=COLORS[1], ha="center")
    ax.set(xlim=(-0.4, 5.15), ylim=(-1.0, 1.5))
    ax.axis("off")
    return fig


def cost():
    rng = np.random.default_rng(0)
    x, labels = rng.standard_normal((1, 64)), np.array([0])
    rows = []
    for width in (4, 16, 64, 256, 1024):
        layers = mlp_init(rng, [64, width, width, 10])
        forward = lab.multiplications(lambda layers: mlp(x, layers, relu), layers)
        both = lab.multiplications(mlp_loss_and_grads, layers, x, labels)
        count = sum(p.size for p in leaves(layers))
        rows.append((count, forward, both, 2 * count * forward))
    count, forward, both, moved = np.transpose(rows)
    fig, ax = new(height=3)
    for y, color, style, name, lift in [
        (moved, COLORS[1], "s--", _("moving one parameter at a time"), 2),
        (both, COLORS[0], "o-", _("backpropagation"), 3),
        (forward, MUTED, "^:", _("the loss alone"), -24),
    ]:
        ax.loglog(count, y, style, color=color, ms=4)
        place = {"xytext": (0, lift), "textcoords": "offset points", "ha": "right"}
        ax.annotate(name, (count[-1] * 0.75, y[-1]), color=color, **place)
    ax.set(xlabel=_("number of parameters"), ylabel=_("multiplications"), ylim=(1e2, 2e13))
    return fig


def slope_at_the_output():
    z = np.linspace(-8, 4, 121)
    p = sigmoid(z)
    cross = np.array([bce_with_logits_vjp(1.0, z[i : i + 1], np.ones(1))[0] for i in range(len(z))])
    squared = 2 * (p - 1) * p * (1 - p)
    fig, ax = new(height=2.9)
    ax.axhline(0, color=GRID, lw=0.8)
    ax.plot(z, cross, color=COLORS[0])
    ax.plot(z, squared, color=COLORS[1], ls="--")
    ax.text(-7.8, -0.93, _("cross-entropy: p − y"), color=COLORS[0])
    ax.text(-7.8, 0.05, _("squared error: 2 (p − y) p (1 − p)"), color=COLORS[1])
    ax.axvline(0, color=MUTED, lw=0.8, ls=":")
    ax.text(-0.15, -1.12, _("wrong"), ha="right", color=MUTED)
    ax.text(0.15, -1.12, _("right"), color=MUTED)
    ax.set(xlabel=_("logit z, target 1"), ylabel=_("derivative of the loss by z"), ylim=(-1.2, 0.2))
    return fig


def stairs():
    rng = np.random.default_rng(3)
    x = np.concatenate([rng.normal(-1, 1, 8), rng.normal(1, 1, 8)])
    labels = np.repeat([0, 1], 8)
    bias = np.linspace(-3, 3, 200)
    logits = [np.stack([np.zeros(16), 2 * x + b], axis=1) for b in bias]
    fig, (above, below) = new(rows=2, height=1.9, sharex=True)
    above.plot(bias, [cross_entropy(z, labels) for z in logits], color=COLORS[0])
    below.step(bias, [1 - accuracy(z, labels) for z in logits], color=COLORS[1], where="mid")
    above.set_title(_("cross-entropy: smooth, with a slope"), loc="left", color=COLORS[0])
    below.set_title(_("share of errors: flat, with jumps"), loc="left", color=COLORS[1])
    above.set_ylabel(_("loss"))
    below.set(ylabel=_("errors"), xlabel=_("bias of the classifier"), ylim=(0, 0.55))
    below.set_yticks([0, 0.25, 0.5], ["0%", "25%", "50%"])
    return fig
