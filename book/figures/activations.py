"""The figures of chapter 1."""

import numpy as np
from figures.style import COLORS, GRID, INK, MUTED, PAPER, _, new

from textbook_code import data
from textbook_code.experiments import activations as lab
from textbook_code.with_numpy import activations
from textbook_code.with_numpy.activations import relu, relu_vjp, sigmoid, sigmoid_vjp, tanh, tanh_vjp
from textbook_code.with_numpy.losses import bce_with_logits, bce_with_logits_vjp, mse, mse_vjp
from textbook_code.with_numpy.mlp import mlp, mlp_init

STYLES = ["-", "--", "-.", ":"]


def sigmoid_and_relu():
    x = np.linspace(-6, 6, 241)
    one = np.ones_like(x)
    fig, (above, below) = new(rows=2, height=2.2, sharex=True)
    for f, vjp, color, style, name in [
        (sigmoid, sigmoid_vjp, COLORS[0], "-", _("sigmoid")),
        (relu, relu_vjp, COLORS[1], "--", "ReLU"),
    ]:
        above.plot(x, f(x), color=color, ls=style, label=name)
        below.plot(x, vjp(one, x), color=color, ls=style)
    above.set(ylim=(-0.3, 3), ylabel=_("output f(x)"))
    above.legend(loc="upper left")
    below.axhline(0.25, color=MUTED, lw=0.8, ls=":")
    below.text(6, 0.28, "1/4", ha="right", va="bottom")
    below.set(ylim=(-0.1, 1.15), ylabel=_("derivative f′(x)"), xlabel=_("input x"))
    return fig


def gradient_by_depth():
    fig, panels = new(rows=2, height=2.5, sharex=True, sharey=True)
    for ax, gain in zip(panels, (1, 2), strict=True):
        names = {"relu": "ReLU", "tanh": "tanh", "gelu": "GELU", "sigmoid": _("sigmoid")}
        for i, (key, name) in enumerate(names.items()):
            act, vjp = getattr(activations, key), getattr(activations, key + "_vjp")
            size = lab.gradient_by_depth(act, vjp, gain)
            ax.semilogy(size, color=COLORS[i], ls=STYLES[i])
            lift = 9 if name == "tanh" else 0
            place = {"xytext": (4, lift), "textcoords": "offset points", "va": "center"}
            ax.annotate(name, (30, size[-1]), color=COLORS[i], **place)
        ax.set(ylim=(1e-20, 1e3), yticks=[1e-20, 1e-15, 1e-10, 1e-5, 1], xlim=(0, 36))
        ax.set_title(_("variance of the weights: {gain}/n").format(gain=gain), loc="left")
        ax.set_ylabel(_("size of the gradient"))
    panels[1].set_xlabel(_("layers passed on the way back"))
    return fig


def xor():
    x, y = data.xor()
    start = mlp_init(np.random.default_rng(0), [2, 8, 1])
    layers = lab.train(start, x, y, (relu, relu_vjp), (mse, mse_vjp), lr=0.1, steps=1000).layers
    side = np.linspace(-0.3, 1.3, 65)
    plane = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    output = mlp(plane, layers, relu).reshape(65, 65)
    fig, (above, below) = new(rows=2, height=2.5, sharex=True)
    above.text(0.5, 0.5, _("0.5 everywhere"), ha="center", va="center")
    above.set_title(_("best affine function"))
    below.contour(side, side, output, levels=[0, 0.25, 0.75, 1], colors=MUTED, linewidths=0.7)
    middle = below.contour(side, side, output, levels=[0.5], colors=[COLORS[2]], linewidths=2)
    below.clabel(middle, fontsize=9, colors=[INK])
    below.set_title(_("eight ReLUs, trained"))
    for ax in (above, below):
        for label, marker, color in [(0, "o", COLORS[0]), (1, "s", COLORS[1])]:
            corners = x[y.ravel() == label]
            ax.plot(*corners.T, marker, color=color, ms=9, mec=PAPER, label=_("wanted: {y}").format(y=label))
        ax.set(aspect="equal", xlim=(-0.3, 1.3), ylim=(-0.3, 1.3), xticks=[0, 1], yticks=[0, 1], ylabel="x₂")
        ax.grid(False)
        ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    below.set_xlabel("x₁")
    return fig


def hinges():
    knots = np.linspace(0, 2 * np.pi, 9)
    start, a = lab.hinges(np.sin, knots)
    x = np.linspace(0, 2 * np.pi, 241)
    fig, (above, below) = new(rows=2, height=2.5, sharex=True)
    above.plot(x, np.sin(x), color=COLORS[0], label="sin x")
    above.plot(x, lab.hinge_sum(x, knots, start, a), color=COLORS[1], ls="--", label=_("sum of 8 hinges"))
    above.plot(knots, np.sin(knots), "o", color=COLORS[1], ms=4)
    above.legend(loc="upper right")
    above.set_ylabel(_("curve and sum"))
    for t, weight in zip(knots[:-1], a, strict=True):
        rising = weight > 0
        below.plot(x, weight * relu(x - t), color=COLORS[2 if rising else 3], ls="-" if rising else "--")
        below.plot(t, 0, "|", color=INK, ms=8)
    below.set(ylabel=_("the hinges, one by one"), xlabel="x")
    below.set_xticks(np.pi * np.array([0, 0.5, 1, 1.5, 2]), ["0", "π/2", "π", "3π/2", "2π"])
    return fig


