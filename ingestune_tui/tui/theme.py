"""The themes and the names of their colours. The only file of the app that knows a colour by its value.

Widgets and charts name roles: `$tuned`, `$baseline`, `$running`, `$flag`, `$bad`, `$quiet`, `$rule`, `$ghost`,
`$chosen`, `$series-1` to `$series-6`. Every theme defines all of them, so nothing else changes when the theme does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from textual.theme import Theme

_OKABE_ITO: Final = {
    "series-1": "#56b4e9",
    "series-2": "#e69f00",
    "series-3": "#009e73",
    "series-4": "#cc79a7",
    "series-5": "#f0e442",
    "series-6": "#d55e00",
}
"""The palette of Okabe and Ito, which stays apart for every kind of colour vision."""


def _roles(tuned: str, baseline: str, flag: str, bad: str, quiet: str, rule: str, chosen: str) -> dict[str, str]:
    return {
        "tuned": tuned,
        "baseline": baseline,
        "running": tuned,
        "flag": flag,
        "bad": bad,
        "quiet": quiet,
        "ghost": rule,
        "rule": rule,
        "chosen": chosen,
        "scrollbar": rule,
        "scrollbar-background": chosen,
        "block-cursor-text-style": "bold",
    }


DARK: Final = Theme(
    name="dark",
    primary="#5fd7d7",
    secondary="#8aa9c0",
    accent="#5fd7d7",
    warning="#e5b567",
    error="#f0716b",
    success="#7ec699",
    foreground="#d6dde3",
    background="#11161a",
    surface="#182026",
    panel="#202b32",
    dark=True,
    variables=_OKABE_ITO | _roles("#5fd7d7", "#d9a5e0", "#e5b567", "#f0716b", "#82929e", "#41505a", "#24333c"),
)
LIGHT: Final = Theme(
    name="light",
    primary="#00707a",
    secondary="#46606f",
    accent="#00707a",
    warning="#8a5a00",
    error="#b3261e",
    success="#1e6b3a",
    foreground="#1d262c",
    background="#f8f8f5",
    surface="#efefea",
    panel="#e3e5e0",
    dark=False,
    variables={
        "series-1": "#0072b2",
        "series-2": "#b36b00",
        "series-3": "#007a58",
        "series-4": "#a8457d",
        "series-5": "#7a6f00",
        "series-6": "#b84a00",
    }
    | _roles("#00707a", "#8a3b97", "#8a5a00", "#b3261e", "#5c6a73", "#b3bcc1", "#d5e3e4"),
)
CONTRAST: Final = Theme(
    name="high-contrast",
    primary="#00ffff",
    secondary="#ffffff",
    accent="#00ffff",
    warning="#ffd700",
    error="#ff8080",
    success="#66ff66",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#1a1a1a",
    dark=True,
    variables=_OKABE_ITO | _roles("#00ffff", "#ffa6ff", "#ffd700", "#ff8080", "#d0d0d0", "#8c8c8c", "#00414d"),
)
COLOUR_BLIND: Final = Theme(
    name="colour-blind",
    primary="#56b4e9",
    secondary="#9fb3c8",
    accent="#56b4e9",
    warning="#f0e442",
    error="#d55e00",
    success="#009e73",
    foreground="#e6e6e6",
    background="#101418",
    surface="#171d23",
    panel="#1f2830",
    dark=True,
    variables=_OKABE_ITO | _roles("#56b4e9", "#e69f00", "#f0e442", "#f07830", "#8b98a4", "#465460", "#1f3442"),
)
SIXTEEN: Final = Theme(
    name="terminal",
    primary="ansi_cyan",
    secondary="ansi_blue",
    accent="ansi_cyan",
    warning="ansi_yellow",
    error="ansi_red",
    success="ansi_green",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    dark=True,
    ansi=True,
    variables={
        "series-1": "ansi_cyan",
        "series-2": "ansi_yellow",
        "series-3": "ansi_green",
        "series-4": "ansi_magenta",
        "series-5": "ansi_blue",
        "series-6": "ansi_red",
        "block-cursor-foreground": "ansi_black",
        "block-cursor-background": "ansi_cyan",
        "input-cursor-text-style": "reverse",
        "border": "ansi_cyan",
        "border-blurred": "ansi_default",
        "ansi-background": "ansi_black",
        "ansi-foreground": "ansi_white",
    }
    | _roles("ansi_cyan", "ansi_magenta", "ansi_yellow", "ansi_red", "ansi_default", "ansi_default", "ansi_default"),
)
"""The terminal's own sixteen colours, whatever the person has made of them."""

THEMES: Final = (DARK, LIGHT, CONTRAST, COLOUR_BLIND, SIXTEEN)


def first_theme(configured: str | None, last: str, *, few_colours: bool) -> str:
    """The theme to start with: the configured one, the terminal's own where colours are few, else the last one used."""
    names = {theme.name for theme in THEMES}
    if configured in names and configured is not None:
        return configured
    if few_colours:
        return SIXTEEN.name
    return last if last in names else DARK.name


def defaults() -> Mapping[str, str]:
    """Every role with a value, for the moment before the first theme is set."""
    return DARK.variables
