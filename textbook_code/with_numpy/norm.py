"""Normalization: over the batch, feature by feature, or over the features, row by row.

The variance is the mean of the squared deviations, not mean(x²) - mean(x)²: where the mean is large, that
difference loses every digit.
"""

from typing import NamedTuple

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

ROWS = 1024  # summed at a time


class Running(NamedTuple):
    """Running statistics of a feature each: mean (C,) and variance var (C,)."""

    mean: np.ndarray
    var: np.ndarray


def batch_norm(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, eps: float = 1e-5
) -> tuple[np.ndarray, ...]:
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
    >>> y, mean, var = batch_norm(np.array([[1.0], [3.0]]), np.array([2.0]), np.array([5.0]), eps=0.0)
    >>> y.tolist(), mean.tolist(), var.tolist()
    ([[3.0], [7.0]], [2.0], [1.0])
    """
    expect_batch_norm(x, gamma, beta, eps)
    d, mean, var = _deviations(x)
    d *= gamma / np.sqrt(var + float(eps))
    d += beta
    return d.reshape(x.shape), mean, var


def batch_norm_vjp(
    dy: np.ndarray,
    x: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    eps: float = 1e-5,
) -> tuple[np.ndarray, ...]:
    """Derivative of y in ``batch_norm``: dx = gamma / σ (dy - mean(dy) - x̂ mean(dy x̂)), σ = √(var + eps).

    x̂ = (x - mean) / σ is the normalized input; dgamma = Σ dy x̂, dbeta = Σ dy. Each x moves the mean and the
    variance too: these two effects are what is subtracted from dy.

    Parameters
    ----------
    dy : (..., C)
        Gradient of the loss with respect to the output.
    x : (..., C)
        The argument of the forward pass.
    gamma : (C,)
        Scale.
    beta : (C,)
        Shift.
    eps : float
        Added to the variance, ≥ 0: keeps a constant feature from 0 / 0.

    Returns
    -------
    dx, dgamma, dbeta : (..., C), (C,), (C,)
        Gradients of the loss with respect to x, gamma and beta; dx sums to 0 over the batch.

    Raises
    ------
    ValueError
        If shapes or dtypes do not fit, there are fewer than two entries for each feature, or eps is not a
        finite number ≥ 0.

    Examples
    --------
    >>> x, dy = np.array([[-1.0], [1.0]]), np.array([[1.0], [0.0]])
    >>> dx, dgamma, dbeta = batch_norm_vjp(dy, x, np.array([2.0]), np.zeros(1), eps=3.0)  # so that σ = 2
    >>> dx.tolist(), dgamma.tolist(), dbeta.tolist()
    ([[0.375], [-0.375]], [-0.5], [1.0])
    """
    expect_batch_norm(x, gamma, beta, eps, dy=dy)
    d, _, var = _deviations(x)
    scale = 1 / np.sqrt(var + float(eps))
    xhat, rows, n = d * scale, dy.reshape(d.shape), len(d)
    dgamma, dbeta = _sum(rows, xhat), _sum(rows)
    dx = gamma * scale * (rows - dbeta / n - xhat * (dgamma / n))
    return dx.reshape(x.shape), dgamma, dbeta


def batch_norm_inference(
    x: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    mean: np.ndarray,
    var: np.ndarray,
    eps: float = 1e-5,
) -> np.ndarray:
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
        If shapes or dtypes do not fit, the batch is empty, a variance is negative, or eps is not a finite
        number ≥ 0.

    References
    ----------
    Ioffe and Szegedy, Batch Normalization, ICML 2015, arXiv:1502.03167, Algorithm 2.

    Examples
    --------
    >>> one = np.ones(1)
    >>> batch_norm_inference(np.array([[7.0]]), 2 * one, 5 * one, mean=3 * one, var=4 * one, eps=0.0)
    array([[9.]])
    """
    expect_inference(x, gamma, beta, mean, var, eps)
    y = x - mean
    y *= gamma / np.sqrt(var + float(eps))
    y += beta
    return y


def batch_norm_inference_vjp(
    dy: np.ndarray,
    x: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    mean: np.ndarray,
    var: np.ndarray,
    eps: float = 1e-5,
) -> tuple[np.ndarray, ...]:
    """Derivative of ``batch_norm_inference``: dx = gamma dy / σ, dgamma = Σ dy (x - mean) / σ, dbeta = Σ dy.

    Parameters
    ----------
    dy : (..., C)
        Gradient of the loss with respect to the output.
    x : (..., C)
        The argument of the forward pass.
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
    dx, dgamma, dbeta : (..., C), (C,), (C,)
        Gradients of the loss with respect to x, gamma and beta.

    Raises
    ------
    ValueError
        If shapes or dtypes do not fit, the batch is empty, a variance is negative, or eps is not a finite
        number ≥ 0.

    Examples
    --------
    >>> one = np.ones(1)
    >>> dx, dgamma, dbeta = batch_norm_inference_vjp(
    ...     np.array([[1.0]]), np.array([[7.0]]), 6 * one, 5 * one, mean=3 * one, var=4 * one, eps=0.0
    ... )
    >>> dx.tolist(), dgamma.tolist(), dbeta.tolist()
    ([[3.0]], [2.0], [1.0])
    """
    expect_inference(x, gamma, beta, mean, var, eps, dy=dy)
    std = np.sqrt(var + float(eps))
    rows = dy.reshape(-1, dy.shape[-1])
    dgamma = _sum(rows, (x - mean).reshape(rows.shape)) / std
    return dy * (gamma / std), dgamma, _sum(rows)


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
    return Running(np.zeros(features, dtype), np.ones(features, dtype))


