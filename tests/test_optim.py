"""The optimizers: both halves step alike and as by hand, own what they are given, refuse bad input alike."""

import inspect
import math
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpydoc.docscrape import FunctionDoc

from textbook_code import _optimizer_arguments
from textbook_code._blocks import BLOCK
from textbook_code._tree import leaves, tree_map
from textbook_code.with_jax import optim as jax_optim
from textbook_code.with_numpy import optim

HALVES = (optim, jax_optim)
NAMES = ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw")
STATES = {"sgd": "SGD", "nesterov": "Momentum", "adamw": "Adam", "adagrad": "Adagrad", "rmsprop": "RMSprop"}
by_name = pytest.mark.parametrize("name", NAMES)
by_half = pytest.mark.parametrize("half", HALVES, ids=["numpy", "jax"])


class Layer(NamedTuple):
    w: object
    b: object


def tree(rng, dtype=np.float64):
    """Draw two layers and a number: three shapes, nested."""
    layers = [Layer(rng.standard_normal(s), rng.standard_normal(s[-1])) for s in [(3, 4), (4, 2)]]
    return tree_map(lambda a: np.asarray(a, dtype), (tuple(layers), np.array(0.5)))


def arrays(half, params):
    """Copy a tree into arrays of a half."""
    return tree_map(jnp.array if half is jax_optim else np.array, params)


def functions(half, name):
    return getattr(half, f"{name}_init"), getattr(half, f"{name}_update")


def run(half, name, params, grads, lr=0.01, **options):
    """Step once for each gradient."""
    init, update = functions(half, name)
    params = arrays(half, params)
    state = init(params)
    for g in grads:
        params, state = update(arrays(half, g), state, params, lr, **options)
    return params, state


def one(half, name, p, g, lr=0.1, **options):
    """Step once for each gradient of a list; return the one parameter."""
    grads = [(np.array([x], np.float64),) for x in np.atleast_1d(g)]
    with jax.enable_x64(True):
        params, _ = run(half, name, (np.array([p]),), grads, lr, **options)
        return float(params[0][0])


def gap(a, b):
    """Largest difference, relative to the largest entry."""
    pairs = list(zip(map(np.asarray, leaves(a)), map(np.asarray, leaves(b)), strict=True))
    return max(float(np.max(np.abs(x - y))) / max(float(np.max(np.abs(y))), 1e-300) for x, y in pairs)


# The halves mirror each other


def test_same_names_and_signatures():
    def public(half):
        return {
            n: f
            for n, f in vars(half).items()
            if getattr(f, "__module__", "") == half.__name__ and n[0] != "_"
        }

    by_numpy, by_jax = map(public, HALVES)
    assert by_numpy.keys() == by_jax.keys()
    assert len(by_numpy) == 5 + 14 + 4
    for name, f in by_numpy.items():
        one, other = (inspect.signature(g).parameters.values() for g in (f, by_jax[name]))
        assert [(p.name, p.kind, p.default) for p in one] == [(p.name, p.kind, p.default) for p in other], (
            name
        )
        if inspect.isfunction(f):
            assert FunctionDoc(f)["Summary"] == FunctionDoc(by_jax[name])["Summary"]
            assert FunctionDoc(f)["Extended Summary"] == FunctionDoc(by_jax[name])["Extended Summary"]
            assert FunctionDoc(f)["References"] == FunctionDoc(by_jax[name])["References"]


@by_name
@pytest.mark.parametrize("dtype, limit", [(np.float64, 1e-12), (np.float32, 2e-5)])
def test_halves_agree_over_100_steps(name, dtype, limit):
    rng = np.random.default_rng(0)
    params, grads = tree(rng, dtype), [tree(rng, dtype) for _ in range(100)]
    with jax.enable_x64(dtype == np.float64):
        by_jax = run(jax_optim, name, params, grads)
        by_numpy = run(optim, name, params, grads)
        assert gap(by_numpy, by_jax) < limit
        assert gap(by_numpy[0], params) > 0.01
        assert {a.dtype for a in leaves(by_numpy[0]) + leaves(by_jax[0])} == {np.dtype(dtype)}


