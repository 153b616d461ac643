"""What the roles of characters look like: theme variables, resolved once per theme. No widget names a colour.

Roles instead of component classes because every component class of every widget is styled again whenever the focus
moves; with a score of roles on each of ten widgets that took longer than drawing the screen.
"""

from __future__ import annotations

from typing import Final

from rich.style import Style as RichStyle
from textual.style import Style
from textual.widget import Widget

ROLES: Final = {
    "": "",
    "axis": "$quiet",
    "label": "$quiet",
    "now": "bold $running",
    "dim": "$running 60%",
    "ghost": "$ghost",
    "tuned": "bold $tuned",
    "baseline": "$baseline",
    "p50": "$foreground",
    "p99": "$series-2",
    "flag": "$flag",
    "bad": "$bad",
    "strong": "bold",
    "chosen": "on $chosen",
    "rule": "$rule",
    "warmup": "$quiet on $surface",
    "paced": "$quiet",
    "s1": "$series-1",
    "s2": "$series-2",
    "s3": "$series-3",
    "s4": "$series-4",
}
_ANSI: Final = {"chosen": "reverse", "warmup": "$quiet"}
"""In the terminal's own colours there is no background between its own and a loud one."""
_parsed: dict[tuple[str, str], Style] = {}


def style_of(widget: Widget, role: str, base: Style | None = None) -> RichStyle:
    """How `role` looks on `widget`; `a.b` is `a` over `b`. Without a base it is only what the role adds."""
    style = base if base is not None else Style.null()
    for part in reversed(role.split(".")):
        style += _parse(widget, part)
    return style.rich_style


def _parse(widget: Widget, role: str) -> Style:
    theme = widget.app.theme
    if (theme, role) not in _parsed:
        look = _ANSI.get(role, ROLES[role]) if widget.app.native_ansi_color else ROLES[role]
        _parsed[theme, role] = Style.parse(look, widget.app.theme_variables) if look else Style.null()
    return _parsed[theme, role]
