"""The experiments of chapter 2: steps on a parabola, random directions, slices through a loss, sharpness."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from textbook_code._arguments import require
from textbook_code._tree import leaves
from textbook_code.with_numpy.mlp import Layer, mlp, mlp_vjp
from textbook_code.with_numpy.optim import sgd_init, sgd_update


def descend(
    gradient: Callable,
    start: Sequence[float],
    lr: float,
    steps: int,
    optimizer: tuple[Callable, Callable] = (sgd_init, sgd_update),
) -> np.ndarray:
    """Gradient descent that keeps its path: w ← w − lr · gradient(w).

    Parameters
    ----------
    gradient : callable
        From a point to the gradient there, (P,) to (P,); called once a step.
    start : (P,)
        The first point; it stays as it is.
    lr : float
        Learning rate.
    steps : int
        Number of steps, ≥ 0.
    optimizer : tuple of two callables
        Another rule for the step, as ``(momentum_init, momentum_update)``.

    Returns
    -------
    path : (steps + 1, P)
        The start, and the point after each step.

    Raises
    ------
    ValueError
        If `steps` is negative, or the optimizer refuses what it is given.

    Examples
    --------
    >>> descend(lambda w: 2 * w, start=[1.0], lr=0.25, steps=3).ravel()
    array([1.   , 0.5  , 0.25 , 0.125])
    """
    require(steps >= 0, f"steps: expected ≥ 0, got {steps}")
    init, update = optimizer
    params = (np.array(start, dtype=float),)
    state, path = init(params), [params[0].copy()]
    for _ in range(steps):
        grads = (gradient(path[-1]),)
        params, state = update(grads, state, params, lr)
        path.append(params[0].copy())
    return np.array(path)


def rises(losses: Sequence[float]) -> int:
    """Count the steps at which a loss went up, by more than rounding could.

    Parameters
    ----------
    losses : sequence of float
        The loss before the first step and after each one, positive.

    Returns
    -------
    count : int
        From 0 to the number of steps.

    Examples
    --------
    >>> rises([4.0, 2.0, 3.0, 1.0, 1.5])
    2
    """
    losses = np.asarray(losses)
    return int(np.sum(losses[1:] > losses[:-1] * (1 + 1e-9)))


def as_vector(layers: Sequence[Layer]) -> np.ndarray:
    """Write all parameters of a network one after the other: the point where it is.

    Parameters
    ----------
    layers : sequence of Layer
        As from ``mlp_init``.

    Returns
    -------
    w : (P,)
        Weights and bias of the first layer, then those of the next.

    Examples
    --------
    >>> as_vector([Layer(w=np.array([[1.0, 2.0]]), b=np.array([3.0, 4.0]))])
    array([1., 2., 3., 4.])
    """
    return np.concatenate([leaf.ravel() for leaf in leaves(tuple(layers))])


def as_layers(w: np.ndarray, sizes: Sequence[int]) -> tuple[Layer, ...]:
    """Read a network from a point: `as_vector`, undone.

    Parameters
    ----------
    w : (P,)
        The parameters.
    sizes : sequence of int
        Width of the input, of each hidden layer, and of the output.

    Returns
    -------
    layers : tuple of Layer
        Views of `w`.

    Raises
    ------
    ValueError
        If `w` does not have as many entries as a network of these sizes.

    Examples
    --------
    >>> as_layers(np.array([1.0, 2.0, 3.0, 4.0]), sizes=[1, 2])
    (Layer(w=array([[1., 2.]]), b=array([3., 4.])),)
    """
    wanted = (sum((d + 1) * m for d, m in pairwise(sizes)),)
    require(
        w.shape == wanted,
        f"w: expected shape {wanted} for sizes {list(sizes)}, got {w.shape}",
    )
    layers = []
    for d, m in pairwise(sizes):
        weights, bias, w = np.split(w, [d * m, (d + 1) * m])
        layers.append(Layer(weights.reshape(d, m), bias))
    return tuple(layers)


class Objective(NamedTuple):
    """A loss as a function of one vector w (P,) and of data: ``value(w, x, y)``, ``gradient(w, x, y)``."""

    value: Callable
    gradient: Callable


def network(
    sizes: Sequence[int],
    act: tuple[Callable, Callable],
    loss: tuple[Callable, Callable],
) -> Objective:
    """The loss of a network as a function of all its parameters in one vector.

    Parameters
    ----------
    sizes : sequence of int
        Width of the input, of each hidden layer, and of the output. With two sizes the model is linear.
    act, loss : tuple of two callables
        A function of the NumPy half and its vjp: ``(relu, relu_vjp)``, ``(mse, mse_vjp)``.

    Returns
    -------
    objective : Objective
        ``value`` costs one pass forward; ``gradient`` two (``mlp_vjp`` goes forward again) and one back.

    Examples
    --------
    >>> from textbook_code.with_numpy import activations, losses
    >>> relu, mse = (activations.relu, activations.relu_vjp), (losses.mse, losses.mse_vjp)
    >>> line = network([1, 1], relu, mse)
    >>> x, y = np.array([[1.0], [2.0]]), np.array([[2.0], [4.0]])
    >>> line.value(np.zeros(2), x, y).item(), line.gradient(np.zeros(2), x, y)
    (10.0, array([-10.,  -6.]))
    """

    def value(w, x, y):
        return loss[0](mlp(x, as_layers(w, sizes), act[0]), y)

    def gradient(w, x, y):
        layers = as_layers(w, sizes)
        dy = loss[1](1.0, mlp(x, layers, act[0]), y)
        return as_vector(mlp_vjp(dy, x, layers, *act)[1])

    return Objective(value, gradient)


def random_directions(
    rng: np.random.Generator, draws: int, size: int
) -> np.ndarray:
    """Draw directions that favor no axis: normal vectors, scaled to length 1.

    Parameters
    ----------
    rng : np.random.Generator
        Where they come from.
    draws, size : int
        How many directions; in how many dimensions.

    Returns
    -------
    directions : (draws, size)
        Rows of length 1.

    Examples
    --------
    >>> u = random_directions(np.random.default_rng(0), 1000, 50)
    >>> np.allclose((u**2).sum(axis=1), 1), round(float(np.mean(u[:, 0] ** 2)), 2)
    (True, 0.02)
    """
    u = rng.standard_normal((draws, size))
    return u / np.linalg.norm(u, axis=1, keepdims=True)


def random_against_gradient(
    value: Callable,
    gradient: Callable,
    w: np.ndarray,
    draws: int,
    rng: np.random.Generator,
    length: float = 1e-3,
    repeats: int = 100,
) -> float:
    """How far the best of some random steps descends, relative to a step against the gradient.

    Parameters
    ----------
    value, gradient : callable
        The loss at a point (P,), and its gradient there.
    w : (P,)
        Where all steps start.
    draws : int
        Number of random directions, of which the best one counts.
    rng : np.random.Generator
        Where the directions come from.
    length : float
        Length of every step.
    repeats : int
        How often to draw, for the mean.

    Returns
    -------
    ratio : float
        Mean decrease of the best random step over the decrease of the gradient's.

    Examples
    --------
    >>> w, rng = np.ones(100), np.random.default_rng(0)
    >>> ratio = random_against_gradient(np.sum, np.ones_like, w, 3, rng)  # in theory 0.085
    >>> round(ratio, 2)
    0.09
    """
    g = gradient(w)
    before = value(w)

    def decrease(u):
        return before - value(w + length * u)

    best = [
        max(map(decrease, random_directions(rng, draws, w.size)))
        for _ in range(repeats)
    ]
    return float(np.mean(best) / decrease(-g / np.linalg.norm(g)))


def random_search(
    value: Callable,
    start: np.ndarray,
    length: float,
    draws: int,
    steps: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Descend without a gradient: try some random steps, take the best, stay if none goes down.

    Parameters
    ----------
    value : callable
        The loss at a point (P,).
    start : (P,)
        The first point.
    length : float
        Length of every step.
    draws, steps : int
        Number of tries for a step; number of steps.
    rng : np.random.Generator
        Where the directions come from.

    Returns
    -------
    losses : (steps + 1,)
        The loss at the start and after each step; it never rises.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> losses = random_search(lambda w: w @ w, np.ones(2), 0.1, 3, 20, rng)
    >>> losses[[0, -1]].round(1)
    array([2., 0.])
    """
    w, loss = start, value(start)
    losses = [loss]
    for _ in range(steps):
        tries = w + length * random_directions(rng, draws, w.size)
        found = [value(point) for point in tries]
        best = int(np.argmin(found))
        if found[best] < loss:
            w, loss = tries[best], found[best]
        losses.append(loss)
    return np.array(losses)


