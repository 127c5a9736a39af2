"""The import as a caller: six steps, each acknowledged without a gap.

A few batches are in flight at a time and their answers are taken in the order they were
sent, so "done" always means "and everything before it". Subject ids are never written to
disk: a run that goes on resolves the identifiers again, which gives the same ids.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeVar

from google.protobuf.message import Message

from services.importing.checkpoint import ORDER, Checkpoint, CheckpointFile, Step
from services.importing.dealing import CHANNELS
from services.importing.errors import SendingError
from services.importing.plan import Batches, Plan, Request
from services.importing.progress import Show
from services.importing.report import REFUSED
from veilgraph.client import Veilgraph, VeilgraphError
from veilgraph.client.transport import Unary
from veilgraph.privacy.v1 import privacy_pb2
from veilgraph.recommender.v1 import recommender_pb2

EVENTS_IN_FLIGHT, OTHERS_IN_FLIGHT = 8, 2
CALL_TIMEOUT_S = 120.0
SAVE_EVERY_S = 1.0
POLL_EVERY_S = 0.25
#: The import gives up when the recommender has taken in nothing for so long.
FEED_STALLS_S = 60.0

Response = TypeVar("Response", bound=Message)
Mark = TypeVar("Mark")


@dataclass(frozen=True, slots=True)
class Clockwork:
    """Time as the import needs it: a monotonic clock in seconds, and waiting."""

    monotonic: Callable[[], float]
    sleep: Callable[[float], None]


def acknowledged(
    method: Unary[Request, Response], batches: Batches[Request], in_flight: int
) -> Iterator[tuple[Response, int]]:
    """Sends batches, a few at a time; yields the answers in the order of the batches.

    Raises:
        VeilgraphError: a batch was not answered; those sent after it are given up.
    """
    sent = ((method.future(request, timeout_s=CALL_TIMEOUT_S), done) for request, done in batches)
    return in_order(sent, in_flight)


def in_order(
    sent: Iterable[tuple[Future[Response], Mark]], in_flight: int
) -> Iterator[tuple[Response, Mark]]:
    """Takes what is sent, a few at a time; yields the answers in its order, each with its mark.

    Raises:
        VeilgraphError: something was not answered; what was sent after it is given up.
    """
    waiting: deque[tuple[Future[Response], Mark]] = deque()
    try:
        for one in sent:
            waiting.append(one)
            if len(waiting) == in_flight:
                answer, mark = waiting.popleft()
                yield answer.result(), mark
        while waiting:
            answer, mark = waiting.popleft()
            yield answer.result(), mark
    finally:
        for answer, _ in waiting:
            answer.cancel()


class Sending:
    """One run of an import; a later run begins with the checkpoint of this one."""

    def __init__(
        self,
        plan: Plan,
        client: Veilgraph,
        *,
        checkpoints: CheckpointFile,
        begin: Checkpoint,
        show: Show,
        clockwork: Clockwork,
    ) -> None:
        self._plan = plan
        self._client = client
        self._checkpoints = checkpoints
        self._begin = begin
        self._show = show
        self._clockwork = clockwork
        self._step, self._done = begin.step, begin.done
        self._tallies = {step: dict(counted) for step, counted in begin.tallies.items()}
        self._seconds = dict(begin.seconds)
        self._timed_from = self._saved_at = clockwork.monotonic()
        self._ids: list[str] = []
        self.model_version = ""

    def run(self) -> Checkpoint:
        """Does every step that is not done yet.

        Returns:
            The checkpoint of the finished import. It is not saved: the caller says so when
            nothing else remains to be done.

        Raises:
            SendingError: the suite refused what the import depends on.
        """
        for step, work in {
            Step.CATALOGUE: self._catalogue,
            Step.RESOLVE: self._resolve,
            Step.CONSENTS: self._consents,
            Step.EVENTS: self._events,
            Step.LINKS: self._links,
            Step.TRAIN: self._train,
        }.items():
            again = self._begin.is_past(step)
            if again and step is not Step.RESOLVE:
                continue
            try:
                work(self._begin.done if self._begin.step is step else 0)
            except VeilgraphError as error:
                raise SendingError(f"{step}: the suite answered {error}") from error
            self._take_time(step)
            if not again:
                self._step, self._done = ORDER[ORDER.index(step) + 1], 0
                if self._step is not Step.FINISHED:
                    self._save()
        return self._checkpoint()

    def _catalogue(self, start: int) -> None:
        batches, total = self._plan.catalogue(start), len(self._plan.survey.catalogue.ids)
        for answer, done in acknowledged(self._client.recommender.UpsertItems, batches, OTHERS_IN_FLIGHT):
            self._count(Step.CATALOGUE, {"upserted": answer.upserted}, answer.refused)
            self._advance(Step.CATALOGUE, done, total)

    def _resolve(self, _start: int) -> None:
        resolved: Counter[str] = Counter()
        batches = self._plan.identifiers()
        for answer, done in acknowledged(self._client.identity.Resolve, batches, OTHERS_IN_FLIGHT):
            for result in answer.results:
                self._ids.append(result.subject)
                resolved["identifiers" if result.subject else REFUSED + result.error.reason] += 1
            self._show(Step.RESOLVE, done, self._plan.people)
        if len(self._ids) != self._plan.people * len(CHANNELS):
            raise SendingError("resolve: the suite did not answer every identifier")
        self._tallies[Step.RESOLVE] = dict(resolved)

    def _consents(self, start: int) -> None:
        batches = self._plan.statements(self._ids, start)
        for answer, done in acknowledged(self._client.consent.Record, batches, OTHERS_IN_FLIGHT):
            self._count(Step.CONSENTS, {"recorded": answer.recorded}, answer.refused)
            self._advance(Step.CONSENTS, done, self._plan.people)

    def _events(self, start: int) -> None:
        batches, total = self._plan.events(self._ids, start), self._plan.survey.rows_read
        for answer, done in acknowledged(self._client.profile.TrackBatch, batches, EVENTS_IN_FLIGHT):
            counted = {"recorded": answer.recorded, "duplicates": answer.duplicates}
            self._count(Step.EVENTS, counted, answer.refused)
            self._advance(Step.EVENTS, done, total)
        self._show(Step.EVENTS, total, total)  # what follows the last good row is bad

    def _links(self, start: int) -> None:
        batches = self._plan.links(self._ids, start)
        for answer, done in acknowledged(self._client.identity.Link, batches, OTHERS_IN_FLIGHT):
            linked = sum(result.linked for result in answer.results)
            refused = [result.error for result in answer.results if not result.linked]
            self._count(Step.LINKS, {"linked": linked}, refused)
            self._advance(Step.LINKS, done, self._plan.people)

    def _train(self, start: int) -> None:
        self._wait_for_feed()
        request = recommender_pb2.TrainRequest(request_id=self._plan.request_id(Step.TRAIN, start))
        for progress in self._client.recommender.Train(request):
            self._show(Step.TRAIN, progress.done, progress.steps, progress.step)
            if progress.HasField("model"):
                self.model_version = progress.promotion.version
        if not self.model_version:
            raise SendingError("train: the suite ended training without a model")

    def _wait_for_feed(self) -> None:
        """A model trained before the recommender holds all events would lack the last ones."""
        counted = self._tallies.get(Step.EVENTS, {})
        expected = counted.get("recorded", 0) + counted.get("duplicates", 0)
        best, moved_at = -1, self._clockwork.monotonic()
        while True:
            seen = self._client.recommender.GetModel(recommender_pb2.GetModelRequest()).events_seen
            self._show(Step.TRAIN, min(seen, expected), expected, "events taken in")
            if seen >= expected:
                return
            now = self._clockwork.monotonic()
            if seen > best:
                best, moved_at = seen, now
            elif now - moved_at > FEED_STALLS_S:
                raise SendingError(f"train: the recommender stays at {seen:,} of {expected:,} events")
            self._clockwork.sleep(POLL_EVERY_S)

    def _count(self, step: Step, counted: dict[str, int], refused: Iterable[privacy_pb2.ItemError]) -> None:
        tally = Counter(self._tallies.get(step, {}))
        tally.update(counted)
        tally.update(REFUSED + error.reason for error in refused)
        self._tallies[step] = dict(tally)

    def _advance(self, step: Step, done: int, total: int) -> None:
        self._done = done
        self._show(step, done, total)
        if self._clockwork.monotonic() - self._saved_at >= SAVE_EVERY_S:
            self._take_time(step)
            self._save()

    def _take_time(self, step: Step) -> None:
        now = self._clockwork.monotonic()
        self._seconds[step] = self._seconds.get(step, 0.0) + now - self._timed_from
        self._timed_from = now

    def _checkpoint(self) -> Checkpoint:
        return Checkpoint(self._plan.import_id, self._step, self._done, self._tallies, self._seconds)

    def _save(self) -> None:
        self._saved_at = self._clockwork.monotonic()
        self._checkpoints.save(self._checkpoint())
