"""Data parallel training equals training on one device: on four simulated devices, and in two processes.

Each program runs in processes of its own: the number of JAX's devices is fixed before its first operation.
"""

import socket
import subprocess
import sys
import textwrap

import pytest

HEAD = """
import sys, jax
import numpy as np
jax.config.update("jax_num_cpu_devices", {devices})
{initialize}
import jax.numpy as jnp
from textbook_code.data import digits
from textbook_code.with_jax.cnn import cnn_init, cnn_loss_and_grads
from textbook_code.with_jax.mlp import mlp_init, mlp_loss_and_grads
from textbook_code.with_jax.optim import adam_init, adam_update
from textbook_code.with_jax.sharding import data_mesh, replicate, shard_batch
from textbook_code.with_jax.train import train_epoch, train_step

images, labels = digits()
images, labels = images[:320].astype(np.float32), labels[:320]
mesh = data_mesh()

def setting(name):
    rng = np.random.default_rng(0)
    if name == "mlp":
        return mlp_init(rng, [64, 32, 10], dtype=np.float32), mlp_loss_and_grads, images.reshape(-1, 64)
    return cnn_init(rng, (8, 8, 1), [4, 8], 10, np.float32), cnn_loss_and_grads, images[..., None]

def run(name, place, place_batch):
    params, loss_and_grads, x = setting(name)
    params, state = place((params, adam_init(params)))
    losses = []
    for start in range(0, 320, 64):
        batch = place_batch((x[start:start + 64], labels[start:start + 64]))
        params, state, loss = train_step(params, state, *batch, loss_and_grads, adam_update, 0.01)
        losses.append(float(loss))
    return params, losses

def differences(name, mine):
    own = slice(jax.process_index() * mine, (jax.process_index() + 1) * mine)
    alone = run(name, lambda tree: tree, lambda batch: batch)
    shared = run(
        name,
        lambda tree: replicate(tree, mesh),
        lambda batch: shard_batch(tuple(a[own] for a in batch), mesh),
    )
    for array in jax.tree.leaves(shared[0]):
        assert array.sharding.is_fully_replicated and len(array.sharding.device_set) == mesh.size
    gaps = [np.max(np.abs(np.asarray(a) - np.asarray(b.addressable_data(0))))
            for a, b in zip(jax.tree.leaves(alone[0]), jax.tree.leaves(shared[0]), strict=True)]
    return max(gaps), max(abs(a - b) for a, b in zip(alone[1], shared[1], strict=True)), alone[1]
"""
REPORT = """
for name in ("mlp", "cnn"):
    params, losses, history = differences(name, {mine})
    print("RESULT", jax.device_count(), params, losses, history[0], history[-1])
"""
TOLERANCE = 2e-5  # float32, sums of 64 rows in another order, five steps of Adam at rate 0.01


def program(devices, mine, body=REPORT, initialize=""):
    return textwrap.dedent(HEAD).format(devices=devices, initialize=initialize) + body.format(mine=mine)


def run(*programs):
    """Run programs at the same time; return the lines of results of each."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", text], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for text in programs
    ]
    results = []
    for process in started:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err[-3000:]
        results.append([line.split()[1:] for line in out.splitlines() if line.startswith("RESULT")])
    return results


def check_results(lines, devices):
    assert len(lines) == 2
    for line in lines:
        count, params, losses, first, last = map(float, line)
        assert count == devices
        assert params <= TOLERANCE and losses <= TOLERANCE
        assert last < first  # it did learn: equal gaps of 0 from nothing would pass otherwise


def test_four_devices_equal_one():
    [lines] = run(program(devices=4, mine=64))
    check_results(lines, 4)


def test_two_processes_equal_one():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    initialize = 'jax.distributed.initialize("127.0.0.1:{}", num_processes=2, process_id={})'
    texts = [program(devices=2, mine=32, initialize=initialize.format(port, i)) for i in range(2)]
    for lines in run(*texts):
        check_results(lines, 4)


def test_a_whole_epoch_is_sharded_too():
    body = """
params, loss_and_grads, x = setting("mlp")
xs, ys = x.reshape(5, 64, -1), labels.reshape(5, 64)
rates = np.full(5, 0.01, np.float32)
P = jax.sharding.PartitionSpec
by_rows = jax.sharding.NamedSharding(mesh, P(None, "data"))
spread, state = replicate((params, adam_init(params)), mesh)
alone = train_epoch(params, adam_init(params), xs, ys, loss_and_grads, adam_update, rates)[2]
shared = train_epoch(spread, state, jax.device_put(xs, by_rows), jax.device_put(ys, by_rows),
                     loss_and_grads, adam_update, rates)[2]
gap = float(np.max(np.abs(np.asarray(alone) - np.asarray(shared))))
print("RESULT", jax.device_count(), gap, gap, float(alone[0]), float(alone[-1]))
"""
    [lines] = run(program(devices=4, mine=64, body=body.replace("{", "{{").replace("}", "}}")))
    check_results(lines * 2, 4)


@pytest.mark.parametrize("rows", [0, 6])
def test_rows_that_cannot_be_shared_equally_are_refused(rows):
    body = f"""
try:
    shard_batch(np.ones(({rows}, 3)), mesh)
except ValueError as error:
    print("RESULT", error)
"""
    [[words]] = run(program(devices=4, mine=64, body=body.replace("{", "{{").replace("}", "}}")))
    assert " ".join(words) == f"batch: expected a multiple of 4 rows, one share a device, got {rows}"
