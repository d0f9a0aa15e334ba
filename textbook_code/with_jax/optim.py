"""Optimizers: the rules of the NumPy half, compiled.

Params and state are donated here too: JAX reuses their memory, and an array that is used again raises an
error.

Each update is compiled; it works inside ``jit`` and ``lax.scan`` too. There the rate may be traced. The other
numbers are constants of the compiled formula: a new value compiles it again.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from textbook_code._arguments import (
    expect_finite,
    expect_fractions,
    expect_integers,
    is_traced,
    require,
)
from textbook_code._optimizer_arguments import (
    expect_arrays,
    expect_max_norm,
    expect_spans,
    expect_update,
)


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

    step: jax.Array
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
    >>> sgd_init((jnp.zeros(2),))
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
        If trees, shapes or dtypes do not fit, an array is used twice, or a number is out of range
        (a traced rate is not seen).

    References
    ----------
    Robbins and Monro, A Stochastic Approximation Method, Annals of Mathematical Statistics 22, 1951.

    Examples
    --------
    >>> params = (jnp.array([1.0, 2.0]),)
    >>> params, state = sgd_update((jnp.array([10.0, 0.0]),), sgd_init(params), params, lr=0.05)
    >>> params[0].tolist()
    [0.5, 2.0]
    """
    expect_update(SGD, grads, state, params)
    [lr] = _finite(lr=lr)
    return _sgd(grads, params, state, lr)


# JAX hands the donated buffers to the results in order. Params come first here and there, so each array keeps
# its place. With the state first all of them would be copied.
@partial(jax.jit, donate_argnums=(1, 2))
def _sgd(grads, params, state, lr):
    return _map(lambda p, g: p - lr * g, params, grads), state


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
    >>> momentum_init((jnp.ones(2),)).velocity[0].tolist()
    [0.0, 0.0]
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
        If trees, shapes or dtypes do not fit, an array is used twice, or a number is out of range
        (a traced rate is not seen).

    References
    ----------
    Polyak, Some methods of speeding up the convergence of iteration methods, USSR Computational Mathematics
    and Mathematical Physics 4(5), 1964.
    Sutskever, Martens, Dahl and Hinton, On the importance of initialization and momentum in deep learning,
    ICML 2013, eq. 1 and 2.

    Examples
    --------
    >>> params = (jnp.array([1.0]),)
    >>> state = momentum_init(params)
    >>> for _ in range(2):
    ...     params, state = momentum_update((jnp.array([1.0]),), state, params, lr=0.1)
    >>> round(state.velocity[0].item(), 4)
    1.9
    >>> round(params[0].item(), 4)  # 1 - 0.1 - 0.19
    0.71
    """
    expect_update(Momentum, grads, state, params)
    [lr], [beta] = _finite(lr=lr), _fractions(beta=beta)
    return _momentum(grads, params, state, lr, beta)


@partial(jax.jit, donate_argnums=(1, 2), static_argnames="beta")
def _momentum(grads, params, state, lr, beta):
    velocity = _map(lambda v, g: beta * v + g, state.velocity, grads)
    params, _ = sgd_update(velocity, SGD(), params, lr)
    return params, Momentum(velocity)


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
    >>> nesterov_init((jnp.ones(2),)).velocity[0].tolist()
    [0.0, 0.0]
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
        If trees, shapes or dtypes do not fit, an array is used twice, or a number is out of range
        (a traced rate is not seen).

    References
    ----------
    Nesterov, A method of solving a convex programming problem with convergence rate O(1/k²), Soviet
    Mathematics Doklady 27, 1983.
    Sutskever, Martens, Dahl and Hinton, On the importance of initialization and momentum in deep learning,
    ICML 2013, eq. 3 and 4.

    Examples
    --------
    >>> params = (jnp.array([1.0]),)
    >>> params, state = nesterov_update((jnp.array([1.0]),), nesterov_init(params), params, lr=0.1)
    >>> round(params[0].item(), 4)  # 1 - 0.1 - 0.09
    0.81
    """
    expect_update(Momentum, grads, state, params)
    [lr], [beta] = _finite(lr=lr), _fractions(beta=beta)
    return _nesterov(grads, params, state, lr, beta)


