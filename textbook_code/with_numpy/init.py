"""Initial weights: random, of a size that keeps the signal's variance from layer to layer.

fan_in is how many numbers an output is summed from, fan_out how many outputs an input enters. The ``_normal``
functions draw from the whole normal distribution; Keras and Flax cut its tails off at two standard
deviations.
"""

import math
from collections.abc import Sequence

import numpy as np

from textbook_code._arguments import (
    expect_floating,
    expect_generator,
    expect_sizes,
)


def fans(shape: Sequence[int]) -> tuple[int, int]:
    """Count the inputs of an output and the outputs of an input: fan_in = K C, fan_out = K M.

    C and M are the last two sizes, K is the product of those before: the places of a convolution's window,
    and 1 for a dense layer.

    Parameters
    ----------
    shape : sequence of int
        (D, M) for dense, (KH, KW, C, M) or (K, C, M) for convolution.

    Returns
    -------
    fan_in, fan_out : int, int
        Both ≥ 1.

    Raises
    ------
    ValueError
        If shape is not two or more integers ≥ 1.

    Examples
    --------
    >>> fans((784, 256)), fans((3, 3, 16, 32))
    ((784, 256), (144, 288))
    """
    expect_sizes("shape", shape)
    *window, c, m = (int(n) for n in shape)
    return math.prod(window) * c, math.prod(window) * m


def glorot_uniform(
    rng: np.random.Generator, shape: Sequence[int], dtype: type = np.float64
) -> np.ndarray:
    """Glorot's weights, uniform in [-a, a], a = √(6 / (fan_in + fan_out)): variance 2 / (fan_in + fan_out).

    Parameters
    ----------
    rng : np.random.Generator
        Where the weights come from; both halves draw the same.
    shape : sequence of int
        (D, M) for dense, (KH, KW, C, M) or (K, C, M) for convolution.
    dtype : type
        Floating dtype of the weights.

    Returns
    -------
    w : (...)
        Weights of the given shape.

    Raises
    ------
    ValueError
        If rng is no Generator, shape is not two or more integers ≥ 1, or dtype is not floating.

    References
    ----------
    Glorot and Bengio, Understanding the Difficulty of Training Deep Feedforward Neural Networks, AISTATS
    2010, eq. 16.

    Examples
    --------
    >>> w = glorot_uniform(np.random.default_rng(0), (3, 3))
    >>> w.shape, bool(np.abs(w).max() <= 1)
    ((3, 3), True)
    """
    _expect_draw(rng, shape, dtype)
    limit = math.sqrt(6 / sum(fans(shape)))
    return rng.uniform(-limit, limit, shape).astype(dtype, copy=False)


def glorot_normal(
    rng: np.random.Generator, shape: Sequence[int], dtype: type = np.float64
) -> np.ndarray:
    """Glorot's weights, normal with variance 2 / (fan_in + fan_out).

    Forward, 1 / fan_in would keep the variance, and 1 / fan_out backward: this is the compromise.

    Parameters
    ----------
    rng : np.random.Generator
        Where the weights come from; both halves draw the same.
    shape : sequence of int
        (D, M) for dense, (KH, KW, C, M) or (K, C, M) for convolution.
    dtype : type
        Floating dtype of the weights.

    Returns
    -------
    w : (...)
        Weights of the given shape.

    Raises
    ------
    ValueError
        If rng is no Generator, shape is not two or more integers ≥ 1, or dtype is not floating.

    References
    ----------
    Glorot and Bengio, Understanding the Difficulty of Training Deep Feedforward Neural Networks, AISTATS
    2010, eq. 12.

    Examples
    --------
    >>> w = glorot_normal(np.random.default_rng(0), (300, 200))
    >>> w.shape, round(float(w.var()), 4)  # 2 / 500
    ((300, 200), 0.004)
    """
    _expect_draw(rng, shape, dtype)
    return _normal(rng, shape, dtype, 2 / sum(fans(shape)))


