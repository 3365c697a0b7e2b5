"""The check of a built site finds what is broken, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.site.links import faults_in

GOOD = """<!doctype html><title>a</title><link rel="stylesheet" href="style.css?v=1"><link rel="canonical" href="https://a.org/">
<h1 id="top">a</h1><a href="#top">a</a><a href="sub/b.html#p%C3%A9">b</a><a href="sub/">b</a><a href="https://pytorch.org/docs">c</a>
<img src="a.svg" srcset="a.svg 2x"><img src="data:image/png;base64,AA"><a href="mailto:a@b.org">d</a>
<a href="http://127.0.0.1:8000/docs">e</a><p style="background: url(a.svg)">f</p>"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    (tmp_path / "index.html").write_text(GOOD)
    (tmp_path / "sub" / "b.html").write_text('<p id="pé"><a href="../index.html">a</a><a href="">here</a>')
    (tmp_path / "sub" / "index.html").write_text("<p>")
    (tmp_path / "a.svg").write_text("<svg/>")
    (tmp_path / "style.css").write_text('@import "more.css"; p { background: url("a.svg") } /* url(old.png) */')
    (tmp_path / "more.css").write_text("p { color: red }")
    return tmp_path


def test_a_whole_site_has_no_fault(site: Path) -> None:
    assert faults_in(site) == []


@pytest.mark.parametrize(
    ("added", "fault"),
    [
        ('<a href="gone.html">', "index.html: gone.html: no such file"),
        ('<a href="#gone">', "index.html: #gone: no such place on the page"),
        ('<a href="sub/b.html#p">', "index.html: sub/b.html#p: no such place on the page"),
        ('<img src="gone.png">', "index.html: gone.png: no such file"),
        ('<img srcset="a.svg 1x, gone.png 2x">', "index.html: gone.png: no such file"),
        ('<script src="https://cdn.org/a.js">', "index.html: https://cdn.org/a.js: is loaded from another host"),
        ('<script src="//cdn.org/a.js">', "index.html: //cdn.org/a.js: is loaded from another host"),
        ('<link rel="preload" href="http://cdn.org/f">', "index.html: http://cdn.org/f: is loaded from another host"),
        (
            "<p style=\"background: url('https://cdn.org/a')\">",
            "index.html: https://cdn.org/a: is loaded from another host",
        ),
        ('<a href="https://pytorch">', "index.html: https://pytorch: is no address of the web"),
        ('<a href="htp://pytorch.org">', "index.html: htp://pytorch.org: is no address of the web"),
        ('<a href="file:///home/a">', "index.html: file:///home/a: is no address of the web"),
    ],
)
def test_each_fault_is_found(added: str, fault: str, site: Path) -> None:
    (site / "index.html").write_text(GOOD + added)
    assert faults_in(site) == [fault]


def test_a_style_sheet_loads_from_its_own_folder(site: Path) -> None:
    (site / "sub" / "b.css").write_text('@import url(https://fonts.org/f.css); p { background: url("a.svg") }')
    assert faults_in(site) == [
        "sub/b.css: https://fonts.org/f.css: is loaded from another host",
        "sub/b.css: a.svg: no such file",
    ]
