"""Optimizers: rules that turn gradients into new parameters. Each one changes an earlier one a little.

- SGD walks against the gradient.
- Momentum sums the gradients up into a velocity, and steps against that sum.
- Nesterov also takes the part of the next step that the velocity already tells.
- Adagrad divides each gradient by the root of the sum of its squares so far.
- RMSprop lets old squares fade: the sum becomes a moving average.
- Adam averages the gradients too, and corrects both averages for their start at zero.
- AdamW first lets the parameters decay, then does Adam.

Parameters, gradients and states are trees: tuples and NamedTuples of arrays, nested as you like.
``adam_init(params)`` gives the state before the first step, ``adam_update(grads, state, params, lr)`` new
parameters and a new state.

One rule of ownership: params and state are donated, do not use them after the call. The NumPy half writes
over them in place. Gradients are only read.

Libraries differ in small things. Here the rate multiplies the step and is not inside the velocity; a new
gradient enters the velocity whole. The small number eps is added after the root, not inside it. Sums and
averages start at zero, and only Adam and AdamW correct for that. AdamW decays by the rate times weight_decay.
Where PyTorch or optax does otherwise by default, the docstring says so.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from textbook_code._arguments import (
    expect_finite,
    expect_fractions,
    expect_integers,
)
from textbook_code._blocks import update_in_blocks
from textbook_code._optimizer_arguments import (
    expect_arrays,
    expect_max_norm,
    expect_spans,
    expect_update_in_place,
)
from textbook_code._tree import leaves, tree_map


class SGD(NamedTuple):
    """State of SGD: nothing."""


class Momentum(NamedTuple):
    """State of momentum and of Nesterov: the velocity, shaped as the parameters."""

    velocity: tuple


class Adagrad(NamedTuple):
    """State of Adagrad: the total of the squared gradients, shaped as the parameters."""

    total: tuple


class RMSprop(NamedTuple):
    """State of RMSprop: v, the moving average of the squared gradients, shaped as the parameters."""

    v: tuple


class Adam(NamedTuple):
    """State of Adam and AdamW: steps done, and moving averages m of the gradients, v of their squares."""

    step: int
    m: tuple
    v: tuple


def sgd_init(params: tuple) -> SGD:
    """Give the state of SGD before the first step: nothing.

    Parameters
    ----------
    params : tree of arrays
        The parameters.

    Returns
    -------
    state : SGD
        Empty.

    Raises
    ------
    ValueError
        If params hold no array, or one that is not floating.

    Examples
    --------
    >>> sgd_init((np.zeros(2),))
    SGD()
    """
    expect_arrays("params", params)
    return SGD()


def sgd_update(
    grads: tuple, state: SGD, params: tuple, lr: float
) -> tuple[tuple, SGD]:
    """Stochastic gradient descent: p ← p - lr g.

    Parameters
    ----------
    grads : tree of arrays
        Gradient of the loss with respect to each parameter.
    state : SGD
        As from ``sgd_init``; donated.
    params : tree of arrays
        The parameters; donated.
    lr : float
        Learning rate, ≥ 0.

    Returns
    -------
    params, state : tree of arrays, SGD
        After the step.

    Raises
    ------
    ValueError
        If trees, shapes or dtypes do not fit, an array is used twice or read-only, or a number is out of
        range.

    References
    ----------
    Robbins and Monro, A Stochastic Approximation Method, Annals of Mathematical Statistics 22, 1951.

    Examples
    --------
    >>> params = (np.array([1.0, 2.0]),)
    >>> params, state = sgd_update((np.array([10.0, 0.0]),), sgd_init(params), params, lr=0.05)
    >>> params
    (array([0.5, 2. ]),)
    """
    expect_update_in_place(SGD, grads, state, params)
    [lr] = _finite(lr=lr)

    def rule(p, g):
        p -= lr * g

    _for_each(rule, params, grads)
    return params, state


def momentum_init(params: tuple) -> Momentum:
    """Give the state of momentum before the first step: velocity = 0.

    Parameters
    ----------
    params : tree of arrays
        The parameters.

    Returns
    -------
    state : Momentum
        Zeros, shaped as the parameters.

    Raises
    ------
    ValueError
        If params hold no array, or one that is not floating.

    Examples
    --------
    >>> momentum_init((np.ones(2),))
    Momentum(velocity=(array([0., 0.]),))
    """
    return Momentum(_zeros(params))


def momentum_update(
    grads: tuple, state: Momentum, params: tuple, lr: float, beta: float = 0.9
) -> tuple[tuple, Momentum]:
    """SGD with a velocity in place of the gradient: velocity ← beta velocity + g, p ← p - lr velocity.

    As in PyTorch and optax, the rate is outside the velocity. Sutskever et al. have it inside: the same, as
    long as the rate stays.

    Parameters
    ----------
    grads : tree of arrays
        Gradient of the loss with respect to each parameter.
    state : Momentum
        As from ``momentum_init``; donated.
    params : tree of arrays
        The parameters; donated.
    lr : float
        Learning rate, ≥ 0.
    beta : float
        What is kept of the velocity, in [0, 1). With 0 it is SGD.

    Returns
    -------
    params, state : tree of arrays, Momentum
        After the step.

    Raises
    ------
    ValueError
        If trees, shapes or dtypes do not fit, an array is used twice or read-only, or a number is out of
        range.

    References
    ----------
    Polyak, Some methods of speeding up the convergence of iteration methods, USSR Computational Mathematics
    and Mathematical Physics 4(5), 1964.
    Sutskever, Martens, Dahl and Hinton, On the importance of initialization and momentum in deep learning,
    ICML 2013, eq. 1 and 2.

    Examples
    --------
    >>> params = (np.array([1.0]),)
    >>> state = momentum_init(params)
    >>> for _ in range(2):
    ...     params, state = momentum_update((np.array([1.0]),), state, params, lr=0.1)
    >>> state
    Momentum(velocity=(array([1.9]),))
    >>> params[0].round(4)  # 1 - 0.1 - 0.19
    array([0.71])
    """
    expect_update_in_place(Momentum, grads, state, params)
    [lr], [beta] = _finite(lr=lr), _fractions(beta=beta)
    _accumulate(state.velocity, grads, beta)
    params, _ = sgd_update(state.velocity, SGD(), params, lr)
    return params, state


def nesterov_init(params: tuple) -> Momentum:
    """Give the state of Nesterov's momentum before the first step: velocity = 0.

    Parameters
    ----------
    params : tree of arrays
        The parameters.

    Returns
    -------
    state : Momentum
        Zeros, shaped as the parameters.

    Raises
    ------
    ValueError
        If params hold no array, or one that is not floating.

    Examples
    --------
    >>> nesterov_init((np.ones(2),))
    Momentum(velocity=(array([0., 0.]),))
    """
    return momentum_init(params)


def nesterov_update(
    grads: tuple, state: Momentum, params: tuple, lr: float, beta: float = 0.9
) -> tuple[tuple, Momentum]:
    """Momentum that looks ahead: velocity ← beta velocity + g, p ← p - lr (g + beta velocity).

    The next step will in any case contain beta velocity: it is taken now, and the next gradient is computed
    there. This is the form of PyTorch and optax. Sutskever et al. keep the parameters from before the look
    ahead.

    Parameters
    ----------
    grads : tree of arrays
        Gradient of the loss with respect to each parameter.
    state : Momentum
        As from ``nesterov_init``; donated.
    params : tree of arrays
        The parameters; donated.
    lr : float
        Learning rate, ≥ 0.
    beta : float
        What is kept of the velocity, in [0, 1). With 0 it is SGD.

    Returns
    -------
    params, state : tree of arrays, Momentum
        After the step.

    Raises
    ------
    ValueError
        If trees, shapes or dtypes do not fit, an array is used twice or read-only, or a number is out of
        range.

    References
    ----------
    Nesterov, A method of solving a convex programming problem with convergence rate O(1/k²), Soviet
    Mathematics Doklady 27, 1983.
    Sutskever, Martens, Dahl and Hinton, On the importance of initialization and momentum in deep learning,
    ICML 2013, eq. 3 and 4.

    Examples
    --------
    >>> params = (np.array([1.0]),)
    >>> params, state = nesterov_update((np.array([1.0]),), nesterov_init(params), params, lr=0.1)
    >>> params[0].round(4)  # 1 - 0.1 - 0.09
    array([0.81])
    """
    expect_update_in_place(Momentum, grads, state, params)
    [lr], [beta] = _finite(lr=lr), _fractions(beta=beta)
    _accumulate(state.velocity, grads, beta)
    params, _ = sgd_update(grads, SGD(), params, lr)
    params, _ = sgd_update(state.velocity, SGD(), params, lr * beta)
    return params, state


def adagrad_init(params: tuple) -> Adagrad:
    """Give the state of Adagrad before the first step: total = 0.

    Parameters
    ----------
    params : tree of arrays
        The parameters.

    Returns
    -------
    state : Adagrad
        Zeros, shaped as the parameters.

    Raises
    ------
    ValueError
        If params hold no array, or one that is not floating.

    Examples
    --------
    >>> adagrad_init((np.ones(2),))
    Adagrad(total=(array([0., 0.]),))
    """
    return Adagrad(_zeros(params))


def adagrad_update(
    grads: tuple, state: Adagrad, params: tuple, lr: float, eps: float = 1e-10
) -> tuple[tuple, Adagrad]:
    """SGD with a rate for each parameter: total ← total + g², p ← p - lr g / (√total + eps).

    As in PyTorch. By default optax starts with total = 0.1, and computes √(total + 1e-7).

    Parameters
    ----------
    grads : tree of arrays
        Gradient of the loss with respect to each parameter.
    state : Adagrad
        As from ``adagrad_init``; donated.
    params : tree of arrays
        The parameters; donated.
    lr : float
        Learning rate, ≥ 0.
    eps : float
        Keeps the divisor away from 0; ≥ 0.

    Returns
    -------
    params, state : tree of arrays, Adagrad
        After the step.

    Raises
    ------
    ValueError
        If trees, shapes or dtypes do not fit, an array is used twice or read-only, or a number is out of
        range.

    References
    ----------
    Duchi, Hazan and Singer, Adaptive Subgradient Methods for Online Learning and Stochastic Optimization,
    JMLR 12, 2011.

    Examples
    --------
    >>> params = (np.array([1.0, 1.0]),)
    >>> params, state = adagrad_update((np.array([3.0, 0.01]),), adagrad_init(params), params, lr=0.1)
    >>> params[0].round(4)  # gradients large and small, one step
    array([0.9, 0.9])
    """
    expect_update_in_place(Adagrad, grads, state, params)
    lr, eps = _finite(lr=lr, eps=eps)

    def rule(p, g, total):
        total += g * g
        p -= lr * g / (np.sqrt(total) + eps)

    _for_each(rule, params, grads, state.total)
    return params, state


def rmsprop_init(params: tuple) -> RMSprop:
    """Give the state of RMSprop before the first step: v = 0.

    Parameters
    ----------
    params : tree of arrays
        The parameters.

    Returns
    -------
    state : RMSprop
        Zeros, shaped as the parameters.

    Raises
    ------
    ValueError
        If params hold no array, or one that is not floating.

    Examples
    --------
    >>> rmsprop_init((np.ones(2),))
    RMSprop(v=(array([0., 0.]),))
    """
    return RMSprop(_zeros(params))


def rmsprop_update(
    grads: tuple,
    state: RMSprop,
    params: tuple,
    lr: float,
    beta: float = 0.9,
    eps: float = 1e-8,
) -> tuple[tuple, RMSprop]:
    """Adagrad that forgets: v ← beta v + (1 - beta) g², p ← p - lr g / (√v + eps).

    The lecture has beta = 0.9, as optax; PyTorch has 0.99. By default optax computes √(v + eps).

    Parameters
    ----------
    grads : tree of arrays
        Gradient of the loss with respect to each parameter.
    state : RMSprop
        As from ``rmsprop_init``; donated.
    params : tree of arrays
        The parameters; donated.
    lr : float
        Learning rate, ≥ 0.
    beta : float
        What is kept of v, in [0, 1).
    eps : float
        Keeps the divisor away from 0; ≥ 0.

    Returns
    -------
    params, state : tree of arrays, RMSprop
        After the step.

    Raises
    ------
    ValueError
        If trees, shapes or dtypes do not fit, an array is used twice or read-only, or a number is out of
        range.

    References
    ----------
    Tieleman and Hinton, Lecture 6.5, rmsprop: Divide the gradient by a running average of its recent
    magnitude, Coursera: Neural Networks for Machine Learning, 2012.

    Examples
    --------
    >>> params = (np.array([1.0]),)
    >>> params, state = rmsprop_update((np.array([2.0]),), rmsprop_init(params), params, lr=0.1)
    >>> params[0].round(4)  # 1 - 0.1 / √0.1: v starts at zero, so the first steps are large
    array([0.6838])
    """
    expect_update_in_place(RMSprop, grads, state, params)
    [lr, eps], [beta] = _finite(lr=lr, eps=eps), _fractions(beta=beta)

    def rule(p, g, v):
        v *= beta
        v += (1 - beta) * g * g
        p -= lr * g / (np.sqrt(v) + eps)

    _for_each(rule, params, grads, state.v)
    return params, state


def adam_init(params: tuple) -> Adam:
    """Give the state of Adam before the first step: step = 0, m = 0, v = 0.

    Parameters
    ----------
    params : tree of arrays
        The parameters.

    Returns
    -------
    state : Adam
        Zeros: m and v shaped as the parameters.

    Raises
    ------
    ValueError
        If params hold no array, or one that is not floating.

    Examples
    --------
    >>> adam_init((np.ones(2),))
    Adam(step=0, m=(array([0., 0.]),), v=(array([0., 0.]),))
    """
    return Adam(0, _zeros(params), _zeros(params))


def adam_update(
    grads: tuple,
    state: Adam,
    params: tuple,
    lr: float,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
) -> tuple[tuple, Adam]:
    """RMSprop along an average of the gradients: p ← p - lr m̂ / (√v̂ + eps).

    m ← beta1 m + (1 - beta1) g and v ← beta2 v + (1 - beta2) g² start at zero. After t steps only the share
    1 - beta1ᵗ of m is gradients; m̂ = m / (1 - beta1ᵗ) and v̂ = v / (1 - beta2ᵗ) correct for it.

    Parameters
    ----------
    grads : tree of arrays
        Gradient of the loss with respect to each parameter.
    state : Adam
        As from ``adam_init``; donated.
    params : tree of arrays
        The parameters; donated.
    lr : float
        Learning rate, ≥ 0. The first step moves a parameter by about this much if its gradient is
        well above eps.
    beta1 : float
        What is kept of m, in [0, 1).
    beta2 : float
        What is kept of v, in [0, 1).
    eps : float
        Keeps the divisor away from 0; ≥ 0.

    Returns
    -------
    params, state : tree of arrays, Adam
        After the step.

    Raises
    ------
    ValueError
        If trees, shapes or dtypes do not fit, an array is used twice or read-only, or a number is out of
        range.

    References
    ----------
    Kingma and Ba, Adam: A Method for Stochastic Optimization, ICLR 2015, arXiv:1412.6980, Algorithm 1.

    Examples
    --------
    >>> params = (np.array([1.0, 1.0]),)
    >>> params, state = adam_update((np.array([3.0, -0.01]),), adam_init(params), params, lr=0.1)
    >>> params[0].round(4), state.step
    (array([0.9, 1.1]), 1)
    """
    expect_update_in_place(Adam, grads, state, params)
    expect_integers(0, **{"state.step": state.step})
    lr, eps = _finite(lr=lr, eps=eps)
    beta1, beta2 = _fractions(beta1=beta1, beta2=beta2)
    step = state.step + 1
    # Both corrections as numbers outside the arrays (end of the paper's section 2): two passes fewer.
    root = math.sqrt(1 - beta2**step)
    lr_t, eps_t = lr * root / (1 - beta1**step), eps * root

    def rule(p, g, m, v):
        m *= beta1
        m += (1 - beta1) * g
        v *= beta2
        v += (1 - beta2) * g * g
        p -= lr_t * m / (np.sqrt(v) + eps_t)

    _for_each(rule, params, grads, state.m, state.v)
    return params, Adam(step, state.m, state.v)


def adamw_init(params: tuple) -> Adam:
    """Give the state of AdamW before the first step: that of Adam.

    Parameters
    ----------
    params : tree of arrays
        The parameters.

    Returns
    -------
    state : Adam
        Zeros: m and v shaped as the parameters.

    Raises
    ------
    ValueError
        If params hold no array, or one that is not floating.

    Examples
    --------
    >>> adamw_init((np.ones(2),))
    Adam(step=0, m=(array([0., 0.]),), v=(array([0., 0.]),))
    """
    return adam_init(params)


def adamw_update(
    grads: tuple,
    state: Adam,
    params: tuple,
    lr: float,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    weight_decay: float = 0.01,
) -> tuple[tuple, Adam]:
    """Decay, then Adam: p ← (1 - lr weight_decay) p, p ← p - lr m̂ / (√v̂ + eps).

    The decay does not pass through m and v: there √v̂ would normalize it away. The paper multiplies
    weight_decay by the schedule alone, not by the rate; PyTorch and optax by the rate, as here. The default
    of PyTorch is 0.01, that of optax 1e-4.

    Parameters
    ----------
    grads : tree of arrays
        Gradient of the loss with respect to each parameter.
    state : Adam
        As from ``adamw_init``; donated.
    params : tree of arrays
        The parameters; donated.
    lr : float
        Learning rate, ≥ 0.
    beta1 : float
        What is kept of m, in [0, 1).
    beta2 : float
        What is kept of v, in [0, 1).
    eps : float
        Keeps the divisor away from 0; ≥ 0.
    weight_decay : float
        Strength of the decay, ≥ 0. With 0 it is Adam.

    Returns
    -------
    params, state : tree of arrays, Adam
        After the step.

    Raises
    ------
    ValueError
        If trees, shapes or dtypes do not fit, an array is used twice or read-only, or a number is out of
        range.

    References
    ----------
    Loshchilov and Hutter, Decoupled Weight Decay Regularization, ICLR 2019, arXiv:1711.05101, Algorithm 2.

    Examples
    --------
    >>> params = (np.array([1.0, 1.0]),)
    >>> params, state = adamw_update((np.array([3.0, 0.0]),), adamw_init(params), params, lr=0.1)
    >>> params[0].round(4)  # without gradient, only the decay 0.1 · 0.01
    array([0.899, 0.999])
    """
    _expect_adam(grads, state, params, beta1, beta2, eps)
    lr, weight_decay = _finite(lr=lr, weight_decay=weight_decay)

    def rule(p):
        p *= 1 - lr * weight_decay

    _for_each(rule, params)
    return adam_update(grads, state, params, lr, beta1, beta2, eps)


def clip_by_global_norm(grads: tuple, max_norm: float) -> tuple[tuple, float]:
    """Shorten gradients that are too long: g ← g min(1, max_norm / norm), norm = √Σ g² over all arrays.

    The direction stays. An inf or nan in the gradients is in the norm too, so look at it. PyTorch divides by
    norm + 1e-6.

    Parameters
    ----------
    grads : tree of arrays
        Gradient of the loss with respect to each parameter.
    max_norm : float
        The largest norm allowed, > 0.

    Returns
    -------
    grads, norm : tree of arrays, ()
        New gradients, and the norm that the old ones had.

    Raises
    ------
    ValueError
        If grads hold no array, or one that is not floating, or max_norm is not > 0.

    References
    ----------
    Pascanu, Mikolov and Bengio, On the difficulty of training recurrent neural networks, ICML 2013,
    arXiv:1211.5063, Algorithm 1.

    Examples
    --------
    >>> grads, norm = clip_by_global_norm((np.array([3.0]), np.array([4.0])), max_norm=1.0)
    >>> norm, [g.round(4).tolist() for g in grads]
    (5.0, [[0.6], [0.8]])
    """
    expect_arrays("grads", grads)
    expect_max_norm(max_norm)
    largest = np.max([np.abs(g).max(initial=0) for g in leaves(grads)])
    # Squares of large float32 numbers overflow: divide by the largest one first.
    scale = float(largest) if 0 < largest < np.inf else 1.0
    units = tree_map(lambda g: g / scale, grads)
    squares = [np.square(u).sum(dtype=np.float64) for u in leaves(units)]
    root = math.sqrt(sum(squares))
    if scale * root <= max_norm:
        return tree_map(np.copy, grads), scale * root
    return tree_map(lambda u: u * (float(max_norm) / root), units), scale * root


def constant_schedule(step: int, lr: float) -> float:
    """Rate that stays: lr.

    Bind the other arguments with functools.partial to get a function of the step alone.

    Parameters
    ----------
    step : int
        Steps done before this one: 0, 1, …
    lr : float
        Learning rate, ≥ 0.

    Returns
    -------
    rate : float
        The rate of this step.

    Raises
    ------
    ValueError
        If step is not an integer ≥ 0, or a number is out of range.

    Examples
    --------
    >>> [constant_schedule(step, lr=0.5) for step in range(3)]
    [0.5, 0.5, 0.5]
    """
    expect_integers(0, step=step)
    [lr] = _finite(lr=lr)
    return lr


def step_schedule(
    step: int, lr: float, every: int, factor: float = 0.1
) -> float:
    """Rate that falls in steps: lr factor^⌊step / every⌋.

    Parameters
    ----------
    step : int
        Steps done before this one: 0, 1, …
    lr : float
        Learning rate at the start, ≥ 0.
    every : int
        How many steps each rate lasts, ≥ 1.
    factor : float
        What the rate is multiplied by then, ≥ 0.

    Returns
    -------
    rate : float
        The rate of this step.

    Raises
    ------
    ValueError
        If step is not an integer ≥ 0, or a number is out of range.

    Examples
    --------
    >>> [step_schedule(step, lr=1.0, every=2, factor=0.5) for step in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """
    expect_integers(0, step=step)
    expect_integers(1, every=every)
    lr, factor = _finite(lr=lr, factor=factor)
    return lr * factor ** (step // every)


def warmup_cosine_schedule(
    step: int, lr: float, warmup: int, total: int
) -> float:
    """Rate that rises in a line, then falls along half a cosine.

    The rise is lr (step + 1) / warmup. From step = warmup the fall is lr/2 (1 + cos(π t)), where
    t = (step - warmup) / (total - warmup). From step = total the rate is 0.

    Parameters
    ----------
    step : int
        Steps done before this one: 0, 1, …
    lr : float
        Learning rate at the top, ≥ 0.
    warmup : int
        Steps of the rise, from 0 to total.
    total : int
        Steps of rise and fall together, ≥ 1.

    Returns
    -------
    rate : float
        The rate of this step.

    Raises
    ------
    ValueError
        If step is not an integer ≥ 0, or a number is out of range.

    References
    ----------
    Goyal et al., Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour, 2017, arXiv:1706.02677,
    section 2.2 (the rise; theirs starts from the rate for one worker).
    Loshchilov and Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts, ICLR 2017, arXiv:1608.03983,
    eq. 5 (the fall).

    Examples
    --------
    >>> [round(warmup_cosine_schedule(step, lr=1.0, warmup=2, total=6), 3) for step in range(7)]
    [0.5, 1.0, 1.0, 0.854, 0.5, 0.146, 0.0]
    """
    expect_integers(0, step=step)
    expect_spans(warmup, total)
    [lr] = _finite(lr=lr)
    if step < warmup:
        return lr * (step + 1) / warmup
    if step >= total:
        return 0.0
    progress = (step - warmup) / (total - warmup)
    return lr / 2 * (1 + math.cos(math.pi * progress))


def _accumulate(velocity: tuple, grads: tuple, beta: float) -> None:
    def rule(velocity, g):
        velocity *= beta
        velocity += g

    _for_each(rule, velocity, grads)


def _for_each(rule: Callable, *trees: tuple) -> None:
    """Apply a rule, which writes into its arguments, to the arrays in each place of the trees."""
    for arrays in zip(*map(leaves, trees), strict=True):
        update_in_blocks(rule, *arrays)


def _zeros(params: tuple) -> tuple:
    expect_arrays("params", params)
    return tree_map(np.zeros_like, params)


def _finite(**numbers) -> list[float]:
    """Check numbers ≥ 0, and make them Python's: NumPy's own would make float32 arrays float64."""
    expect_finite(**numbers)
    return [float(number) for number in numbers.values()]


def _fractions(**numbers) -> list[float]:
    """Check numbers in [0, 1), and make them Python's."""
    expect_fractions(**numbers)
    return [float(number) for number in numbers.values()]


def _expect_adam(grads, state, params, beta1, beta2, eps) -> None:
    """Check what Adam is going to check, before AdamW writes."""
    expect_update_in_place(Adam, grads, state, params)
    expect_integers(0, **{"state.step": state.step})
    expect_finite(eps=eps)
    expect_fractions(beta1=beta1, beta2=beta2)
