"""Flat dataclasses => command line and YAML profiles.

Three layers, the upper one wins: flags on the command line, the profile that `--config FILE.yaml` names, the defaults
of the dataclass. `argparse_dataclass` turns fields into flags; this file adds what it leaves out: flags spelled as the
fields are (`--batch_size`), `--flag` / `--no-flag` for every bool, lists, the profile underneath, errors of one line.

A field may be bool, int, float, str, Path, a Literal, a list of these, or any of these `| None` (null in a profile; no
flag says it). Its help text is `field(default=..., metadata={"help": "..."})`; `"default"` there is how the help writes
the default, where that is not the default itself. What a type cannot say (a range, two
settings that exclude each other) is checked by the dataclass's own `__post_init__`, which raises ValueError.
"""

import argparse
import dataclasses
import difflib
import inspect
import types
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import argparse_dataclass
import yaml

from restore.errors import ConfigError
from restore.shipped import shipped

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Config = TypeVar("Config", bound=DataclassInstance)
else:
    Config = TypeVar("Config")

LONGEST_PROFILE, DEEPEST = 1 << 16, 8  # bytes, and lists within lists


def parse(config_class: type[Config], argv: list[str] | None = None, *, program: str | None = None) -> Config:
    """Read the command line (`argv`, or `sys.argv[1:]` where it is None) into an instance of `config_class`.

    `--help` calls it `program`; by default the name of the file that runs.

    Raises ConfigError, with a message of one line, on an unknown, missing or ill-typed setting and on a profile that
    cannot be read. `--help` prints every flag with its default and exits.

    >>> @dataclasses.dataclass
    ... class Training:
    ...     data_dir: str
    ...     epochs: int = 50
    ...     horizontal_flip: bool = True
    >>> parse(Training, ["--data_dir", "UCF-101", "--no-horizontal_flip"])
    Training(data_dir='UCF-101', epochs=50, horizontal_flip=False)
    >>> parse(Training, ["--data_dir", "UCF-101", "--epoch", "3"])
    Traceback (most recent call last):
    restore.errors.ConfigError: unknown flag --epoch; did you mean --epochs?
    """
    given = _Parser(config_class, program).given(argv)
    profile = given.pop("config", None)
    settings = (_read_profile(config_class, profile) if profile else {}) | given
    for field in dataclasses.fields(config_class):
        if _is_required(field) and field.name not in settings:
            raise ConfigError(f"--{field.name} is missing; give the flag, or `{field.name}: ...` in the --config file")
    try:
        return config_class(**settings)
    except ValueError as error:  # the dataclass's own __post_init__
        raise ConfigError(str(error)) from error


def chosen(name: str, config_classes: dict[str, type["DataclassInstance"]], argv: list[str] | None = None) -> Any:
    """The configuration class that the setting `name` chooses; the first where the command line does not say.

    Raises ConfigError where the flag or the profile names none of them.

    >>> chosen("stage", {"generator": int, "refiner": float}, ["--stage", "refiner"])
    <class 'float'>
    """
    finder = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    finder.add_argument(f"--{name}")
    finder.add_argument("--config")
    try:
        known, _ = finder.parse_known_args(argv)
    except argparse.ArgumentError as error:
        raise ConfigError(f"{str(error).removeprefix('argument ')}; --help lists all") from error
    choice = getattr(known, name)
    if choice is None and known.config:
        choice = dict(setting[:2] for setting in _yaml_settings(known.config)).get(name)
    if choice is None:
        return next(iter(config_classes.values()))
    if choice not in config_classes:
        raise ConfigError(f"{name} is {choice!r}, expected one of {', '.join(config_classes)}")
    return config_classes[choice]


def to_yaml(config: "DataclassInstance") -> str:
    """The resolved configuration as a profile: `parse` with `--config` reads the same configuration back.

    >>> @dataclasses.dataclass
    ... class Training:
    ...     epochs: int = 50
    ...     learning_rate: float = 2e-4
    >>> print(to_yaml(Training(epochs=3)), end="")
    epochs: 3
    learning_rate: 0.0002
    """
    settings = {
        name: str(value) if isinstance(value, Path) else value for name, value in dataclasses.asdict(config).items()
    }
    return yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)


