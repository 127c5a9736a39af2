"""One recommender on this machine, asked to do a job and followed to its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import grpc

from services.commands.desk import Desk
from services.importing.progress import Show
from veilgraph.client.errors import from_rpc
from veilgraph.recommender.v1 import jobs_pb2, jobs_pb2_grpc, recommender_pb2, recommender_pb2_grpc

_VERDICTS = {
    recommender_pb2.PROMOTION_VERDICT_BEATS_POPULARITY: "it beats decayed popularity and serves",
    recommender_pb2.PROMOTION_VERDICT_NOT_ENOUGH: "too few people to judge it by; it serves",
    recommender_pb2.PROMOTION_VERDICT_NOT_BETTER: (
        "[yellow]it does not beat decayed popularity and does not serve[/yellow]"
    ),
}


class JobDesk(Desk):
    """Asks for jobs; closed when its work is done."""

    timeout_s = 3600.0

    def done(self, job: str, request_id: str, subject: str, show: Show) -> list[str]:
        """Has a job done; returns what came of it, in lines for the eye.

        Args:
            job: "evaluate", "forget", "rebuild" or "train".
            request_id: makes it repeatable.
            subject: who is to be forgotten.
            show: told how far it is.

        Raises:
            VeilgraphError: the service refused, or can not be reached.
        """
        jobs: Any = jobs_pb2_grpc.JobServiceStub(self.channel)  # type: ignore[no-untyped-call]
        if job == "forget":
            show(job, 0, 1)
            answer = self.ask(jobs.Forget, jobs_pb2.ForgetRequest(subject=subject, request_id=request_id))
            show(job, 1, 1)
            return ["Nothing learned from the person serves.", _serving(answer.model)]
        if job == "rebuild":
            last = self._last(jobs.Rebuild, jobs_pb2.RebuildRequest(request_id=request_id), job, show)
            return [_serving(last.model)]
        if job == "evaluate":
            last = self._last(jobs.Evaluate, jobs_pb2.EvaluateRequest(request_id=request_id), job, show)
            return list(_evaluation(last.evaluation))
        service: Any = recommender_pb2_grpc.RecommenderServiceStub(self.channel)  # type: ignore[no-untyped-call]
        last = self._last(service.Train, recommender_pb2.TrainRequest(request_id=request_id), job, show)
        return [*_promotion(last.promotion), _serving(last.model)]

    def _last(self, method: Callable[..., Any], request: Any, job: str, show: Show) -> Any:
        last = None
        try:
            for last in method(request, metadata=self._metadata, timeout=self.timeout_s):
                show(job, last.done, last.steps, last.step)
        except grpc.RpcError as error:
            raise from_rpc(error) from None
        return last


def _serving(model: recommender_pb2.Model) -> str:
    what = f"model {model.version}" if model.version else "decayed popularity"
    return f"Serving: {what}, {model.items:,} items"


def _promotion(promotion: recommender_pb2.Promotion) -> Iterator[str]:
    says = _VERDICTS.get(promotion.verdict)
    if says is None:
        return
    yield f"Model {promotion.version}: {says}"
    if promotion.model_ndcg or promotion.popularity_ndcg:
        yield (
            f"NDCG@10 {promotion.model_ndcg:.4f}, decayed popularity {promotion.popularity_ndcg:.4f}, "
            f"{promotion.people:,} people, on days kept back"
        )


def _evaluation(evaluation: jobs_pb2.Evaluation) -> Iterator[str]:
    against = {(one.against, one.task): one for one in evaluation.comparisons}
    yield f"Asked from {evaluation.cut.ToDatetime():%Y-%m-%d} on, model {evaluation.model_version or 'none'}"
    for score in evaluation.scores:
        task = jobs_pb2.EvaluationTask.Name(score.task).removeprefix("EVALUATION_TASK_").lower()
        depth = recommender_pb2.Depth.Name(score.depth).removeprefix("DEPTH_")
        line = (
            f"{task:<8}{score.model:<20}{depth:<11}NDCG@10 {score.ndcg:.4f} "
            rf"\[{score.ndcg_low:.4f}, {score.ndcg_high:.4f}]  R@20 {score.recall:.4f}  "
            f"coverage {score.coverage:.3f}  {score.people:,} people"
        )
        compared = against.get((score.model, score.task))
        yield line if compared is None else f"{line}  served is {compared.verdict}"