@partial(jax.jit, donate_argnums=(1, 2), static_argnames="beta")
def _nesterov(grads, params, state, lr, beta):
    velocity = _map(lambda v, g: beta * v + g, state.velocity, grads)
    params, _ = sgd_update(grads, SGD(), params, lr)
    params, _ = sgd_update(velocity, SGD(), params, lr * beta)
    return params, Momentum(velocity)


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
    >>> adagrad_init((jnp.ones(2),)).total[0].tolist()
    [0.0, 0.0]
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
        If trees, shapes or dtypes do not fit, an array is used twice, or a number is out of range
        (a traced rate is not seen).

    References
    ----------
    Duchi, Hazan and Singer, Adaptive Subgradient Methods for Online Learning and Stochastic Optimization,
    JMLR 12, 2011.

    Examples
    --------
    >>> params = (jnp.array([1.0, 1.0]),)
    >>> params, state = adagrad_update((jnp.array([3.0, 0.01]),), adagrad_init(params), params, lr=0.1)
    >>> [round(p, 4) for p in params[0].tolist()]  # gradients large and small, one step
    [0.9, 0.9]
    """
    expect_update(Adagrad, grads, state, params)
    [lr], [eps] = _finite(lr=lr), _known(eps=eps)
    return _adagrad(grads, params, state, lr, eps)


@partial(jax.jit, donate_argnums=(1, 2), static_argnames="eps")
def _adagrad(grads, params, state, lr, eps):
    total = _map(lambda t, g: t + g * g, state.total, grads)
    scaled = _map(lambda g, t: g / (jnp.sqrt(t) + eps), grads, total)
    params, _ = sgd_update(scaled, SGD(), params, lr)
    return params, Adagrad(total)


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
    >>> rmsprop_init((jnp.ones(2),)).v[0].tolist()
    [0.0, 0.0]
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
        If trees, shapes or dtypes do not fit, an array is used twice, or a number is out of range
        (a traced rate is not seen).

    References
    ----------
    Tieleman and Hinton, Lecture 6.5, rmsprop: Divide the gradient by a running average of its recent
    magnitude, Coursera: Neural Networks for Machine Learning, 2012.

    Examples
    --------
    >>> params = (jnp.array([1.0]),)
    >>> params, state = rmsprop_update((jnp.array([2.0]),), rmsprop_init(params), params, lr=0.1)
    >>> round(params[0].item(), 4)  # 1 - 0.1 / √0.1: v starts at zero, so the first steps are large
    0.6838
    """
    expect_update(RMSprop, grads, state, params)
    [lr], [eps] = _finite(lr=lr), _known(eps=eps)
    [beta] = _fractions(beta=beta)
    return _rmsprop(grads, params, state, lr, beta, eps)


@partial(jax.jit, donate_argnums=(1, 2), static_argnames=("beta", "eps"))
def _rmsprop(grads, params, state, lr, beta, eps):
    v = _map(lambda v, g: beta * v + (1 - beta) * g * g, state.v, grads)
    scaled = _map(lambda g, v: g / (jnp.sqrt(v) + eps), grads, v)
    params, _ = sgd_update(scaled, SGD(), params, lr)
    return params, RMSprop(v)


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
    >>> state = adam_init((jnp.ones(2),))
    >>> state.step.item(), state.m[0].tolist(), state.v[0].tolist()
    (0, [0.0, 0.0], [0.0, 0.0])
    """
    # Two trees of zeros: one buffer cannot be donated twice.
    return Adam(jnp.zeros((), jnp.int32), _zeros(params), _zeros(params))


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
        If trees, shapes or dtypes do not fit, an array is used twice, or a number is out of range
        (a traced rate is not seen).

    References
    ----------
    Kingma and Ba, Adam: A Method for Stochastic Optimization, ICLR 2015, arXiv:1412.6980, Algorithm 1.

    Examples
    --------
    >>> params = (jnp.array([1.0, 1.0]),)
    >>> params, state = adam_update((jnp.array([3.0, -0.01]),), adam_init(params), params, lr=0.1)
    >>> [round(p, 4) for p in params[0].tolist()], state.step.item()
    ([0.9, 1.1], 1)
    """
    expect_update(Adam, grads, state, params)
    _expect_step("state.step", state.step)
    [lr], [eps] = _finite(lr=lr), _known(eps=eps)
    beta1, beta2 = _fractions(beta1=beta1, beta2=beta2)
    return _adam(grads, params, state, lr, beta1, beta2, eps)


