"""The multilayer perceptron: dense layers with an activation between them."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from textbook_code._arguments import expect_init, expect_layers
from textbook_code.with_numpy.dense import dense, dense_vjp


class Layer(NamedTuple):
    """Parameters of one dense layer: weights w (D, M) and bias b (M,)."""

    w: np.ndarray
    b: np.ndarray


def mlp_init(
    rng: np.random.Generator,
    sizes: Sequence[int],
    gain: float = 2.0,
    dtype: type = np.float64,
) -> tuple[Layer, ...]:
    """Draw the layers of an MLP: w from a normal distribution of variance gain / D, D rows; b = 0.

    Parameters
    ----------
    rng : np.random.Generator
        Where the weights come from; both halves draw the same.
    sizes : sequence of int
        Width of the input, of each hidden layer, and of the output.
    gain : float
        2 keeps the variance through ReLU, 1 through linear layers.
    dtype : type
        Floating dtype of the parameters.

    Returns
    -------
    layers : tuple of Layer
        One layer fewer than there are sizes.

    Raises
    ------
    ValueError
        If rng is no Generator, sizes are not two or more integers ≥ 1, gain is not a finite number ≥ 0, or
        dtype is not floating.

    References
    ----------
    He, Zhang, Ren and Sun, Delving Deep into Rectifiers, ICCV 2015, arXiv:1502.01852, eq. 10.

    Examples
    --------
    >>> layers = mlp_init(np.random.default_rng(0), [3, 4, 2])
    >>> [(layer.w.shape, layer.b.shape) for layer in layers]
    [((3, 4), (4,)), ((4, 2), (2,))]
    """
    expect_init(rng, sizes, gain, dtype)
    weights = [
        (rng.standard_normal((d, m)) * np.sqrt(gain / d)).astype(dtype)
        for d, m in pairwise(sizes)
    ]
    return tuple(Layer(w, np.zeros_like(w[0])) for w in weights)


def mlp(x: np.ndarray, layers: Sequence[Layer], act: Callable) -> np.ndarray:
    """Multilayer perceptron: dense layers, act after each but the last.

    Parameters
    ----------
    x : (N, D)
        A batch of N rows.
    layers : sequence of Layer
        As from ``mlp_init``.
    act : function
        The activation, as ``relu``.

    Returns
    -------
    y : (N, M)
        Output of the last layer, without activation.

    Raises
    ------
    ValueError
        If there is no layer, shapes or dtypes do not fit, or the batch is empty.

    Examples
    --------
    >>> from textbook_code.with_numpy.activations import relu
    >>> layers = (Layer(np.array([[1.0, -1.0]]), np.zeros(2)), Layer(np.ones((2, 1)), np.zeros(1)))
    >>> mlp(np.array([[-3.0], [2.0]]), layers, relu).tolist()  # abs(x), from two hinges
    [[3.0], [2.0]]
    """
    expect_layers(layers, x=x)
    for layer in layers[:-1]:
        x = act(dense(x, *layer))
    return dense(x, *layers[-1])


def mlp_vjp(
    dy: np.ndarray,
    x: np.ndarray,
    layers: Sequence[Layer],
    act: Callable,
    act_vjp: Callable,
) -> tuple[np.ndarray, tuple[Layer, ...]]:
    """Derivative of ``mlp``: backpropagation. Forward again, keeping each z, then back layer by layer.

    Parameters
    ----------
    dy : (N, M)
        Gradient of the loss with respect to the output.
    x : (N, D)
        The argument of the forward pass.
    layers : sequence of Layer
        As from ``mlp_init``.
    act : function
        The activation, as ``relu``.
    act_vjp : function
        Its derivative, as ``relu_vjp``.

    Returns
    -------
    dx, dlayers : (N, D), tuple of Layer
        Gradients of the loss with respect to x and to each w and b.

    Raises
    ------
    ValueError
        If there is no layer, shapes or dtypes do not fit, or the batch is empty.

    Examples
    --------
    >>> from textbook_code.with_numpy.activations import relu, relu_vjp
    >>> layers = (Layer(np.array([[1.0, -1.0]]), np.zeros(2)), Layer(np.ones((2, 1)), np.zeros(1)))
    >>> dx, dlayers = mlp_vjp(np.ones((2, 1)), np.array([[-3.0], [2.0]]), layers, relu, relu_vjp)
    >>> dx.tolist()
    [[-1.0], [1.0]]
    """
    expect_layers(layers, x=x)
    inputs, zs = [x], []
    for layer in layers[:-1]:
        zs.append(dense(inputs[-1], *layer))
        inputs.append(act(zs[-1]))
    dx, dw, db = dense_vjp(dy, inputs[-1], *layers[-1])
    dlayers = [Layer(dw, db)]
    for layer, h, z in zip(
        layers[-2::-1], inputs[-2::-1], zs[::-1], strict=True
    ):
        dx, dw, db = dense_vjp(act_vjp(dx, z), h, *layer)
        dlayers.append(Layer(dw, db))
    return dx, tuple(dlayers[::-1])
