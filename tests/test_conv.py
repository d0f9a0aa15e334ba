"""The laws of convolution, in both halves."""

import importlib
from functools import partial
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textbook_code import check
from textbook_code.check import Case
from textbook_code.with_jax import conv as jax_conv
from textbook_code.with_numpy import conv, dense

# Kernels and images are rectangular; with C ≤ 4 windows are copied in another order than with more.
CASES = (
    *(
        Case("conv.conv2d", ((2, 8, 7, c), (3, 1 if pad == "same" else 2, c, 3)), (stride, pad))
        for stride, pad, c in product((1, 2, 3), (0, 1, 2, "same"), (2, 5))
    ),
    Case("conv.conv2d", ((1, 1, 1, 1), (1, 1, 1, 1))),
    Case("conv.conv2d", ((1, 1, 1, 6), (1, 1, 6, 1)), (3, 0)),
    Case("conv.conv2d", ((1, 1, 1, 2), (3, 3, 2, 2)), (1, "same")),  # one pixel, a kernel that overhangs
    Case("conv.conv2d", ((1, 2, 3, 4), (2, 3, 4, 1))),  # one window
    Case("conv.conv2d", ((3, 1, 9, 4), (1, 4, 4, 2)), (3,)),  # 9 columns: the last two are in no window
    Case("conv.conv2d", ((3, 9, 2, 5), (1, 1, 5, 2)), (4, 0)),  # pixels between the windows are in none
    *(
        Case("conv.conv1d", ((2, 8, c), (k, c, 3)), (stride, pad))
        for stride, pad, c, k in [
            (1, 0, 2, 3),
            (2, 0, 5, 2),
            (3, 1, 2, 2),
            (2, 2, 5, 4),
            (3, 2, 5, 1),
            (1, "same", 5, 5),
            (2, "same", 2, 3),
        ]
    ),
    Case("conv.conv1d", ((1, 1, 1), (1, 1, 1))),
    Case("conv.conv2d_as_dense", ((2, 3, 2, 3),), ((4, 5, 2),)),
    Case("conv.conv2d_as_dense", ((3, 1, 5, 2),), ((4, 3, 5), 2, "same")),
    Case("conv.conv2d_as_dense", ((2, 2, 1, 2),), ((5, 3, 1), 3, 2)),
    Case("conv.conv2d_as_dense", ((1, 1, 1, 1),), ((1, 1, 1),)),
)
LARGE_CHANNELS = [2, 4, 5]

by_case = pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c}"[5:].replace(" ", ""))
by_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])
by_half = pytest.mark.parametrize("half", [conv, jax_conv], ids=["numpy", "jax"])


@pytest.fixture(autouse=True)
def no_overflow():
    """Let overflow, division by zero and nan from numbers fail the test."""
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        yield


def frozen(arrays, dtype=np.float64):
    """Convert arrays, and make them read-only: writing into them raises."""
    arrays = tuple(a.astype(dtype) for a in arrays)
    for a in arrays:
        a.flags.writeable = False
    return arrays


def close(a, b, rtol=1e-13):
    """Equal in shape, and up to rtol of the largest entry."""
    a, b = np.asarray(a), np.asarray(b)
    return a.shape == b.shape and np.max(np.abs(a - b)) <= rtol * np.max(np.abs(b))


def in_x64(f, *args):
    """Run f of JAX under jit in float64, and return a NumPy array."""
    with jax.enable_x64(True):
        return np.asarray(jax.jit(f)(*args))


