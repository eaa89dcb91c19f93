"""Installed packages: which distribution a module comes from, and in which version."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field

__all__ = ("Packages",)


@dataclass
class Packages:
    """Versions by module, looked up once.

    Attributes:
        places: for each distribution asked for, its folder of metadata, named by the version.
    """

    places: dict[str, str] = field(default_factory=dict)
    _known: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def versions(self, module: str) -> tuple[str, ...]:
        """``name version`` of the distributions that a top-level module comes from.

        Nothing for the standard library and for Lakelet, whose meaning is told otherwise.
        """
        if module in sys.stdlib_module_names or module == "lakelet":
            return ()
        if module not in self._known:
            self._known[module] = tuple(self._look(module))
        return self._known[module]

    def _look(self, module: str) -> list[str]:
        import importlib.metadata as metadata

        found = []
        for name in sorted(set(metadata.packages_distributions().get(module, []))):
            one = metadata.distribution(name)
            found.append(f"{name} {one.version}")
            self.places[name] = str(getattr(one, "_path", ""))
        return found or [f"{module}, not installed"]
