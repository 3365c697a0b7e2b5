"""What the pages of the site say: in both languages, and as torch and mnistlab really behave."""

from __future__ import annotations

import contextlib
import gc
import http.server
import json
import re
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

import pytest
import torch
from torchvision.datasets import MNIST

import mnistlab
from docs.site import gather, lessons
from docs.site.lessons import OWN, Lesson
from docs.site.running import Code, Ran, run_pages
from mnistlab.learn.course import cells, in_language
from mnistlab.learn.language import Text
from mnistlab.messages.sentences import LANGUAGES
from mnistlab.networks.network import PURPOSES
from mnistlab.reading.reader import Reader
from mnistlab.runs.run import Run
from mnistlab.serving.models import ServedModel
from tests.support import running_server
from tests.support.lessons import Outcome, Script, run_day

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "site" / "pages"
NAMES = sorted(path.name for path in (PAGES / "en").iterdir())


def test_each_page_stands_in_both_languages_alike() -> None:
    assert sorted(path.name for path in (PAGES / "fr").iterdir()) == NAMES
    for name in NAMES:
        texts = [(PAGES / language / name).read_text(encoding="utf-8") for language in LANGUAGES]
        for what in (r"^#+ ", r"^- ", r"^\d+\. ", r"^\|", r"\]\((?!#)[^)]*", r"\{\{[\w-]+\}\}", r"^```"):
            english, french = (sorted(re.findall(what, text, re.MULTILINE)) for text in texts)
            if what.startswith(r"\]"):
                english, french = ([link for link in links if "page" not in link] for links in (english, french))
            assert english == french, (name, what)


@pytest.mark.parametrize("lesson", OWN, ids=lambda lesson: lesson.name)
def test_each_lesson_of_the_site_stands_in_both_languages_alike(lesson: Lesson) -> None:
    texts = [cell for cell in cells(lesson) if cell.kind == "markdown"]
    for english, french in zip(texts[::2], texts[1::2], strict=True):
        assert (english.lang, french.lang) == ("en", "fr"), english.text
        for what in (r"^#+ ", r"^> ", r"\]\(", r"^```"):
            counts = [len(re.findall(what, cell.text, re.MULTILINE)) for cell in (english, french)]
            assert counts[0] == counts[1], (what, english.text)


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """What the site's own lessons give; their numbers are checked in them."""
    return {lesson.name: run_day(lesson, "fr", tmp_path_factory.mktemp(lesson.name)) for lesson in OWN}


def test_the_operations_have_their_numbers_and_pictures(outcomes: dict[str, Outcome]) -> None:
    shown = [cell.text for cell in cells(OWN[0]) if cell.kind == "code" and "show({" in cell.text]
    assert all("assert " in code for code in shown if "Conv2d(2, 1)" not in code)
    assert len(outcomes["operations"].figures) == len(shown) == 13
    source = OWN[0].source.read_text(encoding="utf-8")
    assert {layer.__name__ for layer in PURPOSES} <= set(re.findall(r"\w+", source))


ERRORS = (
    "mat1 and mat2 shapes cannot be multiplied", "Weights only load failed", "not on the expected device",
    "type", "to have 1 channels, but got 3 channels", "Expected more than 1 value per channel when training",
    "Expected floating point type for target with class probabilities, got Long", "Target 10 is out of bounds",
)  # fmt: skip
"""torch's messages for the errors on the page, in order."""


def test_the_errors_of_the_page_are_those_that_torch_raises(outcomes: dict[str, Outcome]) -> None:
    for expected, said in zip(ERRORS, outcomes["errors"].errors, strict=True):
        assert expected in said
    for language in LANGUAGES:
        text = "\n".join(cell.text for cell in in_language(OWN[1], language) if cell.kind == "markdown")
        numbers = [int(number) for number in re.findall(r"^## (\d+)\. ", text, re.MULTILINE)]
        assert numbers == list(range(1, 15))
        for heading in re.findall(r"^## \d+\. `(.+)`$", text, re.MULTILINE):
            assert any(heading in said for said in outcomes["errors"].errors)


def quoted() -> list[str]:
    """The messages that the page of errors only quotes."""
    return [
        said for cell in cells(OWN[1]) if cell.lang == "en" for said in re.findall(r"^> (.+)$", cell.text, re.MULTILINE)
    ]


