"""Formulas in cache-sized slices: the same numbers, the same errors, as on the whole array."""

import inspect
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textbook_code import _blocks
from textbook_code._blocks import BLOCK, in_blocks, in_row_blocks, update_in_blocks
from textbook_code.check import ELEMENTWISE
from textbook_code.with_numpy import activations

ROWS = ("softmax", "log_softmax")
ALPHA = ("leaky_relu", "elu")
by_name = pytest.mark.parametrize("name", ELEMENTWISE)
by_row_name = pytest.mark.parametrize("name", ROWS)
by_any_name = pytest.mark.parametrize("name", ELEMENTWISE + ROWS)
by_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])
SIZES = (BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 7)
ROW_SHAPES = (
    (1, BLOCK),
    (1, BLOCK + 1),
    (2, BLOCK - 1),
    (3, BLOCK // 2 + 1),  # a row fills more than half a block
    (3, 2 * BLOCK + 5),  # a row is longer than a block
    (BLOCK + 3, 1),
    (BLOCK // 7 + 2, 7),
    (9, 3 * 1001),
    (3, 41, 333),
    (2, 5, 7, 501),
)


@pytest.fixture(autouse=True)
def no_overflow():
    """Let overflow, division by zero and nan from numbers fail the test."""
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        yield


def pair(name):
    """An activation and its derivative."""
    return getattr(activations, name), getattr(activations, f"{name}_vjp")


def draw(shape, dtype=np.float64, seed=0):
    """Draw dy and x, read-only; x has both signs and reaches where the gates have closed."""
    rng = np.random.default_rng(seed)
    dy, x = rng.standard_normal(shape).astype(dtype), (10 * rng.standard_normal(shape)).astype(dtype)
    dy.flags.writeable = x.flags.writeable = False
    return dy, x


def identical(a, b):
    """Equal to the last bit, in dtype and shape too."""
    return a.dtype == b.dtype and a.shape == b.shape and np.array_equal(a, b)


def message(f, *args, **options):
    with pytest.raises(ValueError) as error:
        f(*args, **options)
    return str(error.value)


# Blocks are the whole


def test_every_activation_works_in_blocks():
    functions = {
        n
        for n, f in vars(activations).items()
        if inspect.isfunction(f) and f.__module__ == activations.__name__
    }
    public = {n for n in functions if not n.startswith("_")}
    assert public == {n + s for n in ELEMENTWISE + ROWS for s in ("", "_vjp")}
    assert all(hasattr(getattr(activations, n), "__wrapped__") for n in public)


@by_name
@by_dtype
@pytest.mark.parametrize("size", SIZES)
def test_elementwise_is_the_same_to_the_last_bit(name, dtype, size):
    dy, x = draw((size,), dtype)
    f, f_vjp = pair(name)
    y, dx = f(x), f_vjp(dy, x)
    assert identical(y, f.__wrapped__(x)) and identical(dx, f_vjp.__wrapped__(dy, x))
    assert y.dtype == dx.dtype == dtype and y.flags.writeable and dx.flags.writeable


@by_row_name
@by_dtype
@pytest.mark.parametrize("shape", [(SIZES[-1],), *ROW_SHAPES], ids=str)
def test_rows_are_the_same_to_the_last_bit(name, dtype, shape):
    dy, x = draw(shape, dtype)
    f, f_vjp = pair(name)
    y, dx = f(x), f_vjp(dy, x)
    assert identical(y, f.__wrapped__(x)) and identical(dx, f_vjp.__wrapped__(dy, x))
    assert y.dtype == dx.dtype == dtype


@by_name
@pytest.mark.parametrize(
    "shape", [(3, BLOCK // 2 + 1), (201, 333), (2, 3, BLOCK // 5), (BLOCK + 1, 1)], ids=str
)
def test_elementwise_of_more_axes(name, shape):
    dy, x = draw(shape)
    f, f_vjp = pair(name)
    assert identical(f(x), f.__wrapped__(x))
    assert identical(f_vjp(dy, x), f_vjp.__wrapped__(dy, x))


@pytest.mark.parametrize("name", ALPHA)
def test_alpha_reaches_every_block(name):
    dy, x = draw((3 * BLOCK + 7,))
    f, f_vjp = pair(name)
    for y, dx in [
        (f(x, 0.1), f_vjp(dy, x, 0.1)),
        (f(x, alpha=0.1), f_vjp(dy, x, alpha=0.1)),
        (f(x, np.float64(0.1)), f_vjp(dy, x, np.array(0.1)[()])),
    ]:
        assert identical(y, f.__wrapped__(x, 0.1)) and identical(dx, f_vjp.__wrapped__(dy, x, 0.1))
    assert not identical(f(x, 0.1), f(x))
    assert f(x.astype(np.float32), np.float64(0.1)).dtype == np.float32


def views(a):
    """Equal arrays that are not contiguous."""
    wide = np.zeros((2 * a.shape[0], a.shape[1]))
    wide[::2] = a
    return [
        wide[::2],
        np.repeat(a, 2, axis=1)[:, ::2],
        np.asfortranarray(a),
        np.ascontiguousarray(a[::-1])[::-1],
        np.ascontiguousarray(a[:, ::-1])[:, ::-1],
    ]


@by_any_name
def test_views_are_as_good_as_copies(name):
    dy, x = draw((301, 333))
    f, f_vjp = pair(name)
    y, dx = f(x), f_vjp(dy, x)
    for dy_view, x_view in zip(views(dy), views(x), strict=True):
        assert not x_view.flags.c_contiguous and np.array_equal(x_view, x)
        # NumPy may take another way, to another last bit, through memory with gaps.
        assert np.allclose(f(x_view), y, rtol=1e-14, atol=1e-14)
        assert np.allclose(f.__wrapped__(x_view), y, rtol=1e-13, atol=1e-13)
        for a, b in [(dy_view, x_view), (dy, x_view), (dy_view, x)]:
            assert np.allclose(f_vjp(a, b), dx, rtol=1e-13, atol=1e-13)


def test_transposed_three_axes():
    dy, x = draw((7, 101, 93))
    for axes in [(2, 1, 0), (1, 0, 2), (0, 2, 1)]:
        for name in ("gelu", "softmax"):
            f, f_vjp = pair(name)
            t_dy, t_x = dy.transpose(axes), x.transpose(axes)
            assert np.allclose(f(t_x), f(t_x.copy()), rtol=1e-14)
            assert np.allclose(f_vjp(t_dy, t_x), f_vjp(t_dy.copy(), t_x.copy()), rtol=1e-13, atol=1e-14)


def test_one_entry_in_memory_for_all():
    dy, x = np.broadcast_to(1.0, (300, 400)), np.broadcast_to(np.linspace(-3, 3, 400), (300, 400))
    for name in ("silu", "log_softmax"):
        f, f_vjp = pair(name)
        assert np.allclose(f(x), f(x.copy()), rtol=1e-14)
        assert np.allclose(f_vjp(dy, x), f_vjp(dy.copy(), x.copy()), rtol=1e-14, atol=1e-15)


@by_any_name
@by_dtype
@pytest.mark.parametrize("shape", [(0,), (0, 5), (3, 0), (BLOCK + 1, 0)], ids=str)
def test_of_nothing_comes_nothing(name, dtype, shape):
    f, f_vjp = pair(name)
    x = np.zeros(shape, dtype)
    if name in ROWS:
        assert "none of it empty" in message(f, x) and "none of it empty" in message(f_vjp, x, x)
        return
    assert f(x).shape == f_vjp(x, x).shape == shape and f(x).dtype == f_vjp(x, x).dtype == dtype
    out = np.zeros(shape, dtype)
    assert f(x, out=out) is out


@by_any_name
def test_x_may_be_named(name):
    f, f_vjp = pair(name)
    for shape in [(5,), (3 * BLOCK + 7,)]:
        dy, x = draw(shape)
        assert identical(f(x=x), f(x))
        assert identical(f_vjp(dy=dy, x=x), f_vjp(dy, x))
        assert identical(f_vjp(dy, x=x), f_vjp(dy, x))
        assert identical(f_vjp(x=x, dy=dy), f_vjp(dy, x))
        out = np.empty(shape)
        assert f_vjp(dy, x=x, out=out) is out and identical(out, f_vjp(dy, x))
        if name in ALPHA:
            assert identical(f_vjp(dy, alpha=0.3, x=x), f_vjp(dy, x, 0.3))
            assert identical(f(alpha=0.3, x=x), f(x, 0.3))


def test_names_and_documentation_are_the_formulas():
    assert activations.gelu.__name__ == "gelu" and activations.gelu.__doc__.startswith("Gaussian error")
    assert list(inspect.signature(activations.elu_vjp).parameters) == ["dy", "x", "alpha"]


# The slices


def spy(decorator):
    """A doubling function, and the shapes of what it was given."""
    seen = []

    def double(x: np.ndarray, other: np.ndarray = None, scale: float = 2.0):
        seen.append((x.shape, None if other is None else np.shape(other)))
        return scale * x

    return decorator(double), seen


def test_slices_of_an_elementwise_function_are_flat_and_of_one_block():
    f, seen = spy(in_blocks)
    x = np.ones((3, BLOCK))
    assert np.array_equal(f(x), 2 * x)
    assert seen == [((BLOCK,), None)] * 3
    seen.clear()
    f(np.ones(2 * BLOCK + 7))
    assert seen == [((BLOCK,), None)] * 2 + [((7,), None)]
    seen.clear()
    f(np.ones((2, BLOCK // 2)))
    assert seen == [((2, BLOCK // 2), None)]  # small: as it is


def test_slices_of_a_function_of_rows_are_whole_rows():
    f, seen = spy(in_row_blocks)
    for shape, slices in [
        ((5, BLOCK // 2), [2, 2, 1]),
        ((5, BLOCK // 2 + 1), [1] * 5),
        ((2, 3 * BLOCK), [1, 1]),
        ((2, 3, BLOCK // 4), [4, 2]),
        ((3 * BLOCK,), [1]),
    ]:
        seen.clear()
        x = np.arange(np.prod(shape), dtype=float).reshape(shape)
        assert np.array_equal(f(x), 2 * x)
        assert [s for s, _ in seen] == [(rows, shape[-1]) for rows in slices]


def test_what_is_no_array_of_that_shape_is_passed_on():
    f, seen = spy(in_blocks)
    x = np.ones(BLOCK + 1)
    assert np.array_equal(f(x, x, 3.0), 3 * x) and np.array_equal(f(x, x, scale=3.0), 3 * x)
    assert seen == [((BLOCK,), (BLOCK,)), ((1,), (1,))] * 2
    seen.clear()
    f(x, x[1:])  # another shape: f sees both whole
    assert seen == [((BLOCK + 1,), (BLOCK,))]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.integers(1, 40))
def test_any_shape_and_any_block(shape, block):
    dy, x = draw(tuple(shape))
    with pytest.MonkeyPatch.context() as patch:
        results = []
        for size in (block, 10_000):
            patch.setattr(_blocks, "BLOCK", size)
            results.append(
                [f(*a) for n in ("elu", "softmax") for f, a in zip(pair(n), [(x,), (dy, x)], strict=True)]
            )
    for a, b in zip(*results, strict=True):
        assert a.shape == tuple(shape) and np.allclose(a, b, rtol=1e-14, atol=1e-16)


# out=

SMALL_AND_LARGE = ((5, 7), (3, BLOCK // 2 + 1))
by_shape = pytest.mark.parametrize("shape", SMALL_AND_LARGE, ids=str)


@by_any_name
@by_dtype
@by_shape
def test_out_is_filled_and_returned(name, dtype, shape):
    dy, x = draw(shape, dtype)
    f, f_vjp = pair(name)
    out, dout = np.full(shape, np.nan, dtype), np.full(shape, np.nan, dtype)
    assert f(x, out=out) is out and f_vjp(dy, x, out=dout) is dout
    assert identical(out, f(x)) and identical(dout, f_vjp(dy, x))


@by_any_name
@by_shape
def test_in_place(name, shape):
    dy, x = draw(shape)
    f, f_vjp = pair(name)
    a, b, c = x.copy(), dy.copy(), x.copy()
    f(a, out=a), f_vjp(b, x, out=b), f_vjp(dy, c, out=c)
    assert identical(a, f(x))
    assert identical(b, f_vjp(dy, x)) and identical(c, f_vjp(dy, x))


@by_shape
def test_out_may_be_a_part_of_a_larger_array(shape):
    _, x = draw(shape)
    whole = np.zeros((3, *shape))
    activations.gelu(x, out=whole[1])
    assert identical(whole[1], activations.gelu(x)) and not whole[0].any() and not whole[2].any()


@by_any_name
@by_shape
def test_a_wrong_out_is_refused_by_name_before_any_work(name, shape):
    dy, x = draw(shape)
    frozen = np.zeros(shape)
    frozen.flags.writeable = False
    wrong = [
        (np.zeros(shape[::-1]), f"float64 of shape {shape[::-1]}"),
        (np.zeros(x.size), f"float64 of shape {(x.size,)}"),
        (np.zeros((1, *shape)), f"float64 of shape {(1, *shape)}"),
        (np.zeros(shape, np.float32), f"float32 of shape {shape}"),
        (np.zeros(shape, int), f"int64 of shape {shape}"),
        (frozen, ""),
        (np.zeros((2 * shape[0], shape[1]))[::2], ""),
        (np.zeros(shape, order="F"), ""),
        ([[0.0]], "list of shape (1, 1)"),
        (0.0, "float of shape ()"),
    ]
    for f, args in zip(pair(name), [(x,), (dy, x)], strict=True):
        for out, got in wrong:
            text = message(f, *args, out=out)
            assert text.startswith(
                f"out: expected a writeable, contiguous float64 of shape {shape}, got {got}"
            )
            assert not np.any(out)


@by_shape
@pytest.mark.parametrize("shift", [-1, 1])
def test_an_out_that_overlaps_an_argument_is_refused(shift, shape):
    """Block by block, one would read what another has written."""
    memory = np.linspace(-1, 1, np.prod(shape) + 1)
    x, out = (memory[:-1], memory[1:]) if shift == 1 else (memory[1:], memory[:-1])
    x, out, before = x.reshape(shape), out.reshape(shape), memory.copy()
    for f, args in [(activations.relu, (x,)), (activations.relu_vjp, (np.ones(shape), x))]:
        assert message(f, *args, out=out).startswith("out: expected memory of its own or an argument itself")
    assert np.array_equal(memory, before)


def test_out_of_a_number():
    out = np.empty(())
    assert activations.relu(0.5, out=out) is out and out == 0.5
    assert "out: expected a writeable, contiguous float64 of shape ()" in message(
        activations.relu, 0.5, out=np.empty(1)
    )


# Errors are those of the whole array

BIG = np.ones((3, BLOCK))
BAD = [
    (BIG, np.ones((3, BLOCK - 1))),
    (BIG, np.ones((BLOCK, 3))),
    (BIG, np.ones(3 * BLOCK)),
    (BIG, np.ones((1, 3, BLOCK))),
    (BIG, np.ones(BLOCK)),
    (BIG, np.ones((3, 1))),
    (np.ones((3, 1)), BIG),
    (np.ones(0), BIG),
    (BIG, np.ones((3, 0))),
    (BIG, BIG.astype(np.float32)),
    (BIG.astype(int), BIG),
    (BIG, BIG.astype(int)),
    (BIG > 0, BIG),
    (BIG, None),
    (BIG, [1.0]),
    (None, BIG),
    (1, BIG),
    (1.0, BIG),
    (BIG, 1.0),
    (BIG, np.array(1.0)),
    (np.array(1.0), BIG),
]


@pytest.mark.parametrize(
    "args", BAD, ids=lambda args: ", ".join(f"{np.asarray(a).dtype}{np.shape(a)}" for a in args)
)
def test_bad_input_of_large_arrays(args):
    for name, small in product(("relu", "softmax"), (False, True)):
        _, f_vjp = pair(name)
        text = message(f_vjp, *args)
        assert text == message(f_vjp.__wrapped__, *args)
        assert text.startswith(("dy: expected", "x: expected"))
        if small:
            with_out = message(f_vjp, *args, out=np.zeros(np.shape(args[0])))
            assert with_out.startswith(("dy: expected", "x: expected", "out: expected"))


def test_a_large_list_is_refused_as_a_small_one():
    x = np.ones(BLOCK + 1)
    assert message(activations.relu, x.tolist()).startswith("x: expected an array, got list; convert with")
    assert message(activations.relu_vjp, x.tolist(), x).startswith("dy: expected an array, got list")
    assert message(activations.relu_vjp, x, x.tolist()).startswith("x: expected an array, got list")


@pytest.mark.parametrize("dtype", [int, bool, np.uint8, complex, object, "S1"])
@by_any_name
def test_large_arrays_of_a_wrong_dtype(name, dtype):
    x = np.ones((3, BLOCK)).astype(dtype)
    f, _ = pair(name)
    assert message(f, x) == message(f.__wrapped__, x)
    assert message(f, x).startswith("x: expected a floating dtype, got")


@pytest.mark.parametrize("name", ALPHA)
@pytest.mark.parametrize(
    "alpha", ["a", None, [0.1], np.array([0.1]), np.ones((3, BLOCK))], ids=lambda a: type(a).__name__
)
def test_a_wrong_alpha_of_large_arrays(name, alpha):
    for f, args in zip(pair(name), [(BIG,), (BIG, BIG)], strict=True):
        for text in (message(f, *args, alpha), message(f, *args, alpha=alpha)):
            assert text == f"alpha: expected a real number, got {type(alpha).__name__}"


def test_a_wrong_call_is_pythons_error():
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        activations.relu()
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        activations.relu_vjp(BIG)
    with pytest.raises(TypeError, match="multiple values for argument"):
        activations.relu_vjp(BIG, BIG, x=BIG)
    with pytest.raises(TypeError, match="unexpected keyword argument"):
        activations.relu(BIG, beta=1)


def test_a_fault_in_a_late_block_comes_through():
    def refuse(x: np.ndarray):
        if x[0] > 1:
            raise ValueError("late")
        return x

    x = np.ones(2 * BLOCK)
    x[BLOCK:] = 2
    with pytest.raises(ValueError, match="late"):
        in_blocks(refuse)(x)


# update_in_blocks


def add(a, b):
    a += b
    b[...] = 0


@pytest.mark.parametrize(
    "shape", [(), (0,), (1,), (BLOCK,), (BLOCK + 1,), (3, BLOCK), (7, 5, 1001), (2, 0)], ids=str
)
def test_update_writes_every_entry_once(shape):
    rng = np.random.default_rng(0)
    a, b = np.asarray(rng.standard_normal(shape)), np.asarray(rng.standard_normal(shape))
    total = a + b
    update_in_blocks(add, a, b)
    assert np.array_equal(a, total) and not b.any()


def test_update_goes_slice_by_slice():
    sizes = []
    arrays = [np.zeros((3, BLOCK // 2)) for _ in range(3)]
    update_in_blocks(lambda *a: sizes.append([len(x) for x in a]), *arrays)
    assert sizes == [[BLOCK] * 3, [BLOCK // 2] * 3]


@pytest.mark.parametrize("which", [(True, True), (True, False), (False, True)])
def test_update_writes_into_what_is_not_contiguous(which):
    """Flat, these would be copies, and what is written into them lost."""
    rng = np.random.default_rng(0)
    for make in [
        lambda a: np.repeat(a, 2, axis=0)[::2],
        np.asfortranarray,
        lambda a: np.ascontiguousarray(a[:, ::-1])[:, ::-1],
    ]:
        arrays = [rng.standard_normal((301, 333)) for _ in "ab"]
        total = sum(arrays)
        a, b = (make(x) if odd else x for x, odd in zip(arrays, which, strict=True))
        assert not (a.flags.c_contiguous and b.flags.c_contiguous)
        update_in_blocks(add, a, b)
        assert np.array_equal(a, total) and not b.any()


def test_update_only_reads_what_the_rule_only_reads():
    g = np.ones(2 * BLOCK)
    g.flags.writeable = False
    p = np.zeros(2 * BLOCK)

    def rule(p, g):
        p -= g

    update_in_blocks(rule, p, g)
    assert (p == -1).all()
