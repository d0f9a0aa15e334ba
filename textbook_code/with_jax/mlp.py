"""The multilayer perceptron: dense layers with an activation between them."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from textbook_code._arguments import expect_layers
from textbook_code.with_jax.activations import relu
from textbook_code.with_jax.dense import dense
from textbook_code.with_jax.losses import cross_entropy
from textbook_code.with_numpy import mlp as by_numpy


class Layer(NamedTuple):
    """Parameters of one layer: weights w and bias b; (D, M) and (M,) if it is dense."""

    w: jax.Array
    b: jax.Array


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
        Floating dtype of the parameters; JAX makes float64 float32 unless x64 is enabled.

    Returns
    -------
    layers : tuple of Layer
        One layer fewer than there are sizes.

    Raises
    ------
    ValueError
        If rng is no Generator, sizes are not two or more integers ≥ 1, gain is not a finite number ≥ 0, or
        dtype is not floating.

    Examples
    --------
    >>> layers = mlp_init(np.random.default_rng(0), [3, 4, 2])
    >>> [(layer.w.shape, layer.b.shape) for layer in layers]
    [((3, 4), (4,)), ((4, 2), (2,))]
    """
    layers = by_numpy.mlp_init(rng, sizes, gain, dtype)
    return tuple(Layer(jnp.asarray(w), jnp.asarray(b)) for w, b in layers)


def mlp(x: jax.Array, layers: Sequence[Layer], act: Callable) -> jax.Array:
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
    >>> from textbook_code.with_jax.activations import relu
    >>> layers = (Layer(jnp.array([[1.0, -1.0]]), jnp.zeros(2)), Layer(jnp.ones((2, 1)), jnp.zeros(1)))
    >>> mlp(jnp.array([[-3.0], [2.0]]), layers, relu).tolist()  # abs(x), from two hinges
    [[3.0], [2.0]]
    """
    expect_layers(layers, x=x)
    for layer in layers[:-1]:
        x = act(dense(x, *layer))
    return dense(x, *layers[-1])


def mlp_loss_and_grads(
    layers: Sequence[Layer], x: jax.Array, labels: jax.Array
) -> tuple[jax.Array, tuple[Layer, ...]]:
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
        0 to C - 1 (the last is not seen inside jit).

    Examples
    --------
    >>> layers = (Layer(jnp.zeros((3, 2)), jnp.zeros(2)),)
    >>> loss, [(dw, db)] = mlp_loss_and_grads(layers, jnp.ones((4, 3)), jnp.array([0, 0, 0, 1]))
    >>> round(float(loss), 4), db.tolist()
    (0.6931, [-0.25, 0.25])
    """
    expect_layers(layers, x=x)
    return jax.value_and_grad(_loss)(layers, x, labels)


def _loss(layers, x, labels):
    return cross_entropy(mlp(x, layers, relu), labels)
