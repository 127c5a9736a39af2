"""Puts the recommender together from its files, and takes it apart again.

It serves as soon as its catalogue is read and the newest usable model is found, which is a
matter of seconds; a model that can not be used is named in the log and the one before is used.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from consent.guard_table import GuardTable
from recommender.catalogue import Catalogue
from recommender.entitlements import Entitlements
from recommender.errors import SnapshotUnusable, TrainingBusy
from recommender.events import EventTable
from recommender.index import ServedIndex
from recommender.model import Model
from recommender.paging import PageTokens
from recommender.parameters import DEFAULTS, Parameters
from recommender.projection import RecommenderProjection
from recommender.untrained import untrained
from services.bulk_loading import bulk_loading
from services.deployment.config import MODEL_REFRESH_S
from services.parts.links import OpenItems
from services.recommender.answering import Answering
from services.recommender.asker import Askers
from services.recommender.entitling import EntitlementServicer
from services.recommender.evaluator import Evaluator
from services.recommender.following import Alone, Others
from services.recommender.handing_over import Kind
from services.recommender.in_service import Everywhere, Here, InService
from services.recommender.jobs import JobServicer
from services.recommender.learned import without_the_gone
from services.recommender.live_text import LiveText
from services.recommender.opened import Opened, nothing_open
from services.recommender.refreshing import Refresher
from services.recommender.searching import SearchServicer
from services.recommender.service import RecommenderServicer
from services.recommender.serving import LiveIndex
from services.recommender.sharing import Sharing
from services.recommender.taking_in import Memory
from services.recommender.trainer import PURPOSE, Places, Trainer, people_to_learn_from
from services.storage.database import Database, Location
from services.storage.entitlements import EntitlementTables
from services.storage.evaluations import Evaluations
from services.storage.followers import FollowerTables
from services.storage.index_files import IndexFiles
from services.storage.jobs import JobTables
from services.storage.model_files import ModelFiles
from services.storage.recommender import RecommenderTables
from services.storage.recommender_people import RecommenderPeople
from services.storage.stored_models import StoredModels
from services.storage.sums_files import SumsFiles
from services.storage.training_events import training_data
from services.storage.training_job import Job

HISTORY_BYTES_MAX = 64 << 20


@dataclass(frozen=True, slots=True)
class Recommender:
    """A recommender at work.

    Attributes:
        servicer: answers calls.
        jobs: does what an operator asks for.
        searcher: answers searches.
        text: the words of the catalogue.
        projection: takes the news of events in.
        live: the index in service.
        people: what is kept and concluded about people.
        trainer: makes models.
        refresher: has the model follow who may be learned from.
        entitling: answers calls about exclusive items.
        following: follows what other processes write; ``None``: there are none.
        service: what is to serve.
        duties: trains, and decides what serves, while the block runs; given the number of the duties.
    """

    servicer: RecommenderServicer
    jobs: JobServicer
    searcher: SearchServicer
    text: LiveText
    projection: RecommenderProjection
    live: LiveIndex
    people: RecommenderPeople
    trainer: Trainer
    refresher: Refresher
    entitling: EntitlementServicer
    following: asyncio.Task[None] | None
    service: InService
    duties: Callable[[int], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def running_recommender(
    *,
    database: Database,
    folder: Path,
    guard: GuardTable,
    clock: Callable[[], int],
    log: Callable[[str], object],
    page_key: bytes,
    parameters: Parameters = DEFAULTS,
    model_refresh_s: float = MODEL_REFRESH_S,
    several: bool = False,
    open_items: OpenItems = nothing_open,
) -> AsyncIterator[Recommender]:
    """A recommender that is ready to serve while the block runs.

    Args:
        database: its open file, of the domain "recommender".
        folder: where models and a training's job are kept.
        guard: says who may be learned from.
        clock: the present instant, milliseconds since the epoch.
        log: takes a line about each model that can not be used.
        page_key: page tokens are sealed under it.
        parameters: what to train with.
        model_refresh_s: within so long no model in service carries what was withdrawn from training.
        several: other processes serve from the same tables, each with a folder of its own.
        open_items: says what people's statuses open to them.
    """
    store = RecommenderTables(database)
    with bulk_loading():
        loaded = await store.load()
        catalogue = Catalogue(loaded.items)
    places = Places(database.location, folder / "models", folder / "sums", folder / "training")
    popularity = partial(_popularity, guard, store, database.location, parameters, clock)
    indexes = IndexFiles(places.models, loaded.projection)
    index = await asyncio.to_thread(_resumed, places, indexes, catalogue, parameters, log)
    live = LiveIndex(catalogue, index, popularity, partial(_keep, indexes, log))
    everywhere = Everywhere(StoredModels(database), places.models, live, loaded.projection, log)
    service: InService = everywhere if several else Here(live, ModelFiles(places.models).judged())
    trainer = Trainer(
        store=store,
        guard=guard,
        places=places,
        projection=loaded.projection,
        parameters=parameters,
        live=live,
        service=service,
        log=log,
    )
    refresher = Refresher(guard=guard, trainer=trainer, clock=clock, log=log, refresh_s=model_refresh_s)
    projection = RecommenderProjection(
        store, catalogue, loaded, history_bytes_max=HISTORY_BYTES_MAX, changed=live.events_changed
    )
    news = loaded.news
    del loaded  # all items once more
    lists, tables = EntitlementTables(database), FollowerTables(database)
    entitlements = Entitlements(await lists.load())
    memory = Memory(catalogue, live, projection, lists, entitlements)
    sharing = Sharing(
        tables,
        memory,
        news,
        service=everywhere,
        jobs=JobTables(database),
        trainer=trainer,
        refresher=refresher,
        clock=clock,
        log=log,
    )
    others: Others = sharing.following if several else Alone()
    people = RecommenderPeople(
        catalogue=catalogue,
        entitlements=entitlements,
        lists=lists,
        projection=projection,
        live=live,
        trainer=trainer,
        files=ModelFiles(places.models),
        sums=SumsFiles(places.sums),
        news=tables,
        others=others,
        clock=clock,
        purposes=guard.policy.names_in,
    )
    entitling = EntitlementServicer(lists, entitlements, catalogue, others)
    if not live.model.version and guard.ready:  # else nobody may be learned from yet
        await live.rebuild()
    page_tokens, opened = PageTokens(page_key), Opened(catalogue, open_items)
    text = LiveText(places.database, lambda: live.model.text)
    live.watchers.append(text.items_changed)
    text.start()
    searcher = SearchServicer(
        catalogue=catalogue,
        live=live,
        text=text,
        askers=Askers(catalogue, projection, entitlements, opened),
        answering=Answering(catalogue, projection, others),
        page_tokens=page_tokens,
    )
    servicer = RecommenderServicer(
        store=store,
        catalogue=catalogue,
        projection=projection,
        live=live,
        train=partial(sharing.jobs.follow, "train") if several else trainer.train,
        service=service,
        askers=Askers(catalogue, projection, entitlements, opened),
        page_tokens=page_tokens,
        others=others,
    )

    def job(now_ms: int) -> Job:
        purpose = guard.policy.index(PURPOSE)
        return Job(places.database, places.models, places.sums, purpose, now_ms, parameters)

    evaluator = Evaluator(
        evaluations=Evaluations(database),
        folder=folder / "evaluation",
        job=job,
        people=partial(people_to_learn_from, guard, store),
        version=lambda: live.model.version,
    )
    sharing.jobs.may_do(
        Kind("train", trainer.train, TrainingBusy),
        Kind("evaluate", evaluator.evaluate),
        Kind("forget", trainer.forget, None),
    )
    jobs = JobServicer(
        evaluator=evaluator,
        evaluate=partial(sharing.jobs.follow, "evaluate") if several else evaluator.evaluate,
        forget=partial(sharing.jobs.follow, "forget") if several else trainer.forget,
        live=live,
        shown=servicer.model,
    )
    follows = await sharing.start() if several else None
    try:
        yield Recommender(
            servicer,
            jobs,
            searcher,
            text,
            projection,
            live,
            people,
            trainer,
            refresher,
            entitling,
            follows,
            service,
            sharing.duties if several else _no_duties,
        )
    finally:
        if several:
            await sharing.stop()
        await entitling.drained()
        await jobs.close()
        await refresher.close()
        await text.close()
        await trainer.close()
        await live.close()


def _no_duties(_number: int) -> AbstractAsyncContextManager[None]:
    """Whoever is alone has them always."""
    return nullcontext()


async def _popularity(
    guard: GuardTable,
    store: RecommenderTables,
    tables: Location,
    parameters: Parameters,
    clock: Callable[[], int],
) -> Model:
    """What answers while no trained model serves, from the events of those who may be learned from now."""
    grouping = await people_to_learn_from(guard, store, clock())
    read = partial(training_data, grouping, guard.policy.index(PURPOSE), clock())
    data = await asyncio.to_thread(tables.read, read)
    return await asyncio.to_thread(untrained, data.events, len(data.categories), parameters)


def _resumed(
    places: Places,
    indexes: IndexFiles,
    catalogue: Catalogue,
    parameters: Parameters,
    log: Callable[[str], object],
) -> ServedIndex:
    """The index of the newest usable model; what was learned from somebody who is gone is removed first."""
    files = without_the_gone(places.database, places.models.parent)
    model = files.newest(indexes.projection, lambda unusable: log(_refused(unusable)))
    return _index(indexes, model or untrained(EventTable.empty(), 1, parameters), catalogue, log)


def _refused(unusable: SnapshotUnusable) -> str:
    return f"a model is not used: {unusable}\n"


def _index(
    indexes: IndexFiles, model: Model, catalogue: Catalogue, log: Callable[[str], object]
) -> ServedIndex:
    """Resumes the newest usable snapshot of a trained model's index; builds one where there is none."""
    shelf = catalogue.shelf()
    resumed = None
    if model.version:
        resumed = indexes.newest(model, shelf, lambda bad: log(f"an index is not used: {bad}\n"))
    if resumed is not None:
        return resumed
    index = ServedIndex(model, shelf)
    if model.version:
        _keep(indexes, log, index)
    return index


def _keep(indexes: IndexFiles, log: Callable[[str], object], index: ServedIndex) -> None:
    """Keeps an index; serving does not depend on it, and the next start builds what is missing."""
    try:
        indexes.write(index)
    except OSError as error:
        log(f"an index was not kept: {index.model.version}: {type(error).__name__}\n")
