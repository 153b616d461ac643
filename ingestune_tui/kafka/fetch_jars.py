"""Fetches a set of Maven jars into one folder, as a process of its own: jgo blocks, and may print.

Run as a script by jars.py: `fetch_jars.py COORDINATES FOLDER`. Prints one JSON line per downloaded jar and a last one
with either `jars` or `error`. The folder appears whole or not at all. Ends when its stdin closes.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

_TIMEOUT_S = 30


def main(coordinates: str, folder: Path) -> int:
    """Exit code 0 when `folder` holds every jar of `coordinates` (jgo's `G:A:V+G:A:V!` form), else 1."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fetch-", dir=folder.parent, ignore_cleanup_errors=True) as staging:
        try:
            jars = _resolve(coordinates, Path(staging) / "repository")
            count = _collect(jars, Path(staging) / "jars")
            with contextlib.suppress(OSError):  # another process was faster: its folder is as good
                os.rename(Path(staging) / "jars", folder)
        except Exception as error:  # noqa: BLE001 - whatever jgo, requests or the disk raise, the parent tells it
            _say(error=f"{type(error).__name__}: {error}")
            return 1
    _say(jars=count)
    return 0


def _resolve(coordinates: str, repository: Path) -> list[Path]:
    """Local paths of every jar. What Maven's own repository on this machine already has is not downloaded again."""
    from jgo.constants import default_maven_repo  # 150 ms with requests; after the watcher is up

    known = [default_maven_repo()] if default_maven_repo().is_dir() else []
    try:
        jars = _resolve_with(coordinates, repository, known)
        if all(zipfile.is_zipfile(jar) for jar in jars):
            return jars
    except Exception:  # a half-written file there: without that repository, the real error shows
        if not known:
            raise
    return _resolve_with(coordinates, repository, [])


def _resolve_with(coordinates: str, repository: Path, known: list[Path]) -> list[Path]:
    from jgo.config import GlobalSettings
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.maven import MavenContext, PythonResolver
    from jgo.parse import Endpoint

    context = MavenContext(
        resolver=PythonResolver(progress_callback=_report),
        repo_cache=repository,
        local_repos=known,
        # A mirror that the user configured for jgo comes first.
        remote_repos={**GlobalSettings.load().repositories, "central": MAVEN_CENTRAL_URL},
        timeout=_TIMEOUT_S,
    )
    wanted = [
        context.create_dependency(replace(coordinate, scope=coordinate.scope or "compile"))
        for coordinate in Endpoint.parse(coordinates).coordinates
    ]
    direct, transitive = context.resolver.resolve(wanted)
    needed = [*direct, *(d for d in transitive if d.scope in ("compile", "runtime"))]
    return [dependency.artifact.resolve() for dependency in needed]


def _collect(jars: list[Path], folder: Path) -> int:
    folder.mkdir()
    for jar in jars:
        if not zipfile.is_zipfile(jar):
            raise OSError(f"{jar.name} arrived damaged")
        try:
            os.link(jar, folder / jar.name)
        except OSError:
            shutil.copyfile(jar, folder / jar.name)
    return len(jars)


@contextlib.contextmanager
def _report(name: str, size_bytes: int) -> Iterator[Callable[[int], None]]:
    yield lambda count: None
    if name.endswith(".jar"):
        _say(jar=name, bytes=size_bytes)


def _say(**fields: Any) -> None:
    print(json.dumps(fields), flush=True)


def _end_with_parent() -> None:
    while os.read(0, 4096):
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
