"""Turn click's usage errors into errors of mnistlab, which can be shown in languages other than English."""

from __future__ import annotations

import re
from typing import Any

import click

from mnistlab.cli.help import named
from mnistlab.errors import UserError
from mnistlab.messages.sentences import Clause

__all__ = ["usage_error"]


def usage_error(error: click.UsageError, command: str) -> UserError:
    """The error as one of mnistlab's own; its remedy is the help of the failed command or, if that is unknown, of `command`."""
    path = error.ctx.command_path if error.ctx else command

    def said(key: str, **values: Any) -> UserError:
        return UserError(key, remedy="cli.usage", path=path, **values)

    match error:
        case click.MissingParameter(param=click.Parameter() as param):
            name = param.human_readable_name.split()[-1].removesuffix("...")  # RUN for "RUN RUN..."
            return said("cli.usage_missing", name=named(name))
        case click.NoSuchOption(possibilities=[_, *_] as names):
            return said("cli.usage_did_you_mean", name=error.option_name, names=names)
        case click.NoSuchOption():
            return said("cli.usage_unknown_option", name=error.option_name)
        case click.BadOptionUsage():
            switch = "does not take" in error.format_message()
            return said("cli.usage_switch_with_value" if switch else "cli.usage_without_value", name=error.option_name)
        case click.BadParameter(param=click.Parameter() as param):
            name = param.opts[0] if isinstance(param, click.Option) else named(param.human_readable_name)
            return said("cli.usage_bad_value", name=name, reason=reason_for(param.type, error.message))
    if unknown := re.match(r"No such command ('.*?')", error.message):  # click has a class for this only since 8.4
        near = getattr(error, "possibilities", None) or []
        return said(
            "cli.usage_unknown_command_near" if near else "cli.usage_unknown_command", name=unknown[1], names=near
        )
    if type(error) is click.UsageError and (extra := re.search(r"extra arguments? \((.*)\)", error.format_message())):
        return said("cli.usage_extra", words=extra[1])
    return said("cli.usage", said=error.format_message())


def reason_for(kind: click.ParamType[Any], message: str) -> Clause | str:
    """Why a value is refused, in mnistlab's words instead of click's; reasons that mnistlab's own types give are kept."""
    quoted = re.search(r"'[^']*'|\"[^\"]*\"", message)
    value = quoted[0] if quoted else message.split(maxsplit=1)[0]
    match kind:
        case click.Choice(choices=choices):
            return Clause("cli.usage_not_a_choice", value=value, choices=choices)
        case click.IntRange(min=low, max=None) if " is not in the range " in message:
            return Clause("cli.usage_below_range", value=value, low=low)
        case click.IntRange(min=low, max=high) if " is not in the range " in message:
            return Clause("cli.usage_out_of_range", value=value, low=low, high=high)
        case click.Path() if message.endswith(" is a file."):
            return Clause("cli.usage_is_a_file", value=value)
        case click.Path() if message.endswith(" is a directory."):
            return Clause("cli.usage_is_a_folder", value=value)
        case click.Path() if message.endswith(" is not readable."):
            return Clause("cli.usage_no_read_access", value=value)
    return message.rstrip(".")
