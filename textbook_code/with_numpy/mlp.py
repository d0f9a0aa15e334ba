"""The multilayer perceptron: dense layers with an activation between them."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from textbook_code._arguments import expect, expect_init, expect_layers
from textbook_code.with_numpy.activations import relu, relu_vjp
from textbook_code.with_numpy.dense import dense
from textbook_code.with_numpy.losses import cross_entropy, cross_entropy_vjp


class Layer(NamedTuple):
    """Parameters of one layer: weights w and bias b; (D, M) and (M,) if it is dense."""

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
    y, inputs, zs = _forward(x, layers, act)
    expect("N M, N M", y=y, dy=dy)
    dz, dlayers = _backward(dy, layers, inputs, zs, act_vjp)
    return dz @ layers[0][0].T, dlayers


def mlp_loss_and_grads(
    layers: Sequence[Layer], x: np.ndarray, labels: np.ndarray
) -> tuple[np.ndarray, tuple[Layer, ...]]:
    """Cross-entropy of an MLP with ReLU, and its gradients: one pass forward, one back.

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
    loss, dlayers : (), tuple of Layer
        The mean over the batch, and its gradients with respect to each w and b.

    Raises
    ------
    ValueError
        If there is no layer, shapes or dtypes do not fit, the batch is empty, or a label is outside
        0 to C - 1.

    References
    ----------
    Rumelhart, Hinton and Williams, Learning Representations by Back-Propagating Errors, Nature 323, 1986.

    Examples
    --------
    >>> layers = (Layer(np.zeros((3, 2)), np.zeros(2)),)
    >>> loss, [(dw, db)] = mlp_loss_and_grads(layers, np.ones((4, 3)), np.array([0, 0, 0, 1]))
    >>> loss.round(4).item(), db
    (0.6931, array([-0.25,  0.25]))
    """
    expect_layers(layers, x=x)
    logits, inputs, zs = _forward(x, layers, relu)
    loss = cross_entropy(logits, labels)
    dlogits = cross_entropy_vjp(1.0, logits, labels)
    _, dlayers = _backward(dlogits, layers, inputs, zs, relu_vjp)
    return loss, dlayers


def _forward(x, layers, act):
    """Return the output, and what each layer was given and, before act, gave."""
    inputs, zs = [x], []
    for w, b in layers[:-1]:
        zs.append(inputs[-1] @ w + b)
        inputs.append(act(zs[-1]))
    w, b = layers[-1]
    return inputs[-1] @ w + b, inputs, zs


def _backward(dz, layers, inputs, zs, act_vjp):
    """From dz of the last layer to dz of the first, with each layer's gradients by the way."""
    dlayers = [Layer(inputs[-1].T @ dz, dz.sum(axis=0))]
    for (w, _), x, z in zip(
        layers[:0:-1], inputs[-2::-1], zs[::-1], strict=True
    ):
        dz = act_vjp(dz @ w.T, z)
        dlayers.append(Layer(x.T @ dz, dz.sum(axis=0)))
    return dz, tuple(dlayers[::-1])
