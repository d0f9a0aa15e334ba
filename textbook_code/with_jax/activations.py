"""Activation functions; their derivatives come from JAX, which differentiates the formula that it is given.

So the formula must be one whose derivative is right as well: at a kink, at 1e4, and in the branch not taken.
The NumPy half's formulas of ``sigmoid``, ``softplus`` and ``relu`` are not: abs, min and max have kinks at 0,
where JAX takes one side or the middle. The functions of JAX that stand here instead bring their own rule.
"""

import math

import jax
import jax.numpy as jnp

from textbook_code._arguments import expect, expect_real


def sigmoid(x: jax.Array) -> jax.Array:
    """Logistic sigmoid: σ(x) = 1 / (1 + exp(-x)).

    Parameters
    ----------
    x : (...)
        Any shape.

    Returns
    -------
    y : (...)
        In [0, 1].

    Raises
    ------
    ValueError
        If x is not a floating array.

    Examples
    --------
    >>> float(sigmoid(0.0)), float(jax.grad(sigmoid)(0.0))
    (0.5, 0.25)
    """
    expect("...", x=x)
    return jax.nn.sigmoid(x)


def tanh(x: jax.Array) -> jax.Array:
    """Hyperbolic tangent: tanh(x) = 2 σ(2x) - 1.

    Parameters
    ----------
    x : (...)
        Any shape.

    Returns
    -------
    y : (...)
        In [-1, 1].

    Raises
    ------
    ValueError
        If x is not a floating array.

    Examples
    --------
    >>> float(tanh(0.0)), float(jax.grad(tanh)(0.0))
    (0.0, 1.0)
    """
    expect("...", x=x)
    return jnp.tanh(x)


def relu(x: jax.Array) -> jax.Array:
    """Rectified linear unit: max(x, 0).

    Parameters
    ----------
    x : (...)
        Any shape.

    Returns
    -------
    y : (...)
        In [0, ∞).

    Raises
    ------
    ValueError
        If x is not a floating array.

    Examples
    --------
    >>> float(relu(3.0)), float(jax.grad(relu)(3.0)), float(jax.grad(relu)(0.0))
    (3.0, 1.0, 0.0)
    """
    expect("...", x=x)
    # The derivative of jnp.maximum(x, 0) would be 1/2 at 0.
    return jax.nn.relu(x)


def leaky_relu(x: jax.Array, alpha: float = 0.01) -> jax.Array:
    """ReLU with a slope below zero: x where x ≥ 0, else alpha x.

    Parameters
    ----------
    x : (...)
        Any shape.
    alpha : float
        Slope for x < 0.

    Returns
    -------
    y : (...)
        The activation.

    Raises
    ------
    ValueError
        If x is not a floating array.

    Examples
    --------
    >>> float(leaky_relu(-2.0, 0.5)), float(jax.grad(leaky_relu)(-2.0, 0.5))
    (-1.0, 0.5)
    """
    expect("...", x=x)
    expect_real(alpha=alpha)
    alpha = jnp.asarray(alpha, jnp.result_type(x))
    return jnp.where(x >= 0, x, alpha * x)


def elu(x: jax.Array, alpha: float = 1.0) -> jax.Array:
    """Exponential linear unit: x where x > 0, else alpha (exp(x) - 1).

    Parameters
    ----------
    x : (...)
        Any shape.
    alpha : float
        The activation tends to -alpha for x → -∞.

    Returns
    -------
    y : (...)
        The activation.

    Raises
    ------
    ValueError
        If x is not a floating array.

    Examples
    --------
    >>> float(elu(-1e4)), float(jax.grad(elu)(1e4))
    (-1.0, 1.0)
    """
    expect("...", x=x)
    expect_real(alpha=alpha)
    alpha = jnp.asarray(alpha, jnp.result_type(x))
    # The inner where keeps exp from overflowing in the branch that is not taken: JAX differentiates both.
    return jnp.where(x > 0, x, alpha * jnp.expm1(jnp.where(x > 0, 0, x)))


