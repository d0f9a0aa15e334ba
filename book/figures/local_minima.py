"""The figures of chapter 3."""

from functools import cache

import numpy as np
from figures.style import COLORS, INK, MUTED, PAPER, _, new

from textbook_code import data
from textbook_code.experiments import local_minima as lab

STYLES = ["-", "--", "-.", ":"]


def spectrum():
    gradient, start, _loss = lab.digits_task()
    path = lab.descend(gradient, start, lr=0.03, steps=400, stops=8)
    fig, ax = new(height=3)
    ax.axhline(0, color=MUTED, lw=0.8)
    for i, k in enumerate((0, 1, 8)):
        e = np.linalg.eigvalsh(lab.hessian(gradient, path[k]))
        ax.plot(
            np.arange(1, len(e) + 1), e, color=COLORS[i], ls=STYLES[i], label=_("step {n}").format(n=50 * k)
        )
    ax.set(ylim=(-0.15, 0.45), xlim=(0, 230), xlabel=_("eigenvalues, smallest first"), ylabel=_("eigenvalue"))
    ax.legend(loc="upper left")
    return fig


def positive_share():
    n = np.arange(1, 9)
    share = lab.positive_share(8, samples=20_000)
    fig, ax = new()
    ax.semilogy(n, 0.5**n, color=COLORS[0], ls="--")
    ax.semilogy(n, share, "o-", color=COLORS[1], ms=5)
    ax.annotate(
        _("n coins, all heads"),
        (6, 0.5**6),
        (10, 14),
        textcoords="offset points",
        color=COLORS[0],
        ha="center",
    )
    ax.annotate(
        _("n eigenvalues, all positive"),
        (5, share[4]),
        (-8, -4),
        textcoords="offset points",
        color=COLORS[1],
        ha="right",
        va="top",
    )
    ax.set(
        xlabel=_("size n of the matrix"),
        ylabel=_("probability"),
        ylim=(1e-10, 3),
        yticks=[1e-9, 1e-6, 1e-3, 1],
    )
    return fig


def index_and_loss():
    x, y = lab.wave()

    def slope(theta):
        return lab.loss_and_gradient(theta, x, y, decay=1e-3)[1]

    start = lab.start(np.random.default_rng(0), 60, 1, width=3)
    runs = lab.descend(slope, start, lr=0.03, steps=1200, stops=8)
    found = lab.critical_points(slope, runs.reshape(-1, 10))
    index = np.sum(np.linalg.eigvalsh(lab.hessian(slope, found)) < 0, axis=1)
    loss = lab.loss_and_gradient(found, x, y, decay=1e-3)[0]
    fig, ax = new()
    for i in range(4):
        kind = {"marker": "o", "color": COLORS[0]} if i == 0 else {"marker": "D", "color": COLORS[1]}
        different = np.unique(loss[index == i].round(4))
        ax.plot(different, np.full(len(different), i), ls="", ms=8, mec=PAPER, **kind)
    lowest, bad = np.unique(loss[index == 0].round(4))
    for at, text in ((lowest, _("lowest found")), (bad, _("bad minimum"))):
        ax.annotate(text, (at, 0), (0, 9), textcoords="offset points", ha="center", color=COLORS[0])
    ax.text(0.14, 2.5, _("saddles"), color=COLORS[1])
    ax.set(
        xlabel=_("loss"), ylabel=_("negative eigenvalues"), xlim=(0, 0.5), ylim=(-0.4, 3.4), yticks=range(4)
    )
    return fig


@cache
def _wide():
    """The network of the page: its gradient, its loss, and 20 trained networks of 32 units."""
    x, y = lab.wave()

    def gradient(theta):
        return lab.loss_and_gradient(theta, x, y)[1]

    def loss(theta):
        return lab.loss_and_gradient(theta, x, y)[0]

    start = lab.start(np.random.default_rng(0), 20, 1, width=32)
    return gradient, loss, lab.descend(gradient, start, lr=0.05, steps=2000)[-1]


def mode_connectivity():
    gradient, loss, wide = _wide()
    a, b = wide[0], wide[0].copy()
    order = np.random.default_rng(1).permutation(32)
    b[:96] = a[:96].reshape(3, 32)[:, order].ravel()
    middle = lab.bend(gradient, a, b, lr=0.05, steps=500)
    t = np.linspace(0, 1, 101)
    fig, ax = new()
    for i, (m, text, at) in enumerate([((a + b) / 2, _("straight"), 0.3), (middle, _("bent"), 0.5)]):
        height = loss(lab.bent_path(a, m, b, points=101))
        ax.plot(t, height, color=COLORS[1 - i], ls=STYLES[1 - i])
        ax.annotate(
            text,
            (at, height[round(100 * at)]),
            (-6 if i == 0 else 0, 7),
            textcoords="offset points",
            color=COLORS[1 - i],
            ha="right" if i == 0 else "center",
        )
    ax.plot([0, 1], loss(np.array([a, b])), "o", color=INK, ms=6)
    ax.set(ylabel=_("loss"), xlabel=_("way from a minimum to its permuted copy"), ylim=(-0.05, 1.5))
    return fig


def widths():
    gradient, loss, wide = _wide()
    shift = np.linspace(-0.25, 0.25, 20)
    fig, ax = new()
    sizes = (2, 3, 4, 8, 16, 32)
    for i, width in enumerate(sizes):
        start = lab.start(np.random.default_rng(0), 20, 1, width)
        end = wide if width == 32 else lab.descend(gradient, start, lr=0.05, steps=2000)[-1]
        ax.plot(i + shift, np.sort(loss(end)), "o", color=COLORS[0], ms=5, mec=PAPER, mew=0.5)
    ax.set_xticks(range(len(sizes)), [str(n) for n in sizes])
    ax.set(xlabel=_("hidden units"), ylabel=_("final loss of 20 seeds"), ylim=(-0.02, 0.46))
    ax.grid(False, axis="x")
    return fig


