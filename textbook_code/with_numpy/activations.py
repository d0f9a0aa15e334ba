"""Activation functions, each with its derivative by hand.

All take floating arrays and give the same dtype back. None of them overflows for arguments up to 1e4: large
ones meet ``exp`` only with a negative sign. The gated ones (SiLU, GELU) do not let x below -1e4, where every
gate has long closed to 0, because -inf · 0 would be nan.
"""

import math

import numpy as np
from numpy.polynomial import chebyshev

from textbook_code._arguments import expect, expect_real
from textbook_code._blocks import in_blocks, in_row_blocks


@in_blocks
def sigmoid(x: np.ndarray) -> np.ndarray:
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
    >>> sigmoid(np.array([-1e4, 0.0, 1e4]))
    array([0. , 0.5, 1. ])
    """
    expect("...", x=x)
    return np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))


@in_blocks
def sigmoid_vjp(dy: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Derivative of ``sigmoid``: dx = dy σ(x) (1 - σ(x)), with 1 - σ(x) = σ(-x), which does not cancel.

    Parameters
    ----------
    dy : (...)
        Gradient of the loss with respect to the output.
    x : (...)
        The argument of the forward pass.

    Returns
    -------
    dx : (...)
        Gradient of the loss with respect to x.

    Raises
    ------
    ValueError
        If an argument is not a floating array, or their shapes or dtypes differ.

    Examples
    --------
    >>> sigmoid_vjp(np.ones(3), np.array([-1e4, 0.0, 1e4]))
    array([0.  , 0.25, 0.  ])
    """
    expect("..., ...", x=x, dy=dy)
    return dy * sigmoid(x) * sigmoid(-x)


@in_blocks
def tanh(x: np.ndarray) -> np.ndarray:
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
    >>> tanh(np.array([-1e4, 0.0, 1e4]))
    array([-1.,  0.,  1.])
    """
    expect("...", x=x)
    return np.tanh(x)


@in_blocks
def tanh_vjp(dy: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Derivative of ``tanh``: dx = dy (1 - tanh²(x)) = 4 dy σ(2x) σ(-2x); the second form does not cancel.

    Parameters
    ----------
    dy : (...)
        Gradient of the loss with respect to the output.
    x : (...)
        The argument of the forward pass.

    Returns
    -------
    dx : (...)
        Gradient of the loss with respect to x.

    Raises
    ------
    ValueError
        If an argument is not a floating array, or their shapes or dtypes differ.

    Examples
    --------
    >>> tanh_vjp(np.ones(3), np.array([-1e4, 0.0, 1e4]))
    array([0., 1., 0.])
    """
    expect("..., ...", x=x, dy=dy)
    return 4 * dy * sigmoid(2 * x) * sigmoid(-2 * x)


@in_blocks
def relu(x: np.ndarray) -> np.ndarray:
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

    References
    ----------
    Nair and Hinton, Rectified Linear Units Improve Restricted Boltzmann Machines, ICML 2010.
    Glorot, Bordes and Bengio, Deep Sparse Rectifier Neural Networks, AISTATS 2011.

    Examples
    --------
    >>> relu(np.array([-2.0, 0.0, 3.0]))
    array([0., 0., 3.])
    """
    expect("...", x=x)
    return np.maximum(x, 0)


@in_blocks
def relu_vjp(dy: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Derivative of ``relu``: dx = dy where x > 0, else 0.

    At the kink x = 0 any number from 0 to 1 would do; like JAX and PyTorch we take 0.

    Parameters
    ----------
    dy : (...)
        Gradient of the loss with respect to the output.
    x : (...)
        The argument of the forward pass.

    Returns
    -------
    dx : (...)
        Gradient of the loss with respect to x.

    Raises
    ------
    ValueError
        If an argument is not a floating array, or their shapes or dtypes differ.

    Examples
    --------
    >>> relu_vjp(np.ones(3), np.array([-2.0, 0.0, 3.0]))
    array([0., 0., 1.])
    """
    expect("..., ...", x=x, dy=dy)
    return dy * (x > 0)


