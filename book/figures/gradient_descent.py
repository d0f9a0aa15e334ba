"""The figures of chapter 2, first part."""

from functools import cache, partial

import numpy as np
from figures.style import COLORS, INK, MUTED, PAPER, _, new

from textbook_code import data
from textbook_code.experiments import gradient_descent as lab
from textbook_code.with_numpy import activations, losses, optim
from textbook_code.with_numpy.dropout import dropout
from textbook_code.with_numpy.mlp import mlp_init, mlp_loss_and_grads
from textbook_code.with_numpy.train import fit

RELU, TANH = (activations.relu, activations.relu_vjp), (activations.tanh, activations.tanh_vjp)
CROSS_ENTROPY, MSE = (losses.cross_entropy, losses.cross_entropy_vjp), (losses.mse, losses.mse_vjp)
SIZES = [64, 32, 10]
HALO = {"fc": PAPER, "ec": "none", "pad": 0.5}  # behind words that lie on a line
ARROW = {"arrowstyle": "-|>", "shrinkA": 0, "shrinkB": 0, "mutation_scale": 12}


def three_rates():
    w = np.linspace(-1.6, 1.6, 161)
    fig, panels = new(rows=3, height=1.75, sharex=True)
    rates = [
        (0.025, _("too small")),
        (0.45, _("jumps across, but falls")),
        (0.525, _("too large")),
    ]
    for ax, (lr, words) in zip(panels, rates, strict=True):
        path = lab.descend(lambda w: 4 * w, [-1.0], lr, 4).ravel()
        ax.plot(w, 2 * w**2, color=MUTED, lw=1.2)
        ax.plot(path, 2 * path**2, "o-", color=COLORS[1], ms=4, lw=1)
        ax.plot(path[0], 2, "o", color=COLORS[0], ms=8)
        ax.annotate(_("start"), (-1, 2), xytext=(-8, -4), textcoords="offset points", ha="right", va="top")
        ax.set(ylim=(-0.4, 5.2), yticks=[0, 2, 4], ylabel=_("loss"))
        ax.set_title(f"η = {lr}: {words}", loc="left")
    panels[-1].set_xlabel(_("parameter w"))
    return fig


def narrow_valley():
    curvatures = np.array([1.0, 20.0])
    path = lab.descend(lambda w: curvatures * w, [-10.0, 1.0], 2 / 21, 40)
    u, v = np.meshgrid(np.linspace(-11, 3, 120), np.linspace(-1.9, 1.9, 80))
    fig, ax = new()
    levels = [0.3, 2, 6, 13, 24, 40, 60]
    ax.contour(u, v, (u**2 + 20 * v**2) / 2, levels=levels, colors=MUTED, linewidths=0.7)
    ax.plot(*path.T, "o-", color=COLORS[0], ms=3, lw=1.2)
    ax.plot(0, 0, "*", color=COLORS[1], ms=12)
    for words, point, lift in [(_("minimum"), (0, 0), -16), (_("start"), path[0], 7)]:
        ax.annotate(words, point, (0, lift), textcoords="offset points", ha="center", bbox=HALO)
    ax.set(xlabel=_("flat direction, λ = 1"), ylabel=_("steep direction, λ = 20"))
    ax.grid(False)
    return fig


def norms():
    g = np.array([3.0, 1.0])
    angle = np.linspace(0, 2 * np.pi, 121)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    square = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1], [1, 1]])
    diamond = np.array([[1, 0], [0, 1], [-1, 0], [0, -1], [1, 0]])
    fig, panels = new(rows=1, columns=3, height=2.3, sharey=True)
    balls = [
        (circle, -g / np.linalg.norm(g), _("length")),
        (square, -np.sign(g), _("largest entry")),
        (diamond, np.array([-1.0, 0.0]), _("sum of |entries|")),
    ]
    u, v = np.meshgrid(np.linspace(-1.35, 1.35, 3), np.linspace(-1.35, 1.35, 3))
    for ax, (ball, step, name), color in zip(panels, balls, COLORS, strict=False):
        lines = np.arange(-5, 6)
        dots = {"linewidths": 0.6, "linestyles": ":", "negative_linestyles": ":"}
        ax.contour(u, v, 3 * u + v, levels=lines, colors=MUTED, **dots)
        ax.plot(*ball.T, color=INK, lw=1.2)
        ax.annotate("", step, xytext=(0, 0), arrowprops=ARROW | {"color": color, "lw": 2})
        ax.plot(0, 0, "o", color=INK, ms=4)
        ax.set(aspect="equal", xlim=(-1.35, 1.35), ylim=(-1.35, 1.35), xticks=[-1, 0, 1], yticks=[-1, 0, 1])
        ax.set_title(name)
        ax.grid(False)
    panels[1].set_xlabel(_("step of the first parameter"))
    panels[0].set_ylabel(_("second parameter"))
    return fig