def by_definition(x, w, stride=1, pad=0):
    """y[n, i, j, m] = Σ_abc xp[n, i stride + a, j stride + b, c] w[a, b, c, m], in as many loops."""
    (kh, kw), (p, q) = w.shape[:2], (pad, pad)
    if pad == "same":
        p, q = (kh - 1) // 2, (kw - 1) // 2
    n, h, width, c = x.shape
    xp = np.zeros((n, h + 2 * p, width + 2 * q, c))
    xp[:, p : p + h, q : q + width] = x
    y = np.zeros((n, (h + 2 * p - kh) // stride + 1, (width + 2 * q - kw) // stride + 1, w.shape[3]))
    for k, i, j, m in np.ndindex(y.shape):
        for a, b, channel in np.ndindex(w.shape[:3]):
            y[k, i, j, m] += xp[k, i * stride + a, j * stride + b, channel] * w[a, b, channel, m]
    return y


def as_images(f):
    """Call a convolution of images with sequences: as images of height 1, padded along the width alone."""

    def of_sequences(x, w, stride=1, pad=0):
        pad = (len(w) - 1) // 2 if pad == "same" else pad
        xp = np.pad(x, [(0, 0), (pad, pad), (0, 0)])
        return f(xp[:, None], w[None], stride)[:, 0]

    return of_sequences


REFERENCES = {"conv.conv2d": by_definition, "conv.conv1d": as_images(by_definition)}


# The table


@by_case
def test_by_hand_is_jax_is_difference(case):
    check.check_laws((case,))


@pytest.mark.parametrize("case", [c for c in CASES if c.function in REFERENCES], ids=lambda c: f"{c}"[5:])
def test_both_halves_are_the_definition(case):
    f, _, f_jax = check.halves(case)
    args = check.draw(case.shapes)
    expected = REFERENCES[case.function](*args, *case.others)
    assert close(f(*args), expected)
    assert close(in_x64(f_jax, *args), expected)


@pytest.mark.parametrize("case", CASES[::3], ids=lambda c: f"{c}"[5:])
@by_dtype
def test_dtype_in_is_dtype_out_and_arguments_stay(case, dtype):
    f, f_vjp, f_jax = check.halves(case)
    args = frozen(check.draw(case.shapes), dtype)
    y = f(*args)
    grads = f_vjp(*frozen([np.ones_like(y)], dtype), *args)
    grads = grads if isinstance(grads, tuple) else (grads,)
    y_jax = in_x64(f_jax, *args)
    assert {y.dtype, y_jax.dtype, *(g.dtype for g in grads)} == {np.dtype(dtype)}
    assert [g.shape for g in grads] == [a.shape for a in args]
    assert close(y, y_jax, {np.float32: 1e-5, np.float64: 1e-13}[dtype])


# Any shape


@st.composite
def convolutions(draw, largest_channels=6):
    """x, w, stride and pad that fit."""
    n, h, width, c, m = (draw(st.integers(1, top)) for top in (3, 6, 6, largest_channels, 3))
    pad = draw(st.sampled_from([0, 1, 2, "same"]))
    if pad == "same":
        kernel = [draw(st.sampled_from([1, 3, 5])) for _ in "hw"]
    else:
        kernel = [draw(st.integers(1, min(5, size + 2 * pad))) for size in (h, width)]
    x, w = check.draw(((n, h, width, c), (*kernel, c, m)), draw(st.integers(0, 9)))
    return x, w, draw(st.integers(1, 3)), pad


@settings(max_examples=20, deadline=None)
@given(convolutions())
def test_conv2d_of_any_shape(given):
    x, w, stride, pad = given
    f = partial(conv.conv2d, stride=stride, pad=pad)
    assert close(f(x, w), by_definition(*given))
    f_vjp = partial(conv.conv2d_vjp, stride=stride, pad=pad)
    assert check.gradient_check(f, f_vjp, (x, w)) < check.TOLERANCE_DIFFERENCE


@settings(max_examples=20, deadline=None)
@given(convolutions())
def test_conv1d_of_any_shape(given):
    x, w, stride, pad = given
    x, w = x[:, :, 0], w[:, 0]
    f = partial(conv.conv1d, stride=stride, pad=pad)
    assert close(f(x, w), as_images(by_definition)(x, w, stride, pad))
    f_vjp = partial(conv.conv1d_vjp, stride=stride, pad=pad)
    assert check.gradient_check(f, f_vjp, (x, w)) < check.TOLERANCE_DIFFERENCE


@settings(max_examples=20, deadline=None)
@given(convolutions())
def test_x_and_w_give_and_take_the_same(given):
    """y is linear in x and in w, so that ⟨dy, y⟩ = ⟨dx, x⟩ = ⟨dw, w⟩, exactly up to rounding."""
    x, w, *_ = given
    y = conv.conv2d(*given)
    dy = np.random.default_rng(1).standard_normal(y.shape)
    dx, dw = conv.conv2d_vjp(dy, *given)
    total, size = np.sum(dy * y), np.sum(np.abs(dy)) * np.max(np.abs(y)) + 1
    assert abs(np.sum(dx * x) - total) <= 1e-13 * size
    assert abs(np.sum(dw * w) - total) <= 1e-13 * size


# Some images, or some rows of one, at a time


def parts_of(monkeypatch, block, x, w, *others):
    """Compute y, dx and dw with a smaller block, and how many images and rows each part had."""
    sizes, as_matrix = [], conv._as_matrix
    monkeypatch.setattr(conv, "BLOCK", block)
    monkeypatch.setattr(conv, "_as_matrix", lambda a: sizes.append(a.shape[:2]) or as_matrix(a))
    y = conv.conv2d(x, w, *others)
    forward = list(sizes)
    dx, dw = conv.conv2d_vjp(np.cos(y), x, w, *others)
    assert sizes == forward * 2  # for y and for dw; dx needs no windows
    monkeypatch.undo()
    return (y, dx, dw), forward


def whole(x, w, *others):
    y = conv.conv2d(x, w, *others)
    return y, *conv.conv2d_vjp(np.cos(y), x, w, *others)


@pytest.mark.parametrize("c", LARGE_CHANNELS)
@pytest.mark.parametrize("images", [1, 2, 3, 4, 5, 7])
def test_some_images_at_a_time(c, images, monkeypatch):
    """Seven images; the last part is smaller unless all fit."""
    args = *check.draw(((7, 5, 6, c), (3, 2, c, 3))), 2, 1  # y is (7, 3, 4, 3)
    results, parts = parts_of(monkeypatch, images * 3 * 4 * 6 * c, *args)
    assert parts == [(min(images, 7 - i), 3) for i in range(0, 7, images)]
    assert all(close(a, b) for a, b in zip(results, whole(*args), strict=True))


@pytest.mark.parametrize("c", LARGE_CHANNELS)
@pytest.mark.parametrize(
    "rows, steps", [(0, [1] * 5), (1, [1] * 5), (2, [2, 2, 1]), (3, [3, 2]), (4, [4, 1])]
)
def test_some_rows_at_a_time(c, rows, steps, monkeypatch):
    """The images are larger than a block."""
    args = *check.draw(((3, 9, 6, c), (3, 2, c, 3))), 2, 1  # y is (3, 5, 4, 3)
    results, parts = parts_of(monkeypatch, rows * 4 * 6 * c + 1, *args)
    assert parts == [(1, step) for step in steps] * 3
    assert all(close(a, b) for a, b in zip(results, whole(*args), strict=True))


@settings(max_examples=20, deadline=None)
@given(convolutions(), st.integers(1, 300))
def test_any_block(given, block):
    with pytest.MonkeyPatch.context() as patch:
        results, parts = parts_of(patch, block, *given)
    n, ho, wo, _ = results[0].shape
    assert sum(images * rows for images, rows in parts) == n * ho
    entries = wo * given[1][..., 0].size
    assert all(images * rows * entries <= block or (images, rows) == (1, 1) for images, rows in parts)
    assert all(close(a, b) for a, b in zip(results, whole(*given), strict=True))


def test_the_matrix_in_small_blocks(monkeypatch):
    [w] = check.draw(((3, 3, 2, 3),))
    matrix = conv.conv2d_as_dense(w, (5, 6, 2))
    monkeypatch.setattr(conv, "BLOCK", 100)
    assert close(conv.conv2d_as_dense(w, (5, 6, 2)), matrix)
    dmatrix = np.ones((60, 36))  # each weight stands at 3 · 4 places
    assert close(conv.conv2d_as_dense_vjp(dmatrix, w, (5, 6, 2)), np.full(w.shape, 12))


@pytest.mark.parametrize("side, parts", [(50, [(2, 50), (2, 50), (1, 50)]), (100, [(1, 72), (1, 28)] * 5)])
def test_several_parts_at_the_real_size(side, parts, monkeypatch):
    x, w = check.draw(((5, side, side, 8), (3, 3, 8, 2)))
    (y, dx, dw), seen = parts_of(monkeypatch, conv.BLOCK, x, w, 1, "same")
    assert seen == parts
    ys, dxs, dws = zip(*(whole(x[i : i + 1], w, 1, "same") for i in range(5)), strict=True)
    assert close(y, np.concatenate(ys)) and close(dx, np.concatenate(dxs)) and close(dw, sum(dws))


# Memory


def views(a):
    """Equal arrays in other places of memory."""
    wide = np.zeros((2 * len(a), *a.shape[1:]))
    wide[::2] = a
    twice = np.repeat(a, 2, axis=-1)
    return [
        wide[::2],
        twice[..., ::2],
        np.asfortranarray(a),
        np.ascontiguousarray(a[::-1])[::-1],
        np.ascontiguousarray(a.swapaxes(0, -1)).swapaxes(0, -1),
        np.ascontiguousarray(a.swapaxes(1, 2)).swapaxes(1, 2),
    ]


@pytest.mark.parametrize("c", LARGE_CHANNELS)
def test_views_are_as_good_as_copies(c):
    for shapes, f, f_vjp in [
        (((4, 5, 6, c), (2, 3, c, 2)), conv.conv2d, conv.conv2d_vjp),
        (((4, 6, c), (3, c, 2)), conv.conv1d, conv.conv1d_vjp),
    ]:
        x, w = check.draw(shapes)
        y = f(x, w, 2, 1)
        dy = np.random.default_rng(1).standard_normal(y.shape)
        grads = f_vjp(dy, x, w, 2, 1)
        for x_view, w_view, dy_view in zip(views(x), views(w), views(dy), strict=True):
            assert not all(a.flags.c_contiguous for a in (x_view, w_view, dy_view))
            assert np.array_equal(x_view, x) and np.array_equal(w_view, w) and np.array_equal(dy_view, dy)
            assert close(f(x_view, w_view, 2, 1), y)
            for a, b in zip(f_vjp(dy_view, x_view, w_view, 2, 1), grads, strict=True):
                assert close(a, b)


def test_a_gradient_of_equal_entries_may_be_one_entry_in_memory():
    x, w = check.draw(((2, 4, 5, 3), (2, 2, 3, 2)))
    one = np.broadcast_to(1.0, (2, 3, 4, 2))
    for a, b in zip(conv.conv2d_vjp(one, x, w), conv.conv2d_vjp(one.copy(), x, w), strict=True):
        assert close(a, b)


def test_results_are_the_callers_own():
    """Writing into a result changes neither an argument nor the next result."""
    x, w = check.draw(((2, 4, 4, 1), (1, 1, 1, 1)))
    copies = x.copy(), w.copy()
    y = conv.conv2d(x, w)
    for result in (y, *conv.conv2d_vjp(y, x, w), conv.conv2d_as_dense(w, (2, 2, 1))):
        result[...] = 7
    assert np.array_equal(x, copies[0]) and np.array_equal(w, copies[1])
    assert close(conv.conv2d(x, w), x * w)


# What a convolution is


@by_half
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_an_image_that_moves_moves_its_features(half, stride):
    x, w = frozen(check.draw(((2, 9, 10, 3), (3, 2, 3, 4))), np.float32)
    x = np.pad(x, [(0, 0), (6, 6), (6, 6), (0, 0)])
    y = np.asarray(half.conv2d(x, w, stride))
    moved = np.asarray(half.conv2d(np.roll(x, (stride, 2 * stride), (1, 2)), w, stride))
    assert np.abs(y).max() > 1
    assert close(moved[:, 1:, 2:], y[:, :-1, :-2], 1e-5)


@by_half
def test_one_lit_pixel_shows_the_kernel_flipped(half):
    """The kernel itself is not flipped, so its picture is."""
    [w] = frozen(check.draw(((3, 5, 1, 2),)), np.float32)
    x = np.zeros((1, 5, 9, 1), np.float32)
    x[0, 2, 4] = 1
    assert np.array_equal(half.conv2d(x, w)[0], w[::-1, ::-1, 0])


@by_half
def test_same_keeps_the_size_and_a_lit_middle_keeps_the_image(half):
    [x] = frozen(check.draw(((2, 4, 7, 3),)), np.float32)
    w = np.zeros((3, 5, 3, 3), np.float32)
    w[1, 2] = np.eye(3)
    assert np.array_equal(half.conv2d(x, w, pad="same"), x)
    assert np.array_equal(half.conv1d(x[:, 0], w[1], pad="same"), x[:, 0])
    assert half.conv2d(x, w, 2, "same").shape == (2, 2, 4, 3)


@by_half
def test_a_kernel_of_one_pixel_is_a_dense_layer(half):
    x, w = check.draw(((2, 4, 5, 6), (1, 1, 6, 3)))
    y = in_x64(half.conv2d, x, w) if half is jax_conv else half.conv2d(x, w)
    assert close(y, dense.dense(x.reshape(-1, 6), w[0, 0], np.zeros(3)).reshape(2, 4, 5, 3))


def test_conv1d_is_numpys_correlate():
    x, w = check.draw(((1, 20, 1), (4, 1, 1)))
    assert close(conv.conv1d(x, w)[0, :, 0], np.correlate(x[0, :, 0], w[:, 0, 0]))


@by_half
def test_integers_come_out_exact(half):
    rng = np.random.default_rng(0)
    x, w = (rng.integers(-9, 9, s).astype(np.float32) for s in [(3, 8, 9, 5), (3, 4, 5, 7)])
    assert np.array_equal(half.conv2d(x, w, 2, 1), by_definition(x, w, 2, 1))


@by_half
def test_large_numbers(half):
    x = np.full((1, 4, 4, 5), 1e15, np.float32)
    w = np.full((3, 3, 5, 2), -1e15, np.float32)
    assert close(half.conv2d(x, w, pad=1)[0, 1:3, 1:3], np.full((2, 2, 2), -4.5e31), 1e-6)
    assert not np.any(half.conv2d(np.zeros_like(x), w))


# The matrix of a convolution

DENSE = [
    ((4, 5, 2), (2, 3), 1, 0),
    ((4, 5, 2), (3, 3), 1, "same"),
    ((7, 6, 5), (3, 2), 2, 1),
    ((5, 5, 1), (2, 2), 3, 0),
]


@by_half
@pytest.mark.parametrize("in_shape, kernel, stride, pad", DENSE)
def test_conv2d_is_dense_by_its_matrix(half, in_shape, kernel, stride, pad):
    x, w = check.draw(((3, *in_shape), (*kernel, in_shape[2], 4)))
    with jax.enable_x64(True):
        y = np.asarray(half.conv2d(x, w, stride, pad))
        matrix = np.asarray(half.conv2d_as_dense(w, in_shape, stride, pad))
    assert matrix.shape == (x[0].size, y[0].size)
    assert close(dense.dense(x.reshape(3, -1), matrix, np.zeros(y[0].size)), y.reshape(3, -1))


@pytest.mark.parametrize("in_shape, kernel, stride, pad", DENSE)
def test_the_gradient_goes_through_the_matrix_too(in_shape, kernel, stride, pad):
    x, w = check.draw(((3, *in_shape), (*kernel, in_shape[2], 4)))
    matrix = conv.conv2d_as_dense(w, in_shape, stride, pad)
    dy = np.random.default_rng(1).standard_normal(conv.conv2d(x, w, stride, pad).shape)
    dx, dw = conv.conv2d_vjp(dy, x, w, stride, pad)
    flat_dx, dmatrix, _ = dense.dense_vjp(
        dy.reshape(3, -1), x.reshape(3, -1), matrix, np.zeros(matrix.shape[1])
    )
    assert close(flat_dx.reshape(dx.shape), dx)
    assert close(conv.conv2d_as_dense_vjp(dmatrix, w, in_shape, stride, pad), dw)


@by_half
def test_the_matrix_holds_few_weights_many_times(half):
    w = np.arange(1, 37, dtype=np.float32).reshape(3, 2, 2, 3)
    matrix = np.asarray(half.conv2d_as_dense(w, (5, 6, 2)))
    values, counts = np.unique(matrix, return_counts=True)
    assert values.tolist() == list(range(37))  # 0 and each weight
    places = 3 * 5
    assert counts[1:].tolist() == [places] * 36
    assert counts[0] == matrix.size - 36 * places
    assert (np.count_nonzero(matrix, axis=0) == 3 * 2 * 2).all()  # each output sees one window


@by_half
def test_in_shape_may_be_a_list_or_an_array(half):
    w = np.ones((2, 2, 1, 1), np.float32)
    expected = half.conv2d_as_dense(w, (3, 4, 1))
    assert np.array_equal(half.conv2d_as_dense(w, [3, 4, 1]), expected)
    assert np.array_equal(half.conv2d_as_dense(w, np.array([3, 4, 1])), expected)


@by_half
def test_stride_and_pad_of_numpy(half):
    x, w = frozen(check.draw(((2, 5, 6, 3), (3, 3, 3, 2))), np.float32)
    assert np.array_equal(half.conv2d(x, w, np.int64(2), np.int32(1)), half.conv2d(x, w, 2, 1))


def test_the_matrix_takes_float64_without_x64_as_conv2d_does():
    """What enters JAX as float64 becomes float32, without a word, in every function."""
    x, w = check.draw(((1, 4, 5, 2), (2, 3, 2, 3)))
    y = jax_conv.conv2d(x, w)
    matrix = jax_conv.conv2d_as_dense(w, (4, 5, 2))
    assert y.dtype == matrix.dtype == np.float32
    assert close(x.reshape(1, -1) @ np.asarray(matrix), y.reshape(1, -1), 1e-5)


def test_stride_and_pad_may_be_static_under_jit():
    x, w = frozen(check.draw(((2, 5, 6, 3), (3, 3, 3, 2))), np.float32)
    for f in (jax_conv.conv2d, jax_conv.conv1d):
        args = (x, w) if f is jax_conv.conv2d else (x[0], w[0])
        run = jax.jit(f, static_argnames=("stride", "pad"))
        assert close(run(*args, stride=2, pad="same"), f(*args, 2, "same"), 1e-6)


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_half_precision_in_jax(dtype):
    x, w = (jnp.asarray(a, dtype) for a in check.draw(((2, 5, 6, 3), (3, 3, 3, 2))))
    y, pull = jax.vjp(jax_conv.conv2d, x, w)
    assert {y.dtype, *(g.dtype for g in pull(y))} == {jnp.dtype(dtype)}


def test_half_precision_in_numpy():
    x, w = (a.astype(np.float16) for a in check.draw(((2, 5, 6, 3), (3, 3, 3, 2))))
    y = conv.conv2d(x, w)
    assert {y.dtype, *(g.dtype for g in conv.conv2d_vjp(y, x, w))} == {np.dtype(np.float16)}
    assert close(y, by_definition(x.astype(np.float64), w.astype(np.float64)), 2e-3)


# Bad input: one ValueError that names the argument, in both halves

X, W = np.ones((2, 4, 5, 3)), np.ones((3, 2, 3, 4))
W32 = W.astype(np.float32)
S, V = X[:, 0], W[:, 0]  # sequences (2, 5, 3) and their kernel (3, 3, 4)
STEPS = [
    ((0,), "stride: expected an integer ≥ 1, got 0"),
    ((-1,), "stride: expected an integer ≥ 1, got -1"),
    ((1.5,), "stride: expected an integer ≥ 1, got 1.5"),
    ((True,), "stride: expected an integer ≥ 1, got True"),
    (((2, 2),), "stride: expected an integer ≥ 1, got (2, 2)"),
    ((None,), "stride: expected an integer ≥ 1, got None"),
    ((1, -1), "pad: expected an integer ≥ 0, got -1"),
    ((1, 0.5), "pad: expected an integer ≥ 0, got 0.5"),
    ((1, True), "pad: expected an integer ≥ 0, got True"),
    ((1, None), "pad: expected an integer ≥ 0, got None"),
    ((1, (1, 1)), "pad: expected an integer ≥ 0, got (1, 1)"),
    ((1, "valid"), "pad: expected an integer ≥ 0 or 'same', got 'valid'"),
    ((1, "SAME"), "pad: expected an integer ≥ 0 or 'same', got 'SAME'"),
]
EVEN = "pad: 'same' expected a kernel of odd size, which has a middle, got "
LARGER = "w: expected a kernel of at most "
BAD = [
    *(("conv2d", (X, W, *steps), message) for steps, message in STEPS),
    *(("conv1d", (S, V, *steps), message) for steps, message in STEPS),
    *(("conv2d_as_dense", (W32, (4, 5, 3), *steps), message) for steps, message in STEPS),
    ("conv2d", (X, W, 1, "same"), EVEN + "3 × 2"),
    ("conv2d", (X, W[:2, :1], 1, "same"), EVEN + "2 × 1"),
    ("conv1d", (S, V[:2], 1, "same"), EVEN + "2"),
    ("conv2d_as_dense", (W32, (4, 5, 3), 1, "same"), EVEN + "3 × 2"),
    ("conv2d", (X[:, :2], W), LARGER + "2 × 5, the padded input, got 3 × 2"),
    ("conv2d", (X[:, :, :1], W), LARGER + "4 × 1, the padded input, got 3 × 2"),
    ("conv2d", (X, np.ones((7, 2, 3, 4)), 1, 1), LARGER + "6 × 7, the padded input, got 7 × 2"),
    ("conv1d", (S[:, :2], V), LARGER + "2, the padded input, got 3"),
    ("conv1d", (S, np.ones((8, 3, 4)), 1, 1), LARGER + "7, the padded input, got 8"),
    ("conv2d_as_dense", (W32, (2, 5, 3)), LARGER + "2 × 5, the padded input, got 3 × 2"),
    ("conv2d", (X, W[:, :, :2]), "w: expected shape (KH, KW, C, M) with C = 3 as in x, got (3, 2, 2, 4)"),
    ("conv2d", (X[0], W), "x: expected shape (N, H, W, C), got (4, 5, 3)"),
    ("conv2d", (X, V), "w: expected shape (KH, KW, C, M) with C = 3 as in x, got (3, 3, 4)"),
    ("conv2d", (X[:0], W), "x: expected shape (N, H, W, C), none of it empty, got (0, 4, 5, 3)"),
    ("conv2d", (X[:, :0], W), "x: expected shape (N, H, W, C), none of it empty, got (2, 0, 5, 3)"),
    ("conv2d", (X, W[..., :0]), "w: expected shape (KH, KW, C, M) with C = 3 as in x, none of it empty"),
    ("conv2d", (X, W[:0]), "w: expected shape (KH, KW, C, M) with C = 3 as in x, none of it empty"),
    ("conv2d", (X.astype(np.uint8), W), "x: expected a floating dtype, got uint8; convert with x.astype"),
    ("conv2d", (X, W.astype(int)), "w: expected a floating dtype, got int64; convert with w.astype"),
    ("conv2d", (X.astype(np.float32), W), "w: expected float32 as in x, got float64; use one dtype"),
    ("conv2d", (X.tolist(), W), "x: expected an array, got list; convert with np.asarray(x, np.float32)"),
    ("conv1d", (X, V), "x: expected shape (N, L, C), got (2, 4, 5, 3)"),
    ("conv1d", (S, W), "w: expected shape (K, C, M) with C = 3 as in x, got (3, 2, 3, 4)"),
    ("conv1d", (S, V[:, :2]), "w: expected shape (K, C, M) with C = 3 as in x, got (3, 2, 4)"),
    ("conv1d", (S[:0], V), "x: expected shape (N, L, C), none of it empty, got (0, 5, 3)"),
    ("conv1d", (S.astype(int), V), "x: expected a floating dtype, got int64; convert with x.astype"),
    ("conv1d", (S, V.astype(np.float32)), "w: expected float64 as in x, got float32; use one dtype"),
    ("conv2d_as_dense", (V, (4, 5, 3)), "w: expected shape (KH, KW, C, M), got (3, 3, 4)"),
    ("conv2d_as_dense", (W.astype(int), (4, 5, 3)), "w: expected a floating dtype, got int64"),
    ("conv2d_as_dense", (W, (4, 5)), "in_shape: expected (H, W, C) with C = 3 as in w, got (4, 5)"),
    ("conv2d_as_dense", (W, (4, 5, 2)), "in_shape: expected (H, W, C) with C = 3 as in w, got (4, 5, 2)"),
    ("conv2d_as_dense", (W, [4, 5, 3, 1]), "in_shape: expected (H, W, C) with C = 3 as in w, got (4, 5, 3"),
    ("conv2d_as_dense", (W, 5), "in_shape: expected two or more integers ≥ 1, got 5"),
    ("conv2d_as_dense", (W, (4, 0, 3)), "in_shape: expected two or more integers ≥ 1, got (4, 0, 3)"),
    ("conv2d_as_dense", (W, (4, 5.0, 3)), "in_shape: expected two or more integers ≥ 1, got (4, 5.0, 3)"),
    ("conv2d_as_dense", (W, None), "in_shape: expected two or more integers ≥ 1, got None"),
]  # fmt: skip


@pytest.mark.parametrize("half", ["with_numpy", "with_jax"])
@pytest.mark.parametrize("name, args, message", BAD)
def test_bad_input(half, name, args, message):
    function = getattr(importlib.import_module(f"textbook_code.{half}.conv"), name)
    with pytest.raises(ValueError) as error:
        function(*args)
    assert str(error.value).startswith(message)


Y, T = np.ones((2, 2, 4, 4)), np.ones((2, 3, 4))
F32 = np.float32
BAD_VJP = [
    *((conv.conv2d_vjp, (Y, X, W, *steps), message) for steps, message in STEPS),
    *((conv.conv1d_vjp, (T, S, V, *steps), message) for steps, message in STEPS),
    *((conv.conv2d_as_dense_vjp, (np.ones((60, 32)), W, (4, 5, 3), *s), message) for s, message in STEPS),
    (conv.conv2d_vjp, (Y, X[:, :2], W), LARGER + "2 × 5, the padded input, got 3 × 2"),
    (conv.conv2d_vjp, (Y[:1], X, W), "dy: expected shape (N, HO, WO, M) with N = 2 as in x, M = 4 as in w"),
    (conv.conv2d_vjp, (Y[..., :2], X, W), "dy: expected shape (N, HO, WO, M) with N = 2 as in x, M = 4"),
    (conv.conv2d_vjp, (Y[0], X, W), "dy: expected shape (N, HO, WO, M) with N = 2 as in x, M = 4 as in w"),
    (conv.conv2d_vjp, (Y[:, :1], X, W), "dy: expected shape (2, 2, 4, 4), got (2, 1, 4, 4)"),
    (conv.conv2d_vjp, (Y.swapaxes(1, 2), X, W), "dy: expected shape (2, 2, 4, 4), got (2, 4, 2, 4)"),
    (conv.conv2d_vjp, (Y, X, W, 1, 1), "dy: expected shape (2, 4, 6, 4), got (2, 2, 4, 4)"),
    (conv.conv2d_vjp, (Y, X, W, 2), "dy: expected shape (2, 1, 2, 4), got (2, 2, 4, 4)"),
    (
        conv.conv2d_vjp,
        (Y.astype(F32), X, W),
        "dy: expected float64 as in x, got float32; use one dtype, as by x.",
    ),
    (conv.conv2d_vjp, (Y.astype(int), X, W), "dy: expected a floating dtype, got int64; convert with dy."),
    (conv.conv2d_vjp, (1, X, W), "dy: expected an array, got int"),
    (conv.conv1d_vjp, (T, S[:, :2], V), LARGER + "2, the padded input, got 3"),
    (conv.conv1d_vjp, (T[:, :2], S, V), "dy: expected shape (2, 3, 4), got (2, 2, 4)"),
    (conv.conv1d_vjp, (T, S, V, 1, "same"), "dy: expected shape (2, 5, 4), got (2, 3, 4)"),
    (conv.conv1d_vjp, (T[:1], S, V), "dy: expected shape (N, LO, M) with N = 2 as in x, M = 4 as in w"),
    (conv.conv1d_vjp, (Y, S, V), "dy: expected shape (N, LO, M) with N = 2 as in x, M = 4 as in w"),
    (conv.conv2d_as_dense_vjp, (Y[0, 0], W, (4, 5, 3)), "dy: expected shape (60, 32), got (4, 4)"),
    (conv.conv2d_as_dense_vjp, (Y, W, (4, 5, 3)), "dy: expected shape (D, P), got (2, 2, 4, 4)"),
    (conv.conv2d_as_dense_vjp, (np.ones((60, 32)), W, (4, 5, 2)), "in_shape: expected (H, W, C) with C = 3"),
    (conv.conv2d_as_dense_vjp, (np.ones((30, 32)), W, (2, 5, 3)), LARGER + "2 × 5, the padded input"),
]


@pytest.mark.parametrize("function, args, message", BAD_VJP)
def test_bad_input_of_derivatives(function, args, message):
    with pytest.raises(ValueError) as error:
        function(*args)
    assert str(error.value).startswith(message)


def test_a_traced_stride_is_refused_by_name():
    with pytest.raises(ValueError, match="stride: expected an integer ≥ 1"):
        jax.jit(jax_conv.conv2d)(X.astype(F32), W.astype(F32), 2)