@partial(
    jax.jit,
    donate_argnums=(1, 2),
    static_argnames=("beta1", "beta2", "eps"),
)
def _adam(grads, params, state, lr, beta1, beta2, eps):
    step = state.step + 1
    share1, share2 = _share(beta1, step), _share(beta2, step)
    m = _map(lambda m, g: beta1 * m + (1 - beta1) * g, state.m, grads)
    v = _map(lambda v, g: beta2 * v + (1 - beta2) * g * g, state.v, grads)
    m_hat = _map(lambda m: m / share1, m)
    v_hat = _map(lambda v: v / share2, v)
    scaled = _map(lambda m, v: m / (jnp.sqrt(v) + eps), m_hat, v_hat)
    params, _ = sgd_update(scaled, SGD(), params, lr)
    return params, Adam(step, m, v)


def _share(beta: float, step: jax.Array) -> jax.Array:
    """Compute 1 - beta^step. For 0.999, the plain difference loses three of float32's seven digits."""
    log = math.log(beta) if beta > 0 else -math.inf
    return -jnp.expm1(step * log)


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
    >>> state = adamw_init((jnp.ones(2),))
    >>> state.step.item(), state.m[0].tolist(), state.v[0].tolist()
    (0, [0.0, 0.0], [0.0, 0.0])
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
        If trees, shapes or dtypes do not fit, an array is used twice, or a number is out of range
        (a traced rate is not seen).

    References
    ----------
    Loshchilov and Hutter, Decoupled Weight Decay Regularization, ICLR 2019, arXiv:1711.05101, Algorithm 2.

    Examples
    --------
    >>> params = (jnp.array([1.0, 1.0]),)
    >>> params, state = adamw_update((jnp.array([3.0, 0.0]),), adamw_init(params), params, lr=0.1)
    >>> [round(p, 4) for p in params[0].tolist()]  # without gradient, only the decay 0.1 · 0.01
    [0.899, 0.999]
    """
    expect_update(Adam, grads, state, params)
    _expect_step("state.step", state.step)
    [lr], [eps] = _finite(lr=lr), _known(eps=eps)
    [weight_decay] = _known(weight_decay=weight_decay)
    beta1, beta2 = _fractions(beta1=beta1, beta2=beta2)
    return _adamw(grads, params, state, lr, beta1, beta2, eps, weight_decay)


@partial(
    jax.jit,
    donate_argnums=(1, 2),
    static_argnames=("beta1", "beta2", "eps", "weight_decay"),
)
def _adamw(grads, params, state, lr, beta1, beta2, eps, weight_decay):
    params = _map(lambda p: p * (1 - lr * weight_decay), params)
    return adam_update(grads, state, params, lr, beta1, beta2, eps)


def clip_by_global_norm(
    grads: tuple, max_norm: float
) -> tuple[tuple, jax.Array]:
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
    >>> grads, norm = clip_by_global_norm((jnp.array([3.0]), jnp.array([4.0])), max_norm=1.0)
    >>> norm.item(), [round(g.item(), 4) for g in grads]
    (5.0, [0.6, 0.8])
    """
    expect_arrays("grads", grads)
    expect_max_norm(max_norm)
    return _clip(grads, max_norm)


@jax.jit
def _clip(grads, max_norm):
    largest = _largest(grads)
    # Squares of large float32 numbers overflow: divide by the largest one first.
    scale = jnp.where((largest > 0) & (largest < jnp.inf), largest, 1)
    units = _map(lambda g: g / scale, grads)
    squares = [jnp.sum(u * u, dtype=float) for u in jax.tree.leaves(units)]
    root = jnp.sqrt(sum(squares))
    long = ~(scale * root <= max_norm)  # so that nan is long
    clipped = _map(
        lambda g, u: jnp.where(long, u * (max_norm / root), g), grads, units
    )
    return clipped, scale * root


def _largest(tree: tuple) -> jax.Array:
    leaves = jax.tree.leaves(tree)
    return jnp.max(jnp.stack([jnp.abs(a).max(initial=0) for a in leaves]))


def constant_schedule(step: int | jax.Array, lr: float) -> jax.Array:
    """Rate that stays: lr.

    Bind the other arguments with functools.partial to get a function of the step alone.

    Parameters
    ----------
    step : ()
        Steps done before this one: 0, 1, … May be traced.
    lr : float
        Learning rate, ≥ 0.

    Returns
    -------
    rate : ()
        The rate of this step.

    Raises
    ------
    ValueError
        If step is not an integer ≥ 0, or a number is out of range
        (what is traced is not seen).

    Examples
    --------
    >>> [constant_schedule(step, lr=0.5).item() for step in range(3)]
    [0.5, 0.5, 0.5]
    """
    _expect_step("step", step)
    [lr] = _finite(lr=lr)
    return jnp.asarray(lr)


