"""The experiments of chapter 2, second part: guess and correct, the cost of a gradient, loss and output."""

from collections.abc import Callable, Sequence

import numpy as np

from textbook_code._arguments import expect_labels, expect_layers, require
from textbook_code._tree import leaves, tree_map
from textbook_code.tape import Variable
from textbook_code.with_numpy.mlp import Layer


def wrongness(apple: float, pear: float, receipts: Sequence[tuple]) -> float:
    """How far two guessed prices are from what was paid: the squared misses, added up.

    Parameters
    ----------
    apple, pear : float
        The guesses: the price of one apple, of one pear.
    receipts : sequence of (int, int, float)
        Number of apples, number of pears, and the sum that was paid.

    Returns
    -------
    wrongness : float
        0 only if every receipt comes out right.

    Examples
    --------
    >>> wrongness(1.0, 1.0, [(2, 1, 8.0), (1, 3, 14.0)])
    125.0
    """
    total = 0.0
    for apples, pears, paid in receipts:
        miss = apples * apple + pears * pear - paid
        total += miss * miss
    return total


def correct_once(
    apple: float, pear: float, receipts: Sequence[tuple], step: float
) -> tuple[float, float]:
    """Nudge each price on its own, see what that does to `wrongness`, then turn both the better way.

    Parameters
    ----------
    apple, pear : float
        The guesses.
    receipts : sequence of (int, int, float)
        Number of apples, number of pears, and the sum that was paid.
    step : float
        A dial is turned by `step` times the change of the wrongness per unit of the nudge.

    Returns
    -------
    apple, pear : float
        The corrected guesses.

    Examples
    --------
    >>> apple, pear = correct_once(1.0, 1.0, [(2, 1, 8.0), (1, 3, 14.0)], step=0.05)
    >>> round(apple, 2), round(pear, 2)
    (3.0, 4.5)
    """
    nudge = 0.001
    now = wrongness(apple, pear, receipts)
    more_apple = wrongness(apple + nudge, pear, receipts) - now
    more_pear = wrongness(apple, pear + nudge, receipts) - now
    return (
        apple - step * more_apple / nudge,
        pear - step * more_pear / nudge,
    )


def two_valleys(x: np.ndarray) -> np.ndarray:
    """Height of a landscape with two valleys, the left one deeper: (x² − 1)² + 0.3 x.

    Parameters
    ----------
    x : (...)
        Positions.

    Returns
    -------
    height : (...)
        Least near x = −1.04; there is a second minimum near 0.96.

    Examples
    --------
    >>> two_valleys(np.array([-1.0, 0.0, 1.0]))
    array([-0.3,  1. ,  0.3])
    """
    return (x * x - 1) ** 2 + 0.3 * x


def two_valleys_slope(x: np.ndarray) -> np.ndarray:
    """Slope of `two_valleys`: 4 x (x² − 1) + 0.3.

    Parameters
    ----------
    x : (...)
        Positions.

    Returns
    -------
    slope : (...)
        The derivative there.

    Examples
    --------
    >>> two_valleys_slope(np.array([-1.0, 0.0, 1.0]))
    array([0.3, 0.3, 0.3])
    """
    return 4 * x * (x * x - 1) + 0.3


def mlp_on_tape(
    layers: Sequence[Layer], x: np.ndarray, labels: np.ndarray
) -> tuple[Variable, tuple[Layer, ...]]:
    """Cross-entropy of an MLP with ReLU, computed on the tape.

    Parameters
    ----------
    layers : sequence of Layer
        As from ``mlp_init``.
    x : (N, D)
        A batch of N rows.
    labels : (N,)
        Integers from 0 to C - 1, C the width of the last layer.

    Returns
    -------
    loss, layers : Variable, tuple of Layer
        The loss, and the parameters as Variables, by which to derive it.

    Raises
    ------
    ValueError
        If there is no layer, shapes or dtypes do not fit, or a label is outside 0 to C - 1.

    Examples
    --------
    >>> loss, [(w, b)] = mlp_on_tape((Layer(np.zeros((3, 2)), np.zeros(2)),), np.ones((1, 3)), np.array([0]))
    >>> [name for name, *_ in loss.tape]
    ['matmul', 'add', 'exp', 'sum', 'log', 'subtract', 'multiply', 'sum', 'negative']
    """
    expect_layers(layers, x=x)
    right = np.eye(len(layers[-1].b), dtype=x.dtype)
    expect_labels("labels", labels, x.shape[:1], len(right))
    tape = []
    layers = tree_map(lambda p: Variable(p, tape), tuple(layers))
    h = x
    for w, b in layers[:-1]:
        h = (h @ w + b).relu()
    w, b = layers[-1]
    z = h @ w + b
    log_p = z - z.exp().sum(axis=1, keepdims=True).log()
    return -(log_p * (right[labels] / len(labels))).sum(), layers


