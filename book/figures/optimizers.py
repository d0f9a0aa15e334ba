"""The figures of chapter 9."""

import numpy as np
from figures.style import COLORS, INK, MUTED, _, new

from textbook_code import data
from textbook_code.experiments import optimizers as lab
from textbook_code.with_numpy import optim

STYLES = ["-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1))]


def valley():
    h = np.array([1.0, 20.0])
    side = np.linspace(-1.5, 1.5, 61)
    flat, steep = np.meshgrid(np.linspace(-3.4, 1.2, 61), side)
    loss = (h[0] * flat**2 + h[1] * steep**2) / 2
    runs = [
        [
            (_("gradient descent"), lab.optimizer("sgd"), 2 / 21),
            (_("momentum"), lab.optimizer("momentum", beta=0.8), 0.05),
        ],
        [("Adagrad", lab.optimizer("adagrad"), 0.8), ("Adam", lab.optimizer("adam"), 0.3)],
    ]
    fig, panels = new(rows=2, height=2.5, sharex=True)
    for ax, pair in zip(panels, runs, strict=True):
        ax.contour(flat, steep, loss, levels=[0.1, 0.5, 2, 5, 10], colors=MUTED, linewidths=0.6)
        for (name, rule, lr), color, style, marker in zip(
            pair, COLORS, ["--", "-"], ["o", "s"], strict=False
        ):
            path = lab.walk(lambda w, t: h * w, np.array([-3.0, 1.0]), rule, lr, 25)
            ax.plot(*path.T, marker, color=color, ls=style, ms=3, lw=1.2, label=name)
        ax.plot(0, 0, "*", color=INK, ms=9)
        ax.grid(False)
        ax.set(xlim=(-3.4, 1.2), ylim=(-1.4, 1.4), ylabel=_("steep direction"))
        ax.legend(loc="lower left", ncols=2)
    panels[1].set_xlabel(_("flat direction"))
    return fig


def first_steps():
    steps = np.arange(1, 3001)
    factor = (1 - 0.9**steps) / np.sqrt(1 - 0.999**steps)
    fig, ax = new()
    ax.semilogx(steps, factor, color=COLORS[1], ls="--")
    ax.semilogx(steps, np.ones(3000), color=COLORS[0])
    ax.plot([1, 12], factor[[0, 11]], "o", color=COLORS[1], ms=5)
    for t, shift in [(1, (8, 0)), (12, (0, 7))]:
        ax.annotate(
            f"{factor[t - 1]:.2f}", (t, factor[t - 1]), xytext=shift, textcoords="offset points", ha="left"
        )
    ax.text(60, 4.6, _("without correction"), color=COLORS[1])
    ax.text(60, 0.3, _("with bias correction"), color=COLORS[0])
    ax.set(xlabel=_("number of the step"), ylabel=_("step / learning rate"), ylim=(0, 7.8), xlim=(0.9, 3000))
    return fig


def decay():
    noise = np.array([10.0, 0.1])
    runs = [
        (lab.optimizer("adam"), lambda w, t: noise * (-1) ** t + 0.1 * w),
        (lab.optimizer("adamw", weight_decay=0.1), lambda w, t: noise * (-1) ** t),
    ]
    l2, decoupled = (lab.walk(grad, np.ones(2), rule, 0.001, 1000)[::10] for rule, grad in runs)
    t = np.arange(0, 1001, 10)
    fig, ax = new()
    ax.plot(t, l2[:, 0], color=COLORS[1], ls="--")
    ax.plot(t, l2[:, 1], color=COLORS[1], ls="-.")
    ax.plot(t, decoupled[:, 0], color=COLORS[0])
    ax.text(520, 1.025, _("L2, gradients of size 10"), color=COLORS[1], ha="center")
    ax.text(330, 0.58, _("L2, gradients of size 0.1"), color=COLORS[1], ha="center")
    ax.text(990, 0.83, _("AdamW, both weights"), color=COLORS[0], ha="right")
    ax.set(xlabel=_("step"), ylabel=_("what is left of the weight"), ylim=(0.4, 1.1))
    return fig


def digits():
    rules = {
        "SGD": ("sgd", 0.5),
        _("momentum"): ("momentum", 0.1),
        "Adagrad": ("adagrad", 0.1),
        "RMSprop": ("rmsprop", 0.01),
        "Adam": ("adam", 0.01),
    }
    fig, ax = new()
    for i, (label, (name, lr)) in enumerate(rules.items()):
        losses = lab.digit_run(lab.optimizer(name), lr)
        smooth = np.convolve(losses, np.ones(15) / 15, "valid")
        ax.semilogy(np.arange(15, 225), smooth, color=COLORS[i], ls=STYLES[i], lw=1.5, label=f"{label}, {lr}")
    ax.set(xlabel=_("step"), ylabel=_("training loss"), xlim=(15, 224), ylim=(0.07, 2.5))
    ax.legend(title=_("rule and rate"), loc="upper right")
    return fig


def schedule():
    rng = np.random.default_rng(0)
    rates = {
        _("constant"): [0.1] * 400,
        _("warm-up and cosine"): [optim.warmup_cosine_schedule(t, 0.1, 40, 400) for t in range(400)],
    }
    fig, (above, below) = new(rows=2, height=2.2, sharex=True)
    for i, (label, rate) in enumerate(rates.items()):
        # The rate is 1 and the gradient carries the schedule: a step is the product of the two.
        def grad(w, t, rate=rate):
            return rate[t] * (w + rng.standard_normal(w.shape))

        path = lab.walk(grad, np.full(2000, 3.0), lab.optimizer("sgd"), 1, 400)
        above.plot(rate, color=COLORS[i], ls=STYLES[i], label=label)
        below.semilogy(np.mean(path**2, axis=1), color=COLORS[i], ls=STYLES[i])
    above.set(ylabel=_("learning rate"), ylim=(0, 0.13))
    above.legend(loc="upper right", ncols=2)
    below.set(ylabel=_("mean squared error"), xlabel=_("step"))
    return fig


def noise_ball():
    noise = np.random.default_rng(0).standard_normal(300)
    walks = [(_("rate 0.5"), 0.5, False), (_("rate 0.05"), 0.05, False), (_("rate 1/t"), 1.0, True)]
    fig, panels = new(rows=3, height=1.5, sharex=True, sharey=True)
    for i, (ax, (label, lr, falling)) in enumerate(zip(panels, walks, strict=True)):

        def grad(w, t, falling=falling):
            return (w + noise[t]) / (t + 1 if falling else 1)

        path = lab.walk(grad, np.array([4.0]), lab.optimizer("sgd"), lr, 300).ravel()
        if not falling:
            width = 2 * np.sqrt(lr / (2 - lr))
            ax.axhspan(-width, width, color=COLORS[i], alpha=0.15, lw=0)
        ax.axhline(0, color=MUTED, lw=0.8)
        ax.plot(path, color=COLORS[i], lw=1.2)
        ax.text(298, 2.6, label, ha="right", color=COLORS[i])
        ax.set(ylim=(-2.5, 4.4), ylabel="w")
    panels[2].set_xlabel(_("step"))
    return fig


def reshuffling():
    x, y, _w = data.linear(50, features=3, noise=0.5)
    fig, ax = new()
    for i, (label, replace, height) in enumerate(
        [(_("with replacement"), True, 1.0e-2), (_("shuffled each epoch"), False, 2.2e-4)]
    ):
        rows = lab.draw_rows(50, 40, 200, np.random.default_rng(0), replace)
        error = lab.least_squares_runs(x, y, rows, 0.01)[9::10]
        ax.semilogy(np.arange(1, 201) / 5, error, color=COLORS[1 - i], ls=STYLES[1 - i], lw=1.4)
        ax.text(39, height, label, ha="right", color=COLORS[1 - i])
    ax.set(xlabel=_("epoch"), ylabel=_("squared distance"), ylim=(1.3e-4, 2), xlim=(0, 40))
    return fig


def batch_size():
    rates = {1: 0.06, 4: 0.25, 16: 0.5, 64: 1.0, 256: 1.0, 1024: 1.0}  # as fewest_steps finds them
    sizes = np.array(list(rates))
    steps = np.array([lab.steps_to_loss(size, lr) for size, lr in rates.items()])
    fig, (above, below) = new(rows=2, height=2.2, sharex=True)
    above.loglog(sizes, steps[0] / sizes, color=MUTED, ls=":", lw=1.2)
    above.loglog(sizes, steps, "o-", color=COLORS[0], ms=5)
    above.axhline(steps[-1], color=MUTED, ls=":", lw=1.2)
    above.text(5, 260, _("dotted: twice the batch, half the steps"), color=INK, fontsize=9)
    below.loglog(sizes, steps * sizes, "s-", color=COLORS[1], ms=5)
    above.set(ylabel=_("steps"), ylim=(15, 1500))
    below.set(ylabel=_("examples"), xlabel=_("batch size"), ylim=(300, 1e5))
    below.set_xticks(sizes, [str(size) for size in sizes])
    return fig


def rate_drop():
    rates = np.where(np.arange(60) < 30, 0.01, 0.001)
    inside = outside = 0.0
    lengths = []
    for lr in rates:
        outside, inside = 0.9 * outside + 1, 0.9 * inside + lr
        lengths.append((lr * outside, inside))
    fig, ax = new()
    t = np.arange(1, 61)
    for i, (label, curve) in enumerate(
        zip([_("rate outside"), _("rate inside")], np.transpose(lengths), strict=True)
    ):
        ax.plot(t, curve, color=COLORS[i], ls=STYLES[i])
        ax.text(*[(33, 0.0005), (37, 0.06)][i], label, color=COLORS[i], va="bottom")
    ax.axvline(30.5, color=MUTED, lw=0.8, ls=":")
    ax.text(29.5, 0.02, _("the rate falls"), ha="right")
    ax.set(xlabel=_("step"), ylabel=_("length of the step"), ylim=(0, 0.105), xlim=(0, 60))
    return fig


def momentum_radius():
    h = np.geomspace(1, 100, 21)
    rates = np.linspace(0.0005, 0.042, 167)
    fig, ax = new()
    ax.axhline(1, color=MUTED, lw=0.8)
    for i, (beta, label, place) in enumerate(
        [
            (0.0, "β = 0", (0.0135, 1.004)),
            ((9 / 11) ** 2, "β = 0.67", (0.0235, 0.85)),
            (0.9, "β = 0.9", (0.0305, 0.952)),
        ]
    ):
        radius = [lab.momentum_radius(h, lr, beta) for lr in rates]
        ax.plot(rates, radius, color=COLORS[i], ls=STYLES[i])
        ax.text(*place, label, color=COLORS[i], ha="right", va="bottom")
    ax.set(ylim=(0.8, 1.03), xlim=(0, 0.042), xlabel=_("learning rate"), ylabel=_("factor per step"))
    return fig


def sign_flip():
    fig, ax = new()
    ax.axhline(0, color=MUTED, lw=0.8)
    rules = {_("momentum"): ("momentum", 10.0), "Adam": ("adam", 1.0), "RMSprop": ("rmsprop", 1.0)}
    for i, (label, (name, steady)) in enumerate(rules.items()):
        path = lab.walk(lambda w, t: [1.0 if t < 50 else -1.0], [0.0], lab.optimizer(name), 1, 80)
        ax.plot(
            np.arange(40, 80),
            np.diff(path.ravel())[40:] / steady,
            color=COLORS[i],
            ls=STYLES[i],
            marker=".",
            ms=4,
            lw=1.2,
            label=label,
        )
    ax.axvline(49.5, color=MUTED, lw=0.8, ls=":")
    ax.set(xlabel=_("step"), ylabel=_("step / its steady size"), ylim=(-1.25, 1.25))
    ax.legend(loc="lower right")
    return fig
