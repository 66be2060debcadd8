"""Finds what would make a decision depend on when, where or in which order it was taken."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

BANNED = {
    "time": "the clock is injected",
    "random": "chance is injected, with its seed",
    "secrets": "chance is injected, with its seed",
    "uuid": "ids are hashes of the decision",
    "asyncio": "deciding code never waits",
    "numpy.random": "chance is injected, with its seed",
    "os.urandom": "chance is injected, with its seed",
    "os.getrandom": "chance is injected, with its seed",
    "datetime.datetime.now": "the clock is injected",
    "datetime.datetime.utcnow": "the clock is injected",
    "datetime.datetime.today": "the clock is injected",
    "datetime.date.today": "the clock is injected",
    "pandas.Timestamp.now": "the clock is injected",
    "pandas.Timestamp.utcnow": "the clock is injected",
    "pandas.Timestamp.today": "the clock is injected",
}
BANNED_BUILTINS = {
    "id": "addresses differ between runs",
    "hash": "string hashes differ between runs",
}
FILES = {
    "io": "files belong to ports",
    "os": "the machine belongs to ports",
    "pathlib.Path": "files belong to ports",
    "shutil": "files belong to ports",
    "socket": "the network belongs to ports",
    "sqlite3": "the journal belongs to its port",
    "subprocess": "the machine belongs to ports",
    "tempfile": "files belong to ports",
}
FILE_BUILTINS = {"open": "files belong to ports", "input": "the terminal belongs to ports"}
FILE_METHODS = {"read_text", "read_bytes", "write_text", "write_bytes", "iterdir", "mkdir", "rglob", "unlink"}

SET_MAKERS = {"set", "frozenset"}
SET_METHODS = {"union", "intersection", "difference", "symmetric_difference", "copy"}
SET_TYPES = {"set", "frozenset", "Set", "AbstractSet", "MutableSet", "FrozenSet"}
ORDER_TAKERS = {"dict", "enumerate", "filter", "iter", "list", "map", "next", "reversed", "sum", "tuple", "zip"}
ORDER_TAKING_METHODS = {"extend", "fromiter", "fromkeys", "fsum", "join", "array", "asarray"}
SCOPES = (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


@dataclass(frozen=True, order=True)
class Violation:
    """One place where a decision could differ between two runs with the same inputs."""

    line: int
    what: str


@dataclass
class Scope:
    """The names one function, or the module, binds, and which of them hold sets."""

    bound: set[str] = field(default_factory=set)
    sets: set[str] = field(default_factory=set)


class Checker(ast.NodeVisitor):
    """Walks one module. Sets are followed through names, attributes of self, operators and annotations."""

    def __init__(self, tree: ast.Module, bans_files: bool) -> None:
        self.banned = BANNED | (FILES if bans_files else {})
        self.banned_builtins = BANNED_BUILTINS | (FILE_BUILTINS if bans_files else {})
        self.bans_files = bans_files
        self.aliases = dict(aliases(tree))
        self.found: set[Violation] = set()
        self.set_attributes: set[str] = set()
        self.scopes: list[Scope] = []
        self.enter(tree)
        self.set_attributes = {name for node in ast.walk(tree) for name in self.set_attributes_of(node)}

    def report(self, node: ast.expr | ast.stmt, what: str) -> None:
        self.found.add(Violation(node.lineno, what))

    def enter(self, node: ast.AST) -> None:
        """Open the scope of a module, function or lambda, knowing all it binds before its body is read."""
        scope = Scope()
        self.scopes.append(scope)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            for argument in parameters(node.args):
                scope.bound.add(argument.arg)
                if is_set_type(argument.annotation):
                    scope.sets.add(argument.arg)
        for inner in own_nodes(node):
            scope.bound.update(bound_names(inner))
            for target, value, annotation in assignments(inner):
                if isinstance(target, ast.Name) and (is_set_type(annotation) or (value and self.is_set(value))):
                    scope.sets.add(target.id)

    def set_attributes_of(self, node: ast.AST) -> Iterator[str]:
        """Names of attributes that a class declares or fills as sets."""
        body = node.body if isinstance(node, ast.ClassDef) else []
        for statement in body:
            for target, _, annotation in assignments(statement):
                if isinstance(target, ast.Name) and is_set_type(annotation):
                    yield target.id
        for target, value, annotation in assignments(node):
            if isinstance(target, ast.Attribute) and (is_set_type(annotation) or (value and self.is_set(value))):
                yield target.attr

    def shadowed(self, name: str) -> bool:
        return any(name in scope.bound for scope in self.scopes)

    def dotted(self, node: ast.expr) -> str | None:
        """The full path an expression names, through the module's imports; None if it is no import."""
        if isinstance(node, ast.Attribute):
            owner = self.dotted(node.value)
            return f"{owner}.{node.attr}" if owner else None
        if isinstance(node, ast.Name) and not any(node.id in scope.bound for scope in self.scopes[1:]):
            return self.aliases.get(node.id)
        return None

    def is_set(self, node: ast.expr) -> bool:
        """Whether an expression is a set as far as its own module can tell."""
        match node:
            case ast.Set() | ast.SetComp():
                return True
            case ast.Call(func=ast.Name(id=maker)):
                return maker in SET_MAKERS and not self.shadowed(maker)
            case ast.Call(func=ast.Attribute(value=owner, attr=method)):
                return method in SET_METHODS and self.is_set(owner)
            case ast.BinOp(left=left, op=ast.BitOr() | ast.BitAnd() | ast.Sub() | ast.BitXor(), right=right):
                return any(self.is_set(side) or is_keys(side) for side in (left, right))
            case ast.IfExp(body=body, orelse=orelse):
                return self.is_set(body) or self.is_set(orelse)
            case ast.NamedExpr(value=value):
                return self.is_set(value)
            case ast.Name(id=name):
                return next((name in scope.sets for scope in reversed(self.scopes) if name in scope.bound), False)
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                return name in self.set_attributes
        return False

    def check_path(self, node: ast.expr | ast.stmt, path: str) -> None:
        for banned, why in self.banned.items():
            if path == banned or path.startswith(banned + "."):
                self.report(node, f"{banned}: {why}")

    def check_order(self, node: ast.expr) -> None:
        if self.is_set(node):
            self.report(node, "iteration over a set: its order differs between runs; use sorted(...)")

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.check_path(node, alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            self.check_path(node, f"{node.module}.{alias.name}" if node.level == 0 else "")

    def visit_Attribute(self, node: ast.Attribute) -> None:
        path = self.dotted(node)
        if path:
            self.check_path(node, path)
        self.visit(node.value)

    def visit_Name(self, node: ast.Name) -> None:
        path = self.dotted(node)
        if path:
            self.check_path(node, path)
        elif isinstance(node.ctx, ast.Load) and node.id in self.banned_builtins and not self.shadowed(node.id):
            self.report(node, f"{node.id}(): {self.banned_builtins[node.id]}")

    def visit_For(self, node: ast.For) -> None:
        self.check_order(node.iter)
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        self.check_order(node.iter)
        self.generic_visit(node)

    def visit_Starred(self, node: ast.Starred) -> None:
        self.check_order(node.value)
        self.generic_visit(node)

    def visit_YieldFrom(self, node: ast.YieldFrom) -> None:
        self.check_order(node.value)
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        if any(isinstance(target, ast.Tuple | ast.List) for target in node.targets):
            self.check_order(node.value)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        match node.func:
            case ast.Name(id=name) if name in ORDER_TAKERS and not self.shadowed(name):
                for argument in node.args:
                    self.check_order(argument)
            case ast.Attribute(attr=method) if method in ORDER_TAKING_METHODS:
                for argument in node.args:
                    self.check_order(argument)
            case ast.Attribute(value=owner, attr="pop") if self.is_set(owner):
                self.report(node, "set.pop(): which element comes out differs between runs")
            case ast.Attribute(attr=method) if self.bans_files and method in FILE_METHODS:
                self.report(node, f".{method}(): files belong to ports")
        self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.visit_scope(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.visit_scope(node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self.visit_scope(node)

    def visit_scope(self, node: ast.AST) -> None:
        self.enter(node)
        self.generic_visit(node)
        self.scopes.pop()


def aliases(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """What each imported name stands for, as a full dotted path."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                name = alias.asname or alias.name.split(".")[0]
                yield name, alias.name if alias.asname else name
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from ((alias.asname or alias.name, f"{node.module}.{alias.name}") for alias in node.names)


def parameters(arguments: ast.arguments) -> Iterator[ast.arg]:
    yield from (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    yield from (argument for argument in (arguments.vararg, arguments.kwarg) if argument)


def own_nodes(scope: ast.AST) -> Iterator[ast.AST]:
    """The nodes of one scope, in reading order, without those of the functions and classes inside it."""
    for child in ast.iter_child_nodes(scope):
        yield child
        if not isinstance(child, (*SCOPES, ast.ClassDef)):
            yield from own_nodes(child)


def bound_names(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Store()):
            yield name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name


def assignments(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr | None, ast.expr | None]]:
    """(target, value, annotation) of every assignment a node makes itself."""
    match node:
        case ast.Assign(targets=targets, value=value):
            yield from ((target, value, None) for target in targets)
        case ast.AnnAssign(target=target, annotation=annotation, value=value):
            yield target, value, annotation
        case ast.NamedExpr(target=target, value=value):
            yield target, value, None


def is_keys(node: ast.expr) -> bool:
    """Whether an expression is a dictionary's keys, whose operators make sets."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "keys"


def is_set_type(annotation: ast.expr | None) -> bool:
    """Whether an annotation says set, frozenset or the abstract Set, alone or in a union."""
    match annotation:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in SET_TYPES
        case ast.Subscript(value=value):
            return is_set_type(value)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return is_set_type(left) or is_set_type(right)
        case ast.Constant(value=str(text)):
            return is_set_type(ast.parse(text, mode="eval").body)
    return False


def violations(source: str, bans_files: bool = False) -> list[Violation]:
    """Every violation in one module's source, by line; `bans_files` adds the ban on files and the machine."""
    tree = ast.parse(source)
    checker = Checker(tree, bans_files)
    checker.visit(tree)
    return sorted(checker.found)
