"""Avro schemas from files and from strangers: parsed once, checked to be harmless, found by Confluent schema id.

A Confluent message says only the number of its schema. Rubin numbers them 100 x major + minor (900 is v9.0), so that a
folder of `.avsc` files is all a reader needs; other numbers can be given as `<id>.avsc`, the form a schema registry exports.
A schema may make a decoder loop or recurse without consuming a byte; such schemas are refused.
"""

import copy
import functools
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lcjax.errors import DataError, MissingExtraError

MAX_SCHEMA_BYTES = 4 << 20
ENVIRONMENT = "LCJAX_ALERT_SCHEMAS"
"""Folders (separated like PATH) that are searched for schemas besides those given."""
_RUBIN = re.compile(r"v(\d+)_(\d+)")
_PRIMITIVES = {"null", "boolean", "int", "long", "float", "double", "bytes", "string"}


def fastavro() -> Any:
    """The package, or an error that names the extra."""
    try:
        import fastavro as package
    except ImportError:
        raise MissingExtraError("fastavro", "data", "reading Avro alerts") from None
    return package


@functools.lru_cache(maxsize=64)
def parse_schema(text: bytes) -> Any:
    """A parsed schema from its JSON, e.g. of a container's header; cached, since every alert file repeats it.

    Raises:
      ValueError: no schema, too large, recursive, or with array items of no bytes.
    """
    if len(text) > MAX_SCHEMA_BYTES:
        raise ValueError(f"the schema has {len(text):,} bytes, more than {MAX_SCHEMA_BYTES:,}")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the schema is not JSON ({type(error).__name__})") from None
    return _parse(content, {})


def _parse(content: Any, named: dict[str, Any]) -> Any:
    try:
        parsed = fastavro().parse_schema(content, named_schemas=named)
        smallest_size(parsed, named)
    except (MissingExtraError, MemoryError):
        raise
    except RecursionError:
        raise ValueError("the schema is nested too deeply") from None
    except Exception as error:  # fastavro raises several kinds, KeyError and TypeError among them
        raise ValueError(f"the schema is not usable ({error})") from None
    return parsed


_REDUCED: dict[tuple[int, frozenset[str]], tuple[Any, Any]] = {}


def without_fields(schema: Any, names: frozenset[str]) -> Any:
    """A parsed record schema without some top-level fields, for a decoder to skip them; None where that is not possible.

    Kept for the schemas in use, by identity: the same schema comes with every packet.
    """
    key = (id(schema), names)
    if key not in _REDUCED:
        if len(_REDUCED) >= 64:
            _REDUCED.clear()
        _REDUCED[key] = (schema, _without_fields(schema, names))  # holding the schema keeps its id from being reused
    return _REDUCED[key][1]


def _without_fields(schema: Any, names: frozenset[str]) -> Any:
    fields = schema.get("fields", ()) if isinstance(schema, dict) else ()
    kept = [field for field in fields if field["name"] not in names]
    if len(kept) == len(fields):
        return None
    reduced = {k: v for k, v in schema.items() if not k.startswith("__")} | {"fields": kept}
    try:
        return _parse(copy.deepcopy(reduced), {})
    except ValueError:  # a field that stays refers to a record that a dropped one defines
        return None


def smallest_size(schema: Any, named: dict[str, Any], inside: tuple[str, ...] = ()) -> int:
    """Bytes that the shortest value of a parsed schema takes.

    Raises:
      ValueError: the schema contains itself, or an array whose items may take no byte at all (an array of a few bytes
        could then claim 2^62 items).
    """
    kind = schema["type"] if isinstance(schema, dict) else schema
    if isinstance(kind, list):  # a union costs its branch number
        return 1 + min([smallest_size(branch, named, inside) for branch in kind], default=0)
    if isinstance(kind, dict):
        return smallest_size(kind, named, inside)
    if kind in _PRIMITIVES:
        return {"null": 0, "float": 4, "double": 8}.get(kind, 1)
    if kind in ("array", "map"):
        items = smallest_size(schema["items" if kind == "array" else "values"], named, inside)
        if kind == "array" and items == 0:
            raise ValueError("array items without bytes")
        return 1
    if kind == "enum":
        return 1
    if kind == "fixed":
        return int(schema["size"])
    if kind in ("record", "error"):
        name = schema["name"]
        if name in inside or len(inside) > 32:
            raise ValueError(f"'{name}' contains itself")
        return sum(smallest_size(f["type"], named, (*inside, name)) for f in schema["fields"])
    if kind in named:
        return smallest_size(named[kind], named, inside)
    raise ValueError(f"unknown type '{kind}'")