@cache
def digits():
    images, labels = data.digits()
    return images.reshape(-1, 64), labels


@cache
def problem(n):
    """Loss and gradient of the digits network on the first n examples, and where training starts."""
    x, labels = (part[:n] for part in digits())
    net = lab.network(SIZES, RELU, CROSS_ENTROPY)
    start = lab.as_vector(mlp_init(np.random.default_rng(0), SIZES))
    return lambda w: net.value(w, x, labels), lambda w: net.gradient(w, x, labels), start


def random_share():
    x, labels = (part[:100] for part in digits())
    sizes, shares = [], []
    for hidden in (2, 8, 32, 128):
        net = lab.network([64, hidden, 10], RELU, CROSS_ENTROPY)
        rng = np.random.default_rng(0)
        w = lab.as_vector(mlp_init(rng, [64, hidden, 10]))
        share = lab.random_against_gradient(
            lambda w, net=net: net.value(w, x, labels),
            lambda w, net=net: net.gradient(w, x, labels),
            w,
            draws=3,
            rng=rng,
            repeats=300,
        )
        sizes.append(w.size)
        shares.append(share)
    fig, ax = new()
    line = np.array([100, 15000])
    theory = 3 / (2 * np.sqrt(np.pi)) / np.sqrt(line)
    ax.loglog(line, theory, color=MUTED, ls="--", lw=1.2)
    ax.annotate("0.85 / √P", (line[0], theory[0]), xytext=(14, 8), textcoords="offset points")
    ax.loglog(sizes, shares, "o", color=COLORS[0], ms=6)
    ax.annotate(
        _("measured"), (sizes[2], shares[2]), xytext=(6, 8), textcoords="offset points", color=COLORS[0]
    )
    ax.set(ylim=(0.005, 0.2), xlabel=_("number of parameters P"), ylabel=_("share of the descent"))
    ax.set_yticks([0.01, 0.1], ["1 %", "10 %"])
    return fig


def equal_cost():
    loss, gradient, start = problem(300)
    by_gradient = [loss(w) for w in lab.descend(gradient, start, 0.5, 200)]
    by_chance = min(
        (lab.random_search(loss, start, length, 3, 200, np.random.default_rng(0)) for length in (1, 2)),
        key=lambda run: run[-1],
    )
    cost = 3 * np.arange(201)
    fig, ax = new()
    ax.plot(cost, by_gradient, color=COLORS[0])
    ax.plot(cost, by_chance, color=COLORS[1], ls="--")
    ax.axhline(by_gradient[0], color=COLORS[2], ls=":", lw=2)
    for value, words, lift, color in [
        (by_gradient[-1], _("gradient"), 12, COLORS[0]),
        (by_chance[-1], _("best of three random steps"), -12, COLORS[1]),
        (by_gradient[0], _("finite differences: no step yet"), 9, COLORS[2]),
    ]:
        place = {"xytext": (0, lift), "textcoords": "offset points", "ha": "right", "va": "center"}
        ax.annotate(words, (600, value), color=color, **place)
    ax.set(yscale="log", ylim=(0.015, 5), xlim=(0, 610), xlabel=_("cost in forward passes"), ylabel=_("loss"))
    return fig


