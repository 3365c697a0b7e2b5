"""click's usage errors as errors of mnistlab, whose sentences may be said in another language than English."""

from __future__ import annotations

import re

import click

from mnistlab.errors import UserError

__all__ = ["usage_error"]


def usage_error(error: click.UsageError, command: str) -> UserError:
    """The same, with the help of the command as its remedy: `command`, where click does not say which was called."""
    path = error.ctx.command_path if error.ctx else command

    def said(key: str, **values: str) -> UserError:
        return UserError(key, remedy="cli.usage", path=path, **values)

    match error:
        case click.MissingParameter(param=click.Parameter() as param):
            return said("cli.usage_missing", name=param.human_readable_name)
        case click.NoSuchOption():
            return said("cli.usage_unknown_option", name=error.option_name)
        case click.BadOptionUsage():
            switch = "does not take" in error.format_message()
            return said("cli.usage_switch_with_value" if switch else "cli.usage_without_value", name=error.option_name)
    if type(error) is click.UsageError and (extra := re.search(r"extra arguments? \((.*)\)", error.format_message())):
        return said("cli.usage_extra", words=extra[1])
    return said("cli.usage", said=error.format_message())
