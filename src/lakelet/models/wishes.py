"""What people wish of a model, held against its card: "MIT or Apache", "Japanese", "smaller"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lakelet.errors import CommandError
from lakelet.models.card import Card
from lakelet.models.licences import CLASSES
from lakelet.workspace.quantities import parse_bytes

__all__ = ("Wishes", "parse_tokens", "wishes_of")

_TOKENS = re.compile(r"(\d+(?:\.\d+)?)\s*([km]?)i?", re.I)
# People write a language's name, cards its code (BCP 47).
_LANGUAGES = {
    "arabic": "ar", "chinese": "zh", "czech": "cs", "dutch": "nl", "english": "en", "french": "fr",
    "german": "de", "hindi": "hi", "italian": "it", "japanese": "ja", "korean": "ko",
    "polish": "pl", "portuguese": "pt", "russian": "ru", "spanish": "es", "swedish": "sv",
    "thai": "th", "turkish": "tr", "ukrainian": "uk", "vietnamese": "vi",
}  # fmt: skip


@dataclass(frozen=True)
class Wishes:
    """What a model must be like.

    Attributes:
        licences: SPDX identifiers or classes, one of which its licence must be.
        languages: codes of languages, all of which it must name.
        context: tokens it must take.
        bytes: the most that its weights may take; 0 for any.
        vision: whether it must take pictures.
        audio: whether it must take sound.
        thinks: whether it must think before it answers.
    """

    licences: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    context: int = 0
    bytes: int = 0
    vision: bool = False
    audio: bool = False
    thinks: bool = False

    def met_by(self, card: Card) -> bool:
        """Whether a model is like that; what its card does not say is not."""
        licence = {card.licence.spdx.lower(), card.licence.kind}
        starts = any(card.licence.spdx.lower().startswith(one) for one in self.licences)
        said = {one.lower().partition("-")[0] for one in card.languages}
        return (
            (not self.licences or starts or bool(licence & set(self.licences)))
            and set(self.languages) <= said
            and card.context >= self.context
            and (not self.bytes or card.bytes <= self.bytes)
            and (card.vision or not self.vision)
            and (card.audio or not self.audio)
            and (card.thinking != "none" or not self.thinks)
        )


def wishes_of(
    *, licence: str = "", language: str = "", context: str = "", size: str = "",
    vision: bool = False, audio: bool = False, thinks: bool = False,
) -> Wishes:  # fmt: skip
    """Wishes as people write them: ``MIT,Apache``, ``Japanese``, ``32k``, ``8 GB``.

    Raises:
        CommandError: a window that is no number of tokens.
        SettingsError: a size that is none.
    """
    names = [one.strip().lower() for one in licence.split(",") if one.strip()]
    spoken = [one.strip().lower() for one in language.split(",") if one.strip()]
    return Wishes(
        tuple(one if one in CLASSES else one.replace(" ", "-") for one in names),
        tuple(_LANGUAGES.get(one, one) for one in spoken),
        parse_tokens(context) if context else 0,
        parse_bytes(size) if size else 0,
        vision, audio, thinks,
    )  # fmt: skip


def parse_tokens(text: str) -> int:
    """A number of tokens: ``8192``, ``16k`` (16,384), ``1M`` (1,048,576).

    Raises:
        CommandError: it is none.
    """
    found = _TOKENS.fullmatch(text.strip())
    if found is None or not float(found[1]):
        raise CommandError(
            f"{text!r} is no number of tokens; nothing was done.", hint="write 8192 or 16k."
        )
    return int(float(found[1]) * {"": 1, "k": 1024, "m": 1024**2}[found[2].lower()])
