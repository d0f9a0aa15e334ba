"""Emphasis beside Hangul: what CommonMark leaves as raw asterisks, and what must stay as it was."""

import pytest
from _ext import hangul
from markdown_it import MarkdownIt
from markdown_it.rules_inline.state_inline import StateInline


@pytest.fixture
def render(monkeypatch):
    monkeypatch.setattr(StateInline, "scanDelims", hangul.scan_delims)
    return MarkdownIt("commonmark").renderInline


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**경사하강법(gradient descent)**은", "<strong>경사하강법(gradient descent)</strong>은"),
        ("*기울기(gradient)*를", "<em>기울기(gradient)</em>를"),
        ("**'굵게'**라고", "<strong>'굵게'</strong>라고"),
        ("**“굵게”**라고", "<strong>“굵게”</strong>라고"),
        ("**`x`**는", "<strong><code>x</code></strong>는"),
        ("**$x$**는", "<strong>$x$</strong>는"),
        ("**[링크](u)**를", '<strong><a href="u">링크</a></strong>를'),
        ("**끝!**이라고", "<strong>끝!</strong>이라고"),
        ("이것은**(강조)**다", "이것은<strong>(강조)</strong>다"),
        ("이것은**(강조)** 다", "이것은<strong>(강조)</strong> 다"),
        ("**가(a)**를 나**(b)**다", "<strong>가(a)</strong>를 나<strong>(b)</strong>다"),
        ("**가(a)**와 **나(b)**는", "<strong>가(a)</strong>와 <strong>나(b)</strong>는"),
        ("***둘 다(both)***를", "<em><strong>둘 다(both)</strong></em>를"),
        ("**밖 *안(in)*의 밖(out)**을", "<strong>밖 <em>안(in)</em>의 밖(out)</strong>을"),
        ("[**가(a)**](u)를", '<a href="u"><strong>가(a)</strong></a>를'),
        ("**한글**은", "<strong>한글</strong>은"),
        ("ㄱ**(자모)**ㄴ", "ㄱ<strong>(자모)</strong>ㄴ"),
    ],
)
def test_emphasis_beside_hangul(render, text, html):
    assert render(text) == html


@pytest.mark.parametrize(
    "text",
    [
        "** 띄움 **은",
        "3 * 4 * 5는",
        "**열기만",
        "닫기만**은",
        "이름_안의_밑줄(x)_은",
        "**(bold)**x",
        r"\*\*글자\*\*는",
        "**",
    ],
)
def test_everything_else_is_left_to_commonmark(render, monkeypatch, text):
    ours = render(text)
    monkeypatch.setattr(StateInline, "scanDelims", hangul.by_commonmark)
    assert ours == MarkdownIt("commonmark").renderInline(text)
    assert "<strong>" not in ours and "<em>" not in ours


@pytest.mark.parametrize(
    "html",
    [
        "기울기(gradient)|는",
        "<strong>기울기(gradient)</strong>|는",
        "“비선형”|은",
        "<code>f(x)</code> 는",
        "(gradient) 는",
        "(gradient).",
        "기울기는",
    ],
)
def test_a_line_does_not_begin_with_a_particle(html):
    assert hangul.hold_particles(html.replace("|", "")) == html.replace("|", "\u2060")
