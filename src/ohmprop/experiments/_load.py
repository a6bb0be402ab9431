"""From a file, a built-in name or a dict to a validated `Spec`, with one-line complaints."""

import copy
import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import BaseModel, ValidationError

from ohmprop._core import BadInput, nearest
from ohmprop.experiments._builtin import builtin, builtin_names
from ohmprop.experiments._ebana import is_ebana, translate
from ohmprop.experiments._spec import DeviceSpec, Spec
from ohmprop.experiments._unused import keys_of, notes_on


class Loaded(NamedTuple):
    """A validated spec and the notes its reading gave rise to."""

    spec: Spec
    notes: list[str]


class _Loader(yaml.SafeLoader):
    """Safe YAML in which 1e-6 is a number, only true/false are booleans and no key comes twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if key.value in seen and isinstance(key, yaml.ScalarNode):
                problem = f"the key {key.value!r} comes twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in pairs if not tag.endswith((":bool", ":float"))]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"^[-+]?(?:(?:\d[\d_]*\.[\d_]*|\.\d+)(?:[eE][-+]?\d+)?|\d+[eE][-+]?\d+"
        r"|\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
    ),
    list("-+0123456789."),
)


def parse(text: str, where: str) -> Any:
    """Parse YAML or JSON `text`; raises BadInput naming the line."""
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 (a SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        what = getattr(error, "problem", None) or "not YAML"
        raise BadInput(f"{where}{line}: cannot be read as YAML or JSON: {what}") from None


def dump(spec: Spec) -> str:
    """The resolved spec as YAML that `load_spec` reads back to the same spec."""
    return yaml.safe_dump(spec.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def load_spec(
    source: str | Path | dict[str, Any], sets: list[str] | None = None, seed: int | None = None
) -> Loaded:
    """Read, translate, change and validate a spec.

    `source`: a YAML or JSON file, a built-in name, one of the seed's own JSON configurations, or
    a dict. `seed` sets the run's seed and lets initial values and split follow it, as the
    assignment `seed=N` does; `sets` are assignments such as `learning.beta=1e-6`, applied last.
    """
    raw, notes, folder, own = read_source(source)
    written = set(keys_of(raw)) if own else set()
    changed = change(raw, assignments(sets, seed))
    for section, what in (("sweep", "a sweep over several runs"), ("tune", "a search")):
        if section in raw:
            raise BadInput(
                f"{section}: this spec describes {what}; run it with `ohmprop {section}`, or "
                "remove the section"
            )
    spec = resolve(raw, folder)
    if written >= set(keys_of(spec.model_dump())):
        written = set()  # every key is there: a run has written it, nobody chose each
    return Loaded(spec, notes + notes_on(spec, written | changed))


def assignments(sets: list[str] | None, seed: int | None) -> list[tuple[str, Any]]:
    """The keys and values of texts such as `learning.beta=1e-6`, after that of the seed."""
    changes: list[tuple[str, Any]] = [] if seed is None else [("seed", seed)]
    for item in sets or []:
        path, equals, text = item.partition("=")
        if not equals or not all(path.split(".")):
            raise BadInput(f"--set {item}: expected a.b=value")
        changes.append((path, parse(text, f"--set {path}")))
    return changes


def refusal(raw: dict[str, Any], folder: Path) -> str:
    """Why `resolve` refuses the spec as it stands; empty where it does not."""
    try:
        resolve(copy.deepcopy(raw), folder)
    except BadInput as error:
        return str(error)
    return ""


def resolve(raw: dict[str, Any], folder: Path) -> Spec:
    """The validated spec of the table `raw`, whose relative paths count from `folder`, too."""
    return validate(located(raw, folder))


def located(raw: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The table `raw` made independent of where it lies: paths absolute, the device file read."""
    _locate(raw, folder)
    if isinstance(raw.get("device"), dict) and "file" in raw["device"]:
        raw["device"] = with_file(raw["device"], folder)
    return raw


def with_file(device: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The `device` section with its `file` read: the file's keys, and over them its own.

    The file lies beside the spec, else beside the caller; it holds a `device` section.
    """
    name = device["file"]
    if not isinstance(name, str):
        raise BadInput(f"device.file: expected the path of a device file, found {name!r}")
    here = Path(name).expanduser()
    base = read_device(folder / here if (folder / here).is_file() else here)
    own = {key: value for key, value in device.items() if key != "file"}
    if isinstance(base.get("overrides"), dict) and isinstance(own.get("overrides"), dict):
        own["overrides"] = base["overrides"] | own["overrides"]
    return base | own


def read_device(path: Path) -> dict[str, Any]:
    """The table in a device file, its keys those of a spec's `device` section."""
    table = parse(_text(path), str(path))
    if not isinstance(table, dict):
        raise BadInput(
            f"{path}: expected a device, a table with keys such as 'model', found {_kind(table)}"
        )
    for key in table:
        if key not in DeviceSpec.model_fields:
            raise BadInput(
                f"{path}: unknown key {str(key)!r}.{nearest(str(key), DeviceSpec.model_fields)}"
            )
    return table


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: not UTF-8 text ({error.reason})") from None
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror or error}") from None


def _kind(value: Any) -> str:
    return {list: "a list", str: "text", type(None): "nothing"}.get(type(value), repr(value))


