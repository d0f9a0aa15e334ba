"""The multilayer perceptron: dense layers with an activation between them."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from textbook_code._arguments import expect_init, expect_layers
from textbook_code.with_jax.dense import dense


class Layer(NamedTuple):
    """Parameters of one dense layer: weights w (D, M) and bias b (M,)."""

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
    expect_init(rng, sizes, gain, dtype)
    weights = [
        (rng.standard_normal((d, m)) * np.sqrt(gain / d)).astype(dtype)
        for d, m in pairwise(sizes)
    ]
    return tuple(Layer(jnp.asarray(w), jnp.zeros_like(w[0])) for w in weights)


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