class Refusing(http.server.BaseHTTPRequestHandler):
    """Says 403 to everything."""

    def do_GET(self) -> None:
        self.send_error(403)

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
def test_a_refused_download_says_what_the_page_quotes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(MNIST, "mirrors", [f"http://127.0.0.1:{server.server_port}/"])
    with pytest.raises(RuntimeError) as raised:
        MNIST(tmp_path, download=True)
    server.shutdown()
    server.server_close()
    first, last = quoted()[0].removeprefix("RuntimeError: ").split(" ..., ")
    said = " ".join(str(raised.value).split())
    assert said.startswith(first)
    assert last in said
    del raised
    gc.collect()  # torchvision keeps the connection in the error


def test_a_script_without_its_guard_ends_under_spawn_as_the_page_quotes(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("import multiprocessing\nmultiprocessing.get_context('spawn').Process(target=print).start()\n")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    message, _, rest = quoted()[1].removeprefix("RuntimeError: ").partition(" before ")
    assert message in done.stderr
    assert f"before {rest}".rstrip(".") in " ".join(done.stderr.split())


def test_tensors_on_two_devices_are_refused_as_the_page_quotes() -> None:
    said, *places = quoted()[2].removeprefix("RuntimeError: ").split(", ... ")
    if torch.cuda.is_available():
        with pytest.raises(RuntimeError) as raised:
            torch.nn.Linear(4, 2, device="cuda")(torch.rand(1, 4))
        assert all(part in str(raised.value) for part in (said, *places[0].split(" ... ")))
    else:
        libraries = (Path(torch.__file__).parent / "lib").glob("*torch_cpu*")
        assert any(said.encode() in library.read_bytes() for library in libraries)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_python_on_the_pages_runs(
    language: str, mnist_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("photo.jpg", "sheet.jpg"):
        shutil.copy(ROOT / "examples" / "2026.png", tmp_path / name)
    shutil.copy(ROOT / "src" / "mnistlab" / "bundled" / "reader" / "reader.onnx", tmp_path / "model.onnx")
    shutil.copytree(mnist_run.path, tmp_path / "runs" / mnist_run.path.name)
    monkeypatch.chdir(tmp_path)
    printed: list[str] = []
    for name in NAMES:
        text = (PAGES / language / name).read_text(encoding="utf-8")
        for code in re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            with contextlib.redirect_stdout(None):
                exec(compile(code, name, "exec"), {"print": lambda *said: printed.append(" ".join(map(str, said)))})
    assert printed[0] == "(1, 10)"
    assert any(line.startswith("2 ") for line in printed)


def test_the_requests_on_the_pages_are_answered(tmp_path: Path) -> None:
    for name in ("photo.jpg", "sheet.jpg"):
        shutil.copy(ROOT / "examples" / "2026.png", tmp_path / name)
    commands = {
        line
        for path in PAGES.rglob("*.md")
        for line in path.read_text("utf-8").splitlines()
        if line.startswith("curl ")
    }
    assert len(commands) == 1
    with running_server.thread([ServedModel("mnistlab", "mnistlab", Reader())]) as running:
        for command in commands:
            words = [word.replace("http://127.0.0.1:8000", running.url) for word in shlex.split(command)]
            done = subprocess.run([*words, "-sS"], cwd=tmp_path, capture_output=True, text=True, check=True)
            assert json.loads(done.stdout)["text"] == "2026"


def test_the_reference_has_every_public_name() -> None:
    directives = re.findall(
        r"^\.\. (?:auto|py:)(?:class|function|data):: mnistlab\.(\w+)$", gather.reference(), re.MULTILINE
    )
    assert sorted(directives) == sorted(mnistlab.__all__)


def test_links_are_followed_to_what_they_mean(tmp_path: Path) -> None:
    text = "[a](RESULTS.md#b), [c](../examples), [d](results), [e](../LICENSE), [f](https://a.org/x.md), [g](#h)"
    found = gather.followed(text, ROOT / "docs", tmp_path)
    assert found == (
        "[a](RESULTS.md#b), [c](../examples/README.md), [d](results/README.md), [e](../LICENSE), [f](https://a.org/x.md), [g](#h)"
    )
    assert (tmp_path / "LICENSE").is_file()
    assert "- [accuracy.jsonl](accuracy.jsonl)" in (tmp_path / "docs" / "results" / "README.md").read_text()
    assert (tmp_path / "docs" / "results" / "accuracy.jsonl").is_file()
    to_pages = "[a](site/pages/en/read.md), [b](site/pages/fr/read.md#c)"
    assert gather.followed(to_pages, ROOT / "docs", tmp_path) == "[a](../read.md), [b](../read.md#c)"


@pytest.fixture
def small(tmp_path: Path) -> Script:
    """A page of one text and one cell."""
    path = tmp_path / "small.py"
    path.write_text('# %% [markdown] lang="en"\n# a\n\n# %%\nprint(1)\n', encoding="utf-8")
    return Script("small", Text("a", "b"), Text("a", "b"), path)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Instead of mnistlab's: a module and some data."""
    folder = tmp_path / "package"
    (folder / "room").mkdir(parents=True)
    (folder / "room" / "module.py").write_text('"""Texts."""\n\n\ndef one():\n    """Text."""\n    return 1\n')
    (folder / "figures.json").write_text("1")
    (folder / "messages").mkdir()
    (folder / "messages" / "en.toml").write_text('[a.b]\nmessage = "No {name} said."\n[a.c]\nmessage = "1{what}"\n')
    monkeypatch.setattr(lessons, "PACKAGE", folder)
    return folder


STREAM = [[{"output_type": "stream", "name": "stdout", "text": "1\n"}]]


def test_outputs_are_kept_until_the_code_or_what_it_read_changes(
    small: Script, package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []

    def run_pages(pages: Mapping[tuple[str, str], list[Code]]) -> Iterator[tuple[str, str, Ran]]:
        for name, language in pages:
            ran.append(language)
            yield name, language, Ran(STREAM, ["figures.json", "messages/en.toml", "room/module.py"], 1)

    def is_kept() -> bool:
        lessons.digest.cache_clear()
        renewed = len(ran)
        lessons.renew(tmp_path / "outputs")
        return len(ran) == renewed

    monkeypatch.setattr(lessons, "run_pages", run_pages)
    monkeypatch.setattr(lessons, "lessons", lambda: [small])
    assert not is_kept()
    assert ran == list(LANGUAGES)
    book = lessons.page(small, "en", tmp_path / "outputs")
    assert [cell["outputs"] for cell in book["cells"] if cell["cell_type"] == "code"] == STREAM
    module, data, messages = (package / name for name in ("room/module.py", "figures.json", "messages/en.toml"))
    for path, old, new, same in [
        (small.source, "# a", "# another text", True),
        (small.source, "print(1)", "print(2)", False),
        (module, "Text.", "Another text.", True),
        (module, "def one", "# A comment.\ndef one", True),
        (module, "return 1", "return 2", False),
        (data, "1", "2", False),
        (messages, "No", "Not a", True),
        (messages, "1{what}", "{what}2", False),
    ]:
        path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
        assert is_kept() is same, new
    monkeypatch.setattr(lessons, "run_pages", lambda pages: iter(()))
    data.unlink()
    lessons.renew(tmp_path / "outputs")
    with pytest.raises(LookupError, match="small in en"):
        lessons.page(small, "en", tmp_path / "outputs")


def test_what_a_page_reads_of_mnistlab_is_seen_and_each_page_runs_on_its_own(small: Script) -> None:
    code = """
from mnistlab.learn.pictures import show
import matplotlib.pyplot as plt, os, sys
show({"one": [[1.0]]})
print(os.listdir(), os.getcwd(), sys.prefix)
# %% raises="UserError"
from mnistlab import RECIPES
RECIPES["quick"].override(epochs=0)
"""
    small.source.write_text(f"# %%{code}", encoding="utf-8")
    ((name, language, ran),) = run_pages({("small", "fr"): lessons.code_of(small, "fr")})
    (picture_and_text, error), files = ran.outputs, ran.files
    assert (name, language) == ("small", "fr")
    assert {"learn/pictures.py", "recipes/catalog.py", "errors.py", "messages/en.toml"} <= set(files)
    assert not {name for name in files if name.startswith(("cli/", "serving/", "training/", "learn/course"))}
    picture, text = picture_and_text
    assert picture["data"]["text/plain"] == "one"
    assert picture["data"]["image/png"].startswith("iVBOR")
    assert text["text"] == "[] /small \n"
    assert (error[0]["output_type"], error[0]["ename"]) == ("error", "UserError")


def test_a_page_that_starts_mnistlab_depends_on_all_of_it() -> None:
    code = "import sys; import docs.site.reads as r; import subprocess; subprocess.run([sys.executable, '-c', '', 'mnistlab'])"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; print(*r.files_read())"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert {"cli/app.py", "serving/app.py", "reading/reader.py"} <= set(done.stdout.split())


@pytest.mark.parametrize("words", ["It is too large.", "Écrivez « {name} », puis …"])
def test_outputs_depend_on_the_messages_that_they_show(tmp_path: Path, words: str) -> None:
    shown = [{"text": words.format(name="sept")}]
    file = tmp_path / "words.toml"
    keys = []
    for text in (words, f"{words} Or not?"):
        file.write_text(f'[room.entry]\nmessage = "{text}"\n', encoding="utf-8")
        keys.append(lessons.sentences_in(cast("lessons.Outputs", shown), file))
    assert keys[0] != keys[1]