def read_source(
    source: str | Path | dict[str, Any],
) -> tuple[dict[str, Any], list[str], Path, bool]:
    """The spec as a table, notes, the folder it lies in, and whether its keys are the user's."""
    if isinstance(source, dict):
        raw, name, folder = json.loads(json.dumps(source)), "run", Path.cwd()
    else:
        path = Path(source)
        if path.is_dir() and str(source) not in builtin_names():
            inside = path / "spec.yaml"
            hint = f", such as the {inside} in it" if inside.is_file() else ""
            raise BadInput(f"{path} is a folder; expected a spec file{hint}")
        if not path.is_file():
            if path.suffix in (".yaml", ".yml", ".json") or len(path.parts) > 1:
                raise BadInput(f"{source}: no such file")
            return builtin(str(source)), [], Path.cwd(), False
        raw, name, folder = parse(_text(path), str(source)), path.stem, path.parent
    if not isinstance(raw, dict):
        raise BadInput(
            f"{source}: expected a spec, a table with sections such as 'data', found {_kind(raw)}"
        )
    if is_ebana(raw):
        raw, notes = translate(raw, name)
        return raw, notes, folder, False
    raw.setdefault("name", name)
    return raw, [], folder, True


def change(raw: dict[str, Any], changes: list[tuple[str, Any]]) -> set[str]:
    """Give the dotted keys of `raw` their new values, in order; returns the keys they give.

    A new seed lets initial values and split follow it, a new source of data drops what belonged to
    the old one, and a device file stands for the whole device.
    """
    given = {path for path, _ in changes}
    if "seed" in given:
        for section, key in (("initial", "seed"), ("data", "split_seed")):
            if isinstance(raw.get(section), dict):
                raw[section] = {k: v for k, v in raw[section].items() if k != key}
    if "device.file" in given:
        raw["device"] = {}
    changed = set()
    for path, value in changes:
        *parents, last = path.split(".")
        node: Any = raw
        for key in parents:
            node = _step(node, key, path)
        if isinstance(node, list):
            node[_index(node, last, path)] = value
        else:
            node[last] = value
        changed |= {path, *(keys_of(value, f"{path}.") if isinstance(value, dict) else ())}
    data = raw.get("data")
    for source, old in (("csv", ("dataset", "rows")), ("dataset", ("csv", "target", "rows"))):
        if f"data.{source}" in given and isinstance(data, dict):
            for key in old:
                if f"data.{key}" not in given:
                    data.pop(key, None)
    return changed


def _step(node: Any, key: str, path: str) -> Any:
    if isinstance(node, list):
        return node[_index(node, key, path)]
    if not isinstance(node.get(key), (dict, list)):
        node[key] = {}
    return node[key]


def _index(node: list[Any], key: str, path: str) -> int:
    if not key.isdecimal() or int(key) >= len(node):
        raise BadInput(f"--set {path}: expected an index below {len(node)}, found {key!r}")
    return int(key)


def _locate(raw: dict[str, Any], folder: Path) -> None:
    """Make the CSV path absolute: beside the caller, else beside the spec file."""
    data = raw.get("data")
    if isinstance(data, dict) and isinstance(data.get("csv"), str):
        here = Path(data["csv"]).expanduser()
        beside = folder / here
        data["csv"] = str((beside if beside.is_file() and not here.is_file() else here).absolute())


def validate(raw: dict[str, Any]) -> Spec:
    """Return the spec; raises BadInput with the first complaint on one line."""
    try:
        return Spec.model_validate(raw)
    except ValidationError as error:
        raise complaint(error, Spec) from None


def complaint(error: ValidationError, model: type[BaseModel]) -> BadInput:
    """The first complaint about a table read as `model`, on one line; unknown keys come first."""
    errors = error.errors()
    first = next((e for e in errors if e["type"] == "extra_forbidden"), errors[0])
    return BadInput(_complaint(dict(first), model))


def _complaint(error: dict[str, Any], model: type[BaseModel]) -> str:
    where = ".".join(str(part) for part in error["loc"] if part not in ("float", "list[float]"))
    kind, found = error["type"], error.get("input")
    if kind == "extra_forbidden":
        *parents, key = error["loc"]
        model = _model_at(model, parents)
        return f"{where}: unknown key.{nearest(str(key), model.model_fields)}"
    prefix = f"{where}: " if where else ""
    if kind == "missing":
        return f"{prefix}this key is missing"
    if kind == "value_error":
        return prefix + str(error["msg"]).removeprefix("Value error, ")
    if kind == "literal_error":
        known = [word.strip("' ") for word in re.split(r", | or ", error["ctx"]["expected"])]
        return f"{prefix}found {found!r}.{nearest(str(found), known)}"
    expected = {
        "string_type": "text",
        "bool_type": "true or false",
        "bool_parsing": "true or false",
        "list_type": "a list",
        "dict_type": "a table",
        "model_type": "a table of keys",
        "model_attributes_type": "a table of keys",
    }.get(kind, str(error["msg"]))
    return f"{prefix}expected {expected}, found {found!r}"


def _model_at(model: type[BaseModel], parents: list[Any]) -> type[BaseModel]:
    for part in parents:
        field = model.model_fields.get(str(part))
        if field is None or not isinstance(field.annotation, type):
            break
        model = field.annotation
    return model