@by_name
def test_states_look_alike(name):
    params = tree(np.random.default_rng(0))
    by_numpy, by_jax = (functions(half, name)[0](arrays(half, params)) for half in HALVES)
    assert type(by_numpy).__name__ == type(by_jax).__name__ == STATES.get(name, name.capitalize())
    assert by_numpy._fields == by_jax._fields
    assert all(not np.any(a) for a in leaves(by_numpy) + leaves(by_jax))
    assert [np.shape(a) for a in leaves(by_numpy)] == [np.shape(a) for a in leaves(by_jax)]


# By hand


@by_half
@pytest.mark.parametrize(
    "name, grads, options, expected",
    [
        ("sgd", [2], {}, 1 - 0.2),
        ("momentum", [2, 2], {}, 1 - 0.2 - 0.38),
        ("nesterov", [2, 2], {}, 1 - 0.38 - (0.2 + 0.9 * 0.38)),
        ("adagrad", [2, 2], {"eps": 0}, 1 - 0.1 - 0.1 / math.sqrt(2)),
        ("adagrad", [2], {"eps": 2}, 1 - 0.1 * 2 / (2 + 2)),
        ("rmsprop", [2, 2], {"eps": 0}, 1 - 0.1 / math.sqrt(0.1) - 0.1 / math.sqrt(0.19)),
        ("rmsprop", [2], {"beta": 0.75, "eps": 1}, 1 - 0.1 * 2 / (1 + 1)),
        ("adam", [2], {"eps": 0}, 1 - 0.1),
        ("adam", [-2e-5], {"eps": 0}, 1 + 0.1),
        ("adam", [3], {"eps": 1}, 1 - 0.1 * 3 / (3 + 1)),
        ("adam", [3, -3], {"eps": 0}, 1 - 0.1 - 0.1 * ((0.9 * 0.1 - 0.1) / (1 - 0.9**2))),
        ("adam", [3, 3], {"beta1": 0, "beta2": 0, "eps": 0}, 1 - 0.1 - 0.1),
        ("adamw", [2], {"eps": 0}, 1 - 0.1 * 0.01 - 0.1),
        ("adamw", [2], {"eps": 0, "weight_decay": 0.5}, 1 - 0.1 * 0.5 - 0.1),
    ],
)
def test_first_steps_by_hand(half, name, grads, options, expected):
    assert one(half, name, 1.0, grads, **options) == pytest.approx(expected, abs=1e-12)


@by_half
@pytest.mark.parametrize(
    "special, options, general",
    [
        ("momentum", {"beta": 0}, "sgd"),
        ("nesterov", {"beta": 0}, "sgd"),
        ("adamw", {"weight_decay": 0}, "adam"),
    ],
)
def test_one_is_a_special_case_of_the_other(half, special, options, general):
    grads = [1.0, -2.0, 0.5]
    assert one(half, special, 1.0, grads, **options) == pytest.approx(
        one(half, general, 1.0, grads), abs=1e-14
    )


@by_half
def test_each_differs_from_the_one_before(half):
    ends = [one(half, name, 1.0, [1.0, -2.0, 0.5]) for name in NAMES]
    assert len({round(end, 4) for end in ends}) == len(NAMES)


@by_half
def test_adam_without_gradient_stays(half):
    assert one(half, "adam", 1.0, [0.0, 0.0]) == 1.0
    assert one(half, "adagrad", 1.0, [0.0]) == 1.0


def test_bias_correction_keeps_its_digits_in_float32():
    for beta in (0.0, 0.5, 0.9, 0.999, 0.999999):
        for step in (1, 2, 10, 1000):
            share = float(jax_optim._share(beta, jnp.int32(step)))
            assert share == pytest.approx(1 - beta**step, rel=1e-6)


