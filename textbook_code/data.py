"""Data sets that fit on a page, drawn from a seed."""

import numpy as np

from textbook_code._arguments import require


def xor() -> tuple[np.ndarray, np.ndarray]:
    """The four points of the exclusive or.

    Returns
    -------
    x, y : (4, 2), (4, 1)
        The corners of the unit square, and 1 where exactly one coordinate is 1.

    Examples
    --------
    >>> x, y = xor()
    >>> np.hstack([x, y]).astype(int).tolist()
    [[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]]
    """
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=float)
    return x, (x[:, :1] != x[:, 1:]).astype(float)


def rings(
    n: int, noise: float = 0.1, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Two classes on two circles around the origin, of radius 1 and 2.

    Parameters
    ----------
    n : int
        Number of points, even: one half on each circle.
    noise : float
        Standard deviation of the normal noise on each coordinate, ≥ 0.
    seed : int
        Seed of the generator.

    Returns
    -------
    x, y : (n, 2), (n, 1)
        The points, and 0 for those of the inner circle (they come first), 1 for those of the outer one.

    Raises
    ------
    ValueError
        If `n` is not a positive even number.

    Examples
    --------
    >>> x, y = rings(4, noise=0.0)
    >>> np.hypot(*x.T).round(6), y.ravel()
    (array([1., 1., 2., 2.]), array([0., 0., 1., 1.]))
    """
    require(
        n > 0 and n % 2 == 0, f"n: expected a positive even number, got {n}"
    )
    rng = np.random.default_rng(seed)
    y = np.repeat([0.0, 1.0], n // 2)
    angle = rng.uniform(0, 2 * np.pi, n)
    x = (1 + y)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return x + noise * rng.standard_normal(x.shape), y[:, None]
