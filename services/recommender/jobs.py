"""JobService: what an operator has the recommender do, and what came of it.

A job goes on when its caller leaves. Evaluations tell means over people, and none of fewer
than ``PEOPLE_MIN``. Forgetting brings forward what consent has already said; it is no switch
of its own, so it refuses who still permits training.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from typing import Any

from recommender.errors import StillPermitted
from services.begun import Begun
from services.interceptors.call import Call
from services.recommender.evaluator import Evaluator
from services.recommender.followed import Followed, Job, Step
from services.recommender.service import request_key
from services.recommender.serving import LiveIndex
from services.recommender.trainer import PURPOSE
from services.storage.evaluations import KeptEvaluation
from veilgraph.recommender.v1 import jobs_pb2, jobs_pb2_grpc, recommender_pb2

_TASKS = {"new": jobs_pb2.EVALUATION_TASK_NEW, "repeats": jobs_pb2.EVALUATION_TASK_REPEATS}
_BUILDING, _SERVING = "building", "serving"
_ROUNDED_TO = 10


class JobServicer(jobs_pb2_grpc.JobServiceServicer):
    """``veilgraph.recommender.v1.JobService``."""

    def __init__(
        self,
        *,
        evaluator: Evaluator,
        evaluate: Job,
        forget: Job,
        live: LiveIndex,
        shown: Callable[[], recommender_pb2.Model],
    ) -> None:
        """Makes the servicer.

        Args:
            evaluator: knows what was found.
            evaluate: has an evaluation made.
            forget: has what is in service be of those who may be learned from now.
            live: the index in service.
            shown: tells of the model in service.
        """
        self._evaluator = evaluator
        self._evaluate = evaluate
        self._forget = forget
        self._live = live
        self._shown = shown
        self._rebuilds: Followed[None] = Followed()
        self._begun = Begun()

    async def Evaluate(
        self, request: jobs_pb2.EvaluateRequest, call: Call
    ) -> AsyncIterator[jobs_pb2.EvaluateResponse]:
        """Evaluates; the last message has what was found."""
        key = request_key(request.request_id, call)
        steps = 1
        async for step in self._evaluate(key, call.now_ms):
            steps = step.steps
            yield jobs_pb2.EvaluateResponse(step=step.step, done=step.done, steps=steps)
        found = await self._evaluator.found(key)
        assert found is not None  # noqa: S101 - it was kept before the last step was told
        yield jobs_pb2.EvaluateResponse(
            step="found", done=steps, steps=steps, evaluation=evaluation_message(found)
        )

    async def GetEvaluation(
        self, _request: jobs_pb2.GetEvaluationRequest, _call: Call
    ) -> jobs_pb2.GetEvaluationResponse:
        """The newest evaluation."""
        newest = await self._evaluator.newest()
        if newest is None:
            return jobs_pb2.GetEvaluationResponse()
        return jobs_pb2.GetEvaluationResponse(evaluation=evaluation_message(newest))

    async def Rebuild(
        self, request: jobs_pb2.RebuildRequest, call: Call
    ) -> AsyncIterator[jobs_pb2.RebuildResponse]:
        """Builds the index anew; the last message comes when it serves."""

        async def work(say: Any) -> None:
            say(Step(_BUILDING, 0, 1))
            await self._live.rebuild()

        async for step in self._rebuilds.follow(request_key(request.request_id, call), work):
            yield jobs_pb2.RebuildResponse(step=step.step, done=step.done, steps=step.steps)
        yield jobs_pb2.RebuildResponse(step=_SERVING, done=1, steps=1, model=self._shown())

    async def Forget(
        self,
        request: jobs_pb2.ForgetRequest,  # noqa: ARG002 - doing it twice changes nothing
        call: Call,
    ) -> jobs_pb2.ForgetResponse:
        """Takes a person out of what serves."""
        subject = call.subject
        assert subject is not None  # noqa: S101 - the method is refused without
        if call.members(subject, call.guard.policy.index(PURPOSE)):
            raise StillPermitted
        await self._begun.to_the_end(self._to_the_end(call.now_ms))
        return jobs_pb2.ForgetResponse(model=self._shown())

    async def _to_the_end(self, now_ms: int) -> None:
        async for _ in self._forget(secrets.token_hex(8), now_ms):
            pass

    async def close(self) -> None:
        """Lets what was begun end."""
        await self._begun.drained()
        await self._rebuilds.close()
        await self._evaluator.close()


def evaluation_message(kept: KeptEvaluation) -> jobs_pb2.Evaluation:
    """An evaluation as it is shown."""
    report = kept.report
    message = jobs_pb2.Evaluation(model_version=kept.model_version)
    message.made_at.FromMilliseconds(kept.made_at_ms)
    message.cut.FromMilliseconds(report["cut_ms"])
    served_as_depth = [row for row in report["depths"] if row["depth"] != "INDIVIDUAL"]
    message.scores.extend(_score(row) for row in (*report["rows"], *served_as_depth))
    message.comparisons.extend(
        jobs_pb2.Comparison(
            model=one["model"],
            against=one["against"],
            task=_TASKS[one["task"]],
            difference=one["mean"],
            low=one["low"],
            high=one["high"],
            verdict=one["verdict"],
        )
        for one in report["comparisons"]
    )
    return message


def _score(row: dict[str, Any]) -> jobs_pb2.Score:
    return jobs_pb2.Score(
        model=row["model"],
        task=_TASKS[row["task"]],
        depth=f"DEPTH_{row['depth']}",
        ndcg=row["ndcg"]["mean"],
        ndcg_low=row["ndcg"]["low"],
        ndcg_high=row["ndcg"]["high"],
        recall=row["recall"],
        hit_rate=row["hit_rate"],
        **row["breadth"],
        people=row["people"] // _ROUNDED_TO * _ROUNDED_TO,
    )
