"""The experiments of chapter 9: walks through a valley, the noise of a batch, and what batches cost."""

from collections.abc import Callable
from functools import partial
from itertools import count

import numpy as np

from textbook_code._arguments import require
from textbook_code.data import batches, digits
from textbook_code.experiments.gradient_descent import as_vector, descend
from textbook_code.with_numpy import optim, train
from textbook_code.with_numpy.activations import relu
from textbook_code.with_numpy.losses import cross_entropy
from textbook_code.with_numpy.mlp import mlp, mlp_init, mlp_loss_and_grads


def optimizer(name: str, **options: float) -> tuple[Callable, Callable]:
    """Take an optimizer of the NumPy half by its name, with options other than the rate.

    Parameters
    ----------
    name : str
        As in ``optim``: sgd, momentum, nesterov, adagrad, rmsprop, adam or adamw.
    **options : float
        Passed on to its update: ``beta=0.5``.

    Returns
    -------
    init, update : callable
        As ``fit`` and `walk` want them.

    Raises
    ------
    ValueError
        If there is no optimizer of that name.

    Examples
    --------
    >>> init, update = optimizer("momentum", beta=0.5)
    >>> init((np.zeros(2),))
    Momentum(velocity=(array([0., 0.]),))
    """
    init = getattr(optim, f"{name}_init", None)
    require(init is not None, f"name: expected an optimizer, got {name!r}")
    return init, partial(getattr(optim, f"{name}_update"), **options)


def walk(
    grad: Callable,
    start: np.ndarray,
    optimizer: tuple[Callable, Callable],
    lr: float,
    steps: int,
) -> np.ndarray:
    """Where an optimizer goes, step by step.

    Parameters
    ----------
    grad : callable
        Called with the point and the number of steps done; returns the gradient, shaped as the point.
    start : (...)
        The point to start from; it stays as it is.
    optimizer : tuple of two callables
        ``(adam_init, adam_update)``, or what `optimizer` returns.
    lr : float
        Learning rate.
    steps : int
        Number of steps, ≥ 0.

    Returns
    -------
    path : (steps + 1, ...)
        The point before the first step, and after each.

    Raises
    ------
    ValueError
        If `steps` is negative.

    Examples
    --------
    >>> sgd = optimizer("sgd")
    >>> walk(lambda w, t: 2 * w, np.array([8.0]), sgd, lr=0.25, steps=3).ravel()
    array([8., 4., 2., 1.])
    """
    t = count()

    def gradient(w):
        return np.asarray(grad(w, next(t)), dtype=float)

    return descend(gradient, start, lr, steps, optimizer)


def steps_until(path: np.ndarray, share: float = 0.01) -> float:
    """Steps after which a walk stays near zero.

    Parameters
    ----------
    path : (T, D)
        What `walk` returns.
    share : float
        Near is nearer than this share of the distance at the start, > 0.

    Returns
    -------
    steps : float
        A whole number, or inf if the walk is not near at its end.

    Raises
    ------
    ValueError
        If `share` is not positive.

    Examples
    --------
    >>> steps_until(np.array([[8.0], [-4.0], [2.0], [-1.0]]), share=0.3)
    2.0
    """
    require(share > 0, f"share: expected > 0, got {share}")
    distance = np.linalg.norm(path, axis=1)
    far = np.flatnonzero(~(distance < share * distance[0]))
    last = np.max(far, initial=-1)
    return np.inf if last == len(path) - 1 else float(last + 1)


def momentum_radius(curvature: np.ndarray, lr: float, beta: float) -> float:
    """Factor by which momentum shrinks its error a step, in the long run, on a quadratic.

    In a direction of curvature h the error obeys eₜ₊₁ = (1 + beta − lr h) eₜ − beta eₜ₋₁; the factor is the
    larger modulus of the roots of z² − (1 + beta − lr h) z + beta, in the worst direction.

    Parameters
    ----------
    curvature : (D,)
        Curvatures of the quadratic.
    lr : float
        Learning rate.
    beta : float
        What is kept of the velocity, in [0, 1). With 0 it is gradient descent.

    Returns
    -------
    radius : float
        Below 1 if momentum converges.

    Raises
    ------
    ValueError
        If `beta` is outside [0, 1).

    References
    ----------
    Polyak, Some Methods of Speeding Up the Convergence of Iteration Methods, USSR Computational Mathematics
    and Mathematical Physics 4(5), 1964.

    Examples
    --------
    >>> momentum_radius(np.array([1.0, 3.0]), lr=0.5, beta=0.0)
    0.5
    """
    require(0 <= beta < 1, f"beta: expected in [0, 1), got {beta}")
    trace = 1 + beta - lr * np.asarray(curvature, dtype=float)
    root = np.emath.sqrt(trace**2 - 4 * beta)
    return float(np.abs([trace + root, trace - root]).max() / 2)