def that_graph():
    x, y = np.array([0.5, 1.0, 1.5, 2.0]), np.array([1.2, 1.9, 2.6, 4.2])

    def curve(w):
        return ((np.multiply.outer(w, x) - y) ** 2).mean(axis=-1)

    w = np.linspace(0, 4, 121)
    slope = 2 * np.mean(x * (0.5 * x - y))
    after = 0.5 - 0.18 * slope
    fig, ax = new(height=3.2)
    ax.plot(w, curve(w), color=COLORS[0])
    near = np.array([0.12, 1.15])
    ax.plot(near, curve(0.5) + slope * (near - 0.5), color=COLORS[1], ls="--", lw=1.4)
    ax.annotate(
        _("tangent: its slope\nis the gradient"), (0.3, curve(0.5) - 0.2 * slope), xytext=(12, 0),
        textcoords="offset points", color=COLORS[1], va="center",
    )  # fmt: skip
    ax.plot([0.5, after], curve(np.array([0.5, after])), "o", color=INK, ms=6)
    ax.annotate(
        "", (after, curve(0.5)), xytext=(0.5, curve(0.5)), arrowprops=ARROW | {"color": INK, "lw": 1.6}
    )
    ax.plot([after, after], [curve(0.5), curve(after)], color=MUTED, ls=":", lw=1.2)
    ax.annotate(
        _("step: −η × slope"), (after, curve(0.5)), xytext=(6, 0), textcoords="offset points", va="center"
    )
    best = (x @ y) / (x @ x)
    ax.plot([best, best], [0, curve(best)], color=MUTED, ls="--", lw=1)
    ax.annotate(_("minimum"), (best, 0), xytext=(2, 26), textcoords="offset points", ha="center")
    ax.set(xlim=(0, 4), ylim=(0, 7.5), xlabel=_("parameter w"), ylabel=_("loss L(w)"))
    return fig


def wrong_axis():
    w = np.linspace(-1.32, 1.32, 241)
    loss, gradient = (w**2 - 1) ** 2, 4 * w * (w**2 - 1)
    three = np.sort(np.roots([4, 0, -4, -0.5]).real)
    fig, (above, below) = new(rows=2, height=2.3)
    above.plot(w, loss, color=COLORS[0])
    above.plot(three, (three**2 - 1) ** 2, "o", color=COLORS[1], ms=6)
    above.set(xlabel=_("parameter w"), ylabel=_("loss"), ylim=(-0.1, 1.3))
    below.plot(gradient, loss, color=COLORS[0])
    below.axvline(0.5, color=MUTED, ls=":", lw=1)
    below.plot([0.5] * 3, (three**2 - 1) ** 2, "o", color=COLORS[1], ms=6)
    below.set(
        xlabel=_("gradient (not an axis of that graph)"), ylabel=_("loss"), ylim=(-0.1, 1.3), xlim=(-3.4, 3.4)
    )
    return fig


@cache
def run():
    """The training run of the page: the loss of each step, and the points after each epoch."""
    rng = np.random.default_rng(0)
    (x, labels), _test = data.train_test_split(*digits(), 0.2, rng)
    start = mlp_init(np.random.default_rng(0), SIZES)
    path = [lab.as_vector(start)]
    _layers, history = fit(
        start, x, labels, mlp_loss_and_grads, (optim.sgd_init, optim.sgd_update),
        partial(optim.constant_schedule, lr=0.1), 20, 32, rng,
        evaluate=lambda layers: path.append(lab.as_vector(layers)) or 0.0,
    )  # fmt: skip
    return history.loss, np.array(path)


def learning_curve():
    loss, _path = run()
    epochs = loss.reshape(20, -1)
    fig, ax = new()
    ax.plot(loss, color=COLORS[5], lw=0.7)
    ax.plot(epochs.shape[1] * (np.arange(20) + 0.5), epochs.mean(axis=1), "o-", color=INK, ms=3)
    ax.annotate(_("mean over an epoch"), (110, 1.1), color=INK)
    ax.annotate(_("single mini-batches"), (100, 0.035), color=COLORS[0])
    ax.set(yscale="log", xlabel=_("step"), ylabel=_("loss"), ylim=(0.012, 3.5))
    return fig


