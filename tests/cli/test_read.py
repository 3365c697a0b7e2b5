"""`mnistlab read`, with the model that comes with mnistlab and real handwriting."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from mnistlab.cli.app import run_app
from mnistlab.data.dataset import open_dataset
from mnistlab.pictures.decode import decode
from mnistlab.reading.classifier import BUNDLED
from mnistlab.reading.reader import Reader
from mnistlab.recipes.catalog import RECIPES
from mnistlab.runs.store import create_run
from mnistlab.training.experiment import train
from tests.support.comparing import assert_one_line
from tests.support.pages import EFFECTS, make_page

COMMAND = str(Path(sys.executable).parent / "mnistlab")
DIGIT = {"value", "probability", "box", "accepted"}


@pytest.fixture(scope="session")
def page(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two lines of three digits that are written clearly."""
    images, labels = open_dataset("mnist", data_dir).read("train")
    chosen = [int(np.flatnonzero(labels == digit)[n]) for n, digit in enumerate((3, 0, 4, 2, 6, 8))]
    drawn = make_page(
        0, images[chosen], labels[chosen], size=(360, 260), paper="white", ruling="plain", pen="black gel",
        per_line=3, tilt=0, without=EFFECTS,
    )  # fmt: skip
    path = tmp_path_factory.mktemp("page") / "page.png"
    Image.fromarray(drawn.picture).save(path)
    return path