@in_blocks
def leaky_relu(x: np.ndarray, alpha: float = 0.01) -> np.ndarray:
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

    References
    ----------
    Maas, Hannun and Ng, Rectifier Nonlinearities Improve Neural Network Acoustic Models, ICML 2013 workshop.

    Examples
    --------
    >>> leaky_relu(np.array([-2.0, 0.0, 3.0]), alpha=0.1)
    array([-0.2,  0. ,  3. ])
    """
    expect("...", x=x)
    expect_real(alpha=alpha)
    return np.maximum(x, 0) + float(alpha) * np.minimum(x, 0)


@in_blocks
def leaky_relu_vjp(
    dy: np.ndarray, x: np.ndarray, alpha: float = 0.01
) -> np.ndarray:
    """Derivative of ``leaky_relu``: dx = dy where x ≥ 0, else alpha dy.

    Parameters
    ----------
    dy : (...)
        Gradient of the loss with respect to the output.
    x : (...)
        The argument of the forward pass.
    alpha : float
        Slope for x < 0.

    Returns
    -------
    dx : (...)
        Gradient of the loss with respect to x.

    Raises
    ------
    ValueError
        If an argument is not a floating array, or their shapes or dtypes differ.

    Examples
    --------
    >>> leaky_relu_vjp(np.ones(3), np.array([-2.0, 0.0, 3.0]), alpha=0.1)
    array([0.1, 1. , 1. ])
    """
    expect("..., ...", x=x, dy=dy)
    expect_real(alpha=alpha)
    return np.where(x >= 0, dy, float(alpha) * dy)


@in_blocks
def elu(x: np.ndarray, alpha: float = 1.0) -> np.ndarray:
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

    References
    ----------
    Clevert, Unterthiner and Hochreiter, Fast and Accurate Deep Network Learning by Exponential Linear Units
    (ELUs), ICLR 2016, arXiv:1511.07289.

    Examples
    --------
    >>> elu(np.array([-1e4, 0.0, 3.0]))
    array([-1.,  0.,  3.])
    """
    expect("...", x=x)
    expect_real(alpha=alpha)
    return np.maximum(x, 0) + float(alpha) * np.expm1(np.minimum(x, 0))


@in_blocks
def elu_vjp(dy: np.ndarray, x: np.ndarray, alpha: float = 1.0) -> np.ndarray:
    """Derivative of ``elu``: dx = dy where x > 0, else alpha dy exp(x).

    Parameters
    ----------
    dy : (...)
        Gradient of the loss with respect to the output.
    x : (...)
        The argument of the forward pass.
    alpha : float
        The activation tends to -alpha for x → -∞.

    Returns
    -------
    dx : (...)
        Gradient of the loss with respect to x.

    Raises
    ------
    ValueError
        If an argument is not a floating array, or their shapes or dtypes differ.

    Examples
    --------
    >>> elu_vjp(np.ones(3), np.array([-1e4, 0.0, 3.0]), alpha=0.5)
    array([0. , 0.5, 1. ])
    """
    expect("..., ...", x=x, dy=dy)
    expect_real(alpha=alpha)
    return np.where(x > 0, dy, float(alpha) * dy * np.exp(np.minimum(x, 0)))


@in_blocks
def silu(x: np.ndarray) -> np.ndarray:
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

    References
    ----------
    Hendrycks and Gimpel, Gaussian Error Linear Units (GELUs), 2016, arXiv:1606.08415 (names it).
    Elfwing, Uchibe and Doya, Sigmoid-Weighted Linear Units for Neural Network Function Approximation
    in Reinforcement Learning, Neural Networks 107, 2018, arXiv:1702.03118.
    Ramachandran, Zoph and Le, Searching for Activation Functions, 2017, arXiv:1710.05941 (as swish).

    Examples
    --------
    >>> silu(np.array([-1.0, 0.0, 1.0])).round(4)
    array([-0.2689,  0.    ,  0.7311])
    """
    expect("...", x=x)
    return np.maximum(x, -1e4) * sigmoid(x)


@in_blocks
def silu_vjp(dy: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Derivative of ``silu``: dx = dy σ(x) (1 + x σ(-x)).

    Parameters
    ----------
    dy : (...)
        Gradient of the loss with respect to the output.
    x : (...)
        The argument of the forward pass.

    Returns
    -------
    dx : (...)
        Gradient of the loss with respect to x.

    Raises
    ------
    ValueError
        If an argument is not a floating array, or their shapes or dtypes differ.

    Examples
    --------
    >>> silu_vjp(np.ones(3), np.array([-1.0, 0.0, 1.0])).round(4)
    array([0.0723, 0.5   , 0.9277])
    """
    expect("..., ...", x=x, dy=dy)
    x = np.clip(x, -1e4, 1e4)
    return dy * sigmoid(x) * (1 + x * sigmoid(-x))