def silu(x: jax.Array) -> jax.Array:
    """Sigmoid linear unit, also called swish: x σ(x).

    Parameters
    ----------
    x : (...)
        Any shape.

    Returns
    -------
    y : (...)
        The activation; at least -0.2785.

    Raises
    ------
    ValueError
        If x is not a floating array.

    Examples
    --------
    >>> round(float(silu(1.0)), 4), round(float(jax.grad(silu)(1.0)), 4)
    (0.7311, 0.9277)
    """
    expect("...", x=x)
    return _gated(x, sigmoid(x))


def gelu(x: jax.Array) -> jax.Array:
    """Gaussian error linear unit, exact: x Φ(x), Φ the distribution function of the standard normal.

    Parameters
    ----------
    x : (...)
        Any shape.

    Returns
    -------
    y : (...)
        The activation; at least -0.17.

    Raises
    ------
    ValueError
        If x is not a floating array.

    Examples
    --------
    >>> round(float(gelu(1.0)), 4), round(float(jax.grad(gelu)(1.0)), 4)
    (0.8413, 1.0833)
    """
    expect("...", x=x)
    return _gated(x, jax.lax.erfc(-x / math.sqrt(2)) / 2)


def gelu_tanh(x: jax.Array) -> jax.Array:
    """GELU, tanh form: x (1 + tanh u) / 2 with u = √(2/π) (x + 0.044715 x³).

    Computed as x σ(2u), which is the same: (1 + tanh u) / 2 = σ(2u) does not cancel for x ≪ 0.

    Parameters
    ----------
    x : (...)
        Any shape.

    Returns
    -------
    y : (...)
        The activation; within 5e-4 of ``gelu``.

    Raises
    ------
    ValueError
        If x is not a floating array.

    Examples
    --------
    >>> round(float(gelu_tanh(1.0)), 4), round(float(jax.grad(gelu_tanh)(1.0)), 4)
    (0.8412, 1.083)
    """
    expect("...", x=x)
    z = jnp.clip(x, -30, 30)
    u = math.sqrt(2 / math.pi) * (z + 0.044715 * z * z * z)
    return _gated(x, sigmoid(2 * u))


def softplus(x: jax.Array) -> jax.Array:
    """Smooth ReLU: log(1 + exp(x)) = max(x, 0) + log(1 + exp(-abs(x))).

    Parameters
    ----------
    x : (...)
        Any shape.

    Returns
    -------
    y : (...)
        In [0, ∞).

    Raises
    ------
    ValueError
        If x is not a floating array.

    Examples
    --------
    >>> float(softplus(1e4)), float(jax.grad(softplus)(0.0))
    (10000.0, 0.5)
    """
    expect("...", x=x)
    return jnp.logaddexp(x, 0)


def softmax(x: jax.Array) -> jax.Array:
    """Softmax over the last axis: y_i = exp(x_i) / Σ_j exp(x_j).

    The maximum is subtracted first: that changes nothing but keeps exp from overflowing.

    Parameters
    ----------
    x : (..., C)
        Scores.

    Returns
    -------
    y : (..., C)
        Probabilities: each row sums to 1.

    Raises
    ------
    ValueError
        If x is not a floating array, has no axis, or is empty.

    Examples
    --------
    >>> softmax(jnp.array([[0.0, 0.0], [1e4, 0.0]])).tolist()
    [[0.5, 0.5], [1.0, 0.0]]
    """
    expect("... C", x=x)
    e = jnp.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def log_softmax(x: jax.Array) -> jax.Array:
    """Logarithm of ``softmax`` over the last axis: y_i = x_i - log Σ_j exp(x_j).

    It stays finite where log(softmax(x)) would be log(0).

    Parameters
    ----------
    x : (..., C)
        Scores.

    Returns
    -------
    y : (..., C)
        Log-probabilities.

    Raises
    ------
    ValueError
        If x is not a floating array, has no axis, or is empty.

    Examples
    --------
    >>> log_softmax(jnp.array([1e4, 0.0])).tolist()
    [0.0, -10000.0]
    """
    expect("... C", x=x)
    z = x - x.max(axis=-1, keepdims=True)
    return z - jnp.log(jnp.exp(z).sum(axis=-1, keepdims=True))


def _gated(x, gate):
    """x times its gate; at ±inf, where the gate is closed or open, without inf · 0 in the derivative."""
    return jnp.where(x >= 1e4, x, jnp.clip(x, -1e4, 1e4) * gate)
