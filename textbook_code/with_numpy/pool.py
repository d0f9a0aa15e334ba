"""Pooling: one value for each window of an image, channel by channel."""

import numpy as np

from textbook_code._arguments import expect, expect_window


def max_pool2d(
    x: np.ndarray, size: int, stride: int | None = None
) -> np.ndarray:
    """Max pooling: the largest entry of each window of size × size, channel by channel.

    Without padding: HO = (H - size) // stride + 1, and WO likewise. What is left at the border is dropped.

    Parameters
    ----------
    x : (N, H, W, C)
        A batch of N images.
    size : int
        Side of the window, from 1 to the smaller of H and W.
    stride : int or None
        Step from window to window, ≥ 1; None: size, so that windows do not overlap.

    Returns
    -------
    y : (N, HO, WO, C)
        One entry for each window.

    Raises
    ------
    ValueError
        If x is not a floating array (N, H, W, C), the batch is empty, size or stride is not an integer ≥ 1,
        or the window is larger than the image.

    Examples
    --------
    >>> x = np.array([[1.0, 2.0, 0.0, 0.0], [3.0, 0.0, 0.0, 5.0]]).reshape(1, 2, 4, 1)
    >>> max_pool2d(x, 2)[0, :, :, 0]
    array([[3., 5.]])
    """
    first, *others = _shifts(x, size, expect_window(x, size, stride))
    y = first.copy()
    for part in others:
        np.maximum(y, part, out=y)
    return y


def max_pool2d_vjp(
    dy: np.ndarray, x: np.ndarray, size: int, stride: int | None = None
) -> np.ndarray:
    """Derivative of ``max_pool2d``: each dy goes to the largest entry of its window.

    If several are the largest, the first one gets it, row by row from the top left, as in PyTorch and XLA.
    That is common after ReLU, which leaves windows of zeros.

    Parameters
    ----------
    dy : (N, HO, WO, C)
        Gradient of the loss with respect to the output.
    x : (N, H, W, C)
        The argument of the forward pass.
    size : int
        Side of the window, from 1 to the smaller of H and W.
    stride : int or None
        Step from window to window, ≥ 1; None: size, so that windows do not overlap.

    Returns
    -------
    dx : (N, H, W, C)
        Gradient of the loss with respect to x.

    Raises
    ------
    ValueError
        If shapes or dtypes do not fit, the batch is empty, size or stride is not an integer ≥ 1, or the
        window is larger than the image.

    Examples
    --------
    >>> x = np.array([[1.0, 2.0, 0.0, 0.0], [3.0, 0.0, 0.0, 0.0]]).reshape(1, 2, 4, 1)
    >>> max_pool2d_vjp(np.array([7.0, 8.0]).reshape(1, 1, 2, 1), x, 2)[0, :, :, 0]
    array([[0., 0., 8., 0.],
           [7., 0., 0., 0.]])
    """
    step = expect_window(x, size, stride)
    parts = _shifts(x, size, step)
    expect("N HO WO C, N HO WO C", **{"windows of x": parts[0], "dy": dy})
    y, dx = max_pool2d(x, size, step), np.zeros_like(x)
    rest = dy.copy()  # what no entry has won yet
    for part, dpart in zip(parts, _shifts(dx, size, step), strict=True):
        won = rest * (part == y)
        dpart += won
        rest -= won
    return dx


def avg_pool2d(
    x: np.ndarray, size: int, stride: int | None = None
) -> np.ndarray:
    """Average pooling: the mean of each window of size × size, channel by channel.

    Without padding: HO = (H - size) // stride + 1, and WO likewise. What is left at the border is dropped.

    Parameters
    ----------
    x : (N, H, W, C)
        A batch of N images.
    size : int
        Side of the window, from 1 to the smaller of H and W.
    stride : int or None
        Step from window to window, ≥ 1; None: size, so that windows do not overlap.

    Returns
    -------
    y : (N, HO, WO, C)
        One entry for each window.

    Raises
    ------
    ValueError
        If x is not a floating array (N, H, W, C), the batch is empty, size or stride is not an integer ≥ 1,
        or the window is larger than the image.

    Examples
    --------
    >>> x = np.array([[1.0, 2.0, 0.0, 0.0], [3.0, 0.0, 0.0, 6.0]]).reshape(1, 2, 4, 1)
    >>> avg_pool2d(x, 2)[0, :, :, 0]
    array([[1.5, 1.5]])
    """
    first, *others = _shifts(x, size, expect_window(x, size, stride))
    y = first.copy()
    for part in others:
        y += part
    y /= size * size
    return y


def avg_pool2d_vjp(
    dy: np.ndarray, x: np.ndarray, size: int, stride: int | None = None
) -> np.ndarray:
    """Derivative of ``avg_pool2d``: each entry of a window gets dy / size².

    Parameters
    ----------
    dy : (N, HO, WO, C)
        Gradient of the loss with respect to the output.
    x : (N, H, W, C)
        The argument of the forward pass.
    size : int
        Side of the window, from 1 to the smaller of H and W.
    stride : int or None
        Step from window to window, ≥ 1; None: size, so that windows do not overlap.

    Returns
    -------
    dx : (N, H, W, C)
        Gradient of the loss with respect to x.

    Raises
    ------
    ValueError
        If shapes or dtypes do not fit, the batch is empty, size or stride is not an integer ≥ 1, or the
        window is larger than the image.

    Examples
    --------
    >>> avg_pool2d_vjp(np.array(8.0).reshape(1, 1, 1, 1), np.zeros((1, 2, 2, 1)), 2)[0, :, :, 0]
    array([[2., 2.],
           [2., 2.]])
    """
    step = expect_window(x, size, stride)
    windows = _shifts(x, size, step)[0]
    expect("N HO WO C, N HO WO C", **{"windows of x": windows, "dy": dy})
    dx, share = np.zeros_like(x), dy / (size * size)
    for dpart in _shifts(dx, size, step):
        dpart += share
    return dx


def _shifts(x: np.ndarray, size: int, step: int) -> list[np.ndarray]:
    """Give a view (N, HO, WO, C) for each place in the window, row by row: all windows' entries there."""
    h, w = (n - size + 1 for n in x.shape[1:3])  # where a window can start
    return [
        x[:, i : i + h : step, j : j + w : step]
        for i in range(size)
        for j in range(size)
    ]
