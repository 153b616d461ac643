"""One type for every password and DSN: it prints as `***` wherever it is shown, logged or compared in a test.

Only the code that hands the value to a client calls `reveal()`.
"""

from __future__ import annotations


class Secret:
    """A string that does not show itself. Equal secrets compare equal; `repr` and `str` are `***`."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself, for the client library that needs it and for nothing else."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format("***", spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> str:
        raise TypeError("a secret is never pickled")