def rugged():
    w = np.linspace(-6, 6, 401)
    fig, (above, below) = new(rows=2, height=2.2)
    above.plot(w, lab.rugged(w), color=COLORS[0])
    above.annotate(
        _("lowest minimum"), (0, 0), (0, 3.6), ha="center", arrowprops={"arrowstyle": "-", "color": MUTED}
    )
    above.set(xlabel="w", ylabel=_("loss"))
    methods = {
        _("plain, small step"): {"lr": 0.02},
        _("momentum 0.9"): {"lr": 0.02, "beta": 0.9},
        _("noise 3"): {"lr": 0.05, "noise": 3},
        _("noise 8"): {"lr": 0.05, "noise": 8},
        _("large step"): {"lr": 0.5},
    }
    for i, method in enumerate(methods.values()):
        end = lab.walk(lab.rugged_slope, w, steps=2000, **method)
        end = lab.walk(lab.rugged_slope, end, lr=0.02, steps=500)
        share = np.mean(np.abs(end) < 0.5)
        below.barh(i, 100 * share, color=COLORS[0 if i == 0 else 5], height=0.65)
        below.text(100 * share + 1.5, i, f"{share:.0%}", va="center")
    below.set_yticks(range(len(methods)), list(methods))
    below.set(xlabel=_("runs that end in the lowest minimum, %"), xlim=(0, 105))
    below.invert_yaxis()
    below.grid(False, axis="y")
    return fig


def waiting():
    ratio = np.linspace(0.8, 5.2, 50)
    fig, ax = new()
    ax.semilogy(ratio, 2 * np.pi / (0.02 * np.sqrt(32)) * np.exp(ratio), color=COLORS[0], ls="--")
    for k in (1, 2, 3, 4, 5):
        steps = lab.passage_steps(np.sqrt(2 / (0.02 * k)), walkers=200)
        ax.plot(k, steps, "o", color=COLORS[1], ms=6)
    ax.annotate(_("Kramers"), (4.1, 2800), (8, -8), textcoords="offset points", color=COLORS[0], va="top")
    ax.annotate(_("measured"), (3, 1330), (-8, 4), textcoords="offset points", color=COLORS[1], ha="right")
    ax.set(
        xlabel=_("barrier height / temperature"),
        ylabel=_("steps until the other side"),
        yticks=[100, 1000, 10000],
    )
    return fig


def saddle():
    fig, ax = new()
    for i, (offset, name) in enumerate([(1e-2, "10⁻²"), (1e-4, "10⁻⁴"), (1e-8, "10⁻⁸"), (1e-12, "10⁻¹²")]):
        u, v, losses = 1.0, offset, []
        for _step in range(350):
            losses.append(u * u / 2 - v * v / 2 + v**4 / 4)
            u, v = u - 0.1 * u, v + 0.1 * (v - v**3)
        ax.plot(losses, color=COLORS[i], ls=STYLES[i])
        leaves = np.flatnonzero(np.array(losses) > -0.12)[-1]
        ax.annotate(name, (leaves, -0.12), (5, 0), textcoords="offset points", color=COLORS[i], va="center")
    ax.text(200, 0.06, _("distance of the start:"), ha="center")
    ax.set(xlabel=_("steps"), ylabel=_("loss"), ylim=(-0.28, 0.55), xlim=(0, 350))
    return fig


def duality_gap():
    x, y, _w = data.linear(40, features=60)
    loss, bound = lab.lasso_bounds(x, y[:, 0], 0.5, steps=100)
    best = np.maximum.accumulate(bound)
    fig, ax = new()
    steps = np.arange(100)
    ax.fill_between(steps, best, loss, color=COLORS[5], alpha=0.2, lw=0)
    ax.plot(steps, loss, color=COLORS[0])
    ax.plot(steps, best, color=COLORS[1], ls="--")
    ax.annotate(_("loss"), (12, loss[12]), (2, 8), textcoords="offset points", color=COLORS[0])
    ax.annotate(
        _("lower bound"), (14, best[14]), (4, -9), textcoords="offset points", color=COLORS[1], va="top"
    )
    ax.set(xlabel=_("steps"), ylabel=_("loss and bound"), ylim=(5.5, 13))
    return fig


def agreement():
    x, y = np.array([0.2, 0.2, 0.2, 0.2, 3.0]), np.array([0.8, 0.8, 0.8, 0.8, 0.0])
    w = np.linspace(-1.5, 10, 301)
    starts = 0.1 * np.random.default_rng(0).standard_normal(20)
    ends = lab.walk(lambda w: lab.unit_slope(w, x, y), starts, 0.1, 3000)
    fig, ax = new()
    ax.plot(w, lab.unit_loss(w, x, y), color=COLORS[0])
    ax.plot(ends, lab.unit_loss(ends, x, y), "o", color=COLORS[1], ms=8, mec=PAPER)
    ax.annotate(
        _("all 20 runs end here"),
        (0.075, 0.5),
        (2, 0.72),
        color=COLORS[1],
        arrowprops={"arrowstyle": "-", "color": COLORS[1], "shrinkB": 6},
    )
    ax.annotate(_("global minimum"), (5.5, 0.2), (0, -8), textcoords="offset points", ha="center", va="top")
    ax.set(xlabel=_("weight w"), ylabel=_("loss"), ylim=(0.05, 0.95))
    return fig
