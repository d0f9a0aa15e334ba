"""The speed table: what was measured has the rows and verdicts of the benchmark, and the page shows it."""

import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from _ext import speed as page

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "tests/bench/speed.py"
COMMITTED = sorted((ROOT / "book/code").glob("speed-*.json"))


def load():
    spec = importlib.util.spec_from_file_location("bench_speed", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


bench = load()


def row(key="sgd"):
    return next(row for row in bench.ROWS if row.key == key)


def test_the_benchmark_imports_nothing_heavy():
    code = "import sys, runpy; before = set(sys.modules); runpy.run_path(sys.argv[1]); "
    code += "sys.exit(', '.join({'numpy', 'jax', 'torch', 'optax'} & (set(sys.modules) - before)))"
    done = subprocess.run([sys.executable, "-c", code, SCRIPT], capture_output=True, text=True)
    assert done.stderr.strip() == ""


def test_keys_are_unique():
    keys = [row.key for row in bench.ROWS]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize(
    "key, ours, peer, ratio, bar, met",
    [
        ("sgd", 1.0, 2.0, "0.50", "≤ 1.00", True),
        ("sgd", 1.004, 1.0, "1.00", "≤ 1.00", True),  # the verdict is on what is shown
        ("sgd", 1.006, 1.0, "1.01", "≤ 1.00", False),
        ("relu", 10.0, 9.0, "90 %", "≥ 90 %", True),
        ("relu", 10.0, 8.94, "89 %", "≥ 90 %", False),
        ("import", 170.0, 10.0, "160 ms", "≤ 160 ms", True),
        ("import", 171.0, 10.0, "161 ms", "≤ 160 ms", False),
    ],
)
def test_ratio_and_verdict(key, ours, peer, ratio, bar, met):
    found = bench.judged(row(key), ours, peer)
    assert (found["ratio"], found["bar"], found["met"]) == (ratio, bar, met)
    assert set(found) == set(page.ROW)


def test_rows_are_chosen_by_words_of_their_keys():
    assert [row.key for row in bench.chosen(["relu", "gelu-"], "cpu")] == ["relu", "gelu-tanh"]
    assert bench.chosen([], "cpu") == list(bench.ROWS)
    on_gpu = bench.chosen([], "gpu")
    assert on_gpu and {row.ours for row in on_gpu} == {"JAX"}
    assert {row.peer for row in on_gpu} <= {"jax.lax", "optax"}


def test_sides_that_disagree_stop_the_benchmark():
    bench.compare(row(), lambda: (1.0, [2.0]), lambda: (1.0, [2.0 + 1e-5]))
    bench.compare(row(), lambda: 1.0, lambda: None)  # a matrix product that only sets the pace
    steps = iter([1.0, 1.0, 1.1])
    with pytest.raises(SystemExit, match=r"bench: sgd: NumPy and PyTorch differ by 1e-01, allowed 1e-04"):
        bench.compare(row(), lambda: next(steps), lambda: 1.0)
    for wrong in (float("nan"), [1.0, 1.0], float("inf")):
        with pytest.raises(SystemExit, match=r"differ by|sgd"):
            bench.compare(row(), lambda wrong=wrong: bench_array(wrong), lambda: bench_array(1.0))


def bench_array(value):
    import numpy as np

    return np.asarray(value)


def test_a_report_is_saved_whole(tmp_path):
    path = tmp_path / "speed-cpu.json"
    path.write_text("old")
    with pytest.raises(TypeError):
        bench.save({"rows": object()}, path)
    assert path.read_text() == "old"
    bench.save({"rows": []}, path)
    assert json.loads(path.read_text()) == {"rows": []} and list(tmp_path.iterdir()) == [path]


# ---------------------------------------------------------------- what is committed


def test_the_processor_was_measured():
    assert ROOT / "book/code/speed-cpu.json" in COMMITTED


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_the_committed_report_is_that_of_the_benchmark(path):
    report = page.read(path)
    rows = bench.chosen([], path.stem.removeprefix("speed-"))
    assert [found["key"] for found in report["rows"]] == [row.key for row in rows], "run make bench again"
    for row, found in zip(rows, report["rows"], strict=True):
        assert found == bench.judged(row, found["ours_ms"], found["peer_ms"]), "run make bench again"
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", report["date"]) and report["threads"] == 1
    assert bool(report["machine"]["accelerator"]) == (path.stem == "speed-gpu")


def test_the_report_names_the_versions_of_the_locks():
    report = page.read(ROOT / "book/code/speed-cpu.json")
    locked = versions("tests/bench/requirements.lock")
    for name, package in (("JAX", "jax"), ("optax", "optax"), ("PyTorch", "torch"), ("NumPy", "numpy")):
        assert re.match(re.escape(locked[package]) + r"($|[ +])", report["versions"][name]), (
            "run make bench again"
        )


# ---------------------------------------------------------------- its environment


def versions(lock):
    return dict(re.findall(r"^([a-z0-9-]+)==([^ ;\n]+)", (ROOT / lock).read_text("utf-8"), re.MULTILINE))


def test_both_locks_have_the_same_versions():
    book, bench_lock = versions("requirements.lock"), versions("tests/bench/requirements.lock")
    both = book.keys() & bench_lock.keys()
    assert {"numpy", "jax", "jaxlib", "tqdm", "pytest", "hypothesis"} <= both
    assert {name: book[name] for name in both} == {name: bench_lock[name] for name in both}


def test_the_lock_of_the_benchmark_serves_every_index():
    text = (ROOT / "tests/bench/requirements.lock").read_text("utf-8")
    assert (
        "://" not in text and "+" not in text and not re.search(r"^(nvidia|cuda|triton)", text, re.MULTILINE)
    )
    group = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["dependency-groups"]["bench"]
    wanted = {name.split("==")[0] for name in group}
    assert wanted <= versions("tests/bench/requirements.lock").keys()
    for pinned in (name for name in group if "==" in name):
        assert pinned in text.splitlines()


# ---------------------------------------------------------------- the page

CONF = """
import sys
sys.path[:0] = [{book!r}]
extensions = ["_ext.speed"]
locale_dirs = ["locale"]
"""
PAGE = """
Fast
====

.. speed::
"""
REPORT = {
    "date": "2026-11-20",
    "machine": {"processor": "Chip 9", "cores": 4, "cache": "L2 1024K", "accelerator": ""},
    "versions": {"Python": "3.11.7", "NumPy": "2.4.6 (openblas 0.3 Haswell)"},
    "threads": 1,
    "rounds": 21,
    "limits": {"matmul_gflops": 122.1, "copy_gbs": 42.6},
    "rows": [
        bench.judged(row("sgd"), 0.5, 1.25),
        bench.judged(row("relu"), 12.25, 10.0),
        bench.judged(row("import"), 123.4, 10.0),
    ],
}


def build(folder, *options, builder="text", **files):
    """Build a page with these reports; give the exit status and what was said."""
    (folder / "conf.py").write_text(CONF.format(book=str(ROOT / "book")))
    if not (folder / "index.rst").exists():
        (folder / "index.rst").write_text(PAGE)
    (folder / "code").mkdir(exist_ok=True)
    for name, text in files.items():
        text = text if isinstance(text, str) else json.dumps(text)
        (folder / "code" / f"{name.replace('_', '-')}.json").write_text(text, "utf-8")
    doctrees = folder / "out" / f"doctrees-{builder}"
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-b", builder, "-d", str(doctrees), *options]
    done = subprocess.run([*command, str(folder), str(folder / "out")], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def lines(folder):
    return (folder / "out/index.txt").read_text("utf-8").splitlines()


def cells(folder):
    """The rows of the tables, each a list of the words of its cells."""
    text = "\n".join(lines(folder))
    blocks = [b for b in re.split(r"\n[+|][-=+|]+", text) if "|" in b]
    split = [[line.strip("|").split("|") for line in b.splitlines() if line.startswith("|")] for b in blocks]
    return [[" ".join("".join(c).split()) for c in zip(*block, strict=True)] for block in split]


def test_the_page_shows_the_report(tmp_path):
    assert build(tmp_path, speed_cpu=REPORT) == (0, "")
    head, *rows = cells(tmp_path)
    assert head == ["Function", "Arguments", "The book", "Compared with", "Ratio", "Bar", "Verdict"]
    assert [row[2:] for row in rows] == [
        ["NumPy, 0.500 ms", "PyTorch, 1.25 ms", "0.40", "≤ 1.00", "met"],
        ["NumPy, 12.2 ms", "np.copyto, 10.0 ms", "82 %", "≥ 90 %", "missed"],
        ["NumPy, 123 ms", "pass, 10.0 ms", "113 ms", "≤ 160 ms", "met"],
    ]
    above = " ".join(" ".join(lines(tmp_path)).split("+--")[0].split())
    assert (
        "Measured on 2026-11-20. Machine: Chip 9, cores: 4, L2 1024K. Versions: Python 3.11.7, NumPy" in above
    )
    assert "Limits of the machine: a @ b 122.1 GFLOP/s, np.copyto 42.6 GB/s." in above


def test_a_changed_report_is_read_again(tmp_path):
    build(tmp_path, speed_cpu=REPORT)
    assert build(tmp_path, speed_cpu=REPORT | {"date": "2027-01-31"}) == (0, "")
    assert any("2027-01-31" in line for line in lines(tmp_path))


def test_an_accelerator_has_its_own_table(tmp_path):
    machine = REPORT["machine"] | {"accelerator": "Fast 1"}
    gpu = REPORT | {"machine": machine, "limits": {}, "rows": [bench.judged(row("adam-jax"), 1.0, 1.0)]}
    assert build(tmp_path, speed_cpu=REPORT, speed_gpu=gpu) == (0, "")
    text = " ".join(" ".join(lines(tmp_path)).split())
    assert text.index("a @ b") < text.index("L2 1024K, Fast 1.") and text.count("Limits") == 1


def test_words_of_the_table_are_translated_and_not_extracted(tmp_path):
    catalog = tmp_path / "locale/ko/LC_MESSAGES/sphinx.po"
    catalog.parent.mkdir(parents=True)
    words = {"Verdict": "판정", "missed": "못 미침", "Measured on %s.": "측정일 %s."}
    entries = "".join(f'\nmsgid "{a}"\nmsgstr "{b}"\n' for a, b in words.items())
    catalog.write_text(f'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n{entries}', "utf-8")
    assert build(tmp_path, "-D", "language=ko", speed_cpu=REPORT) == (0, "")
    text = "\n".join(lines(tmp_path))
    assert all(word in text for word in ("판정", "못 미침", "측정일 2026-11-20.")) and "Verdict" not in text
    assert build(tmp_path, builder="gettext")[0] == 0
    extracted = (tmp_path / "out/index.pot").read_text("utf-8")
    assert '"Fast"' in extracted and "Measured" not in extracted and "PyTorch" not in extracted


def without(key):
    return {name: value for name, value in REPORT.items() if name != key}


@pytest.mark.parametrize(
    "fault, message",
    [
        ("{", "Expecting property name"),
        ("", "Expecting value"),
        ([], "the report: expected a dict, got list"),
        (without("versions"), "the report: 'versions' is missing"),
        (REPORT | {"rows": []}, "rows: expected one or more, got none"),
        (REPORT | {"rows": [REPORT["rows"][0] | {"ratio": 0.4}]}, "row 1: 'ratio' is 0.4; expected str"),
        (REPORT | {"rows": [{}]}, "row 1: 'key' is missing"),
        (REPORT | {"machine": {}}, "machine: 'processor' is missing"),
    ],
)
def test_a_broken_report_is_one_error_at_the_directive(tmp_path, fault, message):
    status, said = build(tmp_path, speed_cpu=fault)
    assert status != 0 and "Traceback" not in said
    where = f"{tmp_path / 'index.rst'}:5: ERROR: speed: {tmp_path / 'code/speed-cpu.json'}: "
    assert where in said and message in said


def test_a_missing_report_is_one_error_at_the_directive(tmp_path):
    status, said = build(tmp_path)
    assert status != 0 and "Traceback" not in said
    assert (
        f"index.rst:5: ERROR: speed: no speed-*.json in {tmp_path / 'code'}; expected what make bench writes"
        in said
    )


def test_a_chapter_shows_the_rows_of_one_function(tmp_path):
    (tmp_path / "index.rst").write_text(PAGE.replace("speed::", "speed:: sgd"))
    machine = REPORT["machine"] | {"accelerator": "Fast 1"}
    gpu = REPORT | {"machine": machine, "rows": [bench.judged(row("adam-jax"), 1.0, 1.0)]}
    assert build(tmp_path, speed_cpu=REPORT, speed_gpu=gpu) == (0, "")
    assert [found[4] for found in cells(tmp_path)] == ["Ratio", "0.40"]
    assert not any("Fast 1" in line for line in lines(tmp_path))


def test_a_function_that_was_not_measured_is_one_error(tmp_path):
    (tmp_path / "index.rst").write_text(PAGE.replace("speed::", "speed:: sgb"))
    status, said = build(tmp_path, speed_cpu=REPORT)
    assert status != 0 and "Traceback" not in said
    assert "ERROR: speed: no row of 'sgb'; expected a function of make bench" in said