@pytest.mark.parametrize("half", HALVES, ids=["numpy", "jax"])
def test_they_all_descend(half):
    for name in NAMES:
        init, update = functions(half, name)
        params = arrays(half, (np.array([1.0, -2.0], np.float32),))
        state = init(params)
        for _ in range(150):
            params, state = update((params[0] * np.float32([1, 3]),), state, params, 0.03)
        assert np.abs(np.asarray(params[0])).max() < (2 if name == "adagrad" else 0.7), name


# Ownership


@by_name
def test_numpy_writes_in_place_and_only_reads_grads(name):
    params, grads = tree(np.random.default_rng(0)), tree(np.random.default_rng(1))
    state = functions(optim, name)[0](params)
    before, old = tree_map(np.copy, params), leaves(grads)
    for g in old:
        g.flags.writeable = False
    new, new_state = functions(optim, name)[1](grads, state, params, 0.1)
    assert all(a is b for a, b in zip(leaves(new), leaves(params), strict=True))
    moments = [a for a in leaves(new_state) if isinstance(a, np.ndarray)]
    assert {id(a) for a in moments} <= {id(a) for a in leaves(state)}
    assert all(np.all(a != b) for a, b in zip(leaves(new), leaves(before), strict=True))


@by_name
def test_jax_donates_and_keeps_grads(name):
    params, grads = (arrays(jax_optim, tree(np.random.default_rng(i), np.float32)) for i in (0, 1))
    state = functions(jax_optim, name)[0](params)
    kept = tree_map(np.array, grads)
    functions(jax_optim, name)[1](grads, state, params, 0.1)
    assert all(a.is_deleted() for a in leaves(params))
    assert all(a.is_deleted() for a in leaves(state))
    assert gap(grads, kept) == 0


@by_name
def test_jax_gives_each_array_the_buffer_that_it_had(name):
    [p, g] = (jnp.array(np.random.default_rng(i).standard_normal(1000)) for i in (0, 1))
    params = (p,)
    state = functions(jax_optim, name)[0](params)
    old = [a.unsafe_buffer_pointer() for a in (*leaves(params), *leaves(state))]
    new = functions(jax_optim, name)[1]((g,), state, params, 0.1)
    assert [a.unsafe_buffer_pointer() for a in leaves(new)] == old


def test_jax_arrays_that_share_numpys_memory_leave_it_alone():
    mine = np.ones(1000, np.float32)
    params = (jnp.asarray(mine),)
    jax_optim.sgd_update((jnp.ones(1000),), jax_optim.SGD(), params, 0.1)
    assert np.all(mine == 1)


@by_half
@by_name
def test_bad_rates_leave_all_as_it_was(half, name):
    params, grads = (arrays(half, tree(np.random.default_rng(i), np.float32)) for i in (0, 1))
    init, update = functions(half, name)
    state = init(params)
    before = tree_map(np.array, (params, state))
    for option in list(inspect.signature(update).parameters)[3:]:
        with pytest.raises(ValueError, match=f"^{option}: "):
            update(grads, state, params, **{"lr": 0.1, option: -1.0})
    assert gap((params, state), before) == 0 and (name == "sgd" or not np.any(leaves(state)[-1]))


@by_name
@pytest.mark.parametrize("place", ["params", "state"])
def test_read_only_arrays_are_refused_before_any_work(name, place):
    if name == "sgd" and place == "state":
        return
    params = tree(np.random.default_rng(0))
    init, update = functions(optim, name)
    state = init(params)
    last = leaves(params if place == "params" else state)[-1]
    last.flags.writeable = False
    before = tree_map(np.copy, params)
    with pytest.raises(
        ValueError, match=rf"^{place}\S*: expected an array to write into, got a read-only one"
    ):
        update(tree_map(np.ones_like, params), state, params, 0.1)
    assert gap(params, before) == 0


