"""Pooling: one value for each window of an image, channel by channel."""

import jax
import jax.numpy as jnp
from jax import lax

from textbook_code._arguments import expect_window


def max_pool2d(x: jax.Array, size: int, stride: int | None = None) -> jax.Array:
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
    >>> x = jnp.array([[1.0, 2.0, 0.0, 0.0], [3.0, 0.0, 0.0, 5.0]]).reshape(1, 2, 4, 1)
    >>> max_pool2d(x, 2)[0, :, :, 0].tolist()
    [[3.0, 5.0]]
    """
    step = expect_window(x, size, stride)
    # lax.reduce_window would say it in one line, but on CPU its derivative takes many times as long.
    return _largest(_largest(x, 2, size, step), 1, size, step)


def avg_pool2d(x: jax.Array, size: int, stride: int | None = None) -> jax.Array:
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
    >>> x = jnp.array([[1.0, 2.0, 0.0, 0.0], [3.0, 0.0, 0.0, 6.0]]).reshape(1, 2, 4, 1)
    >>> avg_pool2d(x, 2)[0, :, :, 0].tolist()
    [[1.5, 1.5]]
    """
    step = expect_window(x, size, stride)
    window, steps = (1, size, size, 1), (1, step, step, 1)
    total = lax.reduce_window(x, 0.0, lax.add, window, steps, "VALID")
    return total / (size * size)


def _largest(x, axis, size, step):
    """Take the largest of ``size`` neighbours along an axis; of equal ones the first gets the gradient."""
    starts = x.shape[axis] - size + 1  # where a window can start
    y, *others = [
        lax.slice_in_dim(x, i, i + starts, step, axis) for i in range(size)
    ]
    for part in others:
        y = jnp.where((part > y) | jnp.isnan(part), part, y)
    return y