def finite_differences(
    loss: Callable, params: tuple, step: float = 1e-5
) -> tuple:
    """Gradient of a loss without backpropagation: move one parameter at a time, and look.

    ``(loss(p + step) − loss(p − step)) / (2 step)`` for each parameter p: two evaluations each.

    Parameters
    ----------
    loss : callable
        Takes the parameters, returns a number.
    params : tree of arrays
        The parameters, in float64; they stay as they are.
    step : float
        How far to move, > 0.

    Returns
    -------
    grads : tree of arrays
        As the parameters.

    Raises
    ------
    ValueError
        If `step` is not positive.

    Examples
    --------
    >>> [g] = finite_differences(lambda params: np.sum(params[0] ** 2), (np.array([1.0, 3.0]),))
    >>> g.round(6)
    array([2., 6.])
    """
    require(step > 0, f"step: expected > 0, got {step}")
    params = tree_map(lambda p: np.array(p, dtype=float), params)
    grads = tree_map(np.zeros_like, params)
    for p, g in zip(leaves(params), leaves(grads), strict=True):
        for i in np.ndindex(p.shape):
            middle = p[i]
            p[i] = middle + step
            ahead = loss(params)
            p[i] = middle - step
            g[i] = (ahead - loss(params)) / (2 * step)
            p[i] = middle
    return grads


class _Counted(np.ndarray):
    """An array that counts, in the list `products`, the multiplications of the matrix products it enters."""

    products = None

    def __array_finalize__(self, origin):
        self.products = getattr(origin, "products", None)

    def __array_ufunc__(self, ufunc, method, *inputs, out=(), **options):
        plain = [np.asarray(x) for x in inputs]
        into = {"out": tuple(np.asarray(x) for x in out)} if out else {}
        y = getattr(ufunc, method)(*plain, **into, **options)
        if ufunc is np.matmul:
            self.products.append(y.size * plain[0].shape[-1])
        return _counted(y, self.products)


def _counted(x, products: list) -> _Counted:
    x = np.asarray(x).view(_Counted)
    x.products = products
    return x


def multiplications(f: Callable, params: tuple, *args) -> int:
    """Count the multiplications inside matrix products while f runs.

    The rest, biases, activations and the loss, is left out: it is smaller by a factor of about the width.

    Parameters
    ----------
    f : callable
        A function of the NumPy half, as ``mlp_loss_and_grads``.
    params : tree of arrays
        Its first argument.
    *args : object
        Its other arguments.

    Returns
    -------
    count : int
        For (N, D) @ (D, M) it is N · D · M.

    Examples
    --------
    >>> multiplications(lambda params: np.ones((5, 3)) @ params[0], (np.ones((3, 4)),))
    60
    """
    products = []
    f(tree_map(lambda p: _counted(p, products), params), *args)
    return sum(products)


def steps_until_right(slope: Callable, z: float, lr: float = 1.0) -> int:
    """Steps of gradient descent on a single logit z until it is positive.

    Parameters
    ----------
    slope : callable
        The derivative of the loss by z; the target is 1.
    z : float
        Where to start.
    lr : float
        Learning rate.

    Returns
    -------
    steps : int
        0 if z is positive from the start.

    Raises
    ------
    ValueError
        If 100,000 steps are not enough.

    Examples
    --------
    >>> steps_until_right(lambda z: -0.5, z=-1.25)
    3
    """
    for step in range(100_000):
        if z > 0:
            return step
        z = z - lr * float(slope(z))
    raise ValueError(f"slope: expected a positive z at last, got {z}")
