"""Whether this machine can run the engine's library, before it is loaded and dies of it.

The prebuilt library uses AVX2, FMA, F16C and BMI2 on x86: without one of them the processor ends
the process with an illegal instruction, and nobody would know why.
"""

from __future__ import annotations

import importlib.metadata
import platform
from pathlib import Path

from lakelet.errors import EngineError, MissingExtraError

__all__ = ("VERSION", "refuse_unfit_machine")

VERSION = "2026.10.11549"
"""The one version of xllamacpp that this was built and tested with; its structs move."""
_NEEDED = ("avx2", "fma", "f16c", "bmi2")


def refuse_unfit_machine() -> None:
    """Refuse to load the engine where it would crash, or is another than the one tested.

    Raises:
        MissingExtraError: it is not installed.
        EngineError: another version, or a processor without what it uses.
    """
    try:
        found = importlib.metadata.version("xllamacpp")
    except importlib.metadata.PackageNotFoundError:
        raise MissingExtraError.needs("models", "the engine") from None
    if found != VERSION:
        raise EngineError(
            f"xllamacpp is {found}, and this Lakelet was tested with {VERSION} only; no model was "
            "loaded.",
            hint=f"pip install 'xllamacpp=={VERSION}'",
        )
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return
    try:
        text = Path("/proc/cpuinfo").read_text("ascii", "replace")
    except OSError:
        return
    flags = next((line for line in text.splitlines() if line.startswith("flags")), "").split()
    missing = [one for one in _NEEDED if flags and one not in flags]
    if missing:
        raise EngineError(
            f"this processor lacks {', '.join(missing)}, which the engine's prebuilt library uses; "
            "no model was loaded.",
            hint="a llama-server built for this machine does not need them.",
        )
