"""A small convolutional network: convolution, ReLU and pooling by turns, then one dense layer."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from textbook_code._arguments import expect_cnn_params
from textbook_code.with_jax.activations import relu
from textbook_code.with_jax.conv import conv2d
from textbook_code.with_jax.dense import dense
from textbook_code.with_jax.losses import cross_entropy
from textbook_code.with_jax.mlp import Layer
from textbook_code.with_jax.pool import max_pool2d
from textbook_code.with_numpy import cnn as by_numpy


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
        Floating dtype of the parameters; JAX makes float64 float32 unless x64 is enabled.

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
    convs, head = by_numpy.cnn_init(rng, in_shape, channels, classes, dtype)
    *convs, head = [
        Layer(jnp.asarray(w), jnp.asarray(b)) for w, b in (*convs, head)
    ]
    return CNN(tuple(convs), head)


def cnn(x: jax.Array, params: CNN) -> jax.Array:
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

    Examples
    --------
    >>> params = cnn_init(np.random.default_rng(0), (8, 8, 1), [4], 10)
    >>> cnn(jnp.ones((2, 8, 8, 1)), params).shape
    (2, 10)
    """
    expect_cnn_params(params, x)
    convs, head = params
    for w, b in convs:
        x = max_pool2d(relu(conv2d(x, w, pad="same") + b), 2)
    return dense(x.reshape(len(x), -1), *head)


def cnn_loss_and_grads(
    params: CNN, x: jax.Array, labels: jax.Array
) -> tuple[jax.Array, CNN]:
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
        0 to M - 1 (the last is not seen inside jit).

    Examples
    --------
    >>> params = cnn_init(np.random.default_rng(0), (8, 8, 1), [4], 10)
    >>> loss, dparams = cnn_loss_and_grads(params, jnp.zeros((2, 8, 8, 1)), jnp.array([3, 4]))
    >>> round(float(loss), 4), dparams.convs[0].w.shape  # ten equal scores: log 10
    (2.3026, (3, 3, 1, 4))
    """
    expect_cnn_params(params, x)
    return jax.value_and_grad(_loss)(params, x, labels)


def _loss(params, x, labels):
    return cross_entropy(cnn(x, params), labels)
