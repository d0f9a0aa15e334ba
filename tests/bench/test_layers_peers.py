"""Normalisation, pooling and initial weights beside PyTorch and jax.nn."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from textbook_code.with_jax import norm as jax_norm
from textbook_code.with_jax import pool as jax_pool
from textbook_code.with_numpy import init, norm, pool

torch.set_num_threads(1)
RNG = np.random.default_rng(0)


def close(a, b, rtol=1e-12):
    a, b = np.asarray(a), np.asarray(b)
    return a.shape == b.shape and np.max(np.abs(a - b), initial=0) <= rtol * max(1, np.max(np.abs(b)))


def channels_first(a):
    """From (N, ..., C) to PyTorch's (N, C, ...)."""
    return torch.tensor(np.ascontiguousarray(np.moveaxis(a, -1, 1)))


def channels_last(t):
    return np.moveaxis(t.detach().numpy(), 1, -1)


def torch_vjp(f, dy, *args):
    """PyTorch's output and gradients."""
    args = [a.clone().requires_grad_() for a in args]
    y = f(*args)
    return y, torch.autograd.grad(y, args, dy)


@pytest.mark.parametrize("shape", [(6, 3), (4, 7, 3), (4, 5, 6, 3)])
@pytest.mark.parametrize("eps", [1e-5, 0.1])
def test_batch_norm_in_training(shape, eps):
    x, dy = RNG.standard_normal(shape) * 2 + 1, RNG.standard_normal(shape)
    gamma, beta = RNG.standard_normal((2, 3))
    y, (dx, dgamma, dbeta) = torch_vjp(
        lambda x, g, b: F.batch_norm(x, None, None, g, b, True, eps=eps),
        channels_first(dy), channels_first(x), torch.tensor(gamma), torch.tensor(beta),
    )  # fmt: skip
    assert close(norm.batch_norm(x, gamma, beta, eps)[0], channels_last(y))
    grads = norm.batch_norm_vjp(dy, x, gamma, beta, eps)
    for by_hand, by_torch in zip(grads, (channels_last(dx), dgamma, dbeta), strict=True):
        assert close(by_hand, by_torch)


@pytest.mark.parametrize("shape", [(1, 3), (4, 5, 6, 3)])
def test_batch_norm_at_inference(shape):
    x, dy = RNG.standard_normal(shape), RNG.standard_normal(shape)
    gamma, beta, mean = RNG.standard_normal((3, 3))
    var = RNG.uniform(0.1, 2, 3)
    y, (dx, dgamma, dbeta) = torch_vjp(
        lambda x, g, b: F.batch_norm(x, torch.tensor(mean), torch.tensor(var), g, b, False),
        channels_first(dy), channels_first(x), torch.tensor(gamma), torch.tensor(beta),
    )  # fmt: skip
    assert close(norm.batch_norm_inference(x, gamma, beta, mean, var), channels_last(y))
    grads = norm.batch_norm_inference_vjp(dy, x, gamma, beta, mean, var)
    for by_hand, by_torch in zip(grads, (channels_last(dx), dgamma, dbeta), strict=True):
        assert close(by_hand, by_torch)


def test_one_entry_is_refused_as_in_torch():
    with pytest.raises(ValueError, match="Expected more than 1 value per channel"):
        F.batch_norm(torch.zeros(1, 3), None, None, training=True)
    with pytest.raises(ValueError, match="two or more entries"):
        norm.batch_norm(np.zeros((1, 3)), np.ones(3), np.zeros(3))


@pytest.mark.parametrize("half", [norm, jax_norm])
@pytest.mark.parametrize("decay", [0.9, 0.5])
def test_running_statistics_after_several_batches(half, decay):
    layer = torch.nn.BatchNorm1d(3, momentum=1 - decay, dtype=torch.float64)
    batches = [RNG.standard_normal((n, 3)) * n + n for n in (2, 5, 3, 8)]
    with jax.enable_x64(True):
        running = half.running_init(3)
        for x in batches:
            layer(torch.tensor(x))
            _, mean, var = half.batch_norm(x, np.ones(3), np.zeros(3))
            running = half.running_update(running, mean, var, len(x), decay)
        assert close(running.mean, layer.running_mean)
        assert close(running.var, layer.running_var)
        layer.eval()
        y = half.batch_norm_inference(batches[0], np.ones(3), np.zeros(3), *running)
        assert close(y, layer(torch.tensor(batches[0])).detach())


