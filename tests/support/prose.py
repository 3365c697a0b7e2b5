"""Find sentences for people in the code, where none belong, by following each text from its source to its use."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

__all__ = ["Program"]

SAYING = {
    "MnistlabError", "UserError", "Failure", "StorageFailure", "Interrupted", "Fault", "CorruptFileError", "SourceError",
    "Problem", "Check", "Clause", "fail", "with_remedy", "but", "echo",
    "tell", "words",
}  # fmt: skip
"""Functions that turn their arguments into a sentence or part of one."""
LOGGING = {"debug", "info", "warning", "error", "critical", "exception", "log"}
FOR_PROGRAMMERS = {"TypeError", "AttributeError", "IndexError", "SyntaxError"}
"""Errors that only a wrong program meets; their text is English, like Python's own."""

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class Scope:
    """A module or a function: what is assigned to each name in it."""

    node: ast.Module | Function
    outer: Scope | None
    assigned: dict[str, list[ast.expr]] = field(default_factory=lambda: defaultdict(list))
    calls: list[ast.Call] = field(default_factory=list)
    raised: list[ast.Call] = field(default_factory=list)
    returned: list[ast.expr] = field(default_factory=list)

    @property
    def parameters(self) -> list[str]:
        """The parameters of the function, in order, without a method's `self`."""
        if isinstance(self.node, ast.Module):
            return []
        arguments = self.node.args
        names = [one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
        return names[1:] if names[:1] in (["self"], ["cls"]) else names


def scopes_in(node: ast.AST, scope: Scope) -> Iterator[Scope]:
    """The scope itself, filled, and those inside it."""
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                inner = Scope(child, scope)
                yield inner
                yield from scopes_in(child, inner)
                continue
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    assign(scope, target, value)
            case ast.AnnAssign(target=target, value=ast.expr() as value) | ast.AugAssign(target=target, value=value):
                assign(scope, target, value)
            case ast.NamedExpr(target=target, value=value):
                assign(scope, target, value)
            case ast.For(target=target, iter=value) | ast.comprehension(target=target, iter=value):
                assign(scope, target, value)
            case ast.Return(value=ast.expr() as value):
                scope.returned.append(value)
            case ast.Raise(exc=ast.Call() as call):
                scope.raised.append(call)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="append"), args=[value]):
                scope.assigned[name].append(value)
                scope.calls.append(child)
            case ast.Call():
                scope.calls.append(child)
        yield from scopes_in(child, scope)


def assign(scope: Scope, target: ast.expr, value: ast.expr) -> None:
    """Note the value for each name in the target; if both are tuples of the same length, each name gets its own part."""
    match target, value:
        case ast.Tuple(elts=targets), ast.Tuple(elts=values) if len(targets) == len(values):
            for one, other in zip(targets, values, strict=True):
                assign(scope, one, other)
        case _:
            for name in ast.walk(target):
                if isinstance(name, ast.Name):
                    scope.assigned[name.id].append(value)


class Program:
    """Modules, and which of their functions' parameters end up in a sentence."""

    def __init__(self, sources: dict[str, str]) -> None:
        self.scopes: list[tuple[str, Scope]] = []
        self.functions: dict[str, list[Scope]] = defaultdict(list)
        for name, text in sources.items():
            module = Scope(ast.parse(text), None)
            for scope in (module, *scopes_in(module.node, module)):
                self.scopes.append((name, scope))
                if not isinstance(scope.node, ast.Module):
                    self.functions[scope.node.name].append(scope)
        self.said: set[tuple[str, str]] = set()
        """Names of functions, with the parameters from which they make a sentence."""
        before = -1
        while before < len(self.said):
            before = len(self.said)
            self.found = {
                f"{name}:{line}: {text}" for name, scope in self.scopes for line, text in self.prose_in(scope)
            }

    def prose_in(self, scope: Scope) -> Iterator[tuple[int, str]]:
        """The lines and texts of a scope's sentences; what is found out on the way is added to `said`."""
        for call in scope.calls:
            for value in self.arguments_said(call):
                yield from ((call.lineno, text) for text in self.prose(value, scope, set()))
        for call in scope.raised:
            if called(call) not in FOR_PROGRAMMERS:
                for value in (*call.args, *(keyword.value for keyword in call.keywords)):
                    yield from ((call.lineno, text) for text in self.prose(value, scope, set()))

    def arguments_said(self, call: ast.Call) -> Iterator[ast.expr]:
        """The arguments of a call that end up in a sentence."""
        name = called(call)
        logs = isinstance(call.func, ast.Attribute) and name in LOGGING and ast.unparse(call.func.value) == "logger"
        if name in SAYING or logs:
            yield from (*call.args, *(keyword.value for keyword in call.keywords))
        for function in self.functions.get(name, ()):
            given = [
                *zip(function.parameters, call.args, strict=False),
                *((k.arg or "", k.value) for k in call.keywords),
            ]
            yield from (value for parameter, value in given if (name, parameter) in self.said)

    def prose(self, value: ast.AST, scope: Scope, seen: set[int]) -> Iterator[str]:
        """The texts with words that a value may be, or be composed of."""
        if id(value) in seen:
            return
        seen.add(id(value))
        match value:
            case ast.Constant(value=str() as text):
                words = re.sub(r"%\w", "", text)
                if " " in words and re.search(r"[a-z]", words):
                    yield text
            case ast.Name(id=name):
                yield from self.prose_named(name, scope, seen)
            case ast.Call(func=ast.Name(id=name)) if name in self.functions:
                for function in self.functions[name]:
                    for one in function.returned:
                        yield from self.prose(one, function, seen)
            case _:
                for one in parts_of(value):
                    yield from self.prose(one, scope, seen)

    def prose_named(self, name: str, scope: Scope, seen: set[int]) -> Iterator[str]:
        """The texts assigned to a name; if it is a parameter, that is recorded."""
        where: Scope | None = scope
        while where is not None and name not in where.assigned and name not in where.parameters:
            where = where.outer
        if where is None:
            return
        if name in where.parameters and not isinstance(where.node, ast.Module):
            self.said.add((where.node.name, name))
        for one in where.assigned.get(name, ()):
            yield from self.prose(one, where, seen)


def parts_of(value: ast.AST) -> list[ast.expr]:
    """The parts of a text, or of a list of texts."""
    match value:
        case ast.JoinedStr(values=parts) | ast.BoolOp(values=parts) | ast.Tuple(elts=parts) | ast.List(elts=parts):
            return parts
        case ast.BinOp(left=one, right=other) | ast.IfExp(body=one, orelse=other):
            return [one, other]
        case ast.Dict(keys=keys, values=values):
            return [*filter(None, keys), *values]
        case (
            ast.FormattedValue(value=one) | ast.NamedExpr(value=one) | ast.Starred(value=one) | ast.Subscript(value=one)
        ):
            return [one]
        case ast.ListComp(elt=one) | ast.GeneratorExp(elt=one) | ast.SetComp(elt=one):
            return [one]
        case ast.Call(
            func=ast.Attribute(value=one, attr="join" | "strip" | "rstrip" | "items" | "values"), args=others
        ):
            return [one, *others]
        case ast.Call(func=ast.Name(id="str" | "list" | "tuple" | "sorted"), args=others):
            return others
    return []


def called(call: ast.Call) -> str:
    """The name of what is called."""
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""