@in_blocks
def gelu(x: np.ndarray) -> np.ndarray:
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

    References
    ----------
    Hendrycks and Gimpel, Gaussian Error Linear Units (GELUs), 2016, arXiv:1606.08415, section 2.

    Examples
    --------
    >>> gelu(np.array([-1.0, 0.0, 1.0])).round(4)
    array([-0.1587,  0.    ,  0.8413])
    """
    expect("...", x=x)
    return np.maximum(x, -1e4) * _normal_cdf(x)


@in_blocks
def gelu_vjp(dy: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Derivative of ``gelu``: dx = dy (Φ(x) + x φ(x)), φ = Φ' the density of the standard normal.

    Parameters
    ----------
    dy : (...)
        Gradient of the loss with respect to the output.
    x : (...)
        The argument of the forward pass.

    Returns
    -------
    dx : (...)
        Gradient of the loss with respect to x.

    Raises
    ------
    ValueError
        If an argument is not a floating array, or their shapes or dtypes differ.

    Examples
    --------
    >>> gelu_vjp(np.ones(3), np.array([-1.0, 0.0, 1.0])).round(4)
    array([-0.0833,  0.5   ,  1.0833])
    """
    expect("..., ...", x=x, dy=dy)
    x = np.clip(x, -1e4, 1e4)
    return dy * (
        _normal_cdf(x) + x * np.exp(-x * x / 2) / math.sqrt(2 * math.pi)
    )


@in_blocks
def gelu_tanh(x: np.ndarray) -> np.ndarray:
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

    References
    ----------
    Hendrycks and Gimpel, Gaussian Error Linear Units (GELUs), 2016, arXiv:1606.08415, section 2.

    Examples
    --------
    >>> gelu_tanh(np.array([-1.0, 0.0, 1.0])).round(4)
    array([-0.1588,  0.    ,  0.8412])
    """
    expect("...", x=x)
    z = np.clip(x, -30, 30)
    twice_u = 2 * math.sqrt(2 / math.pi) * (z + 0.044715 * z * z * z)
    return np.maximum(x, -1e4) * sigmoid(twice_u)


@in_blocks
def gelu_tanh_vjp(dy: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Derivative of ``gelu_tanh``: dx = dy σ(2u) (1 + 2 x u' σ(-2u)), u' = √(2/π) (1 + 0.134145 x²).

    Parameters
    ----------
    dy : (...)
        Gradient of the loss with respect to the output.
    x : (...)
        The argument of the forward pass.

    Returns
    -------
    dx : (...)
        Gradient of the loss with respect to x.

    Raises
    ------
    ValueError
        If an argument is not a floating array, or their shapes or dtypes differ.

    Examples
    --------
    >>> gelu_tanh_vjp(np.ones(3), np.array([-1.0, 0.0, 1.0])).round(4)
    array([-0.083,  0.5  ,  1.083])
    """
    expect("..., ...", x=x, dy=dy)
    x = np.clip(x, -30, 30)
    u = math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)
    du = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x * x)
    return dy * sigmoid(2 * u) * (1 + 2 * x * du * sigmoid(-2 * u))


@in_blocks
def softplus(x: np.ndarray) -> np.ndarray:
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

    References
    ----------
    Dugas, Bengio, Bélisle, Nadeau and Garcia, Incorporating Second-Order Functional Knowledge for Better
    Option Pricing, NIPS 2000.

    Examples
    --------
    >>> softplus(np.array([-1e4, 0.0, 1e4])).round(4).tolist()
    [0.0, 0.6931, 10000.0]
    """
    expect("...", x=x)
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


@in_blocks
def softplus_vjp(dy: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Derivative of ``softplus``: dx = dy σ(x).

    Parameters
    ----------
    dy : (...)
        Gradient of the loss with respect to the output.
    x : (...)
        The argument of the forward pass.

    Returns
    -------
    dx : (...)
        Gradient of the loss with respect to x.

    Raises
    ------
    ValueError
        If an argument is not a floating array, or their shapes or dtypes differ.

    Examples
    --------
    >>> softplus_vjp(np.ones(3), np.array([-1e4, 0.0, 1e4]))
    array([0. , 0.5, 1. ])
    """
    expect("..., ...", x=x, dy=dy)
    return dy * sigmoid(x)