def test_arrays_from_jax_are_refused_by_name():
    params = (np.asarray(jnp.ones(2)),)
    with pytest.raises(ValueError, match=r"^params\[0\]: expected an array to write into"):
        optim.sgd_update((np.ones(2, np.float32),), optim.SGD(), params, 0.1)
    with pytest.raises(ValueError, match=r"^params\[0\]: expected a NumPy array, got ArrayImpl"):
        optim.sgd_update((np.ones(2, np.float32),), optim.SGD(), (jnp.ones(2),), 0.1)


@by_half
def test_an_array_with_two_places_is_refused(half):
    [a], [b] = (arrays(half, (np.ones(3),)) for _ in range(2))
    with pytest.raises(
        ValueError, match=r"^params\[1\]: expected an array of its own, got that of params\[0\]"
    ):
        half.sgd_update((b, b), half.SGD(), (a, a), 0.1)
    with pytest.raises(
        ValueError, match=r"^grads\[0\]: expected an array of its own, got that of params\[0\]"
    ):
        half.sgd_update((a,), half.SGD(), (a,), 0.1)
    with pytest.raises(
        ValueError, match=r"^state.v\[0\]: expected an array of its own, got that of state.m\[0\]"
    ):
        half.adam_update((b,), half.Adam(half.adam_init((a,)).step, (c := a * 0,), (c,)), (a,), 0.1)
    half.sgd_update((b, b), half.SGD(), tuple(half._zeros((a, b))), 0.1)


# Blocks, and arrays that are no blocks


@by_name
def test_blocks_do_as_the_whole(name):
    rng = np.random.default_rng(0)
    p, g = rng.standard_normal((2, BLOCK + 5))
    large, _ = run(optim, name, (p,), [(g,)] * 3)
    parts, _ = run(optim, name, (p[:BLOCK].copy(), p[BLOCK:].copy()), [(g[:BLOCK], g[BLOCK:])] * 3)
    assert np.array_equal(large[0], np.concatenate(parts))


@by_name
def test_strided_arrays_are_updated(name):
    rng = np.random.default_rng(0)
    grads = [(rng.standard_normal((300, 200)),) for _ in range(3)]
    p = rng.standard_normal((300, 200))
    expected, _ = run(optim, name, (p,), grads)
    for view in (np.zeros((200, 300)).T, np.zeros((600, 400))[::2, ::-2]):
        view[:] = p
        params = (view,)
        state = functions(optim, name)[0](params)
        for g in grads:
            new, state = functions(optim, name)[1](g, state, params, 0.01)
        assert new[0] is view and np.array_equal(view, expected[0])


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(NAMES), st.lists(st.lists(st.integers(0, 4), max_size=3), min_size=1, max_size=3))
def test_any_shapes(name, shapes):
    params = tuple(np.ones(shape) for shape in shapes)
    new, _ = run(optim, name, params, [tree_map(np.ones_like, params)])
    assert [a.shape for a in new] == [p.shape for p in params]
    assert all(np.all(a < 1) for a in new)


# dtype


@by_half
@by_name
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_stays_whatever_the_numbers(half, name, dtype):
    update = functions(half, name)[1]
    with jax.enable_x64(True):
        params = arrays(half, tree(np.random.default_rng(0), dtype))
        numbers = {
            k: np.float64(p.default)
            for k, p in inspect.signature(update).parameters.items()
            if p.default != p.empty
        }
        new, state = run(half, name, params, [params], np.float64(0.1), **numbers)
        moments = [a for a in leaves(state) if np.issubdtype(np.asarray(a).dtype, np.floating)]
        assert {a.dtype for a in leaves(new) + moments} == {np.dtype(dtype)}


@by_name
def test_a_traced_float64_rate_leaves_float32(name):
    with jax.enable_x64(True):
        params = arrays(jax_optim, tree(np.random.default_rng(0), np.float32))
        init, update = functions(jax_optim, name)
        new, _ = jax.jit(lambda p, lr: update(p, init(p), p, lr))(params, jnp.float64(0.1))
        assert {a.dtype for a in leaves(new)} == {np.dtype(np.float32)}


