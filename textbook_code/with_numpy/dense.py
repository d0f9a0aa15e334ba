"""The dense layer: an affine map of each row."""

import numpy as np

from textbook_code._arguments import expect


def dense(x: np.ndarray, w: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Dense layer: y = x w + b.

    Parameters
    ----------
    x : (N, D)
        A batch of N rows.
    w : (D, M)
        Weights.
    b : (M,)
        Bias.

    Returns
    -------
    y : (N, M)
        One row for each row of x.

    Raises
    ------
    ValueError
        If shapes or dtypes do not fit, or the batch is empty.

    Examples
    --------
    >>> dense(np.array([[1.0, 2.0]]), np.array([[1.0], [10.0]]), np.array([0.5]))
    array([[21.5]])
    """
    expect("N D, D M, M", x=x, w=w, b=b)
    return x @ w + b


def dense_vjp(
    dy: np.ndarray, x: np.ndarray, w: np.ndarray, b: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Derivative of ``dense``: dx = dy wᵀ, dw = xᵀ dy, db = Σ_n dy_n.

    Parameters
    ----------
    dy : (N, M)
        Gradient of the loss with respect to the output.
    x : (N, D)
        The argument of the forward pass.
    w : (D, M)
        Weights.
    b : (M,)
        Bias.

    Returns
    -------
    dx, dw, db : (N, D), (D, M), (M,)
        Gradients of the loss with respect to x, w and b.

    Raises
    ------
    ValueError
        If shapes or dtypes do not fit, or the batch is empty.

    Examples
    --------
    >>> dx, dw, db = dense_vjp(np.ones((1, 1)), np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]), np.zeros(1))
    >>> dx.tolist(), dw.tolist(), db.tolist()
    ([[3.0, 4.0]], [[1.0], [2.0]], [1.0])
    """
    expect("N D, D M, M, N M", x=x, w=w, b=b, dy=dy)
    return dy @ w.T, x.T @ dy, dy.sum(axis=0)
