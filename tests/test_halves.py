"""What both halves have without a derivative gives the same in both: initial weights, updates, training.

The table below must hold each function of ``check.WITHOUT_CASE``; only dropout has laws of its own, in
``test_layers.py``, for its two halves draw different masks.
"""

from functools import partial
from importlib import import_module

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from textbook_code import check
from textbook_code._tree import leaves, tree_map

OPTIMIZERS = ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw")
IMAGES, LABELS = check.draw(((12, 4, 5, 1),))[0], np.arange(12) % 3


def rng():
    return np.random.default_rng(7)


def trees(dtype):
    """Parameters, gradients."""
    shapes = ([(3, 2), (2,)], (4,))
    return tuple(tree_map(lambda a: a.astype(dtype), check.draw(shapes, seed)) for seed in (0, 1))


def init(name):
    return lambda half, dtype: (trees(dtype)[0],)


def update(name):
    def arguments(half, dtype):
        params, grads = trees(dtype)
        params = tree_map(np.copy if half == "with_numpy" else jnp.array, params)
        return grads, find(half, f"optim.{name}_init")(params), params, 0.1

    return arguments


def model(half, dtype, name):
    sizes = {"mlp": ([20, 5, 3],), "cnn": ((4, 5, 1), [2], 3)}[name]
    images = IMAGES if name == "cnn" else IMAGES.reshape(12, -1)
    return find(half, f"{name}.{name}_init")(rng(), *sizes, dtype=dtype), images.astype(dtype), LABELS


def steps(half, dtype, shape):
    """Arguments of train_step, and of train_epoch for four batches."""
    params, x, labels = model(half, dtype, "mlp")
    x, labels = x.reshape(*shape, -1), labels.reshape(shape)
    adam_init, adam_update = find(half, "optim.adam_init"), find(half, "optim.adam_update")
    rates = 0.1 if len(shape) == 1 else np.linspace(0.1, 0.05, 4)
    loss = find(half, "mlp.mlp_loss_and_grads")
    return params, adam_init(params), x, labels, loss, adam_update, rates


def run(half, dtype):
    params, x, labels = model(half, dtype, "cnn")
    optimizer = tuple(find(half, f"optim.momentum_{part}") for part in ("init", "update"))
    schedule = partial(find(half, "optim.step_schedule"), lr=0.1, every=3)
    score = partial(find(half, "losses.accuracy"), labels=labels)
    forward = find(half, "cnn.cnn")
    loss = find(half, "cnn.cnn_loss_and_grads")
    return params, x, labels, loss, optimizer, schedule, 3, 5, rng(), lambda p: score(forward(x, p))


def running(half, dtype):
    mean, var = np.array([0.5, -1.0], dtype), np.array([2.0, 0.1], dtype)
    return find(half, "norm.running_init")(2, dtype), mean, var, 6


def weights(*shape):
    return lambda half, dtype: (rng(), shape, dtype)


PLAIN = {
    "cnn.cnn_init": lambda half, dtype: (rng(), (4, 5, 1), [2, 3], 3, dtype),
    "cnn.cnn_loss_and_grads": partial(model, name="cnn"),
    "init.fans": lambda half, dtype: ((3, 3, 2, 4),),
    "init.glorot_normal": weights(4, 3),
    "init.glorot_uniform": weights(3, 3, 2, 4),
    "init.he_normal": weights(3, 2, 4),
    "init.lecun_normal": weights(4, 3),
    "init.orthogonal": weights(3, 3, 2, 4),
    "losses.accuracy": lambda half, dtype: (check.draw(((12, 3),))[0].astype(dtype), LABELS),
    "mlp.mlp_init": lambda half, dtype: (rng(), [4, 3, 2], 1.5, dtype),
    "mlp.mlp_loss_and_grads": partial(model, name="mlp"),
    "norm.running_init": lambda half, dtype: (3, dtype),
    "norm.running_update": running,
    **{f"optim.{name}_init": init(name) for name in OPTIMIZERS},
    **{f"optim.{name}_update": update(name) for name in OPTIMIZERS},
    "optim.clip_by_global_norm": lambda half, dtype: (trees(dtype)[1], 2.0),
    "optim.constant_schedule": lambda half, dtype: (5, 0.1),
    "optim.step_schedule": lambda half, dtype: (25, 0.1, 10),
    "optim.warmup_cosine_schedule": lambda half, dtype: (25, 0.1, 10, 100),
    "train.fit": run,
    "train.train_epoch": partial(steps, shape=(4, 3)),
    "train.train_step": partial(steps, shape=(12,)),
}


def find(half, name):
    module, function = name.split(".")
    return getattr(import_module(f"textbook_code.{half}.{module}"), function)


def result(half, name, dtype):
    return [np.asarray(leaf) for leaf in leaves(find(half, name)(*PLAIN[name](half, dtype)))]


def test_no_function_escapes():
    assert set(PLAIN) == set(check.WITHOUT_CASE) - {"dropout.dropout"}


def wrong_dtypes(name, arrays, dtype):
    """Floating arrays of another dtype; scores are Python's numbers."""
    arrays = arrays[:-1] if name == "train.fit" else arrays
    return [a.dtype for a in arrays if a.ndim and a.dtype.kind == "f" and a.dtype != dtype]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", PLAIN)
def test_both_halves_give_the_same(name, dtype):
    with jax.enable_x64(True), jax.default_matmul_precision("highest"):
        halves = [result(half, name, dtype) for half in ("with_numpy", "with_jax")]
    rtol, atol = (2e-5, 2e-6) if dtype == np.float32 else (1e-12, 1e-14)
    for by_numpy, by_jax in zip(*halves, strict=True):
        assert by_numpy.shape == by_jax.shape
        assert np.allclose(by_numpy, by_jax, rtol=rtol, atol=atol)
    assert [wrong_dtypes(name, arrays, dtype) for arrays in halves] == [[], []]


def staying(name, arguments):
    """The arguments that are not donated."""
    if name.startswith("optim.") and name.endswith("_update"):
        return arguments[:1]  # grads
    if name in ("train.train_step", "train.train_epoch"):
        return arguments[2:]  # all but params and state
    return arguments


@pytest.mark.parametrize("name", PLAIN)
def test_what_is_not_donated_stays(name):
    """Writing into a read-only array raises."""
    arguments = PLAIN[name]("with_numpy", np.float64)
    for leaf in leaves(staying(name, arguments)):
        if isinstance(leaf, np.ndarray):
            leaf.flags.writeable = False
    find("with_numpy", name)(*arguments)
