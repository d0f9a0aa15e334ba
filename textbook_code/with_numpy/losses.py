"""Losses: means over the batch, with the derivative by the prediction.

Classification losses take logits, not probabilities: log(σ(x)) would meet log(0) where σ(x) has rounded to 0.
"""

import numpy as np

from textbook_code._arguments import expect, expect_labels, expect_values
from textbook_code.with_numpy.activations import (
    log_softmax,
    sigmoid,
    softmax,
    softplus,
)


def mse(y_pred: np.ndarray, y: np.ndarray) -> np.ndarray:
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
    >>> mse(np.array([1.0, 2.0]), np.array([1.0, 4.0])).item()
    2.0
    """
    expect("N ..., N ...", y_pred=y_pred, y=y)
    d = y_pred - y
    return (d * d).mean()


def mse_vjp(dy: np.ndarray, y_pred: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Derivative of ``mse`` by y_pred: dy 2 (y_pred - y) / size.

    Parameters
    ----------
    dy : ()
        Gradient with respect to the loss, usually 1.0.
    y_pred : (N, ...)
        Predictions.
    y : (N, ...)
        Targets.

    Returns
    -------
    dy_pred : (N, ...)
        Gradient with respect to y_pred.

    Raises
    ------
    ValueError
        If shapes or dtypes do not fit, or the batch is empty.

    Examples
    --------
    >>> mse_vjp(1.0, np.array([1.0, 2.0]), np.array([1.0, 4.0]))
    array([ 0., -2.])
    """
    expect("N ..., N ..., ", y_pred=y_pred, y=y, dy=dy)
    return dy * 2 * (y_pred - y) / y.size


def bce_with_logits(logits: np.ndarray, y: np.ndarray) -> np.ndarray:
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
        If shapes or dtypes do not fit, the batch is empty, or a target is outside [0, 1].

    Examples
    --------
    >>> bce_with_logits(np.array([0.0, 1e4]), np.array([1.0, 0.0])).round(4).item()
    5000.3466
    """
    expect("N ..., N ...", logits=logits, y=y)
    expect_values("y", y, 0, 1)
    return (softplus(logits) - logits * y).mean()


def bce_with_logits_vjp(
    dy: np.ndarray, logits: np.ndarray, y: np.ndarray
) -> np.ndarray:
    """Derivative of ``bce_with_logits`` by the logits: dy (σ(z) - y) / size.

    Parameters
    ----------
    dy : ()
        Gradient with respect to the loss, usually 1.0.
    logits : (N, ...)
        Scores before the sigmoid.
    y : (N, ...)
        Targets in [0, 1].

    Returns
    -------
    dlogits : (N, ...)
        Gradient with respect to the logits.

    Raises
    ------
    ValueError
        If shapes or dtypes do not fit, the batch is empty, or a target is outside [0, 1].

    Examples
    --------
    >>> bce_with_logits_vjp(1.0, np.array([0.0, 1e4]), np.array([1.0, 0.0]))
    array([-0.25,  0.5 ])
    """
    expect("N ..., N ..., ", logits=logits, y=y, dy=dy)
    expect_values("y", y, 0, 1)
    return dy * (sigmoid(logits) - y) / y.size


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
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
        If shapes or dtypes do not fit, the batch is empty, or a label is outside 0 to C - 1.

    Examples
    --------
    >>> cross_entropy(np.array([[0.0, 0.0], [1e4, 0.0]]), np.array([0, 1])).round(4).item()
    5000.3466
    """
    expect("N C", logits=logits)
    expect_labels("labels", labels, logits.shape[:1], logits.shape[1])
    return -log_softmax(logits)[np.arange(len(labels)), labels].mean()


def cross_entropy_vjp(
    dy: np.ndarray, logits: np.ndarray, labels: np.ndarray
) -> np.ndarray:
    """Derivative of ``cross_entropy`` by the logits: dy (softmax(logits) - onehot(labels)) / N.

    Parameters
    ----------
    dy : ()
        Gradient with respect to the loss, usually 1.0.
    logits : (N, C)
        Scores before the softmax.
    labels : (N,)
        Integers from 0 to C - 1.

    Returns
    -------
    dlogits : (N, C)
        Gradient with respect to the logits; each row sums to 0.

    Raises
    ------
    ValueError
        If shapes or dtypes do not fit, the batch is empty, or a label is outside 0 to C - 1.

    Examples
    --------
    >>> cross_entropy_vjp(1.0, np.array([[0.0, 0.0], [1e4, 0.0]]), np.array([0, 1]))
    array([[-0.25,  0.25],
           [ 0.5 , -0.5 ]])
    """
    expect("N C, ", logits=logits, dy=dy)
    expect_labels("labels", labels, logits.shape[:1], logits.shape[1])
    p = softmax(logits)
    p[np.arange(len(labels)), labels] -= 1
    return dy * p / len(labels)


def accuracy(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
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
        If shapes or dtypes do not fit, the batch is empty, or a label is outside 0 to C - 1.

    Examples
    --------
    >>> accuracy(np.array([[0.2, 0.1], [3.0, 4.0]]), np.array([0, 0])).item()
    0.5
    """
    expect("N C", logits=logits)
    expect_labels("labels", labels, logits.shape[:1], logits.shape[1])
    return (
        (logits.argmax(axis=1) == labels).mean(dtype=float).astype(logits.dtype)
    )