@in_row_blocks
def softmax(x: np.ndarray) -> np.ndarray:
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

    References
    ----------
    Bridle, Probabilistic Interpretation of Feedforward Classification Network Outputs, with Relationships to
    Statistical Pattern Recognition, in: Neurocomputing, 1990 (names it).

    Examples
    --------
    >>> softmax(np.array([[0.0, 0.0], [1e4, 0.0]]))
    array([[0.5, 0.5],
           [1. , 0. ]])
    """
    expect("... C", x=x)
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@in_row_blocks
def softmax_vjp(dy: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Derivative of ``softmax``: dx_i = y_i (dy_i - Σ_j dy_j y_j).

    Parameters
    ----------
    dy : (..., C)
        Gradient of the loss with respect to the output.
    x : (..., C)
        The argument of the forward pass.

    Returns
    -------
    dx : (..., C)
        Gradient of the loss with respect to x; each row sums to 0.

    Raises
    ------
    ValueError
        If an argument is not a floating array, has no axis, or is empty, or if their shapes or dtypes differ.

    Examples
    --------
    >>> softmax_vjp(np.array([1.0, 0.0]), np.array([0.0, 0.0]))
    array([ 0.25, -0.25])
    """
    expect("... C, ... C", x=x, dy=dy)
    y = softmax(x)
    return y * (dy - (dy * y).sum(axis=-1, keepdims=True))


@in_row_blocks
def log_softmax(x: np.ndarray) -> np.ndarray:
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
    >>> log_softmax(np.array([1e4, 0.0]))
    array([     0., -10000.])
    """
    expect("... C", x=x)
    z = x - x.max(axis=-1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=-1, keepdims=True))


@in_row_blocks
def log_softmax_vjp(dy: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Derivative of ``log_softmax``: dx_i = dy_i - softmax(x)_i Σ_j dy_j.

    Parameters
    ----------
    dy : (..., C)
        Gradient of the loss with respect to the output.
    x : (..., C)
        The argument of the forward pass.

    Returns
    -------
    dx : (..., C)
        Gradient of the loss with respect to x; each row sums to 0.

    Raises
    ------
    ValueError
        If an argument is not a floating array, has no axis, or is empty, or if their shapes or dtypes differ.

    Examples
    --------
    >>> log_softmax_vjp(np.array([1.0, 0.0]), np.array([0.0, 0.0]))
    array([ 0.5, -0.5])
    """
    expect("... C, ... C", x=x, dy=dy)
    return dy - softmax(x) * dy.sum(axis=-1, keepdims=True)


# NumPy has no erfc for arrays. But erfc(z) = t R(t) exp(-z²) with t = 1 / (1 + z / 2.5), and R is so smooth
# that a polynomial of degree 20 is R to about 1e-14, one of degree 10 to 1e-8, which float32 does not
# resolve. They are fitted, on import, to math.erfc for z from 0 to 26.
_T_MIN = 1 / (1 + 26 / 2.5)


def _r(s: np.ndarray) -> np.ndarray:
    t = (1 + _T_MIN + (1 - _T_MIN) * s) / 2
    z = 2.5 / t - 2.5
    return np.array([math.erfc(z) * math.exp(z * z) for z in z]) / t


def _fit(degree: int) -> list[float]:
    r = chebyshev.cheb2poly(chebyshev.chebinterpolate(_r, degree))
    return r.tolist()  # Python floats keep float32 in float32


_R, _R_SHORT = _fit(20), _fit(10)


def _normal_cdf(x: np.ndarray) -> np.ndarray:
    """Distribution function of the standard normal, with a relative error below 1e-12 also for x ≪ 0."""
    z = np.abs(x) / math.sqrt(2)
    t = 1 / (1 + z / 2.5)
    s = (2 * t - 1 - _T_MIN) / (1 - _T_MIN)
    *lower, r = _R if np.result_type(x).itemsize >= 8 else _R_SHORT
    for c in lower[::-1]:
        r = r * s + c
    tail = t * r * np.exp(-z * z) / 2
    return np.abs((x > 0) - tail)  # 1 - tail for x > 0; np.where is slow
