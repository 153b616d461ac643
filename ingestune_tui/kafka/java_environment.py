"""The environment of every JVM that is started here: ours, without what would change how it runs, and so a figure.

Called by whatever starts one: the local broker, the Java load child with its compiler, and the doctor.
"""

from __future__ import annotations

import os
from typing import Final

OPTIONS: Final = ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "CLASSPATH")
"""What a JVM or its launcher reads by itself. The third of them even goes before our own command line."""


def java_environment() -> dict[str, str]:
    """Names and values for a process that is a JVM, or becomes one."""
    return {name: value for name, value in os.environ.items() if name not in OPTIONS}