def running_update(
    running: Running,
    mean: np.ndarray,
    var: np.ndarray,
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
        If running is not a Running, shapes or dtypes do not fit, a variance is negative, n is not an integer
        ≥ 2, or decay is outside [0, 1).

    References
    ----------
    Ioffe and Szegedy, Batch Normalization, ICML 2015, arXiv:1502.03167, Algorithm 2, step 10.

    Examples
    --------
    >>> running = running_update(running_init(1), np.array([10.0]), np.array([1.0]), n=2, decay=0.5)
    >>> running.mean.tolist(), running.var.tolist()
    ([5.0], [1.5])
    """
    expect_running(running, mean, var, n, decay)
    old, new = float(decay), 1 - float(decay)
    unbiased = var * (n / (n - 1))
    return Running(
        old * running.mean + new * mean, old * running.var + new * unbiased
    )


def layer_norm(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, eps: float = 1e-5
) -> np.ndarray:
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
    >>> layer_norm(np.array([[1.0, 3.0], [10.0, 30.0]]), np.ones(2), np.zeros(2), eps=0.0)
    array([[-1.,  1.],
           [-1.,  1.]])
    """
    expect("... C, C, C", x=x, gamma=gamma, beta=beta)
    expect_finite(eps=eps)
    y, _ = _normalized_rows(x, eps)
    y *= gamma
    y += beta
    return y


def layer_norm_vjp(
    dy: np.ndarray,
    x: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    eps: float = 1e-5,
) -> tuple[np.ndarray, ...]:
    """Derivative of ``layer_norm``: dx = (g - mean(g) - x̂ mean(g x̂)) / σ over each row, g = gamma dy.

    σ = √(var + eps), and x̂ = (x - mean) / σ is the normalized input; dgamma = Σ dy x̂, dbeta = Σ dy over the
    rows.

    Parameters
    ----------
    dy : (..., C)
        Gradient of the loss with respect to the output.
    x : (..., C)
        The argument of the forward pass.
    gamma : (C,)
        Scale.
    beta : (C,)
        Shift.
    eps : float
        Added to the variance, ≥ 0: keeps a constant row from 0 / 0.

    Returns
    -------
    dx, dgamma, dbeta : (..., C), (C,), (C,)
        Gradients of the loss with respect to x, gamma and beta; each row of dx sums to 0.

    Raises
    ------
    ValueError
        If shapes or dtypes do not fit, the batch is empty, or eps is not a finite number ≥ 0.

    Examples
    --------
    >>> x, dy = np.array([[-1.0, 1.0]]), np.array([[1.0, 0.0]])
    >>> dx, dgamma, dbeta = layer_norm_vjp(dy, x, np.full(2, 2.0), np.zeros(2), eps=3.0)  # so that σ = 2
    >>> dx.tolist(), dgamma.tolist(), dbeta.tolist()
    ([[0.375, -0.375]], [-0.5, 0.0], [1.0, 0.0])
    """
    expect("... C, C, C, ... C", x=x, gamma=gamma, beta=beta, dy=dy)
    expect_finite(eps=eps)
    xhat, std = _normalized_rows(x, eps)
    rows = dy.reshape(-1, dy.shape[-1])
    dgamma, dbeta = _sum(rows, xhat.reshape(rows.shape)), _sum(rows)
    g = dy * gamma
    g_mean = g.mean(axis=-1, keepdims=True)
    dx = (g - g_mean - xhat * _row_mean(g, xhat)) / std
    return dx, dgamma, dbeta


def _deviations(x: np.ndarray) -> tuple[np.ndarray, ...]:
    """Give x - mean as rows (N, C), and the mean and biased variance of each column."""
    rows = x.reshape(-1, x.shape[-1])
    mean = _sum(rows) / len(rows)
    d = rows - mean
    return d, mean, _sum(d, d) / len(d)


def _normalized_rows(x: np.ndarray, eps: float) -> tuple[np.ndarray, ...]:
    """Give (x - mean) / σ over the last axis, and σ (..., 1)."""
    d = x - x.mean(axis=-1, keepdims=True)
    std = np.sqrt(_row_mean(d, d) + float(eps))
    d /= std
    return d, std


def _sum(*factors: np.ndarray) -> np.ndarray:
    """Sum the product of one or two arrays (N, C) over the rows."""
    # Some rows at a time, lest a large sum in float32 no longer see the small entries added to it.
    formula = ",".join(["nc"] * len(factors)) + "->c"
    starts = range(0, len(factors[0]), ROWS)
    parts = [[f[i : i + ROWS] for f in factors] for i in starts]
    return np.sum([np.einsum(formula, *part) for part in parts], axis=0)


def _row_mean(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.vecdot(a, b)[..., None] / a.shape[-1]
