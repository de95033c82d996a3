"""Which statements of a module right files must reach: all but those from which every way ends in an error."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

__all__ = ["Statement", "statements"]

_COMPILED = ("jit", "vectorize", "overload", "intrinsic", "kernel")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement in a function.

    Parameters
    ----------
    lines
        The lines of the statement itself, without the blocks that it holds.
    code
        Its first line.
    function
        Name of the function, with its class.
    error
        Whether every way from here ends in `raise` or in a warning.
    """

    lines: range
    code: str
    function: str
    error: bool


def statements(source: str) -> list[Statement]:
    r"""Give the statements of all functions of a module; compiled functions and docstrings are left out.

    A function that only error paths mention, such as one that makes the text of an error, is an error path itself.

    Examples
    --------
    >>> code = "def f(x):\n    if x < 0:\n        y = -x\n        raise ValueError(y)\n    return x"
    >>> [(one.code, one.error) for one in statements(code)]
    [('if x < 0:', False), ('y = -x', True), ('raise ValueError(y)', True), ('return x', False)]
    """
    tree, lines = ast.parse(source), source.splitlines()
    functions = list(_functions(tree, ""))
    doomed = {id(node) for _, function in functions for node in _doomed(function.body, False)[1]}
    errors = _only_for_errors(tree, functions, doomed)
    found = []
    for name, function in functions:
        for node in _statements(function.body):
            lost = id(node) in doomed or name.rpartition(".")[2] in errors
            found.append(Statement(_own_lines(node), lines[node.lineno - 1].strip(), name, lost))
    return found


def _functions(node: ast.AST, prefix: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _FUNCTIONS):
            decorators = " ".join(ast.unparse(one) for one in child.decorator_list)
            if not any(word in decorators for word in _COMPILED):
                yield f"{prefix}{child.name}", child
                yield from _functions(child, f"{prefix}{child.name}.")
        elif isinstance(child, ast.ClassDef):
            yield from _functions(child, f"{prefix}{child.name}.")
        elif isinstance(child, (ast.stmt, ast.ExceptHandler, ast.match_case)) and not _is_for_types(child):
            yield from _functions(child, prefix)


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def _blocks(node: ast.stmt) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        if block:
            yield block
    for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
        yield part.body


def _statements(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            continue  # looked at by itself
        if not _makes_no_line(node):
            yield node
        for block in _blocks(node):
            yield from _statements(block)


def _makes_no_line(node: ast.stmt) -> bool:
    constant = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    bare = isinstance(node, ast.AnnAssign) and node.value is None
    return constant or bare or isinstance(node, (ast.Global, ast.Nonlocal, ast.Pass, ast.Try))


def _own_lines(node: ast.stmt) -> range:
    inner = [block[0].lineno for block in _blocks(node)]
    last = node.end_lineno or node.lineno
    return range(node.lineno, max(node.lineno + 1, min(inner)) if inner else last + 1)


def _doomed(body: Sequence[ast.stmt], after: bool) -> tuple[bool, list[ast.stmt]]:
    """Say whether a block always ends in an error, given what follows it; gives the statements that do."""
    lost, found = after, []
    for node in reversed(body):
        lost, inner = _fate(node, lost)
        found += inner
        if lost:
            found.append(node)
    return lost, found


def _fate(node: ast.stmt, after: bool) -> tuple[bool, list[ast.stmt]]:
    if isinstance(node, ast.Raise) or _warns(node):
        return True, []
    if isinstance(node, (ast.Return, ast.Continue, ast.Break)):
        return False, []
    if isinstance(node, ast.If):
        return _all(after, node.body, node.orelse)
    if isinstance(node, ast.Match):
        return _all(after, *(case.body for case in node.cases), [])
    if isinstance(node, (ast.With, ast.AsyncWith)):
        return _doomed(node.body, after)
    if isinstance(node, (ast.For, ast.AsyncFor, ast.While)):
        return after, [*_doomed(node.body, after)[1], *_doomed(node.orelse, after)[1]]
    if isinstance(node, (ast.Try, ast.TryStar)):
        return _fate_of_try(node, after)
    return after, []


def _all(after: bool, *blocks: Sequence[ast.stmt]) -> tuple[bool, list[ast.stmt]]:
    fates = [_doomed(block, after) for block in blocks]
    return all(lost for lost, _ in fates), [node for _, found in fates for node in found]


def _fate_of_try(node: ast.Try | ast.TryStar, after: bool) -> tuple[bool, list[ast.stmt]]:
    after, found = _doomed(node.finalbody, after)
    caught, in_handlers = _all(after, *(handler.body for handler in node.handlers))
    lost, in_body = _doomed([*node.body, *node.orelse], after)
    if not caught:  # an error that is raised here may be caught here
        return False, [*found, *in_handlers]
    return lost, [*found, *in_handlers, *in_body]


def _warns(node: ast.stmt) -> bool:
    if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
        return False
    return ast.unparse(node.value.func).rpartition(".")[2] == "warn"


def _only_for_errors(
    tree: ast.Module, functions: Sequence[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]], doomed: set[int]
) -> set[str]:
    """Give the private functions that nothing but error paths mentions."""
    private = {name for name, _ in functions if name.startswith("_") and "." not in name}
    errors: set[str] = set()
    while True:
        used = _mentioned(tree, doomed, errors)
        new = {name for name in private if name not in used} - errors
        if not new:
            return errors
        errors |= new


def _mentioned(node: ast.AST, doomed: set[int], errors: set[str]) -> set[str]:
    """Give the names that are mentioned outside of error paths."""
    if id(node) in doomed or (isinstance(node, _FUNCTIONS) and node.name in errors):
        return set()
    names = {node.id} if isinstance(node, ast.Name) else {node.attr} if isinstance(node, ast.Attribute) else set()
    return names.union(*(_mentioned(child, doomed, errors) for child in ast.iter_child_nodes(node)))