@pytest.fixture
def here(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with page.png in which the command is run."""
    folder = tmp_path / "here"
    folder.mkdir()
    shutil.copy(page, folder / "page.png")
    monkeypatch.chdir(folder)
    return folder


ENCRYPTED = Path(__file__).parents[1] / "pictures" / "encrypted.pdf"


def process(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([COMMAND, "read", *arguments], capture_output=True, text=True, check=False, **options)


def listed(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """The list on standard output, and nothing else there."""
    out = capsys.readouterr().out
    assert len(out.splitlines()) == 1
    found = json.loads(out)
    assert isinstance(found, list)
    return found


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


# reading


def test_a_page_comes_line_by_line(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_app(["read", "page.png"]) == 0
    assert capsys.readouterr() == ("304\n268\n", "")
    assert [path.name for path in here.iterdir()] == ["page.png"]


def test_json_has_these_keys_and_no_others(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_app(["read", "page.png", "page.png", "--json"]) == 0
    found = listed(capsys)
    assert found[0] == found[1]
    assert set(found[0]) == {"file", "page", "text", "lines"}
    assert (found[0]["file"], found[0]["text"]) == ("page.png", "304\n268")
    assert [set(line) for line in found[0]["lines"]] == [{"text", "digits", "separators"}] * 2
    assert [line["text"] for line in found[0]["lines"]] == ["304", "268"]
    digits = [digit for line in found[0]["lines"] for digit in line["digits"]]
    assert [digit["value"] for digit in digits] == [3, 0, 4, 2, 6, 8]
    ink = decode("page.png") < 128
    for digit in digits:
        assert set(digit) == DIGIT
        assert 0 <= digit["probability"] <= 1
        assert digit["accepted"] is True
        x, y, width, height = digit["box"]
        inside = ink[y : y + height, x : x + width]
        assert inside.any(axis=1).mean() > 0.9
        assert inside.any(axis=0).mean() > 0.9
        ink[y : y + height, x : x + width] = False
    assert ink.mean() < 1e-3  # all of it was in a box


@pytest.mark.parametrize("ending", ["tif", "pdf"])
def test_every_page_is_read_and_numbered(here: Path, capsys: pytest.CaptureFixture[str], ending: str) -> None:
    image = Image.open("page.png").convert("L")
    lower = image.crop((0, 95, image.width, image.height))
    image.save(f"scan.{ending}", save_all=True, append_images=[Image.new("L", image.size, 255), lower], resolution=200)
    assert run_app(["read", f"scan.{ending}"]) == 0
    out, err = capsys.readouterr()
    assert out == f"scan.{ending}, page 1:\n304\n268\nscan.{ending}, page 2:\nscan.{ending}, page 3:\n268\n"
    assert err == f"scan.{ending}, page 2: no digits found\n"
    assert run_app(["read", "page.png", f"scan.{ending}", "--json", "--annotate", "boxes"]) == 0
    found = listed(capsys)
    told = [("page.png", 1), *((f"scan.{ending}", page) for page in (1, 2, 3))]
    assert [(one["file"], one["page"]) for one in found] == told
    assert sorted(path.name for path in Path("boxes").iterdir()) == [
        "page.png", "scan-page-1.png", "scan-page-2.png", "scan-page-3.png",
    ]  # fmt: skip
    assert [(page.number, page.count, page.text) for page in Reader().read_pages(f"scan.{ending}")] == [
        (1, 3, "304\n268"), (2, 3, ""), (3, 3, "268"),
    ]  # fmt: skip


def test_pages_that_cannot_be_read_stop_no_others(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(ENCRYPTED, "locked.pdf")
    image = Image.open("page.png").convert("L")
    image.save("scan.tif", save_all=True, append_images=[image] * 2, compression="tiff_lzw")
    content = bytearray(Path("scan.tif").read_bytes())
    with Image.open("scan.tif") as opened:
        opened.seek(1)
        tags = opened.tag_v2  # type: ignore[attr-defined]
        start, length = tags[273][0], tags[279][0]
    content[start : start + length] = b"\xff" * length
    Path("scan.tif").write_bytes(content)
    assert run_app(["read", "locked.pdf", "scan.tif", "page.png", "--json"]) == 2
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert [(one["file"], one.get("page"), "error" in one) for one in found] == [
        ("locked.pdf", None, True), ("scan.tif", 1, False), ("scan.tif", 2, True), ("scan.tif", 3, False), ("page.png", 1, False),
    ]  # fmt: skip
    first, second = err.splitlines()
    assert first.startswith("error: locked.pdf is a PDF that needs a password")
    assert second.startswith("error: scan.tif (page 2) is damaged")


def test_the_same_digits_from_every_kind_of_file(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = Image.open("page.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    image.convert("RGB").transpose(Image.Transpose.ROTATE_90).save("turned.jpg", exif=exif)
    for name in ("a.jpg", "a.webp", "a.bmp", "a.tif", "a.gif"):
        image.save(name)
    alpha = np.dstack([np.zeros((*decode("page.png").shape[:2], 3), np.uint8), 255 - np.array(image.convert("L"))])
    Image.fromarray(alpha).save("transparent.png")
    Image.fromarray(255 - np.array(image)).save("light on dark.png")
    assert run_app(["read", ".", "--json"]) == 0
    found = listed(capsys)
    assert len(found) == 9
    boxes = {one["file"]: [digit["box"] for line in one["lines"] for digit in line["digits"]] for one in found}
    for one in found:
        assert one["text"] == "304\n268", one["file"]
        assert np.abs(np.array(boxes[one["file"]]) - boxes["page.png"]).max() <= 2


def test_what_is_nothing_like_a_digit_is_a_question_mark(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_app(["read", "page.png", "--threshold", "1"]) == 0
    assert set(capsys.readouterr().out) <= set("?304268 \n")
    assert run_app(["read", "page.png", "--threshold", "0", "--json"]) == 0
    (found,) = listed(capsys)
    assert "?" not in found["text"]
    assert run_app(["read", "page.png", "--threshold", "0.99999999", "--json"]) == 0
    (found,) = listed(capsys)
    assert found["text"] == "???\n???"
    assert not any(digit["accepted"] for line in found["lines"] for digit in line["digits"])


def test_a_picture_without_ink(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("L", (300, 200), 230).save("blank.png")
    assert run_app(["read", "blank.png"]) == 0
    assert capsys.readouterr() == ("", "blank.png: no digits found\n")
    assert run_app(["read", "blank.png", "--json", "--annotate", "out.png"]) == 0
    assert listed(capsys) == [{"file": "blank.png", "page": 1, "text": "", "lines": []}]
    assert Path("out.png").exists()


# several files and folders


def test_the_others_are_read_where_one_is_broken(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = Path("page.png").read_bytes()
    scans = Path("scans")
    scans.mkdir()
    for name, bytes_ in {
        "b.PNG": good,
        "a.png": good[:-100],
        "._b.png": b"\0",
        "notes.txt": b"1",
        "c.jpeg": b"",
    }.items():
        (scans / name).write_bytes(bytes_)
    (scans / "folder.png").mkdir()
    arguments = ["read", "page.png", "scans", "nothing.png", "scans/notes.txt"]
    assert run_app(arguments) == 2
    out, err = capsys.readouterr()
    assert out == f"page.png:\n304\n268\n{Path('scans', 'b.PNG')}:\n304\n268\n"
    lines = err.splitlines()
    assert [line.startswith("error: ") for line in lines] == [True] * 4
    for line, words in zip(
        lines,
        ("a.png is damaged or incomplete", "c.jpeg is empty", "no file nothing.png", "notes.txt is not a PNG"),
        strict=True,
    ):
        assert words in line

    assert run_app([*arguments, "--json"]) == 2
    out, again = capsys.readouterr()
    found = {Path(one.pop("file")).name: one for one in json.loads(out)}
    assert list(found) == ["page.png", "a.png", "b.PNG", "c.jpeg", "nothing.png", "notes.txt"]
    assert [f"error: {one['error']}" for one in found.values() if set(one) == {"error"}] == lines
    assert found["page.png"] == found["b.PNG"]
    assert again == err


def test_a_folder_without_pictures(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("empty").mkdir()
    assert run_app(["read", "empty"]) == 2
    assert_one_line(capsys, "There are no pictures in empty.", ".png", ".tiff")
    assert run_app(["read", "empty", "page.png", "--json"]) == 2
    out, err = capsys.readouterr()
    assert [one["file"] for one in json.loads(out)] == ["page.png"]
    assert len(err.splitlines()) == 1


def test_nothing_to_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_app(["read"]) == 2
    assert_one_line(capsys, "PICTURES", "read --help")


def test_odd_names(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ["a\nb.png", "\udcff é.png", "x" * 200 + ".png"]
    for name in names:
        shutil.copy("page.png", name)
    assert run_app(["read", *names, "--json", "--annotate", "out"]) == 0
    assert [one["file"] for one in listed(capsys)] == names
    assert len(list(Path("out").iterdir())) == 3
    assert run_app(["read", *names]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 9  # a line for each name
    assert run_app(["read", "x" * 5000, "page.png"]) == 2
    out, err = capsys.readouterr()
    assert "304" in out
    assert all(len(line) < 400 for line in err.splitlines())


# --annotate


@pytest.mark.parametrize("name", ["out.png", "out.JPG", "out.jpeg", "out.webp", "out.bmp", "out.tif", "out.gif"])
def test_an_annotated_picture_of_each_kind(here: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert run_app(["read", "page.png", "--annotate", name]) == 0
    assert capsys.readouterr() == ("304\n268\n", "")
    with Image.open(name) as image:
        assert image.format == {".jpg": "JPEG", ".tif": "TIFF"}.get(
            Path(name).suffix.lower(), Path(name).suffix[1:].upper()
        )
        assert image.width > 360


def test_an_annotated_picture_is_written_through_a_link(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "to.png").symlink_to("out.png")
    assert run_app(["read", "page.png", "--annotate", "to.png"]) == 0
    assert (here / "to.png").is_symlink()
    assert decode(here / "out.png").ndim == 3
    (here / "loop.png").symlink_to("loop.png")
    assert run_app(["read", "page.png", "--annotate", "loop.png"]) == 2
    assert "loop.png is a link that leads back to itself" in capsys.readouterr().err
    assert (here / "loop.png").is_symlink()


def test_annotated_pictures_of_a_folder_stay_apart(here: Path) -> None:
    for name in ("a/x.png", "b/x.png", "b/X.png", "b/x-2.png", "b/y.png"):
        Path(name).parent.mkdir(exist_ok=True)
        shutil.copy("page.png", name)
    before = {name: content(Path(name)) for name in "ab"}
    assert run_app(["read", "a", "b", "a/x.png", "--annotate", "new/out"]) == 0
    assert (
        len({path.name.casefold() for path in Path("new/out").iterdir()}) == len(list(Path("new/out").iterdir())) == 5
    )
    assert {name: content(Path(name)) for name in "ab"} == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["page.png", "--annotate", "page.png"], "would overwrite page.png, a picture"),
        (["page.png", "--annotate", "scans/../page.png"], "would overwrite scans/../page.png, a picture"),
        (["link.png", "--annotate", "page.png"], "would overwrite page.png, a picture"),
        (["page.png", "--annotate", "link.png"], "would overwrite link.png, a picture"),
        (["page.png", "--annotate", "."], "must not name the folder that the pictures are in"),
        (["scans", "--annotate", "scans"], "must not name the folder that the pictures are in"),
        (["scans", "page.png", "--annotate", "other/../scans"], "must not name the folder that the pictures are in"),
        (["linked/page.png", "--annotate", "."], "would overwrite page.png, a picture"),
        (["page.png", "--annotate", "out"], "does not have the ending of a picture file"),
        (["page.png", "--annotate", "out.pdf"], "does not have the ending of a picture file"),
        (["page.png", "--annotate", "nowhere/out.png"], "There is no folder nowhere"),
        (["page.png", "link.png", "--annotate", "out.png"], "names a file"),
        (["scans", "--annotate", "out.png"], "names a file"),
        (["scans", "--annotate", "notes"], "is a file, not a folder"),
        (["scans", "--annotate", "notes/deep"], "is a file, not a folder"),
        (["scans", "--annotate", "x" * 300], "too long"),
        (["page.png", "--annotate", "x" * 300 + ".png"], "too long"),
    ],
)
def test_annotating_never_writes_over_what_is_read(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    for name in ("scans", "other", "linked"):
        Path(name).mkdir()
    shutil.copy("page.png", "scans/page.png")
    Path("notes").write_text("mine")
    Path("link.png").symlink_to("page.png")
    Path("linked/page.png").symlink_to(here / "page.png")
    before = content(here)
    assert run_app(["read", *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert words in line
    assert len(line) < 700
    assert content(here) == before


def test_a_full_disk_leaves_the_old_picture(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("out.png").write_text("old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, before[1]))  # Python ignores the signal, so write() fails
    try:
        assert run_app(["read", "page.png", "--annotate", "out.png"]) == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    out, err = capsys.readouterr()
    assert out == "304\n268\n"  # that much was done
    assert err.startswith("error: Cannot write out.png")
    assert len(err.splitlines()) == 1
    assert Path("out.png").read_text() == "old"
    assert sorted(path.name for path in here.iterdir()) == ["out.png", "page.png"]


def test_what_a_format_cannot_hold_is_a_sentence(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("L", (17_000, 20), 255).save("long.png")
    assert run_app(["read", "long.png", "--annotate", "out.webp"]) == 2
    assert "Choose a name that ends in .png." in capsys.readouterr().err
    assert not Path("out.webp").exists()


# --threshold and --model


@pytest.mark.parametrize("threshold", ["nan", "2", "-0.1", "inf", "most"])
def test_a_threshold_is_a_probability(here: Path, capsys: pytest.CaptureFixture[str], threshold: str) -> None:
    assert run_app(["read", "page.png", "--threshold", threshold]) == 2
    assert_one_line(capsys, threshold)


def small_model(
    path: Path, change: Callable[[onnx.ModelProto], None] | None = None, classes: int = 10, **given: Any
) -> Path:
    """A linear network with the inputs and outputs of ours, or almost."""
    shape, kind = given.get("shape", ["N", 1, 28, 28]), given.get("kind", TensorProto.UINT8)
    size = int(np.prod([n for n in shape[1:] if isinstance(n, int)])) if shape[1:] else 1
    weights: NDArray[np.float32] = (
        np.random.default_rng(0).normal(0, 0.01, (size, given.get("outputs", classes))).astype(np.float32)
    )
    nodes = [
        helper.make_node("Cast", ["images"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["floats"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"]),
    ]
    graph = helper.make_graph(
        nodes, "small", [helper.make_tensor_value_info("images", kind, shape)],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", given.get("outputs", classes)])],
        [numpy_helper.from_array(weights, "weights")],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    facts = {
        "classes": json.dumps([chr(ord("a") + n) for n in range(classes)]),
        "threshold": "0.5",
        **given.get("facts", {}),
    }
    helper.set_model_props(model, {key: value for key, value in facts.items() if value is not None})
    if change is not None:
        change(model)
    path.write_bytes(model.SerializeToString())
    return path


def test_a_model_of_other_classes_gives_their_names(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small_model(Path("small.onnx"), classes=3)
    assert run_app(["read", "page.png", "--json", "--model", "small.onnx", "--threshold", "0"]) == 0
    (found,) = listed(capsys)
    assert {digit["value"] for line in found["lines"] for digit in line["digits"]} <= set("abc")
    assert run_app(["read", "page.png", "--model", "small.onnx", "--annotate", "out.png"]) == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"shape": ["N", 1, 32, 32]}, "not uint8 images (N, 1, 28, 28)"),
        ({"shape": ["N", 3, 28, 28]}, "not uint8 images (N, 1, 28, 28)"),
        ({"shape": ["N", 784]}, "not uint8 images (N, 1, 28, 28)"),
        ({"kind": TensorProto.FLOAT}, "not uint8 images (N, 1, 28, 28)"),
        ({"outputs": 11}, "for its 10 classes it should be tensor(float) [N, 10]"),
        ({"facts": {"classes": None}}, "does not say in its metadata what its classes are"),
        ({"facts": {"classes": "3"}}, "does not say in its metadata"),
        ({"facts": {"classes": "[1, 2"}}, "does not say in its metadata"),
        ({"facts": {"threshold": "high"}}, "says in its metadata that its threshold is 'high'"),
        ({"change": lambda model: model.graph.ClearField("node")}, "is not an ONNX model that can be run"),
    ],
)
def test_models_that_are_not_ours_are_refused(
    here: Path, capfd: pytest.CaptureFixture[str], options: dict[str, Any], words: str
) -> None:
    small_model(Path("model.onnx"), **options)
    assert run_app(["read", "page.png", "--model", "model.onnx"]) == 2
    assert_one_line(capfd, "model.onnx", words, "mnistlab export RUN")


@pytest.mark.parametrize("kind", ["missing", "empty", "noise", "cut", "picture", "folder", "weights"])
def test_files_that_are_no_model_are_refused(here: Path, capfd: pytest.CaptureFixture[str], kind: str) -> None:
    ours = BUNDLED.read_bytes()
    bytes_ = {
        "empty": b"",
        "noise": bytes(range(256)) * 9,
        "cut": ours[: len(ours) // 2],
        "picture": Path("page.png").read_bytes(),
    }
    path = Path("model.pth" if kind == "weights" else "model.onnx")
    if kind == "folder":
        path.mkdir()
    elif kind != "missing":
        path.write_bytes(bytes_.get(kind, b"PK\3\4"))
    assert run_app(["read", "page.png", "--model", str(path)]) == 2
    assert_one_line(capfd, path.name, "mnistlab export RUN")


def test_a_run_that_is_not_there(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_app(["read", "page.png", "--model", "latest"]) == 2
    assert_one_line(capsys, "There is no run in runs")
    assert run_app(["read", "page.png", "--model", "mine", "--runs", "elsewhere"]) == 2
    assert_one_line(capsys, "There is no run 'mine'", "elsewhere")


@pytest.mark.usefixtures("no_drawing")
def test_a_run_is_exported_once_and_again_when_it_has_changed(
    here: Path, pictures: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    small: dict[str, Any] = {
        "epochs": 1,
        "widths": (4,),
        "kernel_size": 3,
        "hidden": 0,
        "batch_size": 16,
        "precision": "fp32",
    }
    run, _ = train(RECIPES["two-conv"].override(small), dataset=str(pictures), runs_dir=Path("runs"))
    capsys.readouterr()
    arguments = ["read", "page.png", "--model", "latest", "--json"]
    assert run_app(arguments) == 0
    out, err = capsys.readouterr()
    assert {digit["value"] for line in json.loads(out)[0]["lines"] for digit in line["digits"]} <= {0, 1, 2}
    assert f"Exporting {run.path} to {run.path / 'model.onnx'}; this is done only once" in err
    assert run_app(arguments) == 0
    assert capsys.readouterr() == (out, "")
    later = time.time() + 10
    os.utime(run.model_path, (later, later))
    exported = []
    monkeypatch.setattr("mnistlab.export.export.export_model", exported.append)
    assert run_app(arguments) == 0
    assert [one.path for one in exported] == [run.path]


def test_a_run_that_is_not_finished_is_refused_before_it_is_exported(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = create_run(Path("runs"), RECIPES["quick"], "mnist", Path("data"), 0, {})
    assert run_app(["read", "page.png", "--model", "latest"]) == 2
    assert_one_line(capsys, f"{run.path} is not a finished run: it has completed 0 of 1 epoch.")


# as a process


def test_the_command_reads_without_torch_or_plotting(here: Path) -> None:
    code = "import sys; from mnistlab.cli.app import run_app\n"
    code += "assert run_app(['read', 'page.png', '--annotate', 'out.png']) == 0\n"
    code += "print([n for n in ('torch', 'torchvision', 'matplotlib', 'scipy', 'rich', 'onnx') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "304\n268\n[]\n"
    assert done.stderr == ""


def test_standard_output_holds_the_answer_and_nothing_else(here: Path) -> None:
    done = process("page.png", "nothing.png", "--json")
    assert done.returncode == 2
    assert [one.get("text") for one in json.loads(done.stdout)] == ["304\n268", None]
    assert done.stderr == "error: There is no file nothing.png. Check the path.\n"


def test_a_reader_that_goes_away_is_no_trouble(here: Path) -> None:
    for n in range(3):
        shutil.copy("page.png", f"{n}.png")
    with subprocess.Popen([COMMAND, "read", "."], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as reading:
        assert reading.stdout is not None
        assert reading.stderr is not None
        reading.stdout.close()
        assert b"Traceback" not in reading.stderr.read()


@pytest.mark.skipif(os.name != "posix", reason="sends a signal")
def test_ctrl_c_is_one_word(here: Path) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs inherit "ignored"
    with subprocess.Popen(
        [COMMAND, "read", *["page.png"] * 2000], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as reading:
        signal.signal(signal.SIGINT, before)
        assert reading.stdout is not None
        assert reading.stderr is not None
        assert reading.stdout.readline() == "page.png:\n"
        reading.send_signal(signal.SIGINT)
        reading.stdout.read()
        assert reading.stderr.read().strip() == "Interrupted."
        assert reading.wait() == 130


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is always full")
def test_output_that_cannot_be_written_is_one_sentence(here: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [COMMAND, "read", "page.png"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) == 1


def test_python_and_the_command_agree(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_app(["read", "page.png", "--json"]) == 0
    assert listed(capsys) == [{"file": "page.png", "page": 1, **Reader().read("page.png").to_dict()}]


def test_a_file_is_no_folder_of_runs(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As for every other command that takes --runs."""
    assert run_app(["read", "page.png", "--model", "latest", "--runs", "page.png"]) == 2
    assert "'page.png' is a file" in capsys.readouterr().err