@pytest.mark.parametrize("shape", [(4,), (5, 4), (2, 3, 4)])
@pytest.mark.parametrize("eps", [1e-5, 0.1])
def test_layer_norm(shape, eps):
    x, dy = RNG.standard_normal(shape) * 2 + 1, RNG.standard_normal(shape)
    gamma, beta = RNG.standard_normal((2, 4))
    y, grads = torch_vjp(
        lambda x, g, b: F.layer_norm(x, (4,), g, b, eps), *map(torch.tensor, (dy, x, gamma, beta))
    )
    assert close(norm.layer_norm(x, gamma, beta, eps), y.detach())
    for by_hand, by_torch in zip(norm.layer_norm_vjp(dy, x, gamma, beta, eps), grads, strict=True):
        assert close(by_hand, by_torch)


def test_a_large_mean_in_float32_is_kept_at_least_as_well_as_in_torch():
    x = (1e4 + RNG.standard_normal((65_536, 4))).astype(np.float32)
    one, exact = np.ones(4, np.float32), x.astype(np.float64).mean(axis=0)
    by_torch = torch.zeros(4)
    F.batch_norm(torch.tensor(x), by_torch, torch.ones(4), training=True, momentum=1.0)
    _, mean, _ = norm.batch_norm(x, one, 0 * one)
    assert np.abs(mean - exact).max() <= max(np.abs(by_torch.numpy() - exact).max(), 0.02)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size, stride", [(2, None), (3, 1), (3, 2), (2, 3), (1, 1), (4, 4)])
def test_pooling_with_ties(size, stride, dtype):
    x = np.maximum(RNG.integers(-3, 3, (3, 9, 10, 4)), 0).astype(dtype)  # half of it 0, as after ReLU
    pairs = [
        (pool.max_pool2d, pool.max_pool2d_vjp, jax_pool.max_pool2d, F.max_pool2d),
        (pool.avg_pool2d, pool.avg_pool2d_vjp, jax_pool.avg_pool2d, F.avg_pool2d),
    ]
    for f, f_vjp, f_jax, f_torch in pairs:
        y = f(x, size, stride)
        dy = RNG.standard_normal(y.shape).astype(dtype)
        by_torch, [dx] = torch_vjp(
            lambda x, f=f_torch: f(x, size, stride), channels_first(dy), channels_first(x)
        )
        assert close(y, channels_last(by_torch), 1e-6)
        assert close(f_vjp(dy, x, size, stride), channels_last(dx), 1e-6)
        with jax.enable_x64(True):
            _, pull = jax.vjp(lambda x, f=f_jax: f(x, size, stride), jnp.asarray(x))
            assert close(pull(jnp.asarray(dy))[0], channels_last(dx), 1e-6)


@pytest.mark.parametrize("shape", [(300, 200), (200, 300), (3, 3, 30, 60), (5, 40, 100)])
@pytest.mark.parametrize("name", ["glorot_uniform", "glorot_normal", "he_normal", "lecun_normal"])
def test_inits_have_the_deviation_of_jax_and_torch(name, shape):
    w = getattr(init, name)(np.random.default_rng(0), shape, np.float32)
    by_jax = getattr(jax.nn.initializers, name)()(jax.random.key(0), shape)
    assert w.std() == pytest.approx(float(by_jax.std()), rel=0.02)
    # PyTorch has (M, D) for dense and (M, C, KH, KW) for convolution.
    weights = torch.empty(shape[-1], shape[-2], *shape[:-2])
    assert init.fans(shape) == torch.nn.init._calculate_fan_in_and_fan_out(weights)
    fill = {
        "glorot_uniform": torch.nn.init.xavier_uniform_,
        "glorot_normal": torch.nn.init.xavier_normal_,
        "he_normal": lambda w: torch.nn.init.kaiming_normal_(w, nonlinearity="relu"),
        "lecun_normal": lambda w: torch.nn.init.kaiming_normal_(w, nonlinearity="linear"),
    }[name]
    torch.manual_seed(0)
    assert w.std() == pytest.approx(fill(weights).std().item(), rel=0.02)
