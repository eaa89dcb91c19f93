"""The models of a workspace as a gateway offers them: which, by what engine, sampled how."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lakelet.inference.gateway.offered import Exchange, Offered
from lakelet.session.conversations import Writing
from lakelet.session.servers import backend_of

if TYPE_CHECKING:
    from lakelet.inference import Backend, Sampling
    from lakelet.inference.presets import Chosen
    from lakelet.inference.served import AnyModel
    from lakelet.session.workspace import Workspace

__all__ = ("offered",)


def offered(workspace: Callable[[], Workspace], window: int | None = None) -> Offered:
    """The models as a gateway offers them.

    Args:
        workspace: the workspace, for the thread that asks.
        window: tokens of a conversation; the most that memory allows without it.
    """
    settings = workspace().folder.settings.models.gateway
    enforce = settings.presets == "enforce"

    def sampling(model: AnyModel, said: Sampling) -> Chosen:
        return workspace().sampling_of(model, said, enforce=enforce)

    def backend(
        model: AnyModel, *, raw: bool = False, client: str = "", keep: float | None = None
    ) -> Backend:
        here = workspace()
        return backend_of(here.folder, here.model_store, model, raw=raw, client=client, keep=keep)

    def runnable() -> list[AnyModel]:
        return [one for one in workspace().models() if one.runs]

    def models() -> list[AnyModel]:
        here = workspace()
        return [*runnable(), *(here.served_models()[0] if here.folder.settings.models.servers
                                  else ())]  # fmt: skip

    def record(exchange: Exchange) -> None:
        here = workspace()
        writing = Writing(here.folder, exchange.model)
        for one in exchange.messages:
            writing.say(one.role, one.content)
        writing.begin()
        writing.keep(
            exchange.text, exchange.thought, exchange.usage, exchange.reason, wrong=exchange.wrong
        )

    return Offered(
        models,
        runnable,
        lambda name: workspace().chosen_model(name),
        backend,
        lambda: workspace().engine_host.loaded(),
        lambda name: workspace().engine_host.unload(name),
        sampling,
        window,
        stop_loops=settings.stop_loops,
        record=record if settings.record else None,
    )