# jit and scan


@by_name
def test_runs_in_scan_with_a_traced_schedule(name):
    rng = np.random.default_rng(0)
    params, grads = tree(rng, np.float32), tree(rng, np.float32)
    init, update = functions(jax_optim, name)
    schedules = [partial(half.warmup_cosine_schedule, lr=0.1, warmup=3, total=10) for half in HALVES]

    @jax.jit
    def train(params, grads):
        def body(carry, step):
            params, state = carry
            return update(grads, state, params, schedules[1](step)), None

        return jax.lax.scan(body, (params, init(params)), jnp.arange(10))[0]

    by_scan, _ = train(arrays(jax_optim, params), arrays(jax_optim, grads))
    init, update = functions(optim, name)
    state = init(params)
    for step in range(10):
        params, state = update(grads, state, params, schedules[0](step))
    assert gap(by_scan, params) < 1e-5


def test_init_under_jit_gives_two_buffers():
    params = (jnp.ones(1000),)
    state = jax.jit(jax_optim.adam_init)(params)
    new, _ = jax_optim.adam_update((jnp.ones(1000),), state, params, 0.1)
    assert np.allclose(new[0], 0.9)


def test_trees_of_the_other_half_are_taken_by_place():
    params = (jax_optim_layer := Layer(jnp.ones((2, 2)), jnp.ones(2)),)
    grads = ((np.ones((2, 2), np.float32), np.ones(2, np.float32)),)
    new, _ = jax_optim.sgd_update(grads, jax_optim.SGD(), params, 0.5)
    assert type(new[0]) is type(jax_optim_layer) and float(new[0].b[0]) == 0.5
    new, _ = optim.sgd_update(grads, optim.SGD(), (Layer(*tree_map(np.copy, grads)[0]),), 0.5)
    assert type(new[0]) is Layer and new[0].b[0] == 0.5


def test_params_may_be_one_array():
    for half in HALVES:
        [p, g] = (arrays(half, np.ones(2)) for _ in range(2))
        new, _ = half.sgd_update(g, half.sgd_init(p), p, 0.25)
        assert new.tolist() == [0.75, 0.75]


# Clipping


@by_half
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_clip(half, dtype):
    with jax.enable_x64(True):
        grads = arrays(half, tree(np.random.default_rng(0), dtype))
        expected = math.sqrt(sum(float(np.sum(np.asarray(g, np.float64) ** 2)) for g in leaves(grads)))
        for max_norm in (np.float64(expected / 3), expected * 2, np.inf):
            clipped, norm = half.clip_by_global_norm(grads, max_norm)
            assert float(norm) == pytest.approx(expected, rel=1e-6)
            factor = min(1, max_norm / expected)
            assert gap(clipped, tree_map(lambda g, f=factor: np.asarray(g) * dtype(f), grads)) < 1e-6
            assert {g.dtype for g in leaves(clipped)} == {np.dtype(dtype)}
            assert all(a is not b for a, b in zip(leaves(clipped), leaves(grads), strict=True))


@by_half
def test_clip_at_the_extremes(half):
    def clip(values):
        [g], norm = half.clip_by_global_norm(arrays(half, (np.array(values, np.float32),)), 1.0)
        return np.asarray(g).tolist(), float(norm)

    assert clip([0.0, 0.0]) == ([0.0, 0.0], 0.0)
    assert clip([]) == ([], 0.0)
    g, norm = clip([3e30, 4e30])
    assert g == pytest.approx([0.6, 0.8]) and norm == pytest.approx(5e30)
    g, norm = clip([3e-30, 4e-30])
    assert g == pytest.approx([3e-30, 4e-30]) and norm == pytest.approx(5e-30)
    g, _ = clip([3e38, 3e38])
    assert g == pytest.approx([math.sqrt(0.5)] * 2)
    [g], norm = half.clip_by_global_norm(arrays(half, (np.ones(90_000, np.float16),)), 30.0)
    assert float(norm) == 300 and g.dtype == np.float16 and np.allclose(g, 0.1, rtol=1e-3)
    g, norm = clip([np.nan, 1.0])
    assert np.isnan(norm) and np.isnan(g).all()
    with np.errstate(invalid="ignore"):
        g, norm = clip([np.inf, 1.0])
    assert norm == np.inf and np.isnan(g[0]) and g[1] == 0