def he_normal(
    rng: np.random.Generator, shape: Sequence[int], dtype: type = np.float64
) -> np.ndarray:
    """He's weights, normal with variance 2 / fan_in: twice LeCun's, as ReLU lets half of the signal through.

    Parameters
    ----------
    rng : np.random.Generator
        Where the weights come from; both halves draw the same.
    shape : sequence of int
        (D, M) for dense, (KH, KW, C, M) or (K, C, M) for convolution.
    dtype : type
        Floating dtype of the weights.

    Returns
    -------
    w : (...)
        Weights of the given shape.

    Raises
    ------
    ValueError
        If rng is no Generator, shape is not two or more integers ≥ 1, or dtype is not floating.

    References
    ----------
    He, Zhang, Ren and Sun, Delving Deep into Rectifiers, ICCV 2015, arXiv:1502.01852, eq. 10.

    Examples
    --------
    >>> w = he_normal(np.random.default_rng(0), (3, 3, 16, 512))
    >>> w.shape, round(float(w.var()), 3)  # 2 / 144
    ((3, 3, 16, 512), 0.014)
    """
    _expect_draw(rng, shape, dtype)
    return _normal(rng, shape, dtype, 2 / fans(shape)[0])


def lecun_normal(
    rng: np.random.Generator, shape: Sequence[int], dtype: type = np.float64
) -> np.ndarray:
    """LeCun's weights, normal with variance 1 / fan_in: a linear layer keeps the variance of its input.

    Parameters
    ----------
    rng : np.random.Generator
        Where the weights come from; both halves draw the same.
    shape : sequence of int
        (D, M) for dense, (KH, KW, C, M) or (K, C, M) for convolution.
    dtype : type
        Floating dtype of the weights.

    Returns
    -------
    w : (...)
        Weights of the given shape.

    Raises
    ------
    ValueError
        If rng is no Generator, shape is not two or more integers ≥ 1, or dtype is not floating.

    References
    ----------
    LeCun, Bottou, Orr and Müller, Efficient BackProp, in Neural Networks: Tricks of the Trade, 1998,
    section 4.6.

    Examples
    --------
    >>> w = lecun_normal(np.random.default_rng(0), (500, 200))
    >>> w.shape, round(float(w.var()), 4)  # 1 / 500
    ((500, 200), 0.002)
    """
    _expect_draw(rng, shape, dtype)
    return _normal(rng, shape, dtype, 1 / fans(shape)[0])


def orthogonal(
    rng: np.random.Generator, shape: Sequence[int], dtype: type = np.float64
) -> np.ndarray:
    """Orthogonal weights, uniform among those: as a matrix (fan_in, M), w has orthonormal columns.

    If fan_in < M, the rows are orthonormal. A matrix of normal numbers is factored as Q R, and the signs of
    Q's columns are chosen so that R's diagonal is positive: else they would depend on the algorithm.

    Parameters
    ----------
    rng : np.random.Generator
        Where the weights come from; both halves draw the same.
    shape : sequence of int
        (D, M) for dense, (KH, KW, C, M) or (K, C, M) for convolution.
    dtype : type
        Floating dtype of the weights.

    Returns
    -------
    w : (...)
        Weights of the given shape.

    Raises
    ------
    ValueError
        If rng is no Generator, shape is not two or more integers ≥ 1, or dtype is not floating.

    References
    ----------
    Saxe, McClelland and Ganguli, Exact Solutions to the Nonlinear Dynamics of Learning in Deep Linear Neural
    Networks, ICLR 2014, arXiv:1312.6120. Mezzadri, How to Generate Random Matrices from the Classical Compact
    Groups, Notices of the AMS 54, 2007, for the signs.

    Examples
    --------
    >>> w = orthogonal(np.random.default_rng(0), (3, 2))
    >>> bool(np.allclose(w.T @ w, np.eye(2)))
    True
    """
    _expect_draw(rng, shape, dtype)
    rows, columns = fans(shape)[0], shape[-1]
    tall = (max(rows, columns), min(rows, columns))
    q, r = np.linalg.qr(rng.standard_normal(tall))
    q *= np.copysign(1, np.diag(r))
    w = q if rows >= columns else q.T
    return w.reshape(shape).astype(dtype, copy=False)


def _normal(rng, shape, dtype, variance: float) -> np.ndarray:
    w = rng.standard_normal(shape) * math.sqrt(variance)
    return w.astype(dtype, copy=False)


def _expect_draw(rng, shape, dtype) -> None:
    expect_generator(rng)
    expect_sizes("shape", shape)
    expect_floating(dtype)
