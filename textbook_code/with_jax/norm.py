"""Normalization: over the batch, feature by feature, or over the features, row by row.

The variance is the mean of the squared deviations, not mean(x²) - mean(x)²: where the mean is large, that
difference loses every digit.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from textbook_code._arguments import (
    expect,
    expect_batch_norm,
    expect_finite,
    expect_floating,
    expect_inference,
    expect_integers,
    expect_running,
)


class Running(NamedTuple):
    """Running statistics of a feature each: mean (C,) and variance var (C,)."""

    mean: jax.Array
    var: jax.Array


def batch_norm(
    x: jax.Array, gamma: jax.Array, beta: jax.Array, eps: float = 1e-5
) -> tuple[jax.Array, ...]:
    """Batch normalization: y = gamma (x - mean) / √(var + eps) + beta, the statistics taken over the batch.

    They are taken over all axes but the last, so that an image gives each feature H W entries. var is the
    biased variance, mean((x - mean)²). A single entry for each feature is refused: it is its own mean, and y
    would be beta whatever x is.

    Parameters
    ----------
    x : (..., C)
        A batch, two or more entries for each of C features.
    gamma : (C,)
        Scale.
    beta : (C,)
        Shift.
    eps : float
        Added to the variance, ≥ 0: keeps a constant feature from 0 / 0.

    Returns
    -------
    y, mean, var : (..., C), (C,), (C,)
        The output, and the statistics of the batch.

    Raises
    ------
    ValueError
        If shapes or dtypes do not fit, there are fewer than two entries for each feature, or eps is not a
        finite number ≥ 0.

    References
    ----------
    Ioffe and Szegedy, Batch Normalization, ICML 2015, arXiv:1502.03167, Algorithm 1.

    Examples
    --------
    >>> y, mean, var = batch_norm(jnp.array([[1.0], [3.0]]), jnp.array([2.0]), jnp.array([5.0]), eps=0.0)
    >>> y.tolist(), mean.tolist(), var.tolist()
    ([[3.0], [7.0]], [2.0], [1.0])
    """
    expect_batch_norm(x, gamma, beta, eps)
    axes = tuple(range(x.ndim - 1))
    mean = jnp.mean(x, axes)
    d = x - mean
    var = jnp.mean(d * d, axes)
    return d * _scale(gamma, var, eps) + beta, mean, var


def batch_norm_inference(
    x: jax.Array,
    gamma: jax.Array,
    beta: jax.Array,
    mean: jax.Array,
    var: jax.Array,
    eps: float = 1e-5,
) -> jax.Array:
    """Batch normalization by given statistics: y = gamma (x - mean) / √(var + eps) + beta.

    mean and var are constants now: no row depends on the others.

    Parameters
    ----------
    x : (..., C)
        One or more entries for each of C features.
    gamma : (C,)
        Scale.
    beta : (C,)
        Shift.
    mean : (C,)
        Mean of each feature, usually the running one.
    var : (C,)
        Variance of each feature, ≥ 0.
    eps : float
        Added to the variance, ≥ 0: keeps a constant feature from 0 / 0.

    Returns
    -------
    y : (..., C)
        The output.

    Raises
    ------
    ValueError
        If shapes or dtypes do not fit, the batch is empty, eps is not a finite number ≥ 0, or a variance is
        negative (the last is not seen inside jit).

    References
    ----------
    Ioffe and Szegedy, Batch Normalization, ICML 2015, arXiv:1502.03167, Algorithm 2.

    Examples
    --------
    >>> one = jnp.ones(1)
    >>> y = batch_norm_inference(jnp.array([[7.0]]), 2 * one, 5 * one, mean=3 * one, var=4 * one, eps=0.0)
    >>> y.tolist()
    [[9.0]]
    """
    expect_inference(x, gamma, beta, mean, var, eps)
    return (x - mean) * _scale(gamma, var, eps) + beta


def running_init(features: int, dtype: type = np.float64) -> Running:
    """Start running statistics: mean 0 and variance 1.

    Parameters
    ----------
    features : int
        Number of features C, ≥ 1.
    dtype : type
        Floating dtype of the statistics, that of x.

    Returns
    -------
    running : Running
        The mean (C,) and the variance (C,).

    Raises
    ------
    ValueError
        If features is not an integer ≥ 1, or dtype is not floating.

    Examples
    --------
    >>> running = running_init(2)
    >>> running.mean.tolist(), running.var.tolist()
    ([0.0, 0.0], [1.0, 1.0])
    """
    expect_integers(1, features=features)
    expect_floating(dtype)
    zero = jnp.asarray(np.zeros(features, dtype))
    return Running(zero, zero + 1)


def running_update(
    running: Running,
    mean: jax.Array,
    var: jax.Array,
    n: int,
    decay: float = 0.9,
) -> Running:
    """Exponential average of batch statistics: mean ← decay mean + (1 - decay) mean of the batch; var too.

    var of the batch enters as var n / (n - 1), the unbiased one, as in the paper and in PyTorch; Keras 3
    does not correct it. PyTorch's ``momentum`` is 1 - decay.

    Parameters
    ----------
    running : Running
        The statistics so far; a new one is returned.
    mean : (C,)
        Mean of the batch, as from ``batch_norm``.
    var : (C,)
        Biased variance of the batch, as from ``batch_norm``.
    n : int
        Entries for each feature in the batch, ≥ 2: N for (N, C), N H W for (N, H, W, C).
    decay : float
        Weight of the past, in [0, 1).

    Returns
    -------
    running : Running
        The new statistics.

    Raises
    ------
    ValueError
        If running is not a Running, shapes or dtypes do not fit, n is not an integer ≥ 2, decay is
        outside [0, 1), or a variance is negative (the last is not seen inside jit).

    References
    ----------
    Ioffe and Szegedy, Batch Normalization, ICML 2015, arXiv:1502.03167, Algorithm 2, step 10.

    Examples
    --------
    >>> running = running_update(running_init(1), jnp.array([10.0]), jnp.array([1.0]), n=2, decay=0.5)
    >>> running.mean.tolist(), running.var.tolist()
    ([5.0], [1.5])
    """
    expect_running(running, mean, var, n, decay)
    running = Running(*running)
    old = jnp.asarray(decay, jnp.result_type(mean))
    unbiased = var * (n / (n - 1))
    return Running(
        old * running.mean + (1 - old) * mean,
        old * running.var + (1 - old) * unbiased,
    )


def layer_norm(
    x: jax.Array, gamma: jax.Array, beta: jax.Array, eps: float = 1e-5
) -> jax.Array:
    """Layer normalization: y = gamma (x - mean) / √(var + eps) + beta, the statistics taken over each row.

    A row is the last axis. No row depends on the others: training and inference are the same.

    Parameters
    ----------
    x : (..., C)
        Rows of C features.
    gamma : (C,)
        Scale.
    beta : (C,)
        Shift.
    eps : float
        Added to the variance, ≥ 0: keeps a constant row from 0 / 0.

    Returns
    -------
    y : (..., C)
        The output.

    Raises
    ------
    ValueError
        If shapes or dtypes do not fit, the batch is empty, or eps is not a finite number ≥ 0.

    References
    ----------
    Ba, Kiros and Hinton, Layer Normalization, 2016, arXiv:1607.06450, eq. 3 and 4 (without eps).

    Examples
    --------
    >>> layer_norm(jnp.array([[1.0, 3.0], [10.0, 30.0]]), jnp.ones(2), jnp.zeros(2), eps=0.0).tolist()
    [[-1.0, 1.0], [-1.0, 1.0]]
    """
    expect("... C, C, C", x=x, gamma=gamma, beta=beta)
    expect_finite(eps=eps)
    d = x - jnp.mean(x, -1, keepdims=True)
    var = jnp.mean(d * d, -1, keepdims=True)
    return d * _scale(gamma, var, eps) + beta


def _scale(gamma: jax.Array, var: jax.Array, eps: float) -> jax.Array:
    """Give gamma / √(var + eps), in var's dtype whatever eps is."""
    return gamma / jnp.sqrt(var + jnp.asarray(eps, var.dtype))
