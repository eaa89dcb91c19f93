"""What a workspace does with language models: finds, adds, removes and converts them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from lakelet.errors import EngineError
from lakelet.workspace import WorkspaceFolder

if TYPE_CHECKING:
    from lakelet.inference import Answer, Backend, Begun, Event, Loaded, Sampling
    from lakelet.inference.gateway.offered import Offered
    from lakelet.inference.host.attaching import HostClient
    from lakelet.inference.presets import Chosen
    from lakelet.inference.scorer import EmbeddedScorer
    from lakelet.inference.served import AnyModel, ServedModel
    from lakelet.models import FoundModel, Model, ModelStore
    from lakelet.models.families import Template
    from lakelet.models.wishes import Wishes
    from lakelet.session.conversations import Kept, Said
    from lakelet.session.servers import Probed
    from lakelet.session.talking import Talking
    from lakelet.session.workspace import Workspace

__all__ = ("WorkspaceModels",)

Progress = Callable[[int, int], None]


def _nobody(_done: int, _all: int) -> None:
    """Tell nobody."""


def _checked(source: str) -> Template:
    """A template that an engine can be given.

    Raises:
        CommandError: there is none of that name.
        TemplateError: it is broken, or loops.
    """
    from lakelet.inference.templates import check_template
    from lakelet.models.families import template_of

    found = template_of(source)
    check_template(found.text, whose=found.origin)
    return found


class WorkspaceModels:
    """The part of a workspace that knows models; their files are kept once for each user.

    Attributes:
        folder: where the workspace is on disk, and its settings.
    """

    folder: WorkspaceFolder

    @property
    def model_store(self) -> ModelStore:
        """Where model files are: ``models.store``, or the user's data folder."""
        from lakelet.models import ModelStore, default_store

        said = self.folder.settings.models.store
        root = self.folder.root / Path(said).expanduser() if said else default_store()
        return ModelStore(root)

    def models(self, wishes: Wishes | None = None) -> list[Model]:
        """The models of the store, in order of their names.

        Args:
            wishes: what they must be like; all without it. A model that cannot be read is like
                nothing.
        """
        from lakelet.errors import ModelFileError

        def like(model: Model) -> bool:
            if wishes is None:
                return True
            try:
                return wishes.met_by(model.card)
            except ModelFileError:
                return False

        return [model for model in self.model_store.models() if like(model)]

    def served_models(self) -> tuple[list[ServedModel], dict[str, str]]:
        """The models of the workspace's servers; and why a server told none, by its name."""
        from lakelet.session.servers import served_models

        return served_models(self.folder)

    def probe_model(self, name: str, **options: Any) -> Probed:
        """Find out what a server does with what it is sent, and keep what was found.

        Args:
            name: the model, ``SERVER/MODEL``.
            options: ``context``, ``allow`` and ``told``: see `lakelet.session.servers.probe_model`.

        Raises:
            CommandError: it is no model of a server, or was not allowed; nothing was sent.
            EngineError: the server does not answer.
        """
        from lakelet.session.servers import probe_model

        return probe_model(cast("Workspace", self), name, **options)

    def backend_of(self, model: AnyModel, *, raw: bool = False) -> Backend:
        """The engine of a model, for one conversation.

        Args:
            model: of the store, or of a server.
            raw: whether it goes on with a text, and has no use for a template.
        """
        from lakelet.session.servers import backend_of

        return backend_of(self.folder, self.model_store, model, raw=raw)

    def found_models(self) -> list[tuple[FoundModel, str]]:
        """Models that other programs of this machine hold, each with its name here; '' for none."""
        from lakelet.models import found_models

        names = {one.path: model.name for model in self.models() for one in model.files}
        return [
            (one, names.get(one.path) or names.get(one.path.resolve()) or "")
            for one in found_models()
        ]

    def model(self, name: str) -> Model:
        """A model by its name.

        Raises:
            ModelNotFoundError: the store has none of that name.
        """
        return self.model_store.model(name)

    @property
    def engine_host(self) -> HostClient:
        """The process that loads models, one for each user."""
        from lakelet.inference.host.attaching import HostClient

        return HostClient(self.model_store)

    def chosen_model(self, name: str = "") -> AnyModel:
        """The model that is meant: by its name, or as the workspace has it.

        Without a name it is ``models.default``, else the one that was used last here, else the only
        one there is.

        Raises:
            ModelNotFoundError: the store has none of that name.
            ModelChoiceError: there are several, and none of these is said; or there is none.
        """
        from lakelet.session.choosing_model import chosen_model

        return chosen_model(self.folder, self.model_store, name)

    def ask(
        self, question: str, model: str = "", *, system: str = "", raw: bool = False,
        context: int | None = None, sampling: Sampling | None = None,
        told: Callable[[Event | Loaded | Begun], None] | None = None,
    ) -> Answer:  # fmt: skip
        """Ask a model of this machine; what does not fit its window is refused before it is sent.

        Args:
            question: what is asked.
            model: the model; as `chosen_model` chooses without it.
            system: what it is told before.
            raw: whether it goes on with the text, without a template.
            context: tokens of the conversation; the most that memory allows without it.
            sampling: what of the drawing is said explicitly; see `sampling_of`.
            told: told of every event as it comes.

        Raises:
            ModelNotFoundError: the store has none of that name.
            OverflowingError: the question does not fit; nothing was sent.
            EngineError: the model does not load, or the engine broke off.
        """
        from lakelet.inference import Begun, Conversation, Message, ask
        from lakelet.session.choosing_model import note_used
        from lakelet.session.used_models import tell_used

        chosen = self.chosen_model(model)
        how = self.sampling_of(chosen, sampling)
        messages = [Message("system", system)] if system and not raw else []
        conversation = Conversation((*messages, Message("user", question)), raw)

        def hear(event: Event | Loaded | Begun) -> None:
            if isinstance(event, Begun):
                tell_used(self.folder, chosen, event, how.sampling)
            if told is not None:
                told(event)

        answer = ask(
            self.backend_of(chosen, raw=raw), chosen.name, conversation, how.sampling,
            context=context, told=hear,
        )  # fmt: skip
        note_used(self.folder, chosen)
        return answer

    def talk(self, model: str = "", **options: Any) -> Talking:
        """Hold a conversation with a model; it is kept in the workspace as it is held.

        Args:
            model: the model; as `chosen_model` chooses without it.
            options: ``system``, ``think``, ``context``, ``overflow``, ``sampling``, ``go_on``,
                ``at``: see `lakelet.session.talking.Talking`.

        Raises:
            ModelNotFoundError: the store has none of that name.
            CommandError: there is no such conversation to go on with.
        """
        from lakelet.session.talking import Talking

        return Talking(cast("Workspace", self), self.chosen_model(model), **options)

    def conversations(self, letters: str = "") -> list[Kept]:
        """The conversations that are kept, in which some letters were said; the newest first."""
        from lakelet.session.conversations import conversations

        return conversations(self.folder, letters)

    def conversation(self, name: str) -> tuple[Kept, list[Said]]:
        """A conversation by the beginning of its name, and what was said in it.

        Raises:
            CommandError: there is none, or there are several.
        """
        from lakelet.session.conversations import said_in

        return said_in(self.folder, name)

    def delete_conversation(self, name: str) -> Kept:
        """Delete a conversation for good, by the beginning of its name.

        Raises:
            CommandError: there is none, or there are several.
        """
        from lakelet.session.audit import audited
        from lakelet.session.conversations import delete_conversation, talk

        kept, _ = talk(self.folder, name)
        source = cast("Workspace", self).source
        with audited(self.folder, source, "delete conversation", kept.id):
            return delete_conversation(self.folder, kept.id)

    def sampling_of(
        self, model: AnyModel, said: Sampling | None = None, *, enforce: bool = False
    ) -> Chosen:
        """How a model is sampled, and where each value comes from.

        What is said explicitly counts, then ``[models.presets.NAME]``, then the model's file, then
        a page of its makers that was read; the rest is the engine's own.

        Args:
            model: the model.
            said: what is said explicitly.
            enforce: whether what is advised wins over what is said explicitly.
        """
        from lakelet.inference import Sampling
        from lakelet.inference.presets import ENGINE, choose_sampling
        from lakelet.models import Model

        settings = self.folder.settings.models
        own = settings.presets.get(model.name)
        here = isinstance(model, Model) and not settings.llama_server
        return choose_sampling(
            model.card, own.said() if own else {}, said or Sampling(), enforce=enforce,
            engine=ENGINE if here else None,
        )  # fmt: skip

    def offered_models(self, window: int | None = None) -> Offered:
        """The models as a gateway offers them.

        Args:
            window: tokens of a conversation; the most that memory allows without it.
        """
        from lakelet.session.offered_models import offered

        return offered(lambda: cast("Workspace", self), window)

    def add_model(
        self, source: str | Path, *, name: str = "", beside: Sequence[str | Path] = (),
        copy: bool = False, over: bool = False, sha256: str = "", template: str = "",
        progress: Progress = _nobody,
    ) -> Model:  # fmt: skip
        """Add a model to the store: a file, a folder, one of Hugging Face, of Ollama, an address.

        Args:
            source: a ``.gguf`` file, a folder with one model, the address of a file,
                ``hf:ORG/NAME[:QUANT]``, ``ollama:NAME``, or ``smollm2``.
            name: its name; by the file's own without it.
            beside: a projector file and adapters that belong to it, by path or address.
            copy: whether the store takes files of its own; they are linked without it.
            over: whether a name that is there gets another meaning.
            sha256: what the SHA-256 of a file that is fetched has to be; unsaid without it.
            template: a file with a chat template, or a family such as ``chatml``, for a template in
                the place of the model's own.
            progress: told of bytes read, and of all.

        Raises:
            CommandError: nothing that can be added is there, or several models are.
            ModelFileError: a file is no model's, or is cut off.
            StorageError: the disk has no room.
            TemplateError: the template is broken, or loops.
        """
        from lakelet.models import add_model

        if template:
            _checked(template)
        return add_model(
            self.model_store, str(source), name=name, beside=beside, copy=copy, over=over,
            sha256=sha256, template=template, progress=progress,
        )  # fmt: skip

    def scorer(self, name: str, *, window: int | None = None, threads: int = 1) -> EmbeddedScorer:
        """A model whose logits can be read, token by token, in a process of its own.

        Args:
            name: a model of the store.
            window: tokens at most; what was trained, up to 2,048, without it.
            threads: that may compute.

        Raises:
            EngineError: it does not load, or does not fit into memory.
            ModelNotFoundError: the store has none of that name.
        """
        from lakelet.inference.scorer import EmbeddedScorer

        return EmbeddedScorer(self.model(name), window, threads)

    def set_model_template(self, name: str, source: str) -> Model:
        """Put a chat template in the place of a model's own, until its own is asked for again.

        Args:
            name: the model.
            source: a file with a template, a family such as ``chatml``, or '' for the model's own.

        Raises:
            CommandError: it is neither a file nor a family.
            ModelNotFoundError: the store has none of that name.
            TemplateError: the template is broken, or loops.
        """
        found = self.model_store.set_template(name, _checked(source) if source else None)
        with suppress(EngineError):  # who is at work with the one before goes on with it
            self.engine_host.unload(name)
        return found

    def model_mark(self, model: Model) -> str:
        """Why a model is not loaded any more: it hung an engine; '' where it did not."""
        from lakelet.inference.host.place import HostPlace

        return HostPlace(self.model_store.root).marked(model)

    def remove_model(self, name: str) -> list[Path]:
        """Take a model out of the store; files that are linked stay where they are.

        An engine that has it loaded lets go of it first.

        Returns:
            The files that are gone.

        Raises:
            EngineError: it is at work; nothing was changed.
            ModelNotFoundError: the store has none of that name.
        """
        store = self.model_store
        model = store.model(name)
        if not store.names_of(model):  # its file may be loaded for another name
            self.engine_host.unload(model.name)
        return store.remove(name)

    def verify_model(self, name: str, *, progress: Progress = _nobody) -> None:
        """Read a model's files whole, and refuse them where they are not what was added.

        One that is as it was, and is not loaded any more since it hung an engine, is tried again.

        Raises:
            ModelFileError: one is gone or changed; with both digests.
            ModelNotFoundError: the store has none of that name.
        """
        from lakelet.inference.host.place import HostPlace

        model, before = self.model(name), 0
        for one in model.files:
            done = before
            one.verify(model.name, lambda read, _all, done=done: progress(done + read, model.bytes))  # type: ignore[misc]
            before += one.bytes
        HostPlace(self.model_store.root).unmark(model)

    def convert_model(
        self, name: str, to: str, *, called: str = "", over: bool = False,
        progress: Progress = _nobody,
    ) -> Model:  # fmt: skip
        """A copy of a model with its weights at 16 bits.

        Args:
            name: the model.
            to: ``f16``.
            called: the copy's name; the model's with ``-f16`` without it.
            over: whether a name that is there gets another meaning.
            progress: told of bytes written, and of all.

        Raises:
            CommandError: another kind, or a model that is no single GGUF file.
            ModelNotFoundError: the store has none of that name.
            StorageError: the disk has no room.
        """
        from lakelet.models import convert_model

        store = self.model_store
        return convert_model(
            store, store.model(name), to, name=called, over=over, progress=progress
        )