def hinge_error():
    x = np.linspace(0, 1, 4097)
    pieces = 2 ** np.arange(1, 8)
    one_layer = [
        np.abs(lab.hinge_sum(x, t, *lab.hinges(np.square, t)) - x * x).max()
        for t in (np.linspace(0, 1, n + 1) for n in pieces)
    ]
    depths = np.arange(1, 11)
    stacked = [np.abs(lab.square_from_teeth(x, depth) - x * x).max() for depth in depths]
    fig, ax = new()
    ax.loglog(pieces, one_layer, "o-", color=COLORS[0], ms=4, label=_("one hidden layer"))
    ax.loglog(2 * depths, stacked, "s--", color=COLORS[1], ms=4, label=_("stacked teeth, two ReLUs a layer"))
    ax.set(xlim=(1.5, 200), xlabel=_("number of ReLUs"), ylabel=_("largest error"), ylim=(1e-7, 1))
    ax.legend(loc="upper right")
    return fig


def dead_relus():
    x = np.linspace(-1, 1, 128)[:, None]
    y = np.sin(3 * x)
    act, loss = (relu, relu_vjp), (mse, mse_vjp)
    start = mlp_init(np.random.default_rng(0), [1, 64, 1])
    healthy = lab.train(start, x, y, act, loss, lr=0.1, steps=600)
    killed = lab.train(start, x, y, act, loss, lr=0.3, steps=300)
    revived = lab.revive(killed.layers, x, np.random.default_rng(0))
    after = lab.train(revived, x, y, act, loss, lr=0.03, steps=300)
    fig, (above, below) = new(rows=2, height=2.3, sharex=True)
    for ax, what in [(above, "dead"), (below, "losses")]:
        patient = np.concatenate([getattr(killed, what), getattr(after, what)])
        ax.plot(getattr(healthy, what), color=COLORS[0], label=_("learning rate {lr}").format(lr=0.1))
        ax.plot(patient, color=COLORS[1], ls="--", label=_("learning rate 0.3; at 300 revived, 0.03"))
        ax.axvline(300, color=MUTED, lw=0.8, ls=":")
    above.set(ylabel=_("share of dead units"), ylim=(-0.05, 1.1))
    above.legend(loc="center right")
    below.set(ylabel=_("loss"), yscale="log", ylim=(1e-3, 30), xlabel=_("step"))
    return fig


def no_bias():
    x = np.linspace(-3, 3, 121)[:, None]
    y = np.cos(x)
    two_lines = np.hstack([relu(x), relu(-x)])
    best = two_lines @ np.linalg.lstsq(two_lines, y)[0]
    start = mlp_init(np.random.default_rng(0), [1, 64, 1])
    layers = lab.train(start, x, y, (relu, relu_vjp), (mse, mse_vjp), lr=0.01, steps=2000).layers
    fig, ax = new()
    ax.axhline(0, color=GRID, lw=0.8)
    ax.plot(x, y, color=MUTED, lw=4, alpha=0.4, label="cos x")
    ax.plot(x, best, color=COLORS[1], ls="--", label=_("best without biases"))
    ax.plot(x, mlp(x, layers, relu), color=COLORS[0], label=_("64 units with biases"))
    ax.plot(0, 0, "o", color=COLORS[1], ms=5)
    ax.set(xlabel="x", ylim=(-1.6, 1.9))
    ax.legend(loc="upper center", ncols=3, columnspacing=1, handlelength=1.5)
    return fig


def learned_features():
    points, ring = data.rings(200)
    start = mlp_init(np.random.default_rng(0), [2, 16, 2, 1])
    loss = bce_with_logits, bce_with_logits_vjp
    layers = lab.train(start, points, ring, (tanh, tanh_vjp), loss, lr=0.3, steps=1000).layers
    features = tanh(mlp(points, layers[:-1], tanh))
    w, b = layers[-1]
    fig, (above, below) = new(rows=2, height=2.6)
    for ax, cloud in [(above, points), (below, features)]:
        for label, marker, color in [(0, "o", COLORS[0]), (1, "s", COLORS[1])]:
            chosen = cloud[ring.ravel() == label]
            ax.plot(*chosen.T, marker, color=color, ms=4, label=_("class {label}").format(label=label))
    edge = np.linspace(-1.15, 1.15, 2)
    # The line w₁u + w₂v + b = 0, solved for the coordinate with the larger weight.
    if abs(w[1, 0]) > abs(w[0, 0]):
        below.plot(edge, -(w[0, 0] * edge + b[0]) / w[1, 0], color=INK, ls="--", lw=1.2)
    else:
        below.plot(-(w[1, 0] * edge + b[0]) / w[0, 0], edge, color=INK, ls="--", lw=1.2)
    above.set(aspect="equal", xlabel=_("first coordinate"), ylabel=_("second coordinate"))
    above.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    below.set(
        xlim=(-1.15, 1.15),
        ylim=(-1.15, 1.15),
        xlabel=_("first learned feature"),
        ylabel=_("second learned feature"),
    )
    return fig


def gallery():
    names = ["sigmoid", "tanh", "ReLU", "leaky ReLU", "ELU", "softplus", "GELU", "SiLU"]
    words = {"sigmoid": _("sigmoid")}
    x = np.linspace(-4, 4, 161)
    fig, panels = new(rows=4, height=1.45, columns=2, sharex=True, sharey=True)
    for ax, name in zip(panels.flat, names, strict=True):
        key = name.lower().replace(" ", "_")
        ax.axhline(0, color=MUTED, lw=0.6)
        ax.plot(x, getattr(activations, key)(x), color=COLORS[0])
        ax.plot(x, getattr(activations, key + "_vjp")(np.ones_like(x), x), color=COLORS[1], ls="--")
        ax.set_title(words.get(name, name), loc="left", pad=3)
        ax.set(ylim=(-1.3, 2.6), yticks=[-1, 0, 1, 2], xticks=[-4, -2, 0, 2, 4])
    return fig
