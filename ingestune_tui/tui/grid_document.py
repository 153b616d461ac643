"""The grid file in the editor: its text, its problems, and every edit a person can make to it. No Textual here.

Edits go through tomlkit, list items one by one, so that comments and everything else stay as they were written;
each is read back with tomli before it counts. Undo keeps whole texts.
"""

from __future__ import annotations

import contextlib
import difflib
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli

from ingestune_tui.errors import ExportError, GridError, Problem, UsageError
from ingestune_tui.model.grid_reader import parse_parameter_name, read_grid

if TYPE_CHECKING:
    from ingestune_tui.model.grid import Grid

Keys = tuple[str, ...]
"""Where a value stands, one TOML key each: ("producer", "linger.ms"); without quotes, ("producer", "linger", "ms")."""

MAX_UNDO = 200


class GridDocument:
    """One grid file being edited."""

    def __init__(self, text: str, name: str = "new.toml", path: Path | None = None, *, ready: bool = False) -> None:
        """`ready` grids ship with ingestune: they are copied, never written to."""
        self.name = name
        self.path = None if ready else path
        self._source = path
        """The file this text began as; for a ready grid the one it is a copy of."""
        self.directory = path.parent if path is not None else Path.cwd()
        """Where relative paths in the grid start."""
        self.saved_text = text
        """What the file holds, as far as the editor knows."""
        self._undone: list[str] = []
        self._past: list[str] = []
        self._text = ""
        self._take(text)

    @classmethod
    def open(cls, path: Path, *, ready: bool = False) -> GridDocument:
        """Read a file. Raises UsageError if that is not possible; a grid with problems opens all the same."""
        try:
            if path.stat().st_size > 1_000_000:
                raise UsageError(f"{path} is larger than 1 MB, which no grid is")
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as problem:
            reason = problem.strerror if isinstance(problem, OSError) else "it is not UTF-8 text"
            raise UsageError(f"{path} cannot be opened: {reason}") from problem
        return cls(text, path.name, path, ready=ready)

    @property
    def text(self) -> str:
        """The whole file as it would be saved."""
        return self._text

    @property
    def changed(self) -> bool:
        """True when the file holds something else."""
        return self._text != self.saved_text

    def is_from(self, path: Path) -> bool:
        """True when this text was opened from the file that `path` leads to, or was saved to it."""
        return self._source is not None and _real(self._source) == _real(path)

    def _take(self, text: str) -> None:
        self._text = text
        self.plain: Mapping[str, Any] = {}
        """The file as plain values; empty while it is not TOML."""
        self.grid: Grid | None = None
        """The grid; None while there are problems."""
        self.problems: tuple[Problem, ...] = ()
        with contextlib.suppress(tomli.TOMLDecodeError, RecursionError):
            self.plain = tomli.loads(text)
        try:
            self.grid = read_grid(text, self.name)
        except GridError as error:
            self.problems = error.problems

    # Edits. Each returns True when the text is another one now.

    def set_values(self, keys: Keys, values: Sequence[Any]) -> bool:
        """The candidate values of a parameter; comments beside values that stay are kept."""

        def change(document: Any) -> None:
            table, key = _parent(document, keys), keys[-1]
            old = table.get(key)
            if isinstance(old, list):
                _change_items(old, values)
            else:
                table[key] = values[0] if len(values) == 1 else list(values)

        return self._edit(change)

    def set_field(self, keys: Keys, value: Any) -> bool:
        """A field of a section, or a title; None takes it out. A list is changed item by item."""

        def change(document: Any) -> None:
            if value is None:
                table = _lookup(document, keys[:-1])
                if table is not None and keys[-1] in table:
                    del table[keys[-1]]
                return
            table, key = _table(document, keys[:-1]), keys[-1]
            old = table.get(key)
            if isinstance(old, list) and isinstance(value, list):
                _change_items(old, value)
            elif key in table:
                table[key] = value
            else:
                _append(table, key, value)

        return self._edit(change)

    def add(self, table_keys: Keys, name: str, values: Sequence[Any]) -> bool:
        """A new parameter at the end of its section, which is made if it is missing."""

        def change(document: Any) -> None:
            table = _table(document, table_keys)
            _append(table, name, values[0] if len(values) == 1 else list(values))

        return self._edit(change)

    def delete(self, keys: Keys, parameter: str = "") -> bool:
        """Take a value out. `parameter` (`producer.linger.ms`) also leaves the list of those switched off."""

        def change(document: Any) -> None:
            del _parent(document, keys)[keys[-1]]
            for depth in range(len(keys) - 1, 1, -1):  # what `linger.ms = ...` without quotes leaves behind
                if _lookup(document, keys[:depth]) == {}:
                    del _parent(document, keys[:depth])[keys[depth - 1]]
            if parameter:
                _switch_on(document, parameter)

        return self._edit(change)

    def toggle(self, parameter: str) -> bool:
        """Switch a parameter (`producer.linger.ms`) off without losing its values, or on again."""

        def change(document: Any) -> None:
            if not _switch_on(document, parameter):
                search = _table(document, ("search",))
                off = search.get("off")
                if isinstance(off, list):
                    off.append(parameter)
                else:
                    _append(search, "off", [parameter])

        return self._edit(change)

    def replace(self, text: str) -> bool:
        """A whole new text, from a text editor."""
        return self._remember(text)

    def undo(self) -> bool:
        """The text before the last edit; False when there is none."""
        if not self._past:
            return False
        self._undone.append(self._text)
        self._take(self._past.pop())
        return True

    def redo(self) -> bool:
        """The text before the last undo; False when there is none."""
        if not self._undone:
            return False
        self._past.append(self._text)
        self._take(self._undone.pop())
        return True

    def _edit(self, change: Callable[[Any], None]) -> bool:
        import tomlkit  # 15 ms, and only edits need it
        from tomlkit.exceptions import TOMLKitError

        try:
            document = tomlkit.parse(self._text)
            change(document)
            text = document.as_string()
            if tomli.loads(text) != document.unwrap():
                raise UsageError(
                    "this line cannot be changed without touching others", "ctrl+e opens the file as text."
                )
        except (TOMLKitError, tomli.TOMLDecodeError, RecursionError, KeyError, TypeError, AttributeError) as problem:
            raise UsageError(
                "the file is written in a way that cannot be edited here", "ctrl+e opens it as text."
            ) from problem
        return self._remember(text)

    def _remember(self, text: str) -> bool:
        if text == self._text:
            return False
        self._past.append(self._text)
        del self._past[:-MAX_UNDO]
        self._undone.clear()
        self._take(text)
        return True

    # The file.

    def changed_on_disk(self) -> bool:
        """True when somebody else wrote the file since it was opened or saved here."""
        if self.path is None:
            return False
        try:
            return self.path.read_text(encoding="utf-8-sig") != self.saved_text
        except FileNotFoundError:
            return False
        except (OSError, UnicodeDecodeError):
            return True

    def save(self, path: Path | None = None) -> Path:
        """Write the text, whole or not at all. Raises ExportError naming the file."""
        target = _real(path or self.path or Path(self.name))  # a link stays a link, its target is written
        temporary = ""
        try:
            mode = target.stat().st_mode & 0o777 if target.exists() else 0o644
            descriptor, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
                file.write(self._text)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, mode)
            os.replace(temporary, target)
        except OSError as problem:
            if temporary:
                with contextlib.suppress(OSError):
                    os.unlink(temporary)
            raise ExportError(
                f"{target} could not be written: {problem.strerror}", "F2 saves under another name."
            ) from problem
        self.path = self._source = target
        self.name, self.directory, self.saved_text = target.name, target.parent, self._text
        return target


