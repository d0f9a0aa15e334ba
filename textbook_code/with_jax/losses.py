"""Losses: means over the batch.

Classification losses take logits, not probabilities: log(σ(x)) would meet log(0) where σ(x) has rounded to 0.
"""

import jax
import jax.numpy as jnp

from textbook_code._arguments import expect, expect_labels, expect_values
from textbook_code.with_jax.activations import log_softmax, softplus


def mse(y_pred: jax.Array, y: jax.Array) -> jax.Array:
    """Mean squared error over all entries: mean((y_pred - y)²).

    Parameters
    ----------
    y_pred : (N, ...)
        Predictions.
    y : (N, ...)
        Targets.

    Returns
    -------
    loss : ()
        The mean.

    Raises
    ------
    ValueError
        If shapes or dtypes do not fit, or the batch is empty.

    Examples
    --------
    >>> jax.grad(mse)(jnp.array([1.0, 2.0]), jnp.array([1.0, 4.0])).tolist()
    [0.0, -2.0]
    """
    expect("N ..., N ...", y_pred=y_pred, y=y)
    d = y_pred - y
    return (d * d).mean()


def bce_with_logits(logits: jax.Array, y: jax.Array) -> jax.Array:
    """Binary cross-entropy of σ(z), z the logits: mean(-y log σ(z) - (1 - y) log(1 - σ(z))).

    Computed as mean(softplus(z) - z y), which is the same and stays finite.

    Parameters
    ----------
    logits : (N, ...)
        Scores before the sigmoid.
    y : (N, ...)
        Targets in [0, 1].

    Returns
    -------
    loss : ()
        The mean over all entries.

    Raises
    ------
    ValueError
        If shapes or dtypes do not fit, the batch is empty, or a target is outside [0, 1]
        (the last is not seen inside jit).

    Examples
    --------
    >>> jax.grad(bce_with_logits)(jnp.array([0.0, 1e4]), jnp.array([1.0, 0.0])).tolist()
    [-0.25, 0.5]
    """
    expect("N ..., N ...", logits=logits, y=y)
    expect_values("y", y, 0, 1)
    return (softplus(logits) - logits * y).mean()


def cross_entropy(logits: jax.Array, labels: jax.Array) -> jax.Array:
    """Cross-entropy of softmax(logits) with the labels: -mean_n log softmax(logits_n)[labels_n].

    Parameters
    ----------
    logits : (N, C)
        Scores before the softmax.
    labels : (N,)
        Integers from 0 to C - 1.

    Returns
    -------
    loss : ()
        The mean over the batch.

    Raises
    ------
    ValueError
        If shapes or dtypes do not fit, the batch is empty, or a label is outside 0 to C - 1
        (the last makes the loss nan inside jit).

    Examples
    --------
    >>> jax.grad(cross_entropy)(jnp.array([[0.0, 0.0], [1e4, 0.0]]), jnp.array([0, 1])).tolist()
    [[-0.25, 0.25], [0.5, -0.5]]
    """
    expect("N C", logits=logits)
    expect_labels("labels", labels, logits.shape[:1], logits.shape[1])
    # Inside jit nothing can raise an error: a label out of range makes the loss nan. Plain indexing would
    # take the nearest class.
    chosen = log_softmax(logits).at[jnp.arange(len(labels)), labels]
    return -chosen.get(
        mode="fill", fill_value=jnp.nan, wrap_negative_indices=False
    ).mean()


def accuracy(logits: jax.Array, labels: jax.Array) -> jax.Array:
    """Share of the rows whose largest score is the label's; among equal ones the first one counts.

    It is no loss: it jumps, and its derivative is 0 wherever it has one.

    Parameters
    ----------
    logits : (N, C)
        Scores before the softmax.
    labels : (N,)
        Integers from 0 to C - 1.

    Returns
    -------
    share : ()
        In [0, 1].

    Raises
    ------
    ValueError
        If shapes or dtypes do not fit, the batch is empty, or a label is outside 0 to C - 1
        (the last is not seen inside jit).

    Examples
    --------
    >>> float(accuracy(jnp.array([[0.2, 0.1], [3.0, 4.0]]), jnp.array([0, 0])))
    0.5
    """
    expect("N C", logits=logits)
    expect_labels("labels", labels, logits.shape[:1], logits.shape[1])
    return (
        (logits.argmax(axis=1) == labels).mean(dtype=float).astype(logits.dtype)
    )
