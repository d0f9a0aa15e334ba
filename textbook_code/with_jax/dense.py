"""The dense layer: an affine map of each row."""

import jax

from textbook_code._arguments import expect


def dense(x: jax.Array, w: jax.Array, b: jax.Array) -> jax.Array:
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
    >>> jnp = jax.numpy
    >>> dense(jnp.array([[1.0, 2.0]]), jnp.array([[1.0], [10.0]]), jnp.array([0.5])).tolist()
    [[21.5]]
    """
    expect("N D, D M, M", x=x, w=w, b=b)
    return x @ w + b