class _Parser(argparse_dataclass.ArgumentParser):
    """`argparse_dataclass`'s parser, adjusted where it hands each field over to argparse: in `add_argument`."""

    def __init__(self, config_class: type["DataclassInstance"], program: str | None) -> None:
        self._config_fields = {field.name: field for field in dataclasses.fields(config_class)}
        self._hints = get_type_hints(config_class)
        doc = inspect.cleandoc(config_class.__doc__ or "")
        # Without a docstring of its own, a dataclass carries its signature there.
        doc = "" if doc.startswith(f"{config_class.__name__}(") else doc
        super().__init__(
            config_class,
            prog=program,
            description=doc,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        super().add_argument("--config", metavar="FILE.yaml", default=argparse.SUPPRESS, help="profile under the flags")

    def add_argument(self, *flags: str, **kwargs: Any) -> argparse.Action:
        name = kwargs.get("dest") or flags[0].lstrip("-").replace("-", "_")
        field = self._config_fields.get(name)
        if field is None:  # --help
            return super().add_argument(*flags, **kwargs)

        # Nothing is required here, and a flag that was not given leaves no value: a profile may lie underneath.
        kwargs = {key: value for key, value in kwargs.items() if key not in ("required", "action", "type")}
        kwargs |= {"default": argparse.SUPPRESS, "help": _help(field)}
        if flags[0].startswith("-"):
            kwargs["dest"] = name
        if "args" not in field.metadata:
            flags = (f"--{name}",)

        hint = _without_none(self._hints[name])
        if hint is bool:
            return super().add_argument(*flags, action=argparse.BooleanOptionalAction, **kwargs)
        if get_origin(hint) is list:
            hint = get_args(hint)[0]
            kwargs.setdefault("nargs", "+")
        if get_origin(hint) is Literal:
            kwargs["choices"] = get_args(hint)
            hint = type(get_args(hint)[0])
        return super().add_argument(*flags, type=hint, **kwargs)

    def given(self, argv: list[str] | None) -> dict[str, Any]:
        """Only what stands on the command line, by field name."""
        # Past argparse_dataclass's own method, which would build the dataclass before the profile is read.
        namespace, unknown = argparse.ArgumentParser.parse_known_args(self, argv)
        for argument in unknown:
            if not argument.startswith("-"):
                raise ConfigError(f"unexpected {argument!r}; every value follows its flag; --help lists all")
            flag = argument.split("=")[0]
            raise ConfigError(f"unknown flag {flag}; {_did_you_mean(flag, self._option_string_actions)}")
        return vars(namespace)

    def error(self, message: str) -> Any:
        """argparse's complaint in one line, in place of its usage text and exit."""
        raise ConfigError(f"{message.removeprefix('argument ')}; --help lists all")


def _read_profile(config_class: type["DataclassInstance"], path: str) -> dict[str, Any]:
    """The settings of a YAML file, every one a field of `config_class` and of its type."""
    settings: dict[str, Any] = {}
    hints = get_type_hints(config_class)
    for name, value, line in _yaml_settings(path):
        where = f"line {line}: {path}"
        if name not in hints:
            raise ConfigError(f"unknown setting {name!r}; {_did_you_mean(name, hints)}; {where}")
        if name in settings:  # YAML itself would take the last in silence
            raise ConfigError(f"{name} is set twice; leave one, {where}")
        try:
            settings[name] = _typed(value, hints[name])
        except ValueError:
            raise ConfigError(f"{name} is {_short(value)}, expected {_describe(hints[name])}; change {where}") from None
    return settings


def _yaml_settings(path: str) -> list[tuple[str, Any, int]]:
    """Name, value and line of every setting in a YAML file, in the file's order."""
    try:
        with open(shipped(path), "rb") as file:
            text = file.read(LONGEST_PROFILE + 1)
    except OSError as error:
        raise ConfigError(f"cannot read the profile, give a YAML file to --config: {error.strerror}: {path}") from error
    if len(text) > LONGEST_PROFILE:
        raise ConfigError(f"a profile has at most {LONGEST_PROFILE} bytes, got more; give another file: {path}")
    try:
        _refuse_nested(text, path)
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
        if root is None:  # an empty file sets nothing
            return []
        if not isinstance(root, yaml.MappingNode):
            raise ConfigError(f"a profile holds lines of `name: value`, got a {root.tag.rpartition(':')[2]}: {path}")
        return [
            (str(key.value), loader.construct_object(value, deep=True), key.start_mark.line + 1)
            for key, value in root.value
        ]
    except (yaml.YAMLError, ValueError, TypeError) as error:  # a date such as 2026-02-30; a list as a key
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        line = f"line {mark.line + 1}: " if mark else ""
        raise ConfigError(f"broken YAML, {problem}; mend {line}{path}") from error


def _refuse_nested(text: bytes, path: str) -> None:
    """Aliases of aliases stand for more than memory holds, and PyYAML's time grows with the square of the depth."""
    depth = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent) or depth > DEEPEST:
            what = "an alias (*name)" if isinstance(event, yaml.AliasEvent) else "lists within lists"
            raise ConfigError(f"a profile holds lines of `name: value`, got {what}; write it out: {path}")


def _typed(value: Any, hint: Any) -> Any:
    """A YAML value as `hint`. Raises ValueError where it does not fit; nothing is guessed (True is no int)."""
    if value is None and hint != _without_none(hint):
        return None
    hint = _without_none(hint)
    if get_origin(hint) is list and isinstance(value, list):
        return [_typed(item, get_args(hint)[0]) for item in value]
    if get_origin(hint) is Literal and any(
        value == choice and type(value) is type(choice) for choice in get_args(hint)
    ):
        return value
    if hint is float and type(value) in (int, float, str):  # PyYAML reads 2e-4, without a dot, as a string
        return float(value)
    if hint is Path and isinstance(value, str):
        return Path(value)
    if type(value) is hint:
        return value
    raise ValueError


def _short(value: Any) -> str:
    """A value as a person would write it, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}..."


def _without_none(hint: Any) -> Any:
    """`X | None` or `Optional[X]` => `X`; anything else as it is."""
    if get_origin(hint) in (Union, types.UnionType):
        (hint,) = (argument for argument in get_args(hint) if argument is not types.NoneType)
    return hint


def _describe(hint: Any) -> str:
    """A type as a user would say it."""
    if hint != _without_none(hint):
        return f"{_describe(_without_none(hint))}, or null"
    if get_origin(hint) is list:
        return f"a list, each of it {_describe(get_args(hint)[0])}"
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(map(str, get_args(hint)))
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "text", Path: "a path"}
    return names[hint]


def _help(field: "dataclasses.Field[Any]") -> str:
    """The field's help with its default, which argparse cannot know: it is given none."""
    text = field.metadata.get("help", "")
    default = field.default_factory() if callable(field.default_factory) else field.default
    if _is_required(field):
        text += " (required)"
    elif default is not None:
        value = " ".join(map(str, default)) if isinstance(default, list) else field.metadata.get("default", default)
        text += f" (default: {value})"
    return text.strip().replace("%", "%%")


def _is_required(field: "dataclasses.Field[Any]") -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    match = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {match[0]}?" if match else "--help lists all"
