"""Sleeves of `kind: custom`: the class that a program names, built with parameters checked against its signature."""

from __future__ import annotations

import importlib
import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

import sleeves
from config.convert import nearest, problem_at
from config.errors import Code, ConfigError, Problem
from config.loader import Configuration
from config.program import CustomSleeve, Program
from config.yaml_source import Key, Source, Tree
from model.instruments import Instrument
from sleeves.base import Seat, Sleeve


def own_sleeve(
    program: Program, place: int, config: CustomSleeve, instruments: Mapping[str, Instrument], tree: Tree | None = None
) -> Sleeve:
    """The sleeve that a program's entry describes.

    tree: where the program was read from, so that a problem says its line.  Raises ConfigError when the class does not
    exist or its parameters are not what its signature asks for.
    """
    read = tree or Tree({}, {(): Source("file", f"program {program.id}", 0)})

    def wrong(key: Key, what: str, next_step: str) -> Problem:
        return problem_at(read, Code.BROKEN_REFERENCE, ("sleeves", place, *key), what, next_step)

    built = _class(config.strategy, lambda *said: wrong(("strategy",), *said))
    params, problems = _params(built, config.params, wrong)
    if problems:
        raise ConfigError(problems)
    seat = Seat(
        config.id,
        tuple(instruments[product] for product in config.products),
        float(program.capital) * config.capital_share,
        config.capital_share,
    )
    try:
        sleeve: Sleeve = built(seat, **params)
    except ValueError as error:
        raise ConfigError([wrong(("params",), str(error), "Give other parameters")]) from error
    lacking = [
        name for name in ("products", "hedges", "on_bar", "decide", "state", "load") if not hasattr(sleeve, name)
    ]
    if lacking:
        raise ConfigError(
            [wrong(("strategy",), f"{config.strategy} has no {', '.join(lacking)}", "Add what is missing")]
        )
    return sleeve


def problems_of(configuration: Configuration) -> list[Problem]:
    """What is wrong with the custom sleeves of a configuration that is otherwise good."""
    found: list[Problem] = []
    for place, config in enumerate(configuration.program.sleeves):
        if isinstance(config, CustomSleeve):
            try:
                own_sleeve(configuration.program, place, config, configuration.instruments, configuration.program_tree)
            except ConfigError as error:
                found += error.problems
    return found


def _class(strategy: str, wrong: Callable[[str, str], Problem]) -> Callable[..., Any]:
    module, _, name = strategy.partition(".")
    try:
        found = importlib.import_module(f"{sleeves.__name__}.{module}")
    except ModuleNotFoundError as error:
        if error.name != f"{sleeves.__name__}.{module}":
            raise
        raise ConfigError(
            [wrong(f"there is no file sleeves/{module}.py", "Write it, or name one that is there")]
        ) from None
    built = getattr(found, name, None)
    if not inspect.isclass(built):
        names = [
            one for one, value in vars(found).items() if inspect.isclass(value) and value.__module__ == found.__name__
        ]
        what = f"sleeves/{module}.py has no class {name}{nearest(name, names)}"
        raise ConfigError([wrong(what, f"Name one of {', '.join(names) or 'its classes'}")])
    return built


def _params(
    built: Callable[..., Any], given: Mapping[str, Any], wrong: Callable[[Key, str, str], Problem]
) -> tuple[dict[str, Any], list[Problem]]:
    """The parameters as the class's annotations want them, and everything that is wrong with them."""
    wanted = dict(list(inspect.signature(built).parameters.items())[1:])
    hints = typing.get_type_hints(built.__init__)
    params: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, value in given.items():
        if name not in wanted:
            known = f"Known here: {', '.join(wanted) or 'nothing'}"
            problems.append(
                wrong(("params", name), f"there is no parameter {name}{nearest(name, list(wanted))}", known)
            )
            continue
        try:
            params[name] = msgspec.convert(value, hints.get(name, Any))
        except msgspec.ValidationError as error:
            problems.append(wrong(("params", name), str(error), "Give what the class's annotation says"))
    for name, parameter in wanted.items():
        if name not in given and parameter.default is inspect.Parameter.empty:
            problems.append(wrong(("params",), f"the parameter {name} is missing", f"Add {name}"))
    return params, problems
