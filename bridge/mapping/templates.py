"""Jinja2 in a box: what a template may use, and how much of time and memory it may take.

The filters are those that Home Assistant's users know, and mean the same here. Loops are counted and what could blow up
a value is left out, because a template runs between two messages and nothing else runs meanwhile.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import jinja2
import jinja2.meta
from jinja2 import nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from bridge.refusals import nearest

MAX_OUTPUT = 64 * 1024
_MAX_STEPS = 10_000
_MAX_SEARCHED = 4_096
_NOT_GIVEN: Any = object()

_REFUSED = (
    nodes.Macro,
    nodes.CallBlock,
    nodes.Block,
    nodes.Extends,
    nodes.Include,
    nodes.Import,
    nodes.FromImport,
)
_FILTERS = (
    *("abs", "capitalize", "count", "d", "default", "dictsort", "first", "items", "last", "length", "list"),
    *("lower", "map", "max", "min", "reject", "rejectattr", "reverse", "select"),
    *("selectattr", "sort", "string", "sum", "title", "trim", "truncate", "unique", "upper"),
)
_METHODS = frozenset(
    {
        *("capitalize", "count", "endswith", "find", "index", "isalnum", "isalpha", "isdecimal", "isdigit", "islower"),
        *("isnumeric", "isspace", "isupper", "lower", "lstrip", "partition", "removeprefix", "removesuffix", "rfind"),
        *("rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith", "strip", "title", "upper"),
        *("get", "items", "keys", "values", "first", "last", "index0", "previtem", "nextitem", "revindex"),
    }
)


_FAILURES = (
    *(jinja2.TemplateError, ArithmeticError, AssertionError, AttributeError, LookupError, MemoryError, RecursionError),
    *(TypeError, ValueError, re.error),
)
"""How a template may fail at what it is given."""


class TemplateError(Exception):
    """Say in a sentence what is wrong with a template, or with what it was given."""


class Template:
    """Turn the variables of a message into text; made once by `compiled`."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._template = _ENVIRONMENT.from_string(source)

    def render(self, variables: Mapping[str, Any]) -> str:
        """Return the text. Raises TemplateError."""
        _ENVIRONMENT.steps = 0
        pieces: list[str] = []
        size = 0
        try:
            for piece in self._template.generate(variables):
                size += len(piece)
                if size > MAX_OUTPUT:
                    raise TemplateError(f"the result is longer than {MAX_OUTPUT} characters")
                pieces.append(piece)
        except _FAILURES as error:
            raise TemplateError(f"{type(error).__name__}: {error}") from None
        return "".join(pieces)


@lru_cache(maxsize=10_000)
def compiled(source: str) -> Template:
    """Compile a template; the same text is compiled once. Raises TemplateError."""
    try:
        return Template(source)
    except jinja2.TemplateSyntaxError as error:
        raise TemplateError(f"line {error.lineno}: {error.message}{_meant(error.message or '')}") from None
    except RecursionError:
        raise TemplateError("it is nested too deeply") from None


def _meant(message: str) -> str:
    """Return which filter was probably meant, where there is none of that name."""
    found = re.fullmatch(r"No filter named '(.*)'\.", message)
    return "" if found is None else nearest(found[1], _ENVIRONMENT.filters).replace("; did", " Did")


def variables_in(source: str) -> set[str]:
    """Return the names that a template expects from outside."""
    return jinja2.meta.find_undeclared_variables(_ENVIRONMENT.parse(source))