def digit_network(seed: int = 0) -> tuple:
    """Give the network of this chapter before training, and the digit images, each as one row.

    Parameters
    ----------
    seed : int
        Seed of the weights.

    Returns
    -------
    layers, x, labels : tuple of Layer, (1797, 64), (1797,)
        64 inputs, 32 ReLUs, 10 logits; the images; what they show.

    Examples
    --------
    >>> layers, x, labels = digit_network()
    >>> [layer.w.shape for layer in layers], x.shape
    ([(64, 32), (32, 10)], (1797, 64))
    """
    x, labels = digits()
    layers = mlp_init(np.random.default_rng(seed), [64, 32, 10])
    return layers, x.reshape(-1, 64), labels


def digit_run(
    optimizer: tuple[Callable, Callable],
    lr: float,
    epochs: int = 4,
    size: int = 32,
    seed: int = 0,
) -> np.ndarray:
    """Train on the digit images at a constant rate.

    Parameters
    ----------
    optimizer : tuple of two callables
        What `optimizer` returns.
    lr : float
        Learning rate.
    epochs, size : int
        Number of epochs; examples in a batch.
    seed : int
        Seed of the initial weights and of the order of the examples.

    Returns
    -------
    losses : (epochs · (1797 // size),)
        Loss of each batch before its step.

    Examples
    --------
    >>> losses = digit_run(optimizer("sgd"), lr=0.3)
    >>> losses.shape, bool(losses[-56:].mean() < losses[:56].mean() / 3)
    ((224,), True)
    """
    layers, x, labels = digit_network(seed)
    schedule = partial(optim.constant_schedule, lr=lr)
    fit = partial(train.fit, layers, x, labels, mlp_loss_and_grads)
    rng = np.random.default_rng(seed)
    _, history = fit(optimizer, schedule, epochs, size, rng)
    return history.loss


def example_gradients(
    layers: tuple, x: np.ndarray, labels: np.ndarray
) -> np.ndarray:
    """Compute the gradient of each example alone, as one long row.

    Parameters
    ----------
    layers : tuple of Layer
        A network.
    x : (N, D)
        Inputs.
    labels : (N,)
        Their classes.

    Returns
    -------
    gradients : (N, P)
        One row an example, one column a parameter.

    Examples
    --------
    >>> layers, x, labels = digit_network()
    >>> each = example_gradients(layers, x[:5], labels[:5])
    >>> _, grads = mlp_loss_and_grads(layers, x[:5], labels[:5])
    >>> each.shape, np.allclose(each.mean(axis=0)[:2048], grads[0].w.ravel())
    ((5, 2410), True)
    """
    rows = []
    for i in range(len(x)):
        _, grads = mlp_loss_and_grads(layers, x[i : i + 1], labels[i : i + 1])
        rows.append(as_vector(grads))
    return np.array(rows)


def noise_scale(gradients: np.ndarray) -> float:
    """Batch size at which the noise of the gradient is as large as the gradient: ``tr(Σ) / |G|²``.

    Parameters
    ----------
    gradients : (N, P)
        Gradient of each example, N ≥ 2.

    Returns
    -------
    scale : float
        The simple noise scale, in examples. G is the mean row, Σ the covariance of the rows.

    Raises
    ------
    ValueError
        If there are fewer than two rows.

    References
    ----------
    McCandlish et al. (2018), An Empirical Model of Large-Batch Training, arXiv:1812.06162, eq. 2.9.

    Examples
    --------
    >>> noise_scale(np.array([[3.0, 1.0], [1.0, 1.0]]))
    0.2
    """
    n = len(gradients)
    require(n > 1, f"gradients: expected at least two rows, got {n}")
    mean = gradients.mean(axis=0)
    trace = np.square(gradients - mean).sum() / n
    return float(trace / np.square(mean).sum())