def along(
    value: Callable, w: np.ndarray, direction: np.ndarray, at: np.ndarray
) -> np.ndarray:
    """Cut a slice through a loss: its values on the line through a point.

    Parameters
    ----------
    value : callable
        The loss at a point (P,).
    w, direction : (P,)
        A point of the line, and the vector that leads from ``at = 0`` to ``at = 1``.
    at : (T,)
        Where on the line to evaluate.

    Returns
    -------
    losses : (T,)
        ``value(w + t · direction)`` for each t.

    Examples
    --------
    >>> along(lambda w: w @ w, np.zeros(2), np.array([3.0, 4.0]), np.array([-1.0, 0.0, 2.0]))
    array([ 25.,   0., 100.])
    """
    return np.array([value(w + t * direction) for t in at])


def filter_normalized(
    direction: Sequence[Layer], layers: Sequence[Layer]
) -> tuple[Layer, ...]:
    """Scale a direction to the network: for each unit, as long as the unit's own weights; biases do not move.

    Parameters
    ----------
    direction, layers : sequence of Layer
        A direction, and the network that it starts from.

    Returns
    -------
    direction : tuple of Layer
        Each column of each w as long as the network's, each b zero.

    References
    ----------
    Li, Xu, Taylor, Studer and Goldstein, Visualizing the Loss Landscape of Neural Nets, NeurIPS 2018,
    section 4.

    Examples
    --------
    >>> unit = Layer(w=np.array([[3.0], [4.0]]), b=np.ones(1))
    >>> filter_normalized([Layer(w=np.array([[0.0], [0.1]]), b=np.ones(1))], [unit])
    (Layer(w=array([[0.],
           [5.]]), b=array([0.])),)
    """
    return tuple(
        Layer(
            d.w * np.linalg.norm(w, axis=0) / np.linalg.norm(d.w, axis=0),
            np.zeros_like(d.b),
        )
        for d, (w, _) in zip(direction, layers, strict=True)
    )


