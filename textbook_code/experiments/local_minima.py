"""The experiments of chapter 3: where training ends, what the Hessian says there, what leaves a minimum."""

from collections.abc import Callable

import numpy as np

from textbook_code import data
from textbook_code._arguments import require
from textbook_code.experiments.gradient_descent import as_vector, network
from textbook_code.with_numpy.activations import tanh, tanh_vjp
from textbook_code.with_numpy.losses import cross_entropy, cross_entropy_vjp
from textbook_code.with_numpy.mlp import mlp_init
from textbook_code.with_numpy.optim import adam_init, adam_update
from textbook_code.with_numpy.pool import avg_pool2d


def wave(n: int = 16) -> tuple[np.ndarray, np.ndarray]:
    """Two periods of a sine on [-1, 1], the task of this chapter's smallest networks.

    Parameters
    ----------
    n : int
        Number of points, ≥ 2.

    Returns
    -------
    x, y : (n, 1), (n,)
        Equally spaced points, and ``sin(2πx)``.

    Raises
    ------
    ValueError
        If `n` is less than 2.

    Examples
    --------
    >>> x, y = wave(5)
    >>> x.ravel(), y.round(3) + 0
    (array([-1. , -0.5,  0. ,  0.5,  1. ]), array([0., 0., 0., 0., 0.]))
    """
    require(n >= 2, f"n: expected ≥ 2, got {n}")
    x = np.linspace(-1, 1, n)
    return x[:, None], np.sin(2 * np.pi * x)


def start(
    rng: np.random.Generator, nets: int, inputs: int, width: int
) -> np.ndarray:
    """Random tanh networks with one hidden layer and one output, each flattened into one row.

    A row holds the first weights, the first biases, the outgoing weights and the last bias.

    Parameters
    ----------
    rng : np.random.Generator
        Where the parameters come from.
    nets : int
        Number of networks.
    inputs, width : int
        Number of inputs; of hidden units.

    Returns
    -------
    theta : (nets, P)
        ``P = width (inputs + 2) + 1`` parameters a network.

    Examples
    --------
    >>> start(np.random.default_rng(0), nets=20, inputs=1, width=3).shape
    (20, 10)
    """
    hidden = rng.standard_normal((nets, width * (inputs + 1)))
    hidden[:, : width * inputs] *= 1.5
    out = rng.standard_normal((nets, width)) / np.sqrt(width)
    return np.concatenate([hidden, out, np.zeros((nets, 1))], axis=1)