def trajectory():
    loss, _gradient, _start = problem(300)
    _loss, path = run()
    end = path[-1]
    _u, _s, axes = np.linalg.svd(path - end, full_matrices=False)
    shadow = (path - end) @ axes[:2].T
    low, high = shadow.min(axis=0), shadow.max(axis=0)
    edge = 0.25 * (high - low).max()
    a, b = (np.linspace(low[i] - edge, high[i] + edge, 21) for i in (0, 1))
    height = np.array([[loss(end + s * axes[0] + t * axes[1]) for s in a] for t in b])
    fig, ax = new(height=3.2)
    lines = ax.contour(a, b, height, levels=[0.2, 0.5, 1, 2, 4], colors=MUTED, linewidths=0.8)
    ax.clabel(lines, fontsize=8, fmt="%g", colors=[INK])
    ax.plot(*shadow.T, "o-", color=COLORS[0], ms=3, lw=1.2)
    for point, words, place in [(shadow[0], _("start"), (6, 4)), (shadow[-1], _("end"), (4, -12))]:
        ax.plot(*point, "o", color=COLORS[1], ms=7)
        ax.annotate(words, point, xytext=place, textcoords="offset points", color=INK, bbox=HALO)
    ax.set(xlabel=_("first principal component"), ylabel=_("second principal component"))
    ax.grid(False)
    return fig


def mark_rises(ax, loss, color):
    ax.plot(loss, color=color, lw=1.2)
    up = 1 + np.flatnonzero(np.diff(loss) > 0)
    ax.plot(up, np.asarray(loss)[up], ".", color=COLORS[1], ms=4)


def four_causes():
    x, y, _w = data.linear(200, features=5)
    line = lab.network([5, 1], RELU, MSE)
    rng = np.random.default_rng(0)
    with_one = np.hstack([x, np.ones((200, 1))])
    top = np.linalg.eigvalsh(with_one.T @ with_one / 100)[-1]

    def full(w):
        return line.gradient(w, x, y)

    def noisy(w):
        rows = rng.choice(200, 8, replace=False)
        return line.gradient(w, x[rows], y[rows])

    def heights(path):
        return np.array([line.value(w, x, y) for w in path])

    too_long = heights(lab.descend(full, np.zeros(6), 2.1 / top, 60))
    jitter = heights(lab.descend(noisy, np.zeros(6), 0.05, 150))
    heavy = optim.momentum_init, optim.momentum_update
    waves = lab.descend(lambda w: 1.0 * w, [1.0], 0.05, 60, heavy).ravel() ** 2 / 2
    still = lab.descend(full, np.zeros(6), 0.2, 50)[-1]
    frozen = np.array([line.value(still, dropout(x, 0.2, rng)[0], y) for _step in range(61)])
    fig, panels = new(rows=4, height=1.55)
    titles = [
        _("1. rate above 2/Λ"),
        _("2. mini-batches of 8"),
        _("3. momentum 0.9 on a parabola"),
        _("4. nothing trained: dropout masks"),
    ]
    for ax, title, loss in zip(panels, titles, (too_long, jitter, waves, frozen), strict=True):
        mark_rises(ax, loss, COLORS[0])
        ax.set_title(title, loc="left")
        ax.set_ylabel(_("loss"))
    panels[0].set_yscale("log")
    panels[1].set_yscale("log")
    panels[-1].set_xlabel(_("step"))
    return fig


def edge_of_stability():
    x, labels = (part[:100] for part in digits())
    onehot = np.eye(10)[labels]
    deep = lab.network([64, 32, 32, 10], TANH, MSE)

    def gradient(w):
        return deep.gradient(w, x, onehot)

    rng = np.random.default_rng(0)
    start = lab.as_vector(mlp_init(rng, [64, 32, 32, 10], gain=0.25))
    path = lab.descend(gradient, start, 1.0, 500)
    loss = [deep.value(w, x, onehot) for w in path]
    steps = np.arange(0, 501, 20)
    sharp = [lab.sharpness(gradient, path[step], rng, steps=15)[0] for step in steps]
    fig, (above, below) = new(rows=2, height=2.2, sharex=True)
    above.plot(loss, color=COLORS[0], lw=1)
    above.set(yscale="log", ylabel=_("loss"), ylim=(0.009, 0.15))
    above.set_yticks([0.01, 0.1])
    below.plot(steps, sharp, "o-", color=COLORS[2], ms=3)
    below.axhline(2, color=INK, ls="--", lw=1)
    below.annotate("2/η = 2", (500, 2), xytext=(0, -4), textcoords="offset points", ha="right", va="top")
    below.set(ylim=(0, 3), ylabel=_("sharpness"), xlabel=_("step"))
    return fig
