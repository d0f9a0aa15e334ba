"""Activations and losses beside PyTorch: forward and gradients."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from textbook_code.check import ELEMENTWISE
from textbook_code.with_jax import activations as jax_activations
from textbook_code.with_jax import losses as jax_losses
from textbook_code.with_numpy import activations, losses

torch.set_num_threads(1)
ACTIVATIONS = [
    ("sigmoid", (), torch.sigmoid),
    ("tanh", (), torch.tanh),
    ("relu", (), F.relu),
    ("leaky_relu", (), F.leaky_relu),
    ("leaky_relu", (0.3,), partial(F.leaky_relu, negative_slope=0.3)),
    ("elu", (), F.elu),
    ("elu", (0.3,), partial(F.elu, alpha=0.3)),
    ("silu", (), F.silu),
    ("gelu", (), F.gelu),
    ("gelu_tanh", (), partial(F.gelu, approximate="tanh")),
    ("softplus", (), partial(F.softplus, threshold=1000)),  # PyTorch's own threshold, 20, errs by 2e-9
    ("softmax", (), partial(F.softmax, dim=-1)),
    ("log_softmax", (), partial(F.log_softmax, dim=-1)),
]
LOSSES = [
    ("mse", F.mse_loss, "targets"),
    ("bce_with_logits", F.binary_cross_entropy_with_logits, "shares"),
    ("cross_entropy", F.cross_entropy, "labels"),
]
by_activation = pytest.mark.parametrize(
    "name, others, f_torch", ACTIVATIONS, ids=lambda a: getattr(a, "__name__", str(a))
)
by_loss = pytest.mark.parametrize("name, f_torch, kind", LOSSES)
by_size = pytest.mark.parametrize("shape", [(5,), (40, 10), (3, 7, 11), (300, 401)], ids=str)


def close(a, b, rtol=1e-12):
    """Up to rtol of 1, or of an entry that is larger."""
    a, b = np.asarray(a), np.asarray(b)
    return a.shape == b.shape and np.max(np.abs(a - b) / np.maximum(1, np.abs(b))) <= rtol


def by_torch(f, x, *others, dy=None):
    """PyTorch's output and gradient."""
    x = torch.tensor(x, requires_grad=True)
    y = f(x, *map(torch.tensor, others))
    dy = torch.ones(()) if dy is None else torch.tensor(dy)
    [dx] = torch.autograd.grad(y, x, dy.to(y.dtype))
    return y.detach().numpy(), dx.numpy()


def by_jax(f, dy, x):
    with jax.enable_x64(True):
        y, pull = jax.vjp(f, jnp.asarray(x))
        return np.asarray(y), np.asarray(pull(jnp.asarray(dy, y.dtype))[0])


def test_none_is_left_out():
    assert {name for name, *_ in ACTIVATIONS} == {*ELEMENTWISE, "softmax", "log_softmax"}


@by_activation
@by_size
def test_activations(name, others, f_torch, shape):
    rng = np.random.default_rng(0)
    x, dy = 3 * rng.standard_normal(shape), rng.standard_normal(shape)
    y, dx = by_torch(f_torch, x, dy=dy)
    f = getattr(jax_activations, name)
    for by_book in [
        (getattr(activations, name)(x, *others), getattr(activations, f"{name}_vjp")(dy, x, *others)),
        by_jax(lambda x: f(x, *others), dy, x),
    ]:
        assert close(by_book[0], y) and close(by_book[1], dx)


@by_activation
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_activations_at_extremes(name, others, f_torch, dtype):
    x = np.array([[-1e4, -100, -50, -20, -0.0, 0.0, 20, 50, 100, 1e4]], dtype).T + np.zeros(2, dtype)
    x[:, 1] *= 0.5
    if name == "softplus" and dtype == np.float32:
        f_torch = F.softplus  # without its threshold PyTorch gives inf for 100
    y, dx = by_torch(f_torch, x, dy=np.ones_like(x))
    f, f_vjp = getattr(activations, name), getattr(activations, f"{name}_vjp")
    zero = x == 0 if name == "leaky_relu" else np.zeros_like(x, bool)  # at its kink we take 1, PyTorch alpha
    rtol = 1e-12 if dtype == np.float64 else 5e-6
    assert close(f(x, *others), y, rtol)
    assert close(np.where(zero, 0, f_vjp(np.ones_like(x), x, *others)), np.where(zero, 0, dx), rtol)


