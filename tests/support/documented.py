"""The commands in the texts of this project: documents, help, remedies, the page."""

from __future__ import annotations

import ast
import itertools
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click

from docs.site.lessons import lessons
from mnistlab.cli.app import COMMANDS, app
from mnistlab.learn.course import days, in_language
from mnistlab.messages.sentences import LANGUAGES

ROOT = Path(__file__).parents[2]
NAMES = "|".join(COMMANDS)
COMMAND = rf"(?:uv run )?(?:(?:srun )?torchrun [^`\n]*?-m )?mnistlab ((?:(?:{NAMES})\b|--\w)[^`\n]*?)"
LINE = re.compile(rf"(?:^[ ]*|: |&& ){COMMAND}(?:[ ]+#.*)?$", re.MULTILINE)
"""A command on a line of its own, with or without a comment; or after a colon or &&, to the end of the line."""
SPAN = re.compile(r"`([^`]+)`")
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def texts() -> Iterator[tuple[str, str]]:
    """Everything from which a reader or user may take a command: where it is, and the text."""
    for pattern in ("*.md", "examples/*.md", "docs/**/*.md", "src/**/*.md"):
        for path in sorted(set(ROOT.glob(pattern)) - {ROOT / "CHANGELOG.md"}):  # it names commands, and gives none
            yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")
    for name, command in [("mnistlab", app), *commands_of(app, "mnistlab")]:
        with click.Context(command, info_name=name, terminal_width=1000, max_content_width=1000) as context:
            yield f"{name} --help", re.sub("^Usage: .*", "", command.get_help(context))
    yield from texts_of_the_days()
    for path in sorted(set(ROOT.glob("src/**/*.py")) - {day.source for day in days()}):
        for node in strings_in(ast.parse(path.read_text(encoding="utf-8"))):
            yield f"{path.relative_to(ROOT)}:{node.lineno}", text_of(node)
    for path in sorted(ROOT.glob("src/**/*.toml")):
        for room, entries in tomllib.loads(path.read_text(encoding="utf-8")).items():
            for name, entry in entries.items():
                for text in entry.values() if isinstance(entry, dict) else (name, entry):
                    yield f"{path.relative_to(ROOT)}:{room}.{name}", text
    for path in sorted(ROOT.glob("src/**/*.js")):
        for text in re.findall(r'"([^"\n]+)"', path.read_text(encoding="utf-8")):
            yield str(path.relative_to(ROOT)), text


def texts_of_the_days() -> Iterator[tuple[str, str]]:
    for day, language in itertools.product(lessons(), LANGUAGES):
        for cell in in_language(day, language):
            yield f"{day.name}, {language}", cell.text


def commands_of(group: click.Group, name: str) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for own in group.list_commands(context):
        command = group.get_command(context, own)
        assert command is not None
        yield f"{name} {own}", command
        if isinstance(command, click.Group):
            yield from commands_of(command, f"{name} {own}")


def strings_in(node: ast.AST) -> Iterator[ast.JoinedStr | ast.Constant]:
    """Each string once; an f-string whole, without the pieces that it is made of."""
    if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str)):
        yield node
        return
    for child in ast.iter_child_nodes(node):
        yield from strings_in(child)


def text_of(node: ast.JoinedStr | ast.Constant) -> str:
    """A string as written, with `{run.path}` and the like for what an f-string fills in."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    return "".join(
        str(part.value) if isinstance(part, ast.Constant) else "{" + ast.unparse(getattr(part, "value", part)) + "}"
        for part in node.values
    )


def commands_in(text: str) -> list[str]:
    """The commands in a text, without `mnistlab`: on lines of their own, after a colon, and between backticks.

    Between backticks, options alone (`--json`) go with the last command before them in the paragraph or table row, and
    `runs delete RUN` counts as a command if one with `mnistlab` comes before it. The bare name of a command that needs
    arguments does not count.
    """
    found = LINE.findall(text)
    for paragraph in re.split(r"\n\s*\n|\n(?=\|)", FENCED.sub("", text)):
        last = None
        for span in (" ".join(span.split()) for span in SPAN.findall(paragraph)):
            if command := re.fullmatch(f"(?:.* && )?{COMMAND}", span):
                found.append(last := command[1])
            elif last and span.startswith("--"):
                found.append(f"{last} {span}")
            elif last and re.match(rf"(?:{NAMES}) \S", span):
                found.append(last := span)
    return [command for command in (" ".join(each.split()) for each in found) if not is_a_name(command)]


def is_a_name(command: str) -> bool:
    found = app.get_command(click.Context(app), command)
    return found is not None and any(parameter.required for parameter in found.params)


def missed_in(text: str) -> list[str]:
    """What looks like a command in a place where `commands_in` does not look for one."""
    rest = LINE.sub("", text).replace("```", "")
    rest = SPAN.sub(lambda span: "" if re.fullmatch(COMMAND, " ".join(span[1].split())) else span[0], rest)
    return re.findall(rf"\bmnistlab (?:{NAMES})\b[^\n]*", rest)


def variants(command: str) -> list[str]:
    """What a command with brackets stands for: `doctor [RUN or MODEL.pth]` is `doctor`, `doctor RUN` and `doctor MODEL.pth`."""
    optional = re.search(r" \[([^\]]+)\]", command)
    if optional is None:
        return [command]
    before, after = command[: optional.start()], command[optional.end() :]
    choices = [f" {choice}" for choice in re.split(r" or | ou |\|", optional[1])]
    return [each for choice in ("", *choices) for each in variants(before + choice + after)]