class SchemaSet:
    """Schemas by Confluent id, from files or folders of `.avsc` and `.json` files.

    A folder is searched with its subfolders. Files that belong together (`lsst.v9_0.alert.avsc` and the records it refers
    to) are joined by the names of their records. Ids come from Rubin's `v<major>_<minor>`, from a file name that is a
    number, or from `"id"` beside `"schema"` in a registry's answer.
    """

    def __init__(self, paths: Iterable[Path | str] = ()) -> None:
        """Lists the files; each schema is parsed when its first message comes.

        Raises:
          DataError: a path does not exist.
        """
        self._files: dict[int, Path] = {}
        self._parsed: dict[int, Any] = {}
        self._searched: set[Path] = set()
        extra = [p for p in os.environ.get(ENVIRONMENT, "").split(os.pathsep) if p]
        for path in map(Path, [*paths, *extra]):
            if not path.exists():
                raise DataError(f"there is no schema file or folder '{path}'")
            self.add(path)

    def add(self, path: Path) -> None:
        """Takes a file, or every schema file at and below a folder; ids that are known already stay as they are."""
        files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.suffix in (".avsc", ".json"))
        for file in files:
            number = _schema_id(file)
            if number is not None:
                self._files.setdefault(number, file)

    def add_beside(self, folder: Path) -> None:
        """Takes the `.avsc` files of a folder of alerts and of the folders in it; looks there only once."""
        if folder not in self._searched:
            self._searched.add(folder)
            for file in sorted([*folder.glob("*.avsc"), *folder.glob("*/*.avsc")]):
                self.add(file)

    def __getstate__(self) -> dict[str, Any]:
        """What another process needs to know; it parses for itself."""
        return {**self.__dict__, "_parsed": {}}

    def __contains__(self, number: int) -> bool:
        return number in self._files

    def ids(self) -> list[int]:
        """The ids that can be resolved, ascending."""
        return sorted(self._files)

    def schema(self, number: int) -> Any:
        """The parsed schema of an id.

        Raises:
          ValueError: unknown, or its file cannot be used; the message says what to do.
        """
        if number not in self._files:
            known = ", ".join(map(str, self.ids())) or "none"
            raise ValueError(
                f"unknown schema: id {number} (known: {known}); give the folder of its .avsc files, or name it in the "
                f"environment variable {ENVIRONMENT}"
            )
        if number not in self._parsed:
            try:
                self._parsed[number] = _load(self._files[number])
            except (ValueError, MissingExtraError, MemoryError):
                raise
            except Exception as error:  # JSON of another form than that of a schema: any type anywhere
                raise ValueError(
                    f"schema file '{self._files[number]}' cannot be used ({type(error).__name__}: {error})"
                ) from None
        return self._parsed[number]


def _schema_id(path: Path) -> int | None:
    """The id of a file that holds a whole alert's schema; None: another file."""
    if match := re.fullmatch(r"(?:schema[_-]?)?(\d+)", path.stem):
        return int(match[1])
    if path.stem.endswith("alert") and path.suffix == ".avsc" and (match := _RUBIN.search(path.stem)):
        return 100 * int(match[1]) + int(match[2])
    if path.suffix == ".json" and path.stat().st_size <= MAX_SCHEMA_BYTES:
        try:
            content = json.loads(path.read_bytes())
        except (ValueError, RecursionError):
            return None
        if isinstance(content, dict) and isinstance(content.get("id"), int) and "schema" in content:
            return content["id"]
    return None


def _load(path: Path) -> Any:
    """Parses a schema file, taking named records it refers to from the files beside it."""
    content = _read_json(path)
    if isinstance(content, dict) and isinstance(content.get("schema"), str):
        content = json.loads(content["schema"])
    named: dict[str, Any] = {}
    beside = {file.stem: file for file in path.parent.glob("*.avsc") if file != path}
    namespace = content.get("namespace", "") if isinstance(content, dict) else ""
    return _parse(_joined(content, beside, namespace, set(), 0), named)


def _joined(node: Any, files: dict[str, Path], namespace: str, done: set[str], depth: int) -> Any:
    """The schema with the first mention of every record of another file replaced by that record."""
    if depth > 64:
        raise ValueError("the schema is nested too deeply")
    if isinstance(node, str):
        for name in (node, f"{namespace}.{node}"):
            if name in files and name not in done and node not in _PRIMITIVES:
                done.add(name)
                content = _read_json(files[name])
                return _joined(content, files, content.get("namespace", namespace), done, depth + 1)
        return node
    if isinstance(node, list):
        return [_joined(item, files, namespace, done, depth + 1) for item in node]
    if not isinstance(node, dict):
        return node
    out = dict(node)
    for key in ("type", "items", "values"):
        if key in out:
            out[key] = _joined(out[key], files, namespace, done, depth + 1)
    if "fields" in out:
        out["fields"] = [_joined(item, files, namespace, done, depth + 1) for item in out["fields"]]
    return out


def _read_json(path: Path) -> Any:
    try:
        if path.stat().st_size > MAX_SCHEMA_BYTES:
            raise ValueError(f"'{path}' has more than {MAX_SCHEMA_BYTES:,} bytes")
        return json.loads(path.read_bytes())
    except (OSError, RecursionError, ValueError) as error:
        raise ValueError(f"schema file '{path}' cannot be used ({error})") from None
