"""The optimizers against optax and PyTorch: the same numbers, once the conventions are made the same."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch

from textbook_code.with_jax import optim as jax_optim
from textbook_code.with_numpy import optim

HALVES = (optim, jax_optim)
LR = 0.05

# Each row: ours, its numbers, optax's and PyTorch's twin. Only what differs from the default is named.
ROWS = [
    ("sgd", {}, optax.sgd(LR), lambda p: torch.optim.SGD(p, LR)),
    (
        "momentum",
        {},
        optax.sgd(LR, momentum=0.9),
        lambda p: torch.optim.SGD(p, LR, momentum=0.9),
    ),
    (
        "nesterov",
        {},
        optax.sgd(LR, momentum=0.9, nesterov=True),
        lambda p: torch.optim.SGD(p, LR, momentum=0.9, nesterov=True),
    ),
    (
        "adagrad",
        {"eps": 0.0},
        optax.adagrad(LR, initial_accumulator_value=0.0, eps=0.0),
        lambda p: torch.optim.Adagrad(p, LR, eps=0.0),
    ),
    ("adagrad", {}, None, lambda p: torch.optim.Adagrad(p, LR)),
    (
        "rmsprop",
        {},
        optax.rmsprop(LR, eps_in_sqrt=False),
        lambda p: torch.optim.RMSprop(p, LR, alpha=0.9),
    ),
    ("adam", {}, optax.adam(LR), lambda p: torch.optim.Adam(p, LR)),
    (
        "adam",
        {"beta1": 0.5, "beta2": 0.7, "eps": 0.1},
        optax.adam(LR, b1=0.5, b2=0.7, eps=0.1),
        lambda p: torch.optim.Adam(p, LR, betas=(0.5, 0.7), eps=0.1),
    ),
    ("adamw", {}, optax.adamw(LR, weight_decay=0.01), lambda p: torch.optim.AdamW(p, LR)),
]


@pytest.fixture(autouse=True)
def in_float64():
    with jax.enable_x64(True):
        yield


def draw(steps=100):
    rng = np.random.default_rng(0)
    shapes = [(3, 4), (4,), ()]
    params, *grads = (tuple(rng.standard_normal(s) for s in shapes) for _ in range(steps + 1))
    return tuple(map(np.asarray, params)), grads


def ours(half, name, options, steps=100, rate=lambda step: LR):
    params, grads = draw(steps)
    array = jnp.array if half is jax_optim else np.array
    params = tuple(map(array, params))
    state = getattr(half, f"{name}_init")(params)
    for step, g in enumerate(grads):
        g = tuple(map(array, g))
        params, state = getattr(half, f"{name}_update")(g, state, params, rate(step), **options)
    return params


def by_optax(optimizer, steps=100):
    params, grads = draw(steps)
    state = optimizer.init(params)
    for g in grads:
        updates, state = optimizer.update(g, state, params)
        params = optax.apply_updates(params, updates)
    return params


def by_torch(make, steps=100):
    params, grads = draw(steps)
    params = [torch.tensor(p, requires_grad=True) for p in params]
    optimizer = make(params)
    for g in grads:
        for p, x in zip(params, g, strict=True):
            p.grad = torch.tensor(x)
        optimizer.step()
    return [p.detach().numpy() for p in params]


def gap(a, b):
    return max(float(np.max(np.abs(np.asarray(x) - np.asarray(y)))) for x, y in zip(a, b, strict=True))


by_half = pytest.mark.parametrize("half", HALVES, ids=["numpy", "jax"])


@by_half
@pytest.mark.parametrize("name, options, twin, make", ROWS, ids=[f"{r[0]}-{i}" for i, r in enumerate(ROWS)])
def test_same_parameters_after_100_steps(half, name, options, twin, make):
    params = ours(half, name, options)
    assert gap(params, draw()[0]) > 0.1
    if twin is not None:
        assert gap(params, by_optax(twin)) < 1e-12
    assert gap(params, by_torch(make)) < 1e-12


@by_half
@pytest.mark.parametrize(
    "name, twin, make",
    [
        ("adagrad", optax.adagrad(LR), None),  # starts at 0.1, eps = 1e-7 inside the root
        ("rmsprop", None, lambda p: torch.optim.RMSprop(p, LR)),  # alpha = 0.99
        ("adamw", optax.adamw(LR), None),  # weight_decay = 1e-4
    ],
)
def test_defaults_that_differ(half, name, twin, make):
    params = ours(half, name, {})
    assert gap(params, by_optax(twin) if twin else by_torch(make)) > 1e-3


@by_half
def test_eps_inside_the_root_shows_where_gradients_vanish(half):
    """One step with g = 1e-5 and v = 0: √(v + eps) is 1e-4, √v + eps is 3e-6."""
    g, eps = 1e-5, 1e-8
    p = (jnp.zeros(1) if half is jax_optim else np.zeros(1),)
    grads = (p[0] + g,)
    params, _ = half.rmsprop_update(grads, half.rmsprop_init(p), p, 1.0, eps=eps)
    inside, outside = optax.rmsprop(1.0, eps=eps), optax.rmsprop(1.0, eps=eps, eps_in_sqrt=False)
    steps = [float(o.update(grads, o.init(grads))[0][0][0]) for o in (inside, outside)]
    assert float(params[0][0]) == pytest.approx(steps[1], rel=1e-12)
    assert steps[0] == pytest.approx(-g / math.sqrt(0.1 * g * g + eps))
    assert abs(steps[1]) > 30 * abs(steps[0])


def test_rate_inside_the_velocity_is_the_same_only_while_the_rate_stays():
    """Sutskever et al.: velocity ← beta velocity - lr g, p ← p + velocity."""

    def inside(rate):
        params, grads = draw()
        velocity = [np.zeros_like(p) for p in params]
        for step, g in enumerate(grads):
            velocity = [0.9 * v - rate(step) * x for v, x in zip(velocity, g, strict=True)]
            params = [p + v for p, v in zip(params, velocity, strict=True)]
        return params

    for rate, same in [(lambda step: LR, True), (lambda step: LR / (step + 1), False)]:
        assert (gap(inside(rate), ours(optim, "momentum", {}, rate=rate)) < 1e-12) is same


def test_nesterov_keeps_the_parameters_that_look_ahead():
    """Sutskever et al. keep θ and a velocity μ with the rate inside: our parameters are θ + beta μ."""

    def gradient(x):
        return np.array([1.0, 3.0]) * x

    theta, mu = np.ones(2), np.zeros(2)
    params = (np.ones(2),)
    state = optim.nesterov_init(params)
    for _ in range(20):
        mu = 0.9 * mu - LR * gradient(theta + 0.9 * mu)
        theta = theta + mu
        params, state = optim.nesterov_update((gradient(params[0]),), state, params, LR)
        assert gap(params, (theta + 0.9 * mu,)) < 1e-12


def test_the_papers_adamw_decays_by_the_schedule_alone():
    """Algorithm 2: θ ← θ - η (α m̂ / (√v̂ + ε) + λ θ). Ours with weight_decay = λ / α is the same."""
    alpha, decay = 0.05, 0.001
    params, grads = draw(20)
    theta, m, v = ([np.array(a) * k for a in params] for k in (1, 0, 0))
    for t, g in enumerate(grads, start=1):
        eta = 1 / t
        m = [0.9 * a + 0.1 * x for a, x in zip(m, g, strict=True)]
        v = [0.999 * a + 0.001 * x * x for a, x in zip(v, g, strict=True)]
        steps = [a / (1 - 0.9**t) / (np.sqrt(b / (1 - 0.999**t)) + 1e-8) for a, b in zip(m, v, strict=True)]
        theta = [p - eta * (alpha * s + decay * p) for p, s in zip(theta, steps, strict=True)]
    same = ours(optim, "adamw", {"weight_decay": decay / alpha}, 20, lambda step: alpha / (step + 1))
    other = ours(optim, "adamw", {"weight_decay": decay}, 20, lambda step: alpha / (step + 1))
    assert gap(same, theta) < 1e-12 < 1e-4 < gap(other, theta)


# Clipping and schedules


@by_half
@pytest.mark.parametrize("max_norm", [0.5, 100.0])
def test_clipping(half, max_norm):
    grads = draw(1)[1][0]
    mine, norm = half.clip_by_global_norm(grads, max_norm)
    assert float(norm) == pytest.approx(float(optax.tree.norm(grads)), rel=1e-14)
    assert gap(mine, optax.clip_by_global_norm(max_norm).update(grads, optax.EmptyState())[0]) < 1e-15
    tensors = [torch.zeros(np.shape(g), dtype=torch.float64, requires_grad=True) for g in grads]
    for tensor, g in zip(tensors, grads, strict=True):
        tensor.grad = torch.tensor(g)
    assert float(torch.nn.utils.clip_grad_norm_(tensors, max_norm)) == pytest.approx(float(norm), rel=1e-14)
    difference = gap(mine, [t.grad.numpy() for t in tensors])
    assert difference < 1e-6 and (difference > 1e-9) is (max_norm < float(norm))  # its norm + 1e-6


@by_half
def test_step_schedule(half):
    twin = optax.exponential_decay(LR, transition_steps=7, decay_rate=0.1, staircase=True)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], LR)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=7)
    for step in range(30):
        mine = float(half.step_schedule(step, LR, every=7))
        assert mine == pytest.approx(float(twin(step)), rel=1e-12)
        assert mine == pytest.approx(scheduler.get_last_lr()[0], rel=1e-12)
        optimizer.step()
        scheduler.step()


@by_half
def test_constant_schedule(half):
    assert float(half.constant_schedule(3, LR)) == float(optax.constant_schedule(LR)(3))


@by_half
def test_cosine_is_the_same_and_the_rise_is_one_step_ahead(half):
    """In optax the first step has rate 0 and does nothing; here it has lr / warmup."""
    twin = optax.warmup_cosine_decay_schedule(0.0, LR, warmup_steps=5, decay_steps=20)
    for step in range(25):
        mine = float(half.warmup_cosine_schedule(step, LR, warmup=5, total=20))
        assert mine == pytest.approx(float(twin(step + (step < 5))), abs=1e-15)
    assert float(twin(0)) == 0 < float(half.warmup_cosine_schedule(0, LR, 5, 20))
