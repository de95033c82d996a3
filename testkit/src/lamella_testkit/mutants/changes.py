"""Small wrong changes to the source of a module, one at a time: operators, constants, branches."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

Edit = Callable[[ast.AST], None]

COMPARE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
BINARY: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.Pow: ast.Mult,
}


@dataclass(frozen=True)
class Mutant:
    """One change: in which module, part and line, what stood there, what was done, and who makes the changed module.

    A part is a function, class or constant of the module, or a method, such as ``"MibReader.detect"``.
    """

    module: str
    part: str
    line: int
    code: str
    text: str
    make: Callable[[], ast.Module]

    def __str__(self) -> str:
        return f"{self.module}:{self.line}: {self.text}    in    {self.code}"


def mutants(module: str, source: str) -> Iterator[Mutant]:
    """Give every change, leaving out what only people read: docstrings, annotations, and the texts of errors.

    Parameters
    ----------
    module
        Its name.
    source
        Its text.
    """
    tree, lines = ast.parse(source), source.splitlines()
    places = {id(node): i for i, node in enumerate(ast.walk(tree))}
    for part, node in _parts(tree.body):
        for text, edit in _edits(node):
            line = _line(node)
            make = partial(_changed, tree, places[id(node)], edit)
            yield Mutant(module, part, line, lines[line - 1].strip(), text, make)


def _parts(body: Sequence[ast.stmt], within: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Give every node that may be changed, with the part of the module that it belongs to."""
    for one in body:
        part = within + _name(one)
        if isinstance(one, ast.ClassDef):
            yield from _parts(one.body, f"{part}.")
        else:
            yield from ((part, node) for node in _of_interest(one))


def _changed(tree: ast.Module, place: int, edit: Edit) -> ast.Module:
    changed = copy.deepcopy(tree)
    edit(list(ast.walk(changed))[place])
    return ast.fix_missing_locations(changed)


def _line(node: ast.AST) -> int:
    return node.target.lineno if isinstance(node, ast.comprehension) else node.lineno  # type: ignore[attr-defined]


def _name(one: ast.stmt) -> str:
    if isinstance(one, (ast.Assign, ast.AnnAssign)):
        return ast.unparse(one.targets[0] if isinstance(one, ast.Assign) else one.target)
    return one.name if isinstance(one, (ast.FunctionDef, ast.ClassDef)) else ""


def _of_interest(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return
    yield node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "bases"):
            continue
        if isinstance(node, ast.Raise) or isinstance(value, ast.JoinedStr):
            continue  # what an error says
        children = value if isinstance(value, list) else [value]
        for child in children:
            if isinstance(child, ast.AST):
                yield from _of_interest(child)


def _edits(node: ast.AST) -> Iterator[tuple[str, Edit]]:
    if isinstance(node, ast.Compare):
        for i, op in enumerate(node.ops):
            new = COMPARE[type(op)]
            yield f"{ast.unparse(node)}: {type(op).__name__} becomes {new.__name__}", _set_op(i, new)
    elif isinstance(node, ast.BinOp) and type(node.op) in BINARY and not _is_text(node):
        other = BINARY[type(node.op)]
        yield f"{ast.unparse(node)}: {type(node.op).__name__} becomes {other.__name__}", _set("op", other())
    elif isinstance(node, ast.BoolOp):
        swapped = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield f"{ast.unparse(node)}: and/or exchanged", _set("op", swapped)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield f"{ast.unparse(node)}: not dropped", _set("op", ast.UAdd())
    elif isinstance(node, ast.Constant) and type(node.value) is int:
        yield f"{node.value} becomes {node.value + 1}", _set("value", node.value + 1)
        if node.value > 1:
            yield f"{node.value} becomes {node.value - 1}", _set("value", node.value - 1)
    elif isinstance(node, ast.Constant) and type(node.value) is bool:
        yield f"{node.value} becomes {not node.value}", _set("value", not node.value)
    elif isinstance(node, (ast.If, ast.IfExp)):
        for value in (True, False):
            yield f"if {ast.unparse(node.test)}: becomes {value}", _set("test", ast.Constant(value))
    elif isinstance(node, ast.comprehension) and node.ifs:
        yield f"filter {ast.unparse(node.ifs[0])} dropped", _set("ifs", node.ifs[1:])


def _is_text(node: ast.BinOp) -> bool:
    return any(isinstance(one, (ast.JoinedStr, ast.Constant)) and not _is_number(one) for one in ast.walk(node))


def _is_number(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, (int, float))


def _set(name: str, value: object) -> Edit:
    def edit(node: ast.AST) -> None:
        if name == "op" and isinstance(value, ast.UAdd):  # `not x` becomes `not not x`
            node.operand = ast.UnaryOp(ast.Not(), node.operand)  # type: ignore[attr-defined]
            return
        setattr(node, name, value)

    return edit


def _set_op(index: int, kind: type[ast.cmpop]) -> Edit:
    def edit(node: ast.AST) -> None:
        assert isinstance(node, ast.Compare)
        node.ops[index] = kind()

    return edit
