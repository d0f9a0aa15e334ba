"""A small convolutional network: convolution, ReLU and pooling by turns, then one dense layer."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from textbook_code._arguments import (
    expect,
    expect_cnn_init,
    expect_cnn_params,
)
from textbook_code.with_numpy.activations import relu, relu_vjp
from textbook_code.with_numpy.conv import conv2d, conv2d_vjp
from textbook_code.with_numpy.dense import dense, dense_vjp
from textbook_code.with_numpy.init import he_normal
from textbook_code.with_numpy.losses import cross_entropy, cross_entropy_vjp
from textbook_code.with_numpy.mlp import Layer
from textbook_code.with_numpy.pool import max_pool2d, max_pool2d_vjp


class CNN(NamedTuple):
    """Parameters of a CNN: convs, one layer a convolution, w (3, 3, C, M), and head, the dense layer."""

    convs: tuple[Layer, ...]
    head: Layer


def cnn_init(
    rng: np.random.Generator,
    in_shape: tuple[int, int, int],
    channels: Sequence[int],
    classes: int,
    dtype: type = np.float64,
) -> CNN:
    """Draw the parameters of a CNN: w from a normal distribution of variance 2 / fan_in (He), b = 0.

    Parameters
    ----------
    rng : np.random.Generator
        Where the weights come from; both halves draw the same.
    in_shape : tuple of int
        The shape (H, W, C) of one image.
    channels : sequence of int
        Number of filters of each convolution; each of them is followed by a pooling that halves H and W.
    classes : int
        Number of classes.
    dtype : type
        Floating dtype of the parameters.

    Returns
    -------
    params : CNN
        The parameters.

    Raises
    ------
    ValueError
        If rng is no Generator, a size is not an integer ≥ 1, there is no convolution, the image is too small
        to be halved so often, or dtype is not floating.

    Examples
    --------
    >>> convs, head = cnn_init(np.random.default_rng(0), (8, 8, 1), [16, 32], 10)
    >>> [layer.w.shape for layer in (*convs, head)]
    [(3, 3, 1, 16), (3, 3, 16, 32), (128, 10)]
    """
    expect_cnn_init(rng, in_shape, channels, classes, dtype)
    h, w, c = in_shape
    shapes = [(3, 3, a, b) for a, b in pairwise([c, *channels])]
    halved = 2 ** len(channels)
    shapes.append(((h // halved) * (w // halved) * channels[-1], classes))
    weights = [he_normal(rng, shape, dtype) for shape in shapes]
    *convs, head = [Layer(w, np.zeros(w.shape[-1], dtype)) for w in weights]
    return CNN(tuple(convs), head)


def cnn(x: np.ndarray, params: CNN) -> np.ndarray:
    """Convolutional network: 3 × 3 convolution, ReLU and max pooling by turns, then a dense layer.

    Parameters
    ----------
    x : (N, H, W, C)
        A batch of N images.
    params : CNN
        As from ``cnn_init``.

    Returns
    -------
    logits : (N, M)
        Output of the dense layer, without activation: a score for each of the M classes.

    Raises
    ------
    ValueError
        If params is not (convs, head), shapes or dtypes do not fit, or the batch is empty.

    References
    ----------
    LeCun, Bottou, Bengio and Haffner, Gradient-Based Learning Applied to Document Recognition, Proceedings
    of the IEEE 86(11), 1998.

    Examples
    --------
    >>> params = cnn_init(np.random.default_rng(0), (8, 8, 1), [4], 10)
    >>> cnn(np.ones((2, 8, 8, 1)), params).shape
    (2, 10)
    """
    expect_cnn_params(params, x)
    logits, _, _ = _forward(x, params)
    return logits


def cnn_vjp(
    dy: np.ndarray, x: np.ndarray, params: CNN
) -> tuple[np.ndarray, CNN]:
    """Derivative of ``cnn``: forward again, keeping each stage, then back stage by stage.

    Parameters
    ----------
    dy : (N, M)
        Gradient of the loss with respect to the output.
    x : (N, H, W, C)
        A batch of N images.
    params : CNN
        As from ``cnn_init``.

    Returns
    -------
    dx, dparams : (N, H, W, C), CNN
        Gradients of the loss with respect to x and to each w and b.

    Raises
    ------
    ValueError
        If params is not (convs, head), shapes or dtypes do not fit, or the batch is empty.

    Examples
    --------
    >>> params = cnn_init(np.random.default_rng(0), (8, 8, 1), [4], 10)
    >>> dx, (dconvs, dhead) = cnn_vjp(np.ones((2, 10)), np.ones((2, 8, 8, 1)), params)
    >>> dx.shape, dhead.b
    ((2, 8, 8, 1), array([2., 2., 2., 2., 2., 2., 2., 2., 2., 2.]))
    """
    expect_cnn_params(params, x)
    logits, stages, features = _forward(x, params)
    expect("N M, N M", logits=logits, dy=dy)
    return _backward(dy, params, stages, features)


def cnn_loss_and_grads(
    params: CNN, x: np.ndarray, labels: np.ndarray
) -> tuple[np.ndarray, CNN]:
    """Cross-entropy of a CNN, and its gradients: one pass forward, one back.

    Parameters
    ----------
    params : CNN
        As from ``cnn_init``.
    x : (N, H, W, C)
        A batch of N images.
    labels : (N,)
        Integers from 0 to M - 1, M the number of classes.

    Returns
    -------
    loss, dparams : (), CNN
        The mean over the batch, and its gradients with respect to each w and b.

    Raises
    ------
    ValueError
        If params is not (convs, head), shapes or dtypes do not fit, the batch is empty, or a label is outside
        0 to M - 1.

    Examples
    --------
    >>> params = cnn_init(np.random.default_rng(0), (8, 8, 1), [4], 10)
    >>> loss, dparams = cnn_loss_and_grads(params, np.zeros((2, 8, 8, 1)), np.array([3, 4]))
    >>> round(float(loss), 4), dparams.convs[0].w.shape  # ten equal scores: log 10
    (2.3026, (3, 3, 1, 4))
    """
    expect_cnn_params(params, x)
    logits, stages, features = _forward(x, params)
    loss = cross_entropy(logits, labels)
    dlogits = cross_entropy_vjp(1.0, logits, labels)
    _, dparams = _backward(dlogits, params, stages, features)
    return loss, dparams


def _forward(x, params):
    """Return the logits, what each stage was given and made of it, and what the head was given."""
    convs, head = params
    stages = []
    for w, b in convs:
        stages.append((x, conv2d(x, w, pad="same") + b))
        x = max_pool2d(relu(stages[-1][1]), 2)
    return dense(x.reshape(len(x), -1), *head), stages, x


def _backward(dlogits, params, stages, features):
    convs, head = params
    flat = features.reshape(len(features), -1)
    dflat, *dhead = dense_vjp(dlogits, flat, *head)
    dx, dconvs = dflat.reshape(features.shape), []
    for (w, _), (x, z) in zip(convs[::-1], stages[::-1], strict=True):
        dz = relu_vjp(max_pool2d_vjp(dx, relu(z), 2), z)
        dx, dw = conv2d_vjp(dz, x, w, pad="same")
        dconvs.append(Layer(dw, dz.sum(axis=(0, 1, 2))))
    return dx, CNN(tuple(dconvs[::-1]), Layer(*dhead))
