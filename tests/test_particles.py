"""Lines don't end between a box and its particle; authors are named in the words of the edition."""

from types import SimpleNamespace

import pytest
from _ext.citations import NAMES, check_references
from _ext.particles import keep_together
from docutils import nodes


def spans(*children):
    paragraph = nodes.paragraph("", "", *children)
    keep_together(paragraph)
    return [node.astext() for node in paragraph.findall(nodes.inline)], paragraph.astext()


@pytest.mark.parametrize(
    ("box", "text", "kept"),
    [
        (nodes.math("", "z"), "를 넘긴다", ["z를"]),
        (nodes.math("", "g = 4"), ", and", ["g = 4,"]),
        (nodes.literal("", "relu"), "는 곧", ["relu는"]),
        (nodes.reference("", "", nodes.Text("2010")), "]과 함께", ["2010]과"]),
        (nodes.math("", "z"), " 다음", []),  # a space is a place to break
        (nodes.math("", "z" * 60), "를", []),  # too long for a phone
        (nodes.reference("", "", nodes.Text("two words")), "는", []),
    ],
)
def test_short_boxes_keep_what_follows(box, text, kept):
    found, whole = spans(nodes.Text("앞 "), box, nodes.Text(text))
    assert found == kept
    assert whole == "앞 " + box.astext() + text


def test_two_boxes_in_one_paragraph():
    found, _ = spans(nodes.math("", "a"), nodes.Text("와 "), nodes.math("", "b"), nodes.Text("의 합"))
    assert found == ["a와", "b의"]


def test_authors_in_the_words_of_the_edition():
    assert [str(NAMES[language].other) for language in ("en", "ko")] == [" et al.", " 등"]


def test_a_fault_in_the_references_is_named(tmp_path):
    (tmp_path / "x.bib").write_text("@article{a,\n author = {X\n", "utf-8")
    with pytest.raises(SystemExit, match=r"x\.bib: .*line"):
        check_references(SimpleNamespace(confdir=tmp_path), SimpleNamespace(bibtex_bibfiles=["x.bib"]))
