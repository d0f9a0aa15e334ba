"""The tape and torch.autograd give the same gradients."""

import numpy as np
import pytest
import torch

from textbook_code.tape import Variable, backward

FORMULAS = [
    (lambda x, w, b: ((x @ w + b).tanh() ** 2).mean(), [(5, 4), (4, 3), (3,)]),
    (lambda x, w, b: ((x @ w).relu() / (2 + b.exp())).sum(), [(5, 4), (4, 3), (5, 1)]),
    (lambda x, y: (x * y - 1 / (x * x + 1)).mean(), [(3, 1, 2), (4, 1)]),
    (lambda x: (x.exp().sum(1).log() ** 3).sum() - (x.T.reshape(-1) ** -2).mean(), [(3, 4)]),
    (lambda x: x.sum() + (x * x * x).sum(), [(2, 2)]),
]


@pytest.mark.parametrize("f, shapes", FORMULAS)
def test_gradients_are_torchs(f, shapes):
    rng = np.random.default_rng(0)
    args = [rng.uniform(0.1, 2, shape) * rng.choice([-1, 1], shape) for shape in shapes]
    steps = []
    xs = [Variable(a, steps) for a in args]
    y = f(*xs)
    tensors = [torch.tensor(a, requires_grad=True) for a in args]
    y_torch = f(*tensors)
    np.testing.assert_allclose(y.value, y_torch.item(), rtol=1e-13)
    for dx, dx_torch in zip(backward(y, *xs), torch.autograd.grad(y_torch, tensors), strict=True):
        np.testing.assert_allclose(dx, dx_torch.numpy(), rtol=1e-12, atol=1e-14)


def test_cross_entropy_is_torchs():
    rng = np.random.default_rng(0)
    logits, labels = 5 * rng.standard_normal((6, 4)), rng.integers(0, 4, 6)
    z = Variable(logits, [])
    top = logits.max(axis=1, keepdims=True)
    log_sum = (z - top).exp().sum(axis=1, keepdims=True).log() + top
    loss = (log_sum - (z * np.eye(4)[labels]).sum(axis=1, keepdims=True)).mean()
    z_torch = torch.tensor(logits, requires_grad=True)
    torch.nn.functional.cross_entropy(z_torch, torch.tensor(labels)).backward()
    np.testing.assert_allclose(backward(loss, z)[0], z_torch.grad.numpy(), rtol=1e-12, atol=1e-14)