@by_half
def test_clip_leaves_grads_and_feeds_the_update(half):
    grads = arrays(half, (np.array([3.0]), np.array(4.0)))
    clipped, _ = half.clip_by_global_norm(grads, 1.0)
    assert [float(np.sum(g)) for g in grads] == [3, 4]
    params, _ = run(half, "sgd", (np.zeros(1), np.array(0.0)), [])
    new, _ = half.sgd_update(clipped, half.SGD(), params, 1.0)
    assert [float(np.sum(p)) for p in new] == pytest.approx([-0.6, -0.8])


def test_clip_runs_under_jit():
    clipped, norm = jax.jit(jax_optim.clip_by_global_norm)((jnp.array([3.0, 4.0]),), 1.0)
    assert float(norm) == 5 and clipped[0].tolist() == pytest.approx([0.6, 0.8])


# Schedules

SCHEDULES = [
    ("constant_schedule", {"lr": 0.3}, {0: 0.3, 99: 0.3}),
    ("step_schedule", {"lr": 0.3, "every": 10}, {0: 0.3, 9: 0.3, 10: 0.03, 19: 0.03, 20: 0.003}),
    ("step_schedule", {"lr": 0.3, "every": 1, "factor": 0}, {0: 0.3, 1: 0, 2: 0}),
    (
        "warmup_cosine_schedule",
        {"lr": 0.3, "warmup": 4, "total": 12},
        {0: 0.075, 1: 0.15, 3: 0.3, 4: 0.3, 6: 0.15 * (1 + math.sqrt(0.5)), 8: 0.15, 12: 0, 13: 0, 10**6: 0},
    ),
    ("warmup_cosine_schedule", {"lr": 0.3, "warmup": 0, "total": 2}, {0: 0.3, 1: 0.15, 2: 0}),
    ("warmup_cosine_schedule", {"lr": 0.3, "warmup": 3, "total": 3}, {0: 0.1, 2: 0.3, 3: 0, 4: 0}),
    ("warmup_cosine_schedule", {"lr": 0.3, "warmup": 1, "total": 1}, {0: 0.3, 1: 0}),
]


@pytest.mark.parametrize("name, options, rates", SCHEDULES)
def test_schedule_end_points(name, options, rates):
    by_numpy, by_jax = (partial(getattr(half, name), **options) for half in HALVES)
    for x64 in (True, False):
        with jax.enable_x64(x64):
            limit = 1e-15 if x64 else 1e-7
            for step, rate in rates.items():
                assert isinstance(by_numpy(step), float)
                assert by_numpy(step) == pytest.approx(rate, abs=1e-15)
                traced = jax.jit(by_jax)(jnp.int32(step))
                assert float(traced) == pytest.approx(rate, abs=limit)
                assert float(by_jax(step)) == pytest.approx(rate, abs=limit)
                for scalar in (traced, by_jax(step), by_jax(jnp.int32(step))):
                    assert isinstance(scalar, jax.Array) and scalar.shape == ()
                    assert (jnp.ones(1, jnp.float32) * scalar).dtype == jnp.float32


def test_numpy_schedule_takes_numpys_numbers():
    rate = optim.warmup_cosine_schedule(np.int64(1), np.float32(0.5), np.int64(2), np.int64(4))
    assert isinstance(rate, float) and rate == 0.5


# Bad input: the same message from both halves