def step_schedule(
    step: int | jax.Array, lr: float, every: int, factor: float = 0.1
) -> jax.Array:
    """Rate that falls in steps: lr factor^⌊step / every⌋.

    Parameters
    ----------
    step : ()
        Steps done before this one: 0, 1, … May be traced.
    lr : float
        Learning rate at the start, ≥ 0.
    every : int
        How many steps each rate lasts, ≥ 1.
    factor : float
        What the rate is multiplied by then, ≥ 0.

    Returns
    -------
    rate : ()
        The rate of this step.

    Raises
    ------
    ValueError
        If step is not an integer ≥ 0, or a number is out of range
        (what is traced is not seen).

    Examples
    --------
    >>> [step_schedule(step, lr=1.0, every=2, factor=0.5).item() for step in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """
    _expect_step("step", step)
    expect_integers(1, every=every)
    lr, factor = _finite(lr=lr, factor=factor)
    falls = (
        step // every * 1.0
    )  # a float: then the rate makes no float32 array float64
    return jnp.asarray(lr * factor**falls)


def warmup_cosine_schedule(
    step: int | jax.Array, lr: float, warmup: int, total: int
) -> jax.Array:
    """Rate that rises in a line, then falls along half a cosine.

    The rise is lr (step + 1) / warmup. From step = warmup the fall is lr/2 (1 + cos(π t)), where
    t = (step - warmup) / (total - warmup). From step = total the rate is 0.

    Parameters
    ----------
    step : ()
        Steps done before this one: 0, 1, … May be traced.
    lr : float
        Learning rate at the top, ≥ 0.
    warmup : int
        Steps of the rise, from 0 to total.
    total : int
        Steps of rise and fall together, ≥ 1.

    Returns
    -------
    rate : ()
        The rate of this step.

    Raises
    ------
    ValueError
        If step is not an integer ≥ 0, or a number is out of range
        (what is traced is not seen).

    References
    ----------
    Goyal et al., Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour, 2017, arXiv:1706.02677,
    section 2.2 (the rise; theirs starts from the rate for one worker).
    Loshchilov and Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts, ICLR 2017, arXiv:1608.03983,
    eq. 5 (the fall).

    Examples
    --------
    >>> rates = [warmup_cosine_schedule(step, lr=1.0, warmup=2, total=6) for step in range(7)]
    >>> [round(rate.item(), 3) for rate in rates]
    [0.5, 1.0, 1.0, 0.854, 0.5, 0.146, 0.0]
    """
    _expect_step("step", step)
    expect_spans(warmup, total)
    [lr] = _finite(lr=lr)
    rise = lr * (step + 1.0) / max(warmup, 1)
    progress = (step - float(warmup)) / max(total - warmup, 1)
    fall = lr / 2 * (1 + jnp.cos(jnp.pi * progress))
    return jnp.where(step < warmup, rise, jnp.where(step < total, fall, 0.0))


def _map(f: Callable, tree: tuple, *others: tuple) -> tuple:
    """Apply f to the arrays in each place; the results keep the tree and the dtypes of the first."""
    arrays, structure = jax.tree.flatten(tree)
    places = zip(arrays, *map(jax.tree.leaves, others), strict=True)
    return structure.unflatten([f(*a).astype(a[0].dtype) for a in places])


def _zeros(params: tuple) -> tuple:
    expect_arrays("params", params)
    return jax.tree.map(jnp.zeros_like, params)


def _finite(**numbers) -> list:
    """Check numbers ≥ 0, and make them Python's unless traced: others could make float32 arrays float64."""
    expect_finite(**numbers)
    return [n if is_traced(n) else float(n) for n in numbers.values()]


def _known(**numbers) -> list[float]:
    """Check numbers ≥ 0 that the compiled formula holds as constants."""
    expect_finite(**numbers)
    return _constants(**numbers)


def _fractions(**numbers) -> list[float]:
    """Check numbers in [0, 1) that the compiled formula holds as constants."""
    expect_fractions(**numbers)
    return _constants(**numbers)


def _constants(**numbers) -> list[float]:
    for name, number in numbers.items():
        require(
            not is_traced(number),
            f"{name}: expected a number known when compiling, got a traced one",
        )
    return [float(number) for number in numbers.values()]


def _expect_step(name: str, step: int | jax.Array) -> None:
    """Check an integer ≥ 0. The value of an array is not asked for: a step would wait for the one before."""
    dtype = getattr(step, "dtype", None)
    integer = dtype is not None and jnp.issubdtype(dtype, jnp.integer)
    if not (integer and jnp.shape(step) == ()):
        expect_integers(0, **{name: step})
