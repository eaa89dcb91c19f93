"""All that talks to the engine's library by its C functions: tokens in, numbers out.

The parameters of the library are structs that move between its versions. They are taken whole, as
the library fills them in, and only their first words are set, which have stood at their places for
years; these are looked at before they are written, and what the library made of them is read back
from the loaded model. The version is pinned, and refused where it is another.

Source: llama.cpp's ``include/llama.h``.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

from lakelet.errors import EngineError
from lakelet.inference.engine.flags import refuse_unfit_machine

__all__ = ("LoadedLibrary",)

_VERSION = "0.6.0"
_WORDS = 256
"""More than any struct of parameters has; where one is passed, it is the last argument."""
_USUAL = (512, 2048, 512, 1)
"""What the context's parameters begin with: tokens, of a batch, of a part of it, conversations."""
_QUIET = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)


class _Params(ctypes.Structure):
    _fields_ = (("words", ctypes.c_uint32 * _WORDS),)


class _Batch(ctypes.Structure):
    _fields_ = (
        ("n_tokens", ctypes.c_int32),
        ("token", ctypes.POINTER(ctypes.c_int32)),
        ("embd", ctypes.c_void_p),
        ("pos", ctypes.POINTER(ctypes.c_int32)),
        ("n_seq_id", ctypes.POINTER(ctypes.c_int32)),
        ("seq_id", ctypes.POINTER(ctypes.POINTER(ctypes.c_int32))),
        ("logits", ctypes.POINTER(ctypes.c_int8)),
    )


_SIGNATURES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "llama_version": (ctypes.c_char_p, ()),
    "llama_log_set": (None, (_QUIET, ctypes.c_void_p)),
    "llama_backend_init": (None, ()),
    "llama_model_default_params": (_Params, ()),
    "llama_context_default_params": (_Params, ()),
    "llama_model_load_from_file": (ctypes.c_void_p, (ctypes.c_char_p, _Params)),
    "llama_init_from_model": (ctypes.c_void_p, (ctypes.c_void_p, _Params)),
    "llama_model_get_vocab": (ctypes.c_void_p, (ctypes.c_void_p,)),
    "llama_vocab_n_tokens": (ctypes.c_int32, (ctypes.c_void_p,)),
    "llama_tokenize": (
        ctypes.c_int32,
        (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int32, ctypes.POINTER(ctypes.c_int32),
         ctypes.c_int32, ctypes.c_bool, ctypes.c_bool),
    ),
    "llama_n_ctx": (ctypes.c_uint32, (ctypes.c_void_p,)),
    "llama_n_batch": (ctypes.c_uint32, (ctypes.c_void_p,)),
    "llama_n_ubatch": (ctypes.c_uint32, (ctypes.c_void_p,)),
    "llama_set_n_threads": (None, (ctypes.c_void_p, ctypes.c_int32, ctypes.c_int32)),
    "llama_batch_init": (_Batch, (ctypes.c_int32, ctypes.c_int32, ctypes.c_int32)),
    "llama_batch_free": (None, (_Batch,)),
    "llama_decode": (ctypes.c_int32, (ctypes.c_void_p, _Batch)),
    "llama_get_logits": (ctypes.POINTER(ctypes.c_float), (ctypes.c_void_p,)),
    "llama_get_memory": (ctypes.c_void_p, (ctypes.c_void_p,)),
    "llama_memory_seq_rm": (
        ctypes.c_bool, (ctypes.c_void_p, ctypes.c_int32, ctypes.c_int32, ctypes.c_int32),
    ),
}  # fmt: skip


def _library() -> Any:
    refuse_unfit_machine()
    import xllamacpp

    found: Any = ctypes.CDLL(str(xllamacpp.xllamacpp.__file__))
    for name, (result, arguments) in _SIGNATURES.items():
        function = getattr(found, name, None)
        if function is None:
            raise EngineError(f"the engine's library has no {name}; no model was loaded.")
        function.restype, function.argtypes = result, arguments
    version = found.llama_version().decode()
    if not version.startswith(_VERSION):
        raise EngineError(
            f"the engine's library says that it is {version}, and {_VERSION} is known; no model "
            "was loaded."
        )
    begins = tuple(found.llama_context_default_params().words[: len(_USUAL)])
    if begins != _USUAL:
        raise EngineError(
            f"the parameters of the engine's library begin with {begins}, and not with {_USUAL}: "
            "its structs have moved; no model was loaded."
        )
    return found