def sharpness(
    gradient: Callable,
    w: np.ndarray,
    rng: np.random.Generator,
    steps: int = 30,
    h: float = 1e-4,
) -> tuple[float, np.ndarray]:
    """Eigenvalue of largest size of the Hessian, by power iteration; the Hessian is never formed.

    ``H v ≈ (g(w + h v) − g(w − h v)) / 2h``: two gradients for a product.

    Parameters
    ----------
    gradient : callable
        From a point to the gradient there, (P,) to (P,).
    w : (P,)
        The point.
    rng : np.random.Generator
        Where the first v comes from.
    steps : int
        Number of iterations, ≥ 1.
    h : float
        Step of the central difference.

    Returns
    -------
    curvature, v : float, (P,)
        The curvature ``v · H v`` along the direction v that power iteration ends with.

    Raises
    ------
    ValueError
        If `steps` is less than 1.

    Examples
    --------
    >>> bowl = np.array([5.0, 1.0])
    >>> curvature, v = sharpness(lambda w: bowl * w, np.zeros(2), np.random.default_rng(0))
    >>> round(curvature, 3), np.abs(v).round(3)
    (5.0, array([1., 0.]))
    """
    require(steps >= 1, f"steps: expected ≥ 1, got {steps}")

    def product(v):
        return (gradient(w + h * v) - gradient(w - h * v)) / (2 * h)

    [v] = random_directions(rng, 1, w.size)
    for _ in range(steps):
        hv = product(v)
        length = np.linalg.norm(hv)
        if length == 0:  # no curvature along v
            break
        v = hv / length
    return float(v @ product(v)), v
