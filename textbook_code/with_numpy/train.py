"""Training: one step, one epoch of steps, and a run of epochs with its history."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from tqdm import trange

from textbook_code._arguments import (
    expect_rates,
    expect_same_length,
    expect_training,
)
from textbook_code._tree import tree_map
from textbook_code.data import batches


class History(NamedTuple):
    """A run of T steps in E epochs: the loss of each step (T,), the score after each epoch, (E,) or (0,)."""

    loss: np.ndarray
    score: np.ndarray


def train_step(
    params,
    state,
    x: np.ndarray,
    labels: np.ndarray,
    loss_and_grads: Callable,
    update: Callable,
    lr: float,
) -> tuple:
    """One step of training: the gradients of one batch, then one update.

    Parameters
    ----------
    params : tree of np.ndarray
        Parameters; donated: do not use them after the call.
    state : tree of np.ndarray
        State of the optimizer, as from its ``_init``; donated.
    x : (N, ...)
        A batch of N examples.
    labels : (N,)
        Their classes.
    loss_and_grads : function
        Called with params, x and labels, as ``mlp_loss_and_grads``.
    update : function
        Called with grads, state, params and lr, as ``adam_update``.
    lr : float
        Learning rate.

    Returns
    -------
    params, state, loss : tree, tree, ()
        New parameters, new state, and the loss before the step.

    Raises
    ------
    ValueError
        If loss_and_grads or update refuses what it is given.

    Examples
    --------
    >>> from textbook_code.with_numpy.mlp import mlp_init, mlp_loss_and_grads
    >>> from textbook_code.with_numpy.optim import sgd_init, sgd_update
    >>> params = mlp_init(np.random.default_rng(0), [2, 3])
    >>> x, labels = np.eye(2), np.array([0, 2])
    >>> state = sgd_init(params)
    >>> for _ in range(100):
    ...     params, state, loss = train_step(params, state, x, labels, mlp_loss_and_grads, sgd_update, 1.0)
    >>> round(float(loss), 2)
    0.01
    """
    loss, grads = loss_and_grads(params, x, labels)
    params, state = update(grads, state, params, lr)
    return params, state, loss


def train_epoch(
    params,
    state,
    xs: np.ndarray,
    labels: np.ndarray,
    loss_and_grads: Callable,
    update: Callable,
    rates: np.ndarray,
) -> tuple:
    """Steps of training, one for each batch.

    Parameters
    ----------
    params : tree of np.ndarray
        Parameters; donated: do not use them after the call.
    state : tree of np.ndarray
        State of the optimizer, as from its ``_init``; donated.
    xs : (S, N, ...)
        S batches of N examples: those of ``batches``, stacked.
    labels : (S, N)
        Their classes.
    loss_and_grads : function
        Called with params, x and labels, as ``mlp_loss_and_grads``.
    update : function
        Called with grads, state, params and lr, as ``adam_update``.
    rates : (S,)
        The learning rate of each step.

    Returns
    -------
    params, state, losses : tree, tree, (S,)
        New parameters, new state, and the loss before each step.

    Raises
    ------
    ValueError
        If xs, labels and rates are not of one length, or loss_and_grads or update refuses what it is given.

    Examples
    --------
    >>> from textbook_code.with_numpy.mlp import mlp_init, mlp_loss_and_grads
    >>> from textbook_code.with_numpy.optim import sgd_init, sgd_update
    >>> params = mlp_init(np.random.default_rng(0), [2, 3])
    >>> xs, labels = np.stack([np.eye(2)] * 100), np.array([[0, 2]] * 100)
    >>> state, rates = sgd_init(params), np.ones(100)
    >>> params, state, losses = train_epoch(params, state, xs, labels, mlp_loss_and_grads, sgd_update, rates)
    >>> round(float(losses[-1]), 2)
    0.01
    """
    expect_same_length(xs=xs, labels=labels, rates=rates)
    losses = []
    for x, y, lr in zip(xs, labels, rates, strict=True):
        params, state, loss = train_step(
            params, state, x, y, loss_and_grads, update, lr
        )
        losses.append(loss)
    return params, state, np.array(losses)


def fit(
    params,
    x: np.ndarray,
    labels: np.ndarray,
    loss_and_grads: Callable,
    optimizer: tuple[Callable, Callable],
    schedule: Callable,
    epochs: int,
    size: int,
    rng: np.random.Generator,
    evaluate: Callable | None = None,
) -> tuple:
    """Train for some epochs; each goes through the data once, in a new order.

    Rows that do not fill a last batch are left out of their epoch. A bar shows the progress where there is a
    terminal to show it.

    Parameters
    ----------
    params : tree of np.ndarray
        Initial parameters; they stay as they are.
    x : (N, ...)
        All examples.
    labels : (N,)
        Their classes.
    loss_and_grads : function
        Called with params, x and labels, as ``mlp_loss_and_grads``.
    optimizer : tuple of function
        How to start and how to update, as ``(adam_init, adam_update)``.
    schedule : function
        From a step, counted from 0, to its learning rate, as ``partial(constant_schedule, lr=0.1)``.
    epochs : int
        How often to go through the data, ≥ 1.
    size : int
        Examples in a batch, from 1 to N.
    rng : np.random.Generator
        Where the order comes from; both halves draw the same.
    evaluate : function or None
        Called with the parameters after each epoch, to use but not to keep: they are donated to the next one.
        The numbers it returns become ``history.score``.

    Returns
    -------
    params, history : tree, History
        Trained parameters, and what happened on the way.

    Raises
    ------
    ValueError
        If optimizer is no pair of functions, schedule is no function or gives what is no rate, epochs is not
        an integer ≥ 1, size is not from 1 to N, rng is no Generator, x and labels are not of one length, or
        loss_and_grads or update refuses what it is given.

    Examples
    --------
    >>> from functools import partial
    >>> from textbook_code.data import spirals
    >>> from textbook_code.with_numpy.mlp import mlp_init, mlp_loss_and_grads
    >>> from textbook_code.with_numpy.optim import adam_init, adam_update, constant_schedule
    >>> x, y = spirals(200)
    >>> labels = y.astype(int).ravel()
    >>> params = mlp_init(np.random.default_rng(0), [2, 32, 32, 2])
    >>> optimizer, schedule = (adam_init, adam_update), partial(constant_schedule, lr=0.01)
    >>> params, history = fit(
    ...     params, x, labels, mlp_loss_and_grads, optimizer, schedule, 100, 50, np.random.default_rng(0)
    ... )
    >>> history.loss.shape, bool(history.loss[-4:].mean() < 0.1)
    ((400,), True)
    """
    expect_training(optimizer, schedule, epochs)
    init, update = optimizer
    train = partial(train_epoch, loss_and_grads=loss_and_grads, update=update)
    params = tree_map(np.copy, params)
    state, losses, scores = init(params), [], []
    for epoch in (bar := trange(epochs, disable=None, desc="epoch")):
        xs, ys = map(np.stack, zip(*batches(x, labels, size, rng), strict=True))
        rates = expect_rates(schedule, epoch * len(xs), len(xs))
        params, state, loss = train(params, state, xs, ys, rates=rates)
        losses.append(np.asarray(loss))
        bar.set_postfix(loss=f"{losses[-1].mean():.4f}")
        if evaluate is not None:
            scores.append(float(evaluate(params)))
    return params, History(np.concatenate(losses), np.array(scores))
