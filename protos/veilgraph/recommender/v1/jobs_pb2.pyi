import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from veilgraph.privacy.v1 import privacy_pb2 as _privacy_pb2
from veilgraph.recommender.v1 import recommender_pb2 as _recommender_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EvaluationTask(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EVALUATION_TASK_UNSPECIFIED: _ClassVar[EvaluationTask]
    EVALUATION_TASK_NEW: _ClassVar[EvaluationTask]
    EVALUATION_TASK_REPEATS: _ClassVar[EvaluationTask]
EVALUATION_TASK_UNSPECIFIED: EvaluationTask
EVALUATION_TASK_NEW: EvaluationTask
EVALUATION_TASK_REPEATS: EvaluationTask

class EvaluateRequest(_message.Message):
    __slots__ = ("request_id",)
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    def __init__(self, request_id: _Optional[str] = ...) -> None: ...

class EvaluateResponse(_message.Message):
    __slots__ = ("step", "done", "steps", "evaluation")
    STEP_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    EVALUATION_FIELD_NUMBER: _ClassVar[int]
    step: str
    done: int
    steps: int
    evaluation: Evaluation
    def __init__(self, step: _Optional[str] = ..., done: _Optional[int] = ..., steps: _Optional[int] = ..., evaluation: _Optional[_Union[Evaluation, _Mapping]] = ...) -> None: ...

class GetEvaluationRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetEvaluationResponse(_message.Message):
    __slots__ = ("evaluation",)
    EVALUATION_FIELD_NUMBER: _ClassVar[int]
    evaluation: Evaluation
    def __init__(self, evaluation: _Optional[_Union[Evaluation, _Mapping]] = ...) -> None: ...

class Evaluation(_message.Message):
    __slots__ = ("made_at", "model_version", "cut", "scores", "comparisons")
    MADE_AT_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    CUT_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    COMPARISONS_FIELD_NUMBER: _ClassVar[int]
    made_at: _timestamp_pb2.Timestamp
    model_version: str
    cut: _timestamp_pb2.Timestamp
    scores: _containers.RepeatedCompositeFieldContainer[Score]
    comparisons: _containers.RepeatedCompositeFieldContainer[Comparison]
    def __init__(self, made_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., model_version: _Optional[str] = ..., cut: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., scores: _Optional[_Iterable[_Union[Score, _Mapping]]] = ..., comparisons: _Optional[_Iterable[_Union[Comparison, _Mapping]]] = ...) -> None: ...

class Score(_message.Message):
    __slots__ = ("model", "task", "depth", "ndcg", "ndcg_low", "ndcg_high", "recall", "hit_rate", "coverage", "gini", "popularity", "people")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    DEPTH_FIELD_NUMBER: _ClassVar[int]
    NDCG_FIELD_NUMBER: _ClassVar[int]
    NDCG_LOW_FIELD_NUMBER: _ClassVar[int]
    NDCG_HIGH_FIELD_NUMBER: _ClassVar[int]
    RECALL_FIELD_NUMBER: _ClassVar[int]
    HIT_RATE_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_FIELD_NUMBER: _ClassVar[int]
    GINI_FIELD_NUMBER: _ClassVar[int]
    POPULARITY_FIELD_NUMBER: _ClassVar[int]
    PEOPLE_FIELD_NUMBER: _ClassVar[int]
    model: str
    task: EvaluationTask
    depth: _recommender_pb2.Depth
    ndcg: float
    ndcg_low: float
    ndcg_high: float
    recall: float
    hit_rate: float
    coverage: float
    gini: float
    popularity: float
    people: int
    def __init__(self, model: _Optional[str] = ..., task: _Optional[_Union[EvaluationTask, str]] = ..., depth: _Optional[_Union[_recommender_pb2.Depth, str]] = ..., ndcg: _Optional[float] = ..., ndcg_low: _Optional[float] = ..., ndcg_high: _Optional[float] = ..., recall: _Optional[float] = ..., hit_rate: _Optional[float] = ..., coverage: _Optional[float] = ..., gini: _Optional[float] = ..., popularity: _Optional[float] = ..., people: _Optional[int] = ...) -> None: ...

class Comparison(_message.Message):
    __slots__ = ("model", "against", "task", "difference", "low", "high", "verdict")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    AGAINST_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    DIFFERENCE_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    model: str
    against: str
    task: EvaluationTask
    difference: float
    low: float
    high: float
    verdict: str
    def __init__(self, model: _Optional[str] = ..., against: _Optional[str] = ..., task: _Optional[_Union[EvaluationTask, str]] = ..., difference: _Optional[float] = ..., low: _Optional[float] = ..., high: _Optional[float] = ..., verdict: _Optional[str] = ...) -> None: ...

class RebuildRequest(_message.Message):
    __slots__ = ("request_id",)
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    def __init__(self, request_id: _Optional[str] = ...) -> None: ...

class RebuildResponse(_message.Message):
    __slots__ = ("step", "done", "steps", "model")
    STEP_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    step: str
    done: int
    steps: int
    model: _recommender_pb2.Model
    def __init__(self, step: _Optional[str] = ..., done: _Optional[int] = ..., steps: _Optional[int] = ..., model: _Optional[_Union[_recommender_pb2.Model, _Mapping]] = ...) -> None: ...

class ForgetRequest(_message.Message):
    __slots__ = ("subject", "request_id")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    subject: str
    request_id: str
    def __init__(self, subject: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class ForgetResponse(_message.Message):
    __slots__ = ("model", "consent_epoch")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    CONSENT_EPOCH_FIELD_NUMBER: _ClassVar[int]
    model: _recommender_pb2.Model
    consent_epoch: int
    def __init__(self, model: _Optional[_Union[_recommender_pb2.Model, _Mapping]] = ..., consent_epoch: _Optional[int] = ...) -> None: ...