P = (np.ones((2, 3)), np.ones(3))
BAD_TREES = [
    ((), P, "params: expected at least one array, got none"),
    (((), ((),)), P, "params: expected at least one array, got none"),
    ((1.0,), (np.ones(1),), "params[0]: expected an array, got float"),
    ({"w": P[0]}, P, "params: expected an array, got dict"),
    ((np.ones(2, int),), (np.ones(2),), "params[0]: expected a floating dtype, got int"),
    (P, P[:1], "grads: expected 2 items as in params, got 1 items"),
    (P, P[0], "grads: expected 2 items as in params, got "),
    (P, (np.ones((3, 2)), np.ones(3)), "grads[0]: expected shape (2, 3) as in params[0], got (3, 2)"),
    (P, (np.ones((2, 3)), np.ones(3, np.float16)), "grads[1]: expected float32 as in params[1], got float16"),
    (P, (np.ones((2, 3)), 1), "grads[1]: expected an array, got int"),
    ((Layer(*P),), (Layer(P[0], P[1][:2]),), "grads[0].b: expected shape (3,) as in params[0].b, got (2,)"),
]


def single(half, t):
    """As ``arrays``, in float32; what is no array stays."""

    def convert(a):
        if not isinstance(a, np.ndarray):
            return a
        a = a.astype(np.float32) if a.dtype == np.float64 else a
        return jnp.array(a) if half is jax_optim else np.array(a)

    return tree_map(convert, t)


def message(f, *args, **options):
    with pytest.raises(ValueError) as error:
        f(*args, **options)
    return str(error.value)


@by_name
@pytest.mark.parametrize("params, grads, start", BAD_TREES)
def test_bad_trees(name, params, grads, start):
    texts = set()
    for half in HALVES:
        init, update = functions(half, name)
        state = init(single(half, P))
        texts.add(message(update, single(half, grads), state, single(half, params), 0.1))
        if start.startswith("params"):
            assert message(init, single(half, params)).startswith(start)
    [text] = {t.replace("ArrayImpl", "ndarray").replace("int64", "int32") for t in texts}
    assert text.startswith(start)


NUMBERS = {
    "lr": ("finite number ≥ 0", [-0.1, np.nan, np.inf]),
    "beta": ("number in [0, 1)", [-0.1, 1, 1.5, np.nan]),
    "beta1": ("number in [0, 1)", [-0.1, 1, np.nan]),
    "beta2": ("number in [0, 1)", [-0.1, 1, np.nan]),
    "eps": ("finite number ≥ 0", [-1e-8, np.nan, np.inf]),
    "weight_decay": ("finite number ≥ 0", [-0.1, np.nan, np.inf]),
}


@by_half
@by_name
def test_bad_numbers(half, name):
    init, update = functions(half, name)
    for option in list(inspect.signature(update).parameters)[3:]:
        expected, values = NUMBERS[option]
        for value in values:
            params, grads = single(half, P), single(half, P)
            text = message(update, grads, init(params), params, **{"lr": 0.1, option: value})
            assert text == f"{option}: expected a {expected}, got {value}"
        text = message(update, grads, init(params), params, **{"lr": 0.1, option: "1"})
        assert text == f"{option}: expected a real number, got str"


@by_name
def test_the_quick_check_says_no_more_than_the_long_one(name, monkeypatch):
    """Without it, the same is accepted."""
    params, grads = tree(np.random.default_rng(0)), [tree(np.random.default_rng(1))]
    quick = run(optim, name, params, grads)
    monkeypatch.setattr(_optimizer_arguments, "_fits", lambda *_: False)
    assert gap(run(optim, name, params, grads), quick) == 0


@by_half
@by_name
def test_bad_state(half, name):
    init, update = functions(half, name)
    params, grads = single(half, P), single(half, P)
    kind = type(init(params)).__name__
    other = "sgd" if name != "sgd" else "adam"
    wrong = functions(half, other)[0](params)
    assert message(update, grads, wrong, params, 0.1) == f"state: expected {kind}, got {type(wrong).__name__}"
    assert message(update, grads, (), params, 0.1) == f"state: expected {kind}, got tuple"
    if name != "sgd":
        wrong = init(single(half, (np.ones((2, 3)), np.ones(4))))
        field = wrong._fields[-1] if name[:4] != "adam" else "m"
        text = f"state.{field}[1]: expected shape (3,) as in params[1], got (4,)"
        assert message(update, grads, wrong, params, 0.1) == text


