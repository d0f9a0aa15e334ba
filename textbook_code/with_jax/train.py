"""Training: the same functions, compiled.

A step is compiled once for each pair of loss_and_grads and update, and for each shape and dtype: pass the
same function objects every time.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from tqdm import trange

from textbook_code._arguments import (
    expect_rates,
    expect_same_length,
    expect_training,
)
from textbook_code.data import batches


class History(NamedTuple):
    """A run of T steps in E epochs: the loss of each step (T,), the score after each epoch, (E,) or (0,)."""

    loss: np.ndarray
    score: np.ndarray


_compiled = partial(
    jax.jit,
    static_argnames=("loss_and_grads", "update"),
    donate_argnames=("params", "state"),
)


@_compiled
def train_step(
    params,
    state,
    x: jax.Array,
    labels: jax.Array,
    loss_and_grads: Callable,
    update: Callable,
    lr: float,
) -> tuple:
    """One step of training: the gradients of one batch, then one update.

    Parameters
    ----------
    params : tree of jax.Array
        Parameters; donated: do not use them after the call.
    state : tree of jax.Array
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
    >>> from textbook_code.with_jax.mlp import mlp_init, mlp_loss_and_grads
    >>> from textbook_code.with_jax.optim import sgd_init, sgd_update
    >>> params = mlp_init(np.random.default_rng(0), [2, 3])
    >>> x, labels = jnp.eye(2), jnp.array([0, 2])
    >>> state = sgd_init(params)
    >>> for _ in range(100):
    ...     params, state, loss = train_step(params, state, x, labels, mlp_loss_and_grads, sgd_update, 1.0)
    >>> round(float(loss), 2)
    0.01
    """
    loss, grads = loss_and_grads(params, x, labels)
    params, state = update(grads, state, params, lr)
    return params, state, loss


@_compiled
def train_epoch(
    params,
    state,
    xs: jax.Array,
    labels: jax.Array,
    loss_and_grads: Callable,
    update: Callable,
    rates: jax.Array,
) -> tuple:
    """Steps of training, one for each batch: the loop itself is compiled, as a ``lax.scan``.

    Parameters
    ----------
    params : tree of jax.Array
        Parameters; donated: do not use them after the call.
    state : tree of jax.Array
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
    >>> from textbook_code.with_jax.mlp import mlp_init, mlp_loss_and_grads
    >>> from textbook_code.with_jax.optim import sgd_init, sgd_update
    >>> params = mlp_init(np.random.default_rng(0), [2, 3])
    >>> xs, labels = jnp.stack([jnp.eye(2)] * 100), jnp.array([[0, 2]] * 100)
    >>> state, rates = sgd_init(params), jnp.ones(100)
    >>> params, state, losses = train_epoch(params, state, xs, labels, mlp_loss_and_grads, sgd_update, rates)
    >>> round(float(losses[-1]), 2)
    0.01
    """
    rates = jnp.asarray(rates)
    expect_same_length(xs=xs, labels=labels, rates=rates)

    def step(carry, batch):
        x, y, lr = batch
        params, state, loss = train_step(
            *carry, x, y, loss_and_grads, update, lr
        )
        return (params, state), loss

    (params, state), losses = jax.lax.scan(
        step, (params, state), (xs, labels, rates)
    )
    return params, state, losses


def fit(
    params,
    x: jax.Array,
    labels: jax.Array,
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
    params : tree of jax.Array
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
    >>> from textbook_code.with_jax.mlp import mlp_init, mlp_loss_and_grads
    >>> from textbook_code.with_jax.optim import adam_init, adam_update, constant_schedule
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
    # Nothing is computed here but shapes. Yet the labels are not traced: their values are seen and checked.
    jax.eval_shape(lambda p, x: loss_and_grads(p, x, labels), params, x)
    x, labels = np.asarray(x), np.asarray(labels)  # batches are cut on the host
    train = partial(train_epoch, loss_and_grads=loss_and_grads, update=update)
    params = jax.tree.map(jnp.copy, params)
    state, losses, scores = init(params), [], []
    for epoch in (bar := trange(epochs, disable=None, desc="epoch")):
        xs, ys = map(np.stack, zip(*batches(x, labels, size, rng), strict=True))
        rates = expect_rates(schedule, epoch * len(xs), len(xs))
        params, state, loss = train(
            params, state, jnp.asarray(xs), jnp.asarray(ys), rates=rates
        )
        losses.append(np.asarray(loss))
        bar.set_postfix(loss=f"{losses[-1].mean():.4f}")
        if evaluate is not None:
            scores.append(float(evaluate(params)))
    return params, History(np.concatenate(losses), np.array(scores))