def _real(path: Path) -> Path:
    """Where a path leads; one whose links cannot be followed stands for itself."""
    path = path.expanduser()
    try:
        return path.resolve()
    except OSError:
        return path


def _lookup(document: Any, keys: Keys) -> Any:
    found = document
    for key in keys:
        if not isinstance(found, Mapping) or key not in found:
            return None
        found = found[key]
    return found


def _parent(document: Any, keys: Keys) -> Any:
    found = _lookup(document, keys[:-1])
    if found is None or keys[-1] not in found:
        raise KeyError(keys)
    return found


def _table(document: Any, keys: Keys) -> Any:
    """The table at `keys`, made at the end of the file where it is missing."""
    import tomlkit

    found = document
    for depth, key in enumerate(keys):
        if key not in found:
            inner = depth + 1 < len(keys)
            new = tomlkit.table(is_super_table=inner)
            if depth == 0 and document.as_string() and not document.as_string().endswith("\n\n"):
                document.add(tomlkit.nl())
            found.append(key, new)
        found = found[key]
    if not isinstance(found, Mapping):
        raise TypeError(f"{keys} is no table")
    return found


def _append(table: Any, key: str, value: Any) -> None:
    """After the last key of the table: what follows it, up to the next header, is about that next one."""
    import tomlkit
    from tomlkit.items import SingleKey, Table

    names = [
        name for name, item in getattr(table.value, "body", ()) if name is not None and not isinstance(item, Table)
    ]
    if isinstance(table, Table) and names:
        table.value._insert_after(names[-1], SingleKey(key), tomlkit.item(value))
        if key not in table:
            raise KeyError(key)
    else:
        table.add(SingleKey(key), tomlkit.item(value))


def _change_items(array: Any, values: Sequence[Any]) -> None:
    """Make a TOML list hold `values`, touching only the items that differ."""
    old = [_identity(item.unwrap() if hasattr(item, "unwrap") else item) for item in array]
    new = [_identity(value) for value in values]
    for operation, i1, i2, j1, j2 in reversed(difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()):
        if operation == "equal":
            continue
        shared = min(i2 - i1, j2 - j1)
        for offset in range(shared):
            array[i1 + offset] = values[j1 + offset]
        for index in range(i2 - 1, i1 + shared - 1, -1):
            del array[index]
        for offset in range(shared, j2 - j1):
            array.insert(i1 + offset, values[j1 + offset])


def _identity(value: object) -> tuple[str, object]:
    """1, 1.0, true and "1" are four different things in a file."""
    return type(value).__name__, value


def _switch_on(document: Any, parameter: str) -> bool:
    """Take a parameter out of [search] off, by whichever of its names it stands there; True when it was there."""
    off = _lookup(document, ("search", "off"))
    if not isinstance(off, list):
        return False
    wanted = parse_parameter_name(parameter)
    found = [
        index
        for index, entry in enumerate(off)
        if str(entry) == parameter or (wanted is not None and parse_parameter_name(str(entry)) == wanted)
    ]
    for index in reversed(found):
        del off[index]
    if found and not off and "#" not in str(getattr(off, "as_string", str)()):
        del document["search"]["off"]
    return bool(found)
