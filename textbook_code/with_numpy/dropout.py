"""Dropout: each entry is set to 0 by chance, and those that stay are scaled up to keep the mean."""

import numpy as np

from textbook_code._arguments import (
    expect,
    expect_fractions,
    expect_generator,
    require,
)


def dropout(
    x: np.ndarray, rate: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Inverted dropout: y = x mask / (1 - rate), each entry of mask true with probability 1 - rate.

    The mean of y is x: at inference nothing is left to do. The mask cannot be computed again, so it is
    returned: the derivative needs it.

    Parameters
    ----------
    x : (...)
        Any shape.
    rate : float
        Probability that an entry is dropped, in [0, 1).
    rng : np.random.Generator
        Where the mask comes from. It moves on with each call; the JAX half takes a key instead.

    Returns
    -------
    y, mask : (...), (...)
        The output, and where it was kept.

    Raises
    ------
    ValueError
        If x is not a floating array, rate is outside [0, 1), or rng is no Generator.

    References
    ----------
    Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, Dropout: A Simple Way to Prevent Neural
    Networks from Overfitting, JMLR 15, 2014, sections 4 and 10.

    Examples
    --------
    >>> y, mask = dropout(np.array([1.0, 2.0, 3.0, 4.0]), 0.5, np.random.default_rng(2))
    >>> mask
    array([False,  True,  True,  True])
    >>> y
    array([0., 4., 6., 8.])
    """
    expect("...", x=x)
    expect_fractions(rate=rate)
    expect_generator(rng)
    keep = 1 - float(rate)
    mask = np.less(rng.random(np.shape(x), dtype=np.float32), keep)
    y = x * mask
    y /= keep
    return y, mask


def dropout_vjp(dy: np.ndarray, mask: np.ndarray, rate: float) -> np.ndarray:
    """Derivative of ``dropout`` by x: dx = dy mask / (1 - rate).

    Parameters
    ----------
    dy : (...)
        Gradient of the loss with respect to the output.
    mask : (...)
        Where the output was kept, as from ``dropout``.
    rate : float
        Probability that an entry is dropped, in [0, 1).

    Returns
    -------
    dx : (...)
        Gradient of the loss with respect to x.

    Raises
    ------
    ValueError
        If dy is not a floating array, mask is not a boolean array of its shape, or rate is outside [0, 1).

    Examples
    --------
    >>> dropout_vjp(np.ones(4), np.array([True, False, True, False]), 0.5)
    array([2., 0., 2., 0.])
    """
    expect("...", dy=dy)
    dtype = getattr(mask, "dtype", type(mask).__name__)
    require(
        dtype == np.bool and mask.shape == np.shape(dy),
        f"mask: expected a boolean array of shape {np.shape(dy)}, got {dtype} of shape {np.shape(mask)}",
    )
    expect_fractions(rate=rate)
    dx = dy * mask
    dx /= 1 - float(rate)
    return dx