def loss_and_gradient(
    theta: np.ndarray, x: np.ndarray, y: np.ndarray, decay: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Mean squared error of many tanh networks at once, and its gradients: one for each row of `theta`.

    ``L(θ) = mean((f(x; θ) − y)²) + decay ‖θ‖² / 2``.

    Parameters
    ----------
    theta : (..., P)
        Parameters as from `start`.
    x : (N, D)
        Inputs.
    y : (N,)
        Targets.
    decay : float
        Weight of the penalty on large parameters.

    Returns
    -------
    loss, gradient : (...), (..., P)
        For each network.

    Raises
    ------
    ValueError
        If the number of parameters fits no width.

    Examples
    --------
    >>> loss, gradient = loss_and_gradient(np.zeros(10), *wave())
    >>> loss.round(3), gradient.shape
    (np.float64(0.469), (10,))
    """
    w1, b1, w2, b2 = _parts(theta, x.shape[1])
    h = np.tanh(x @ w1 + b1[..., None, :])
    error = (h @ w2[..., None])[..., 0] + b2 - y
    dy = 2 * error / len(x)
    dz = dy[..., None] * w2[..., None, :] * (1 - h * h)
    dw1 = (x.T @ dz).reshape(*theta.shape[:-1], -1)
    dw2 = (dy[..., None, :] @ h)[..., 0, :]
    db2 = dy.sum(axis=-1, keepdims=True)
    gradient = np.concatenate([dw1, dz.sum(axis=-2), dw2, db2], axis=-1)
    penalty = decay * np.sum(theta**2, axis=-1) / 2
    return np.mean(error**2, axis=-1) + penalty, gradient + decay * theta


def _parts(theta, inputs):
    size = theta.shape[-1]
    width, rest = divmod(size - 1, inputs + 2)
    require(
        width > 0 and rest == 0,
        f"theta: expected width · {inputs + 2} + 1 parameters, got {size}",
    )
    ends = np.cumsum([width * inputs, width, width])
    w1, b1, w2, b2 = np.split(theta, ends, axis=-1)
    return w1.reshape(*theta.shape[:-1], inputs, width), b1, w2, b2


def descend(
    gradient: Callable,
    theta: np.ndarray,
    lr: float,
    steps: int,
    stops: int = 1,
) -> np.ndarray:
    """Train with Adam on the whole training set; the rate falls to zero along half a cosine.

    Parameters
    ----------
    gradient : function
        From parameters (..., P) to gradients of the same shape.
    theta : (..., P)
        Where to start, one network a row; it stays as it is.
    lr : float
        Learning rate of the first step.
    steps : int
        Number of steps, a multiple of `stops`.
    stops : int
        How many points of the path are handed back after the start, equally far apart in steps.

    Returns
    -------
    path : (stops + 1, ..., P)
        The parameters at the start, at each stop, and, last, at the end.

    Raises
    ------
    ValueError
        If `steps` is not a multiple of `stops`.

    Examples
    --------
    >>> descend(lambda theta: 2 * theta, np.array([3.0]), lr=0.1, steps=400)[-1].round(2) + 0
    array([0.])
    """
    require(
        steps % stops == 0,
        f"steps: expected a multiple of {stops}, got {steps}",
    )
    params = (np.array(theta, dtype=float),)
    state, path = adam_init(params), [params[0].copy()]
    for t in range(steps):
        rate = lr * (1 + np.cos(np.pi * t / steps)) / 2
        grads = (gradient(params[0].copy()),)
        params, state = adam_update(grads, state, params, rate)
        if (t + 1) % (steps // stops) == 0:
            path.append(params[0].copy())
    return np.array(path)


def hessian(
    gradient: Callable, theta: np.ndarray, step: float = 1e-4
) -> np.ndarray:
    """Second derivatives, by central differences of the gradient: column j from a step along axis j.

    Parameters
    ----------
    gradient : function
        From parameters (..., P) to gradients of the same shape.
    theta : (..., P)
        Where.
    step : float
        Length of the step, > 0.

    Returns
    -------
    h : (..., P, P)
        Symmetric.

    Raises
    ------
    ValueError
        If `step` is not positive.

    Examples
    --------
    >>> hessian(lambda theta: theta**3, np.array([1.0, 2.0])).round(3)
    array([[ 3.,  0.],
           [ 0., 12.]])
    """
    require(step > 0, f"step: expected > 0, got {step}")
    shift = step * np.eye(theta.shape[-1])
    ahead = gradient(theta[..., None, :] + shift)
    behind = gradient(theta[..., None, :] - shift)
    h = (ahead - behind) / (2 * step)
    return (h + np.swapaxes(h, -1, -2)) / 2


def critical_points(
    gradient: Callable, theta: np.ndarray, steps: int = 50
) -> np.ndarray:
    """Look for points where the gradient is zero, of whatever kind: minimize its length, not the loss.

    Levenberg and Marquardt's method on ``‖∇L‖²``; a step that does not shorten the gradient is not taken.

    Parameters
    ----------
    gradient : function
        From parameters (..., P) to gradients of the same shape.
    theta : (M, P)
        Where to start.
    steps : int
        Number of steps.

    Returns
    -------
    found : (K, P)
        The K ≤ M ends at which the gradient is shorter than 1e-8.

    References
    ----------
    After the experiments of Dauphin et al. (2014), arXiv:1406.2572, who used Newton's method.

    Examples
    --------
    >>> start = np.array([[0.1], [0.8], [-2.0]])
    >>> critical_points(lambda w: 4 * w * (w * w - 1), start).round(3) + 0
    array([[ 0.],
           [ 1.],
           [-1.]])
    """
    g, damping = gradient(theta), np.full(len(theta), 1e-2)
    for _ in range(steps):
        h = hessian(gradient, theta)
        a = h @ h + damping[:, None, None] * np.eye(theta.shape[-1])
        new = theta - np.linalg.solve(a, h @ g[..., None])[..., 0]
        g_new = gradient(new)
        better = np.sum(g_new**2, axis=1) < np.sum(g**2, axis=1)
        theta = np.where(better[:, None], new, theta)
        g = np.where(better[:, None], g_new, g)
        damping = np.where(better, damping / 5, damping * 5).clip(1e-14, 1e6)
    return theta[np.linalg.norm(g, axis=1) < 1e-8]


def positive_share(n: int, samples: int, seed: int = 0) -> np.ndarray:
    """How often a random symmetric matrix has positive eigenvalues only, for sizes 1 to n.

    Entries are normal, with variance 1 off the diagonal and 2 on it (the Gaussian orthogonal ensemble). A
    matrix is positive definite if it was so without its last row and column, ``a``, and ``d − bᵀ a⁻¹ b > 0``,
    where the last column is b with d below it. So positive ones are grown row by row, and the shares that
    survive are multiplied.

    Parameters
    ----------
    n : int
        Largest size, ≥ 1.
    samples : int
        Matrices of each size, drawn anew from those that survived.
    seed : int
        Seed of the generator.

    Returns
    -------
    share : (n,)
        Estimated probabilities.

    Raises
    ------
    ValueError
        If `n` is less than 1, or no matrix of some size is positive definite.

    Examples
    --------
    >>> positive_share(2, samples=20_000).round(2)
    array([0.5 , 0.15])
    """
    require(n >= 1, f"n: expected ≥ 1, got {n}")
    rng = np.random.default_rng(seed)
    a, share = np.empty((samples, 0, 0)), []
    for k in range(n):
        b = rng.standard_normal((samples, k))
        d = np.sqrt(2) * rng.standard_normal(samples)
        solved = np.linalg.solve(a, b[..., None])[..., 0] if k else b
        alive = np.flatnonzero(d > np.sum(b * solved, axis=1))
        require(
            len(alive) > 0,
            f"samples: expected more than {samples}, too few for size {k + 1}",
        )
        share.append(len(alive) / samples)
        grown = np.empty((samples, k + 1, k + 1))
        grown[:, :k, :k], grown[:, k, k] = a, d
        grown[:, :k, k] = grown[:, k, :k] = b
        a = grown[rng.choice(alive, samples)]
    return np.cumprod(share)


def digits_task(
    images: int = 300, width: int = 8, seed: int = 0
) -> tuple[Callable, np.ndarray, Callable]:
    """Handwritten digits of 4×4 pixels for a small tanh network, whose Hessian can be computed whole.

    Parameters
    ----------
    images : int
        How many of the digits.
    width : int
        Hidden units.
    seed : int
        Seed of the initial parameters.

    Returns
    -------
    gradient, theta, loss : function, (P,), function
        Gradient of the cross-entropy for parameters (..., P), where to start, and the loss itself for (P,).

    Examples
    --------
    >>> gradient, theta, loss = digits_task()
    >>> theta.shape, gradient(theta).shape
    ((226,), (226,))
    """
    x, labels = data.digits()
    x = avg_pool2d(x[:images, ..., None], 2).reshape(images, 16) - 0.3
    labels = labels[:images]
    sizes = [16, width, 10]
    layers = mlp_init(np.random.default_rng(seed), sizes, gain=1.0)
    net = network(sizes, (tanh, tanh_vjp), (cross_entropy, cross_entropy_vjp))

    def gradient(theta):
        return net.gradient(theta, x, labels)

    def loss(theta):
        return net.value(theta, x, labels)

    rows = np.vectorize(gradient, signature="(p)->(p)")
    return rows, as_vector(layers), loss


def bent_path(
    a: np.ndarray, middle: np.ndarray, b: np.ndarray, points: int = 21
) -> np.ndarray:
    """Points on the curve ``(1 − t)² a + 2t(1 − t) middle + t² b``, from a at t = 0 to b at t = 1.

    Parameters
    ----------
    a, middle, b : (P,)
        The two ends, and what bends the path; with ``(a + b) / 2`` it is straight.
    points : int
        How many, equally spaced in t.

    Returns
    -------
    path : (points, P)
        The points.

    Examples
    --------
    >>> bent_path(np.zeros(1), np.ones(1), np.zeros(1), points=3).ravel()
    array([0. , 0.5, 0. ])
    """
    t = np.linspace(0, 1, points)[:, None]
    return (1 - t) ** 2 * a + 2 * t * (1 - t) * middle + t**2 * b


def bend(
    gradient: Callable, a: np.ndarray, b: np.ndarray, lr: float, steps: int
) -> np.ndarray:
    """Train the middle of a bent path, so that the mean loss along the path gets low.

    Parameters
    ----------
    gradient : function
        From parameters (..., P) to gradients of the same shape.
    a, b : (P,)
        The two ends, which stay.
    lr : float
        Learning rate of the first step.
    steps : int
        Number of steps.

    Returns
    -------
    middle : (P,)
        To be used with `bent_path`.

    References
    ----------
    Garipov et al. (2018), Loss Surfaces, Mode Connectivity, and Fast Ensembling of DNNs, arXiv:1802.10026.

    Examples
    --------
    >>> ring = lambda w: 4 * w * (np.sum(w**2, axis=-1, keepdims=True) - 1)
    >>> middle = bend(ring, np.array([-1.0, 0.1]), np.array([1.0, 0.1]), lr=0.1, steps=200)
    >>> bool(middle[1] > 1)
    True
    """
    t = np.linspace(0, 1, 21)[:, None]

    def middle_gradient(middle):
        return np.mean(
            2 * t * (1 - t) * gradient(bent_path(a, middle, b)), axis=0
        )

    return descend(middle_gradient, (a + b) / 2, lr, steps)[-1]


def rugged(w: np.ndarray) -> np.ndarray:
    """A valley of one parameter with ripples: ``w² / 5 + (1 − cos 4w) / 2``. Its lowest point is 0, at w = 0.

    Parameters
    ----------
    w : (...)
        The parameter.

    Returns
    -------
    loss : (...)
        Its loss.

    Examples
    --------
    >>> rugged(np.array([0.0, np.pi / 4])).round(3)
    array([0.   , 1.123])
    """
    return w**2 / 5 + (1 - np.cos(4 * w)) / 2


def rugged_slope(w: np.ndarray) -> np.ndarray:
    """The derivative of `rugged`: ``2w / 5 + 2 sin 4w``.

    Parameters
    ----------
    w : (...)
        The parameter.

    Returns
    -------
    slope : (...)
        The derivative.

    Examples
    --------
    >>> rugged_slope(np.array([0.0, 1.0])).round(3)
    array([ 0.   , -1.114])
    """
    return 2 * w / 5 + 2 * np.sin(4 * w)


def walk(
    slope: Callable,
    w: np.ndarray,
    lr: float,
    steps: int,
    beta: float = 0.0,
    noise: float = 0.0,
    seed: int = 0,
) -> np.ndarray:
    """Many runs of gradient descent on one parameter, with momentum or noise if wanted.

    The step is that of ``momentum_update``: v ← beta v + slope + noise ξ, w ← w − lr v; ξ is standard normal.

    Parameters
    ----------
    slope : function
        Derivative of the loss, element by element.
    w : (N,)
        Where the runs start.
    lr : float
        Learning rate.
    steps : int
        Number of steps.
    beta : float
        What is kept of the velocity, in [0, 1).
    noise : float
        Standard deviation of the noise on each slope.
    seed : int
        Seed of the noise.

    Returns
    -------
    w : (N,)
        Where they end.

    Raises
    ------
    ValueError
        If `beta` is not in [0, 1).

    Examples
    --------
    >>> walk(np.sign, np.array([1.0, -3.0]), lr=0.5, steps=2)
    array([ 0., -2.])
    """
    require(0 <= beta < 1, f"beta: expected in [0, 1), got {beta}")
    rng, v = np.random.default_rng(seed), np.zeros_like(w)
    for _ in range(steps):
        v = beta * v + slope(w)
        if noise:
            v = v + noise * rng.standard_normal(w.shape)
        w = w - lr * v
    return w


def double_well_slope(w: np.ndarray) -> np.ndarray:
    """The derivative of ``(w² − 1)²``: minima at −1 and 1, and between them a barrier of height 1.

    Parameters
    ----------
    w : (...)
        The parameter.

    Returns
    -------
    slope : (...)
        The derivative, ``4w (w² − 1)``.

    Examples
    --------
    >>> double_well_slope(np.array([-1.0, -0.5, 0.0])) + 0
    array([0. , 1.5, 0. ])
    """
    return 4 * w * (w * w - 1)


def passage_steps(
    noise: float, lr: float = 0.02, walkers: int = 300, seed: int = 0
) -> float:
    """Mean number of noisy steps until a run in the left well of `double_well_slope` reaches the right one.

    Parameters
    ----------
    noise : float
        Standard deviation of the noise on each slope, > 0.
    lr : float
        Learning rate.
    walkers : int
        Number of runs, all from w = −1.
    seed : int
        Seed of the noise.

    Returns
    -------
    steps : float
        Mean over the runs of the first step after which w ≥ 1.

    Raises
    ------
    ValueError
        If `noise` or `lr` is not positive: then no run ever arrives.

    Examples
    --------
    >>> passage_steps(noise=10.0) < passage_steps(noise=8.0)
    True
    """
    require(noise > 0, f"noise: expected > 0, got {noise}")
    require(lr > 0, f"lr: expected > 0, got {lr}")
    rng, w = np.random.default_rng(seed), np.full(walkers, -1.0)
    total = 0
    while len(w):
        total += len(w)
        push = noise * rng.standard_normal(len(w))
        w = w - lr * (double_well_slope(w) + push)
        w = w[w < 1]
    return total / walkers


def saddle_steps(offset: float, lr: float = 0.1) -> int:
    """Steps of gradient descent until it has left a saddle: from v = `offset` to v = ±1/2.

    The loss is ``u² / 2 − v² / 2 + v⁴ / 4``: a saddle at the origin, minima at v = ±1. Only v is computed.

    Parameters
    ----------
    offset : float
        Where v starts, not 0: on the line v = 0, which leads into the saddle, it would stay.
    lr : float
        Learning rate.

    Returns
    -------
    steps : int
        Number of steps.

    Raises
    ------
    ValueError
        If `offset` is 0 or `lr` is not positive: then no step ever leaves.

    Examples
    --------
    >>> saddle_steps(1e-3) < saddle_steps(1e-6)
    True
    """
    require(offset != 0, "offset: expected not 0, got 0")
    require(lr > 0, f"lr: expected > 0, got {lr}")
    v, steps = offset, 0
    while abs(v) < 0.5:
        v += lr * (v - v**3)
        steps += 1
    return steps


def unit_loss(w: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Mean squared error of a single tanh unit with a single weight: ``mean((tanh(wx) − y)²)``.

    Parameters
    ----------
    w : (K,)
        Values of the weight.
    x, y : (N,)
        Inputs and targets.

    Returns
    -------
    loss : (K,)
        The loss at each.

    Examples
    --------
    >>> unit_loss(np.array([0.0]), np.array([1.0]), np.array([0.5]))
    array([0.25])
    """
    return np.mean((np.tanh(np.outer(w, x)) - y) ** 2, axis=1)


def unit_slope(w: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The derivative of `unit_loss` by w.

    Parameters
    ----------
    w : (K,)
        Values of the weight.
    x, y : (N,)
        Inputs and targets.

    Returns
    -------
    slope : (K,)
        The derivative at each.

    Examples
    --------
    >>> unit_slope(np.array([0.0]), np.array([1.0]), np.array([0.5]))
    array([-1.])
    """
    h = np.tanh(np.outer(w, x))
    return np.mean(2 * (h - y) * (1 - h * h) * x, axis=1)


def lasso_bounds(
    x: np.ndarray, y: np.ndarray, penalty: float, steps: int
) -> tuple[np.ndarray, np.ndarray]:
    """Proximal gradient descent on the lasso, with a lower bound on the global minimum at every step.

    The loss is ``P(w) = ‖xw − y‖² / 2n + penalty ‖w‖₁``. Every vector a with ``‖xᵀa‖∞ ≤ n penalty`` bounds it
    from below, by ``D(a) = −aᵀy / n − ‖a‖² / 2n``; here a is the error xw − y, shrunk until it fits.

    Parameters
    ----------
    x : (N, D)
        Inputs.
    y : (N,)
        Targets.
    penalty : float
        Weight of the penalty, > 0.
    steps : int
        Number of steps.

    Returns
    -------
    loss, bound : (steps,), (steps,)
        P and D before each step.

    Raises
    ------
    ValueError
        If `penalty` is not positive.

    Examples
    --------
    >>> loss, bound = lasso_bounds(np.eye(2), np.array([3.0, 0.5]), penalty=0.5, steps=200)
    >>> loss[-1].round(3), bound[-1].round(3)
    (np.float64(1.312), np.float64(1.312))
    """
    require(penalty > 0, f"penalty: expected > 0, got {penalty}")
    n, w, rows = len(x), np.zeros(x.shape[1]), []
    lr = n / np.linalg.norm(x, ord=2) ** 2
    for _ in range(steps):
        a = x @ w - y
        gradient = x.T @ a / n
        loss = a @ a / (2 * n) + penalty * np.abs(w).sum()
        a = a * min(1, penalty / np.abs(gradient).max())
        rows.append((loss, -a @ y / n - a @ a / (2 * n)))
        w = w - lr * gradient
        w = np.sign(w) * np.maximum(np.abs(w) - lr * penalty, 0)
    loss, bound = np.array(rows).T
    return loss, bound