@by_activation
def test_activations_in_float32(name, others, f_torch):
    rng = np.random.default_rng(1)
    x, dy = (3 * rng.standard_normal((2, 50, 40))).astype(np.float32)
    y, dx = by_torch(f_torch, x, dy=dy)
    by_hand = getattr(activations, name)(x, *others), getattr(activations, f"{name}_vjp")(dy, x, *others)
    assert {a.dtype for a in by_hand} == {np.dtype(np.float32)}
    # PyTorch's gelu of tanh form cancels to 0 for x < -5, where its derivative is -1e-6.
    assert close(by_hand[0], y, 5e-6) and close(by_hand[1], dx, 1e-5)


def target(kind, rng, shape, dtype=np.float64):
    if kind == "labels":
        return rng.integers(0, shape[1], shape[0])
    return (rng.uniform(0, 1, shape) if kind == "shares" else rng.standard_normal(shape)).astype(dtype)


@by_loss
@pytest.mark.parametrize("shape", [(1, 2), (40, 10), (301, 400)], ids=str)
@pytest.mark.parametrize("dy", [1.0, -2.5])
def test_losses(name, f_torch, kind, shape, dy):
    rng = np.random.default_rng(0)
    x, y = 5 * rng.standard_normal(shape), target(kind, rng, shape)
    loss, dx = by_torch(f_torch, x, y, dy=dy)
    f = getattr(jax_losses, name)
    by_hand = getattr(losses, name)(x, y), getattr(losses, f"{name}_vjp")(dy, x, y)
    for by_book in (by_hand, by_jax(lambda x: f(x, y), dy, x)):
        assert by_book[0] == pytest.approx(loss, rel=1e-12)
        assert np.max(np.abs(by_book[1] - dx)) <= 1e-12 * np.max(np.abs(dx))


@by_loss
def test_losses_in_float32(name, f_torch, kind):
    rng = np.random.default_rng(0)
    x = (5 * rng.standard_normal((64, 10))).astype(np.float32)
    y = target(kind, rng, x.shape, np.float32)
    loss, dx = by_torch(f_torch, x, y)
    by_hand = getattr(losses, name)(x, y), getattr(losses, f"{name}_vjp")(1.0, x, y)
    assert by_hand[0].dtype == by_hand[1].dtype == np.float32
    assert by_hand[0] == pytest.approx(loss, rel=2e-6)
    assert np.max(np.abs(by_hand[1] - dx)) <= 2e-6 * np.max(np.abs(dx))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_losses_of_logits_that_are_very_sure(dtype):
    x = np.array([[1e4, -1e4], [-1e4, 1e4], [50, -50], [0, 0]], dtype)
    for labels in (np.array([0, 1, 0, 1]), np.array([1, 0, 1, 0])):
        loss, dx = by_torch(F.cross_entropy, x, labels)
        assert losses.cross_entropy(x, labels) == pytest.approx(loss, rel=1e-6)
        assert close(losses.cross_entropy_vjp(1.0, x, labels), dx, 1e-6)
        y = np.eye(2, dtype=dtype)[labels]
        loss, dx = by_torch(F.binary_cross_entropy_with_logits, x, y)
        assert losses.bce_with_logits(x, y) == pytest.approx(loss, rel=1e-6)
        assert close(losses.bce_with_logits_vjp(1.0, x, y), dx, 1e-6)


@pytest.mark.parametrize("n, classes", [(7, 3), (500, 10)])
def test_accuracy(n, classes):
    rng = np.random.default_rng(0)
    logits = rng.integers(-3, 3, (n, classes)).astype(np.float64)  # many ties: the first one counts
    labels = rng.integers(0, classes, n)
    expected = (torch.tensor(logits).argmax(dim=1) == torch.tensor(labels)).double().mean().item()
    assert losses.accuracy(logits, labels) == pytest.approx(expected, rel=1e-14)
