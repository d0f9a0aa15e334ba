"""Dropout: each entry is set to 0 by chance, and those that stay are scaled up to keep the mean."""

import jax
import jax.numpy as jnp

from textbook_code._arguments import expect, expect_fractions, require


def dropout(
    x: jax.Array, rate: float, rng: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Inverted dropout: y = x mask / (1 - rate), each entry of mask true with probability 1 - rate.

    The mean of y is x: at inference nothing is left to do. The mask is returned too; the same key would
    give it again.

    Parameters
    ----------
    x : (...)
        Any shape.
    rate : float
        Probability that an entry is dropped, in [0, 1).
    rng : ()
        A key, as from ``jax.random.key(0)``: the same key gives the same mask. The NumPy half takes a
        generator, whose draws ``jit`` would freeze into the compiled code.

    Returns
    -------
    y, mask : (...), (...)
        The output, and where it was kept.

    Raises
    ------
    ValueError
        If x is not a floating array, rate is outside [0, 1), or rng is no key.

    References
    ----------
    Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, Dropout: A Simple Way to Prevent Neural
    Networks from Overfitting, JMLR 15, 2014, sections 4 and 10.

    Examples
    --------
    >>> y, mask = dropout(jnp.array([1.0, 2.0, 3.0, 4.0]), 0.5, jax.random.key(0))
    >>> mask.tolist()
    [False, False, True, True]
    >>> y.tolist()
    [0.0, 0.0, 6.0, 8.0]
    """
    expect("...", x=x)
    expect_fractions(rate=rate)
    _expect_key(rng)
    # Subtracted before it is rounded to the dtype of x: a rate near 1 must not become 1.
    keep = 1 - rate
    mask = jax.random.uniform(rng, jnp.shape(x), jnp.float32) < keep
    return x * mask / jnp.asarray(keep, jnp.result_type(x)), mask


def _expect_key(rng) -> None:
    dtype = getattr(rng, "dtype", None)
    key = dtype is not None and jnp.issubdtype(dtype, jax.dtypes.prng_key)
    got = type(rng).__name__ if dtype is None else f"{dtype}{rng.shape}"
    require(
        key and rng.shape == (),
        f"rng: expected a key as from jax.random.key(0), got {got}",
    )
