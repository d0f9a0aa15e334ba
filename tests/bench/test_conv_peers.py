"""Convolution beside PyTorch: forward and both gradients."""

import jax
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from textbook_code.with_jax import conv as jax_conv
from textbook_code.with_numpy import conv

torch.set_num_threads(1)
SIZES_2D = [
    ((2, 9, 8, 3), (3, 2, 3, 4)),
    ((3, 7, 10, 5), (1, 3, 5, 2)),
    ((1, 5, 5, 1), (5, 5, 1, 1)),
    ((2, 6, 7, 16), (3, 3, 16, 8)),
]
SIZES_1D = [
    ((2, 11, 3), (3, 3, 4)),
    ((3, 8, 5), (4, 5, 2)),
    ((1, 5, 1), (5, 1, 1)),
    ((2, 20, 16), (1, 16, 8)),
]
STEPS = [(1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (3, 0), (3, 2)]
by_steps = pytest.mark.parametrize("stride, pad", STEPS)


def close(a, b, rtol):
    a, b = np.asarray(a), np.asarray(b)
    return a.shape == b.shape and np.max(np.abs(a - b)) <= rtol * np.max(np.abs(b))


def by_torch(f, dy, x, w, *others):
    """PyTorch's output and gradients; it has x as (N, C, ...) and w as (M, C, ...)."""
    x = torch.tensor(np.moveaxis(x, -1, 1).copy(), requires_grad=True)
    w = torch.tensor(np.moveaxis(w, (-1, -2), (0, 1)).copy(), requires_grad=True)
    y = f(x, w, None, *others)
    if dy is None:
        return np.moveaxis(y.detach().numpy(), 1, -1)
    dx, dw = torch.autograd.grad(y, (x, w), torch.tensor(np.moveaxis(dy, -1, 1).copy()))
    y, dx = (np.moveaxis(a.detach().numpy(), 1, -1) for a in (y, dx))
    return y, dx, np.moveaxis(dw.numpy(), (0, 1), (-1, -2))


def agree(name, f_torch, shapes, stride, pad, torch_pad, dtype, rtol):
    rng = np.random.default_rng(0)
    x, w = (rng.standard_normal(shape).astype(dtype) for shape in shapes)
    y = getattr(conv, name)(x, w, stride, pad)
    dy = rng.standard_normal(y.shape).astype(dtype)
    expected = by_torch(f_torch, dy, x, w, stride, torch_pad)
    by_hand = y, *getattr(conv, f"{name}_vjp")(dy, x, w, stride, pad)
    with jax.enable_x64(True):
        y, pull = jax.vjp(lambda x, w: getattr(jax_conv, name)(x, w, stride, pad), x, w)
        by_jax = y, *pull(dy)
    for a, b, c in zip(by_hand, by_jax, expected, strict=True):
        assert a.dtype == b.dtype == c.dtype == dtype
        assert close(a, c, rtol) and close(b, c, rtol)


@by_steps
@pytest.mark.parametrize("shapes", SIZES_2D, ids=str)
def test_conv2d(shapes, stride, pad):
    agree("conv2d", F.conv2d, shapes, stride, pad, pad, np.float64, 1e-10)


@by_steps
@pytest.mark.parametrize("shapes", SIZES_1D, ids=str)
def test_conv1d(shapes, stride, pad):
    agree("conv1d", F.conv1d, shapes, stride, pad, pad, np.float64, 1e-10)


@pytest.mark.parametrize("name, f_torch, shapes", [
    ("conv2d", F.conv2d, ((2, 9, 8, 3), (3, 5, 3, 4))),
    ("conv2d", F.conv2d, ((2, 4, 3, 5), (7, 1, 5, 2))),
    ("conv1d", F.conv1d, ((2, 9, 3), (5, 3, 4))),
])  # fmt: skip
def test_same_is_torchs_same(name, f_torch, shapes):
    agree(name, f_torch, shapes, 1, "same", "same", np.float64, 1e-10)


@pytest.mark.parametrize("stride", [2, 3])
def test_same_with_a_stride_pads_as_without(stride):
    """PyTorch has no such thing by name; TensorFlow's pads less on the left."""
    agree("conv2d", F.conv2d, ((2, 9, 8, 3), (3, 5, 3, 4)), stride, "same", (1, 2), np.float64, 1e-10)


@by_steps
def test_float32(stride, pad):
    agree("conv2d", F.conv2d, ((4, 12, 11, 8), (3, 3, 8, 16)), stride, pad, pad, np.float32, 2e-5)


def test_several_parts():
    agree("conv2d", F.conv2d, ((11, 28, 28, 16), (3, 3, 16, 8)), 1, 1, 1, np.float64, 1e-10)


@pytest.mark.parametrize("stride, pad", [(1, 0), (2, 1)])
def test_the_matrix_gives_what_torch_gives(stride, pad):
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((2, 5, 6, 3)), rng.standard_normal((3, 2, 3, 4))
    matrix = conv.conv2d_as_dense(w, (5, 6, 3), stride, pad)
    y = by_torch(F.conv2d, None, x, w, stride, pad)
    assert close(x.reshape(2, -1) @ matrix, y.reshape(2, -1), 1e-12)
