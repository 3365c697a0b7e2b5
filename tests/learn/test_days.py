"""Each day of the course: its source follows the format, is the same in both languages, and all its code runs."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

from mnistlab.errors import UserError
from mnistlab.learn import course
from mnistlab.learn.course import PLAN, Day, answers_file, cells, days, exercises, find_day, notebook, script
from mnistlab.messages.sentences import LANGUAGES
from tests.support.lessons import run_day

DAYS = [pytest.param(day, id=day.name) for day in days()]


def test_the_days_are_in_order_and_each_source_has_its_exercises() -> None:
    assert [day.name for day in PLAN] == [f"day{number}" for number in range(1, 8)]
    for folder in ("days", "exercises"):
        found = {path.stem for path in (course.FOLDER / folder).glob("day*.py")}
        assert found == {day.name for day in days()}
    assert find_day("day3").title.said("fr") == "Le premier classifieur convolutif"
    with pytest.raises(UserError, match=r"^There is no day 'day8'\. Choose .*day3.*\.$"):
        find_day("day8")


@pytest.mark.parametrize("day", DAYS)
def test_every_text_stands_in_both_languages_one_after_the_other(day: Day) -> None:
    texts = [(number, cell) for number, cell in enumerate(cells(day)) if cell.kind == "markdown"]
    assert len(texts) > 4
    for (first, english), (second, french) in zip(texts[::2], texts[1::2], strict=True):
        assert (english.lang, french.lang, second) == ("en", "fr", first + 1), english.text
        for what in (r"^#+ ", r"^- ", r"^\d+\. ", r"^\|", r"\]\(", r"\{\{[\w-]+\}\}", r"^```"):
            counts = [len(re.findall(what, cell.text, re.MULTILINE)) for cell in (english, french)]
            assert counts[0] == counts[1], (what, english.text)


@pytest.mark.parametrize("day", DAYS)
def test_a_text_is_about_a_page(day: Day) -> None:
    for language in LANGUAGES:
        text = " ".join(cell.text for cell in cells(day) if cell.lang == language)
        words = sum(any(map(str.isalnum, word)) for word in text.split())  # French has spaces around its punctuation
        assert 250 < words < 1600, (language, words)


@pytest.mark.parametrize("day", DAYS)
def test_code_says_nothing_in_one_language_only(day: Day) -> None:
    for cell in cells(day):
        if cell.kind != "code":
            continue
        marks = [re.findall(rf"# {language}(?:: |$)", cell.text, re.MULTILINE) for language in LANGUAGES]
        assert len(marks[0]) == len(marks[1]), cell.text
        for line in cell.text.split("\n"):
            assert re.search(r"# (en|fr)(: |$)|# fmt: |# noqa", line) or not re.search(r"(^| )# ", line), line
        shared = course.code_in_language(cell.text, "")  # lines for both languages
        words = [w for w in re.findall(r'"([^"\n]*)"', shared) if re.search(r"[a-zà-ÿ]{2,} [a-zà-ÿ]{2,}", w)]
        assert words == [], "mark these lines # en and # fr"
        for language in LANGUAGES:
            ast.parse(course.code_in_language(cell.text, language))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("day", DAYS)
def test_a_day_becomes_a_notebook_a_script_and_a_file_for_answers(day: Day, language: str) -> None:
    made = json.loads(json.dumps(notebook(day, language)))
    assert (made["nbformat"], made["metadata"]["kernelspec"]["name"]) == (4, "python3")
    sources = ["".join(cell["source"]) for cell in made["cells"]]
    assert sources[0].startswith("# ")
    assert "{{" not in "".join(sources)
    assert f'check("{day.name}", globals(), language="{language}")' in "".join(sources)
    text = script(day, language)
    ast.parse(text)
    assert len(re.findall("^# %%", text, re.MULTILINE)) == len(sources)
    asked = ast.parse(answers_file(day, language)).body
    names = {one.name if isinstance(one, ast.FunctionDef) else ast.unparse(one).split(" = ")[0] for one in asked}
    assert names == {exercise.name for exercise in exercises(day)}


@pytest.mark.parametrize("day", DAYS)
def test_a_day_runs_with_its_trainings_cut_to_a_few_steps(day: Day, tmp_path: Path) -> None:
    outcome = run_day(day, "fr", tmp_path)
    assert len(outcome.errors) == sum(bool(cell.raises) for cell in cells(day))
    assert all(figure.axes for figure in outcome.figures)


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("day", DAYS)
def test_a_whole_day_runs(day: Day, language: str, tmp_path: Path) -> None:
    assert len(run_day(day, language, tmp_path, quick=False).errors) == sum(bool(cell.raises) for cell in cells(day))


def test_a_line_of_one_language_stands_only_there() -> None:
    code = 'print(1)\n# en: one\n# fr: un\nprint("a b")  # en\nprint("c d")  # fr'
    assert course.code_in_language(code, "fr") == 'print(1)\n# un\nprint("c d")'
    assert course.code_in_language(code, "en") == 'print(1)\n# one\nprint("a b")'


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("import a\n", "does not begin with a cell"),
        ("# %% [raw]\n# a\n", "has a cell that cannot be read"),
        ("# %% quick=epochs\nepochs = 2\n", "has a cell that cannot be read"),
        ('# %% [markdown] lang="en"\nnot a comment\n', "has a line in a cell of text that is not a comment"),
    ],
)
def test_a_source_that_is_not_as_the_format_says_is_refused(
    source: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "days").mkdir()
    (tmp_path / "days" / "day3.py").write_text(source, encoding="utf-8")
    monkeypatch.setattr(course, "FOLDER", tmp_path)
    with pytest.raises(SyntaxError, match=problem):
        list(cells(find_day("day3")))


def test_figures_are_written_as_the_language_writes_them() -> None:
    day = find_day("day3")
    assert re.fullmatch(r"\d\d\.\d+ ± 0\.\d+ % \(n\xa0=\xa0\d+\), \d+ s", course.filling(day, "two-conv", "en"))
    assert re.fullmatch(r"\d\d,\d+ ± 0,\d+ % \(n\xa0=\xa0\d+\), \d+ s", course.filling(day, "two-conv", "fr"))