def steps_to_loss(
    size: int, lr: float, target: float = 0.3, limit: float = 4000
) -> float:
    """Steps of SGD until the loss over all digits is at the target.

    The loss is looked at every 5 % of the steps done, so that is how exact the answer is.

    Parameters
    ----------
    size : int
        Examples in a batch.
    lr : float
        Learning rate.
    target : float
        The loss to be reached.
    limit : float
        Number of steps, > 0, after which the search ends.

    Returns
    -------
    steps : float
        Steps done, or inf if the limit came first.

    Raises
    ------
    ValueError
        If `limit` is not positive, or `size` not from 1 to 1797.

    Examples
    --------
    >>> steps_to_loss(256, lr=0.5, target=2.0) < steps_to_loss(256, lr=0.5, target=1.0)
    True
    """
    require(limit > 0, f"limit: expected > 0, got {limit}")
    params, x, labels = digit_network()
    rng, steps, look = np.random.default_rng(0), 0, 0
    while True:
        for x_batch, y_batch in batches(x, labels, size, rng):
            if steps >= look:
                loss = cross_entropy(mlp(x, params, relu), labels)
                look = steps + 1 + steps // 20
                if loss <= target:
                    return float(steps)
            if steps >= limit or not np.isfinite(loss):
                return np.inf
            _, grads = mlp_loss_and_grads(params, x_batch, y_batch)
            params, _ = optim.sgd_update(grads, optim.SGD(), params, lr)
            steps += 1


def fewest_steps(
    size: int,
    rates: tuple[float, ...] = (1.0, 0.5, 0.25, 0.12, 0.06),
    limit: float = 1000,
) -> tuple[float, float]:
    """Tune the rate of SGD for a batch size: the fewest steps to the target of `steps_to_loss`.

    Parameters
    ----------
    size : int
        Examples in a batch.
    rates : tuple of float
        Rates to try, the largest first. The search ends with the first one that is no better than one before.
    limit : float
        Number of steps, > 0, after which a rate has failed.

    Returns
    -------
    steps, lr : float, float
        The fewest steps, and the rate that needs them.

    Examples
    --------
    >>> steps, lr = fewest_steps(256, rates=(1.0, 0.1))
    >>> lr
    1.0
    """
    best = np.inf, np.nan
    for lr in rates:
        steps = steps_to_loss(size, lr, limit=min(best[0], limit))
        if steps < best[0]:
            best = steps, lr
        elif best[0] < np.inf:
            break
    return best


def draw_rows(
    n: int, epochs: int, runs: int, rng: np.random.Generator, replace: bool
) -> np.ndarray:
    """Draw the order in which runs of SGD see their examples, one at a time.

    Parameters
    ----------
    n : int
        Number of examples.
    epochs : int
        Number of epochs, each of n steps.
    runs : int
        Number of independent runs.
    rng : np.random.Generator
        Where the rows come from.
    replace : bool
        Whether each step draws from all examples; otherwise each epoch is a permutation of them.

    Returns
    -------
    rows : (epochs · n, runs)
        The example of each step of each run.

    Examples
    --------
    >>> rows = draw_rows(4, 2, 1, np.random.default_rng(0), replace=False)
    >>> np.sort(rows.reshape(2, 4), axis=1)
    array([[0, 1, 2, 3],
           [0, 1, 2, 3]])
    """
    if replace:
        return rng.integers(n, size=(epochs * n, runs))
    order = np.tile(np.arange(n), (epochs, runs, 1))
    return np.swapaxes(rng.permuted(order, axis=2), 1, 2).reshape(-1, runs)


def least_squares_runs(
    x: np.ndarray, y: np.ndarray, rows: np.ndarray, lr: float
) -> np.ndarray:
    """Many runs of SGD on least squares side by side, one example a step, from w = 0.

    Parameters
    ----------
    x : (N, D)
        Inputs.
    y : (N, 1)
        Targets.
    rows : (T, R)
        What `draw_rows` returns.
    lr : float
        Learning rate, for the loss (x w − y)² of one example.

    Returns
    -------
    error : (T,)
        Squared distance from the least-squares solution after each step, averaged over the runs.

    Raises
    ------
    ValueError
        If `rows` names a row that `x` does not have.

    Examples
    --------
    >>> x, y, w = np.ones((2, 1)), np.ones((2, 1)), np.ones((1, 1))
    >>> least_squares_runs(x, y, np.array([[0], [1]]), lr=0.25)
    array([0.25  , 0.0625])
    """
    require(
        rows.max() < len(x),
        f"rows: expected below {len(x)}, got {rows.max()}",
    )
    require(rows.min() >= 0, f"rows: expected ≥ 0, got {rows.min()}")
    best = np.linalg.lstsq(x, y)[0].ravel()
    w, errors = np.zeros((rows.shape[1], x.shape[1])), []
    for i in rows:
        residual = np.einsum("rd,rd->r", x[i], w) - y[i, 0]
        w = w - lr * 2 * residual[:, None] * x[i]
        errors.append(np.square(w - best).sum(axis=1).mean())
    return np.array(errors)