class _Environment(ImmutableSandboxedEnvironment):
    """Allow what a value needs; count the turns of loops."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def __init__(self) -> None:
        super().__init__(undefined=jinja2.StrictUndefined, finalize=_written, autoescape=False)
        self.steps = 0
        known = dict(self.filters)
        self.filters = {name: known[name] for name in _FILTERS} | _OWN_FILTERS | {"counted": self._counted}
        self.globals = dict(GLOBALS)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for refused in tree.find_all(_REFUSED):
            raise jinja2.TemplateSyntaxError("macros, blocks and other files are not possible here", refused.lineno)
        for loop in tree.find_all(nodes.For):
            if loop.recursive:
                raise jinja2.TemplateSyntaxError("loops cannot call themselves here", loop.lineno)
            loop.iter = nodes.Filter(loop.iter, "counted", [], [], None, None, lineno=loop.lineno)
        return tree

    def _counted(self, items: Iterable[Any]) -> Iterator[Any]:
        for item in items:
            self.steps += 1
            if self.steps > _MAX_STEPS:
                raise TemplateError(f"its loops turn more than {_MAX_STEPS} times")
            yield item

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        numbers = isinstance(left, int | float) and isinstance(right, int | float)
        if not numbers or (operator == "**" and abs(right) > 64):
            raise TemplateError(f"{operator} takes two numbers" + (", the second up to 64" if operator == "**" else ""))
        return super().call_binop(context, operator, left, right)

    def wrap_str_format(self, value: Any) -> None:
        """Offer no str.format: a width of a billion is a gigabyte."""

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        if callable(value) and attr not in _METHODS:
            return False
        return super().is_safe_attribute(obj, attr, value)


# --- Filters, as Home Assistant has them ------------------------------------------------------------------------------


def _float(value: Any, default: Any = _NOT_GIVEN) -> Any:
    try:
        return float(value)
    except (ValueError, TypeError, jinja2.UndefinedError):
        return _otherwise("float", value, default)


def _int(value: Any, default: Any = _NOT_GIVEN, base: int = 10) -> Any:
    try:
        return int(value, base) if isinstance(value, str) and base != 10 else int(float(value))
    except (ValueError, TypeError, OverflowError, jinja2.UndefinedError):
        return _otherwise("int", value, default)


def _round(value: Any, precision: int = 0, method: str = "common", default: Any = _NOT_GIVEN) -> Any:
    try:
        number = float(value)
        if method in ("ceil", "floor"):
            factor = 10**precision
            whole = number * factor // 1 if method == "floor" else -(-number * factor // 1)
            number = whole / factor
        elif method == "half":
            number = round(number * 2) / 2
        else:
            number = round(number, precision)
        return int(number) if precision == 0 else number
    except (ValueError, TypeError, OverflowError, jinja2.UndefinedError):
        return _otherwise("round", value, default)


def _otherwise(name: str, value: Any, default: Any) -> Any:
    if default is _NOT_GIVEN:
        raise TemplateError(f"{name} got {_shown(value)}, which is no number, and no default")
    return default


def _bool(value: Any, default: Any = _NOT_GIVEN) -> Any:
    word = str(value).strip().lower()
    if word in ("1", "true", "yes", "on", "enable", "1.0"):
        return True
    if word in ("0", "false", "no", "off", "disable", "0.0"):
        return False
    if default is _NOT_GIVEN:
        raise TemplateError(f"bool got {_shown(value)}, which is neither true nor false, and no default")
    return default


def _is_defined(value: Any) -> Any:
    if isinstance(value, jinja2.Undefined):
        raise TemplateError(value._undefined_message)  # noqa: SLF001 - Home Assistant's is_defined says the same
    return value


def _is_number(value: Any) -> bool:
    try:
        number = float(value)
    except (ValueError, TypeError):
        return False
    return number - number == 0


def _iif(value: Any, if_true: Any = True, if_false: Any = False, if_none: Any = _NOT_GIVEN) -> Any:
    if value is None and if_none is not _NOT_GIVEN:
        return if_none
    return if_true if bool(value) else if_false


def _from_json(value: Any, default: Any = _NOT_GIVEN) -> Any:
    try:
        return json.loads(value)
    except (ValueError, TypeError, RecursionError):
        if default is _NOT_GIVEN:
            raise TemplateError(f"from_json got {_shown(value)}, which is no JSON") from None
        return default


def _to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=_unwritable)


def _unwritable(value: Any) -> Any:
    if isinstance(value, jinja2.Undefined):
        raise TemplateError(value._undefined_message)  # noqa: SLF001
    if isinstance(value, Iterable):
        return list(value)
    raise TypeError(f"{type(value).__name__} is no JSON")


def _average(*values: Any, default: Any = _NOT_GIVEN) -> Any:
    items = list(values[0]) if len(values) == 1 and not isinstance(values[0], int | float) else list(values)
    if not items:
        return _otherwise("average", items, default)
    return sum(items) / len(items)


def _replace(value: Any, old: str, new: str) -> str:
    text = str(value)
    _refuse_long(len(text) + text.count(old) * len(new))
    return text.replace(old, new)


def _join(items: Iterable[Any], between: str = "", attribute: str | None = None) -> str:
    texts = [str(item if attribute is None else item[attribute]) for item in items]
    _refuse_long(sum(map(len, texts)) + len(texts) * len(between))
    return between.join(texts)


def _refuse_long(size: int) -> None:
    if size > MAX_OUTPUT:
        raise TemplateError(f"a value becomes longer than {MAX_OUTPUT} characters")


def _searchable(value: Any) -> str:
    return str(value)[:_MAX_SEARCHED]


def _regex_findall(value: Any, find: str = "") -> list[Any]:
    return re.findall(find, _searchable(value))


_OWN_FILTERS: dict[str, Any] = {
    "float": _float,
    "int": _int,
    "round": _round,
    "bool": _bool,
    "is_defined": _is_defined,
    "is_number": _is_number,
    "iif": _iif,
    "from_json": _from_json,
    "to_json": _to_json,
    "tojson": _to_json,
    "average": _average,
    "replace": _replace,
    "join": _join,
    "multiply": lambda value, factor: _float(value) * factor,
    "add": lambda value, amount: _float(value) + amount,
    "ord": ord,
    "bitwise_and": lambda one, other: one & other,
    "bitwise_or": lambda one, other: one | other,
    "regex_match": lambda value, find="": re.match(find, _searchable(value)) is not None,
    "regex_search": lambda value, find="": re.search(find, _searchable(value)) is not None,
    "regex_replace": lambda value, find="", replace="": re.sub(find, replace, _searchable(value)),
    "regex_findall": _regex_findall,
    "regex_findall_index": lambda value, find="", index=0: _regex_findall(value, find)[index],
}
GLOBALS: dict[str, Any] = {
    "float": _float,
    "int": _int,
    "bool": _bool,
    "is_number": _is_number,
    "iif": _iif,
    "average": _average,
    "max": lambda *values: max(*values) if len(values) > 1 else max(values[0]),
    "min": lambda *values: min(*values) if len(values) > 1 else min(values[0]),
}


def _written(value: Any) -> Any:
    """Write a value of a template as a payload: JSON's words, and nothing for none."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case dict() | list() | tuple():
            return _to_json(value)
        case _:
            return value


def _shown(value: Any) -> str:
    if isinstance(value, jinja2.Undefined):
        return "nothing"
    text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"


_ENVIRONMENT = _Environment()