@by_half
@pytest.mark.parametrize("name", ["adam", "adamw"])
@pytest.mark.parametrize("step", [-1, 1.0, None])
def test_bad_step_of_a_state(half, name, step):
    init, update = functions(half, name)
    params, grads = single(half, P), single(half, P)
    state = init(params)._replace(step=step)
    assert message(update, grads, state, params, 0.1) == f"state.step: expected an integer ≥ 0, got {step!r}"
    assert np.all(np.asarray(params[0]) == 1)


@pytest.mark.parametrize("option", ["beta1", "eps"])
def test_constants_must_not_be_traced(option):
    params, grads = (jnp.ones(2),), (jnp.ones(2),)
    state = jax_optim.adam_init(params)
    text = message(
        jax.jit(lambda x: jax_optim.adam_update(grads, state, params, 0.1, **{option: x})), jnp.float32(0.5)
    )
    assert text == f"{option}: expected a number known when compiling, got a traced one"


@by_half
@pytest.mark.parametrize(
    "grads, max_norm, start",
    [
        (P, 0, "max_norm: expected a number > 0, got 0"),
        (P, -1.0, "max_norm: expected a number > 0, got -1.0"),
        (P, np.nan, "max_norm: expected a number > 0, got nan"),
        (P, "1", "max_norm: expected a real number, got str"),
        ((), 1, "grads: expected at least one array, got none"),
        ((np.ones(2, int),), 1, "grads[0]: expected a floating dtype, got int"),
    ],
)
def test_bad_clipping(half, grads, max_norm, start):
    assert message(half.clip_by_global_norm, single(half, grads), max_norm).startswith(start)


@by_half
@pytest.mark.parametrize(
    "name, options, expected",
    [
        ("constant_schedule", {"step": -1, "lr": 1}, "step: expected an integer ≥ 0, got -1"),
        ("constant_schedule", {"step": 1.0, "lr": 1}, "step: expected an integer ≥ 0, got 1.0"),
        ("constant_schedule", {"step": 0, "lr": -1}, "lr: expected a finite number ≥ 0, got -1"),
        ("step_schedule", {"step": -1, "lr": 1, "every": 1}, "step: expected an integer ≥ 0, got -1"),
        ("step_schedule", {"step": 0, "lr": 1, "every": 0}, "every: expected an integer ≥ 1, got 0"),
        ("step_schedule", {"step": 0, "lr": 1, "every": 1.5}, "every: expected an integer ≥ 1, got 1.5"),
        (
            "step_schedule",
            {"step": 0, "lr": 1, "every": 1, "factor": -0.5},
            "factor: expected a finite number ≥ 0, got -0.5",
        ),
        (
            "warmup_cosine_schedule",
            {"step": -1, "lr": 1, "warmup": 1, "total": 2},
            "step: expected an integer ≥ 0, got -1",
        ),
        (
            "warmup_cosine_schedule",
            {"step": 0, "lr": 1, "warmup": 3, "total": 2},
            "warmup: expected at most total = 2, got 3",
        ),
        (
            "warmup_cosine_schedule",
            {"step": 0, "lr": 1, "warmup": -1, "total": 2},
            "warmup: expected an integer ≥ 0, got -1",
        ),
        (
            "warmup_cosine_schedule",
            {"step": 0, "lr": 1, "warmup": 0, "total": 0},
            "total: expected an integer ≥ 1, got 0",
        ),
        (
            "warmup_cosine_schedule",
            {"step": 0, "lr": np.nan, "warmup": 0, "total": 1},
            "lr: expected a finite number ≥ 0, got nan",
        ),
    ],
)
def test_bad_schedules(half, name, options, expected):
    assert message(getattr(half, name), **options) == expected
