"""Chapter 3 is chapter 3 while chapter 2 is in preparation: in the sidebar, in titles and under figures."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

BOOK = Path(__file__).parents[1] / "book"
FILES = {
    "conf.py": f"""
import sys
sys.path.insert(0, {str(BOOK)!r})
extensions = ["_ext.chapters"]
numfig = True
""",
    "questions.yaml": "".join(
        f"""
- chapter: {number}
  file: {file}
  title: {{en: "{file}", ko: "{file}"}}
  questions:
  - {{id: q0{number}, slug: s{number}, en: "Why?", ko: "왜?", asked_as: [nam-{number}]}}
"""
        for number, file in [(1, "01-first"), (2, "02-second"), (3, "03-third")]
    ),
    "index.rst": """
Book
====

.. toctree::
   :numbered:

   01-first
   03-third
""",
    "01-first.rst": "First\n=====\n\n.. figure:: a.svg\n\n   One\n",
    "03-third.rst": """
Third
=====

Part
----

.. _it:

.. figure:: a.svg

   It

See :numref:`it`.
""",
    "a.svg": '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("book")
    for name, text in FILES.items():
        (folder / name).write_text(text, "utf-8")
    return folder


def build(folder):
    command = [sys.executable, "-m", "sphinx", "-W", folder, folder / "out"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def words(folder, page):
    html = (folder / f"out/{page}.html").read_text("utf-8")
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html))


def test_numbers_are_those_of_the_registry(built):
    build(built)
    third = words(built, "03-third")
    assert (
        "3. Third" in third and "3.1. Part" in third and "Fig. 3.1 It" in third and "See Fig. 3.1." in third
    )
    assert "1. First" in words(built, "index") and "3.1. Part" in words(built, "index")
    assert "Fig. 1.1 One" in words(built, "01-first") and "2." not in words(built, "index").split("©")[0]


def test_a_second_build_writes_nothing_again(built):
    build(built)
    assert "writing output... [" not in build(built)
