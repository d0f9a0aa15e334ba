"""The experiments of chapter 1: how far a gradient reaches, what hinges can draw, how units die."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from textbook_code._arguments import expect_layers, require
from textbook_code.with_numpy.activations import relu
from textbook_code.with_numpy.dense import dense
from textbook_code.with_numpy.mlp import Layer, mlp, mlp_vjp


def gradient_by_depth(
    act: Callable,
    act_vjp: Callable,
    gain: float,
    depth: int = 30,
    width: int = 256,
    seed: int = 0,
) -> np.ndarray:
    """Size of the gradient as it travels back through a deep random network.

    The weights are normal with variance ``gain / width``; there is no bias. A normal gradient enters on top.

    Parameters
    ----------
    act, act_vjp : callable
        An activation of the NumPy half and its derivative.
    gain : float
        Variance of the weights times the width, > 0: 1 after LeCun, 2 after He.
    depth, width : int
        Number of layers; units a layer.
    seed : int
        Seed of the generator.

    Returns
    -------
    size : (depth + 1,)
        Root mean square of the gradient after 0, 1, …, depth layers on its way back, relative to the top.

    Raises
    ------
    ValueError
        If `gain`, `depth` or `width` is not positive.

    Examples
    --------
    >>> from textbook_code.with_numpy.activations import relu, relu_vjp
    >>> gradient_by_depth(relu, relu_vjp, gain=2.0, depth=3).round(1)
    array([1., 1., 1., 1.])
    """
    require(
        min(gain, depth, width) > 0,
        f"gain, depth, width: expected > 0, got {gain}, {depth}, {width}",
    )
    rng = np.random.default_rng(seed)
    h = rng.standard_normal((64, width))
    passed = []
    for _ in range(depth):
        w = rng.standard_normal((width, width)) * np.sqrt(gain / width)
        z = h @ w
        passed.append((z, w))
        h = act(z)
    dh = rng.standard_normal(h.shape)
    size = [np.sqrt(np.mean(dh**2))]
    for z, w in reversed(passed):
        dh = act_vjp(dh, z) @ w.T
        size.append(np.sqrt(np.mean(dh**2)))
    return np.array(size) / size[0]


def hinges(f: Callable, knots: np.ndarray) -> tuple[float, np.ndarray]:
    """The ReLU network through the points of a curve: one unit a knot.

    ``f(x) ≈ start + Σᵢ aᵢ relu(x − tᵢ)``, where aᵢ is the change of slope at the knot tᵢ.

    Parameters
    ----------
    f : callable
        The curve, applied to an array.
    knots : (K + 1,)
        Increasing positions at which the network meets the curve.

    Returns
    -------
    start, a : float, (K,)
        The value at the first knot, and the weight of the hinge at each knot but the last.

    Raises
    ------
    ValueError
        If the knots do not increase, or are fewer than two.

    Examples
    --------
    >>> hinges(np.abs, np.array([-1.0, 0.0, 1.0]))
    (1.0, array([-1.,  2.]))
    """
    ordered = len(knots) > 1 and np.all(np.diff(knots) > 0)
    require(
        ordered,
        f"knots: expected at least two, in increasing order, got {knots}",
    )
    y = f(knots)
    slopes = np.diff(y) / np.diff(knots)
    return float(y[0]), np.diff(slopes, prepend=0)


def hinge_sum(
    x: np.ndarray, knots: np.ndarray, start: float, a: np.ndarray
) -> np.ndarray:
    """Evaluate the network that `hinges` returns.

    Parameters
    ----------
    x : (N,)
        Where to evaluate.
    knots : (K + 1,)
        The knots, as given to `hinges`.
    start : float
        The value at the first knot.
    a : (K,)
        The weights of the hinges.

    Returns
    -------
    y : (N,)
        ``start + Σᵢ aᵢ relu(x − tᵢ)``.

    Raises
    ------
    ValueError
        If `a` does not have one weight for each knot but the last.

    Examples
    --------
    >>> knots = np.array([-1.0, 0.0, 1.0])
    >>> hinge_sum(np.array([-0.5, 0.25]), knots, *hinges(np.abs, knots))
    array([0.5 , 0.25])
    """
    wanted = (len(knots) - 1,)
    require(
        np.shape(a) == wanted,
        f"a: expected shape {wanted}, got {np.shape(a)}",
    )
    return start + relu(x[:, None] - knots[:-1]) @ a


def tooth(x: np.ndarray) -> np.ndarray:
    """One tooth on [0, 1], made of two ReLUs: up to 1 at x = 1/2, down to 0 at x = 1.

    Applied k times to itself it has 2ᵏ straight pieces.

    Parameters
    ----------
    x : (N,)
        Positions in [0, 1].

    Returns
    -------
    y : (N,)
        ``2 relu(x) − 4 relu(x − 1/2)``.

    References
    ----------
    Telgarsky (2016), Benefits of depth in neural networks, arXiv:1602.04485.

    Examples
    --------
    >>> tooth(np.array([0.0, 0.25, 0.5, 1.0]))
    array([0. , 0.5, 1. , 0. ])
    """
    return 2 * relu(x) - 4 * relu(x - 0.5)


def square_from_teeth(x: np.ndarray, depth: int) -> np.ndarray:
    """The curve x² on [0, 1] from `depth` teeth, each fed by the one before.

    Parameters
    ----------
    x : (N,)
        Positions in [0, 1].
    depth : int
        Number of teeth; each one divides the error by four.

    Returns
    -------
    y : (N,)
        ``x − Σₖ toothᵏ(x) / 4ᵏ``, at most ``4^−(depth + 1)`` above x².

    References
    ----------
    Yarotsky (2017), Error bounds for approximations with deep ReLU networks, arXiv:1610.01145, proposition 2.

    Examples
    --------
    >>> square_from_teeth(np.array([0.0, 0.25, 0.5]), depth=2)
    array([0.    , 0.0625, 0.25  ])
    """
    y, wave = x, x
    for k in range(1, depth + 1):
        wave = tooth(wave)
        y = y - wave / 4**k
    return y


class Run(NamedTuple):
    """What `train` returns: the layers at the end; the loss and the share of dead units before each step."""

    layers: tuple[Layer, ...]
    losses: np.ndarray
    dead: np.ndarray


def dead_share(x: np.ndarray, layers: tuple[Layer, ...]) -> float:
    """Share of the units in the first layer that no input switches on.

    Parameters
    ----------
    x : (N, D)
        All inputs of the training set.
    layers : tuple of layers
        The network.

    Returns
    -------
    share : float
        Between 0 and 1.

    Examples
    --------
    >>> x = np.array([[0.0], [1.0]])
    >>> dead_share(x, (Layer(w=np.array([[1.0, 1.0]]), b=np.array([0.0, -2.0])),))
    0.5
    """
    return float(np.mean(np.all(dense(x, *layers[0]) <= 0, axis=0)))


def train(
    layers: tuple[Layer, ...],
    x: np.ndarray,
    y: np.ndarray,
    act: tuple[Callable, Callable],
    loss: tuple[Callable, Callable],
    lr: float,
    steps: int,
) -> Run:
    """Plain gradient descent on the whole training set.

    Parameters
    ----------
    layers : tuple of layers
        The network to start from; it stays as it is.
    x : (N, D)
        Inputs.
    y : (N, M)
        Targets.
    act, loss : tuple of two callables
        A function of the NumPy half and its vjp: ``(relu, relu_vjp)``, ``(mse, mse_vjp)``.
    lr : float
        Learning rate.
    steps : int
        Number of steps.

    Returns
    -------
    run : Run
        Layers, losses and the share of dead units.

    Raises
    ------
    ValueError
        If `steps` is negative.

    Examples
    --------
    >>> from textbook_code.with_numpy import activations, losses
    >>> line = (Layer(w=np.zeros((1, 1)), b=np.zeros(1)),)
    >>> x = np.array([[-1.0], [0.0], [1.0]])
    >>> relu, mse = (activations.relu, activations.relu_vjp), (losses.mse, losses.mse_vjp)
    >>> train(line, x, 2 * x + 1, relu, mse, lr=0.3, steps=50).layers[0].w.round(3)
    array([[2.]])
    """
    require(steps >= 0, f"steps: expected ≥ 0, got {steps}")
    curve, dead = [], []
    for _ in range(steps):
        y_pred = mlp(x, layers, act[0])
        curve.append(loss[0](y_pred, y))
        dead.append(dead_share(x, layers))
        dy = loss[1](1.0, y_pred, y)
        _, grads = mlp_vjp(dy, x, layers, *act)
        layers = tuple(
            Layer(p.w - lr * g.w, p.b - lr * g.b)
            for p, g in zip(layers, grads, strict=True)
        )
    return Run(layers, np.array(curve), np.array(dead))


def revive(
    layers: tuple[Layer, Layer], x: np.ndarray, rng: np.random.Generator
) -> tuple[Layer, Layer]:
    """Give dead units new weights, in a network of one hidden layer that goes on computing the same.

    A dead unit gets random incoming weights, outgoing weights of 0, and a bias that puts its hinge halfway
    between two inputs, so that it is on for one of them.

    Parameters
    ----------
    layers : tuple of two layers
        Hidden layer (D, M) and output layer (M, K).
    x : (N, D)
        All inputs of the training set, no two rows equal.
    rng : np.random.Generator
        Where the new weights and the positions come from.

    Returns
    -------
    layers : tuple of two layers
        The network with no dead units; on `x` it computes the same.

    Raises
    ------
    ValueError
        If there are not exactly two layers, `x` has fewer than two rows, or shapes or dtypes do not fit.

    References
    ----------
    After Sokar et al. (2023), The Dormant Neuron Phenomenon in Deep Reinforcement Learning, arXiv:2302.12902,
    which re-initializes units whose activation is small.

    Examples
    --------
    >>> x = np.array([[0.0], [1.0]])
    >>> dying = Layer(w=np.array([[1.0]]), b=np.array([-2.0])), Layer(w=np.array([[1.0]]), b=np.array([0.5]))
    >>> dead_share(x, dying), dead_share(x, revive(dying, x, np.random.default_rng(0)))
    (1.0, 0.0)
    """
    expect_layers(layers, x=x)
    require(len(layers) == 2, f"layers: expected two, got {len(layers)}")
    require(len(x) > 1, f"x: expected at least two rows, got {len(x)}")
    hidden, out = layers
    dead = np.all(dense(x, *hidden) <= 0, axis=0)
    w = rng.standard_normal(hidden.w.shape) * np.sqrt(2 / len(hidden.w))
    i = rng.integers(1, len(x), size=len(dead))
    b = -np.sum(w.T * (x[i] + x[i - 1]) / 2, axis=1)
    hidden = Layer(np.where(dead, w, hidden.w), np.where(dead, b, hidden.b))
    return hidden, Layer(np.where(dead[:, None], 0, out.w), out.b)