class LoadedLibrary:
    """A model, loaded by the library in this process.

    Args:
        path: its weights.
        window: tokens at most.
        threads: that may compute.
        vocabulary: how many tokens its file has, as read without the library.

    Raises:
        EngineError: it does not load, or the library is not as it is known here.
    """

    def __init__(self, path: str, window: int, threads: int, vocabulary: int) -> None:
        self._lib = lib = _library()
        self._quiet = _QUIET(lambda _level, _text, _data: None)
        lib.llama_log_set(self._quiet, None)
        lib.llama_backend_init()
        model = lib.llama_model_load_from_file(path.encode(), lib.llama_model_default_params())
        if not model:
            raise EngineError(f"the engine's library could not load {path}.")
        params = lib.llama_context_default_params()
        params.words[0] = params.words[1] = params.words[2] = window
        context = lib.llama_init_from_model(model, params)
        if not context:
            raise EngineError(f"the engine's library has no room for {window:,} tokens of {path}.")
        lib.llama_set_n_threads(context, threads, threads)
        self._context = context
        self._words = lib.llama_model_get_vocab(model)
        self.vocabulary: int = lib.llama_vocab_n_tokens(self._words)
        self.window: int = lib.llama_n_ctx(context)
        batch, part = lib.llama_n_batch(context), lib.llama_n_ubatch(context)
        read = (self.vocabulary, self.window >= window, batch >= window, part >= window)
        if read != (vocabulary, True, True, True):
            raise EngineError(
                f"the engine's library made {self.vocabulary:,} tokens, a window of {self.window:,}"
                f" and batches of {batch:,} of what was asked for ({vocabulary:,} and {window:,}): "
                "its structs have moved; nothing was computed."
            )
        self.position = 0

    def tokens(self, text: str, *, special: bool) -> list[int]:
        """The tokens of a text, with what its tokenizer puts before it.

        Args:
            text: the text.
            special: whether control tokens in it are read as such.
        """
        raw = text.encode()
        most = len(raw) + 8
        found = (ctypes.c_int32 * most)()
        count = self._lib.llama_tokenize(self._words, raw, len(raw), found, most, True, special)
        if count < 0:
            raise EngineError("the engine's library could not make tokens of the text.")
        return list(found[:count])

    def logits(self, tokens: Sequence[int]) -> bytes:
        """Go on with some tokens: 32-bit numbers, a row of the whole vocabulary after each.

        Raises:
            EngineError: there is no room for them, or one is no token.
        """
        if not tokens or min(tokens) < 0 or max(tokens) >= self.vocabulary:
            raise EngineError(
                f"tokens are numbers from 0 to {self.vocabulary - 1:,}, at least one."
            )
        if self.position + len(tokens) > self.window:
            raise EngineError(
                f"{self.position:,} tokens stand there, {len(tokens):,} more do not fit into "
                f"{self.window:,}."
            )
        batch = self._lib.llama_batch_init(len(tokens), 0, 1)
        try:
            batch.n_tokens = len(tokens)
            for place, token in enumerate(tokens):
                batch.token[place], batch.pos[place] = token, self.position + place
                batch.n_seq_id[place], batch.seq_id[place][0] = 1, 0
                batch.logits[place] = 1
            failed = self._lib.llama_decode(self._context, batch)
        finally:
            self._lib.llama_batch_free(batch)
        if failed:
            raise EngineError(f"the engine's library failed with {failed}.")
        self.position += len(tokens)
        size = len(tokens) * self.vocabulary * 4
        return ctypes.string_at(self._lib.llama_get_logits(self._context), size)

    def back_to(self, position: int) -> None:
        """Forget all tokens from a place on.

        Raises:
            EngineError: the model cannot (one with a state of its own cannot always).
        """
        if not 0 <= position <= self.position:
            raise EngineError(f"{self.position:,} tokens stand there; {position:,} is no place.")
        memory = self._lib.llama_get_memory(self._context)
        if not self._lib.llama_memory_seq_rm(memory, 0, position, -1):
            raise EngineError("this model cannot go back to an earlier place.")
        self.position = position
