"""The program that evaluates a suite on its own past: ``python -m services.recommender.evaluating JOB``.

A process of its own, as training is, and it reads what a training reads: the events of people
who permit it. On its standard output it says a line of JSON per step and then the report;
what it holds of people ends with it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial

import numpy as np

from recommender.baselines import DECAYED, OWN_COUNTS, POPULARITY
from recommender.evaluation import Purchases
from recommender.events import EventTable
from recommender.holdings import purchases
from recommender.parameters import Parameters
from recommender.report import Report
from services.importing.errors import ImportStopped
from services.recommender.child import Say, speak
from services.recommender.comparing import SERVED, Comparing
from services.recommender.journal import NotKept
from services.recommender.purchases import DataSet
from services.storage.training_events import Grouping, training_data
from services.storage.training_job import Job

#: What needs no library that is for development only.
MODELS = (POPULARITY, DECAYED, OWN_COUNTS)
STEPS = ("events", *(model.name for model in MODELS), SERVED, "depths")
DAY_MS = 86_400_000


def evaluated(
    events: EventTable, categories: list[str], parameters: Parameters, told: Callable[[str], object]
) -> Report:
    """Compares what serves with what it has to beat, on the last fifth of the time.

    Args:
        events: of people who permit training.
        categories: of every item by number.
        parameters: what models are trained with.
        told: told the name of each step of ``STEPS`` but the first as it begins.

    Raises:
        ImportStopped: too few people to ask about.
    """
    people, person = np.unique(events.person, return_inverse=True)
    events = EventTable(person.astype(np.int64), events.item, events.day, events.kind, events.quantity)
    bought = purchases(events)
    lines = Purchases(bought.person, bought.item, bought.day, bought.day)
    names = [str(number) for number in range(len(categories))]
    data = DataSet("suite", "", lines, [""] * len(people), names, categories, len(lines), {}, "", events)
    comparing = Comparing(data, NotKept(), lambda *_: None)
    for model in MODELS:
        told(model.name)
        comparing.contender(model)
    told(SERVED)
    comparing.served(SERVED, "served", parameters)
    told("depths")
    comparing.depths(parameters)
    return comparing.report(())


def run(job: Job, grouping: Grouping, say: Say) -> None:
    """Evaluates and says the report.

    Args:
        job: what to read and which constants to use.
        grouping: who may be learned from.
        say: takes ``{"step", "done", "steps"}`` as each step begins, then ``{"report"}``.
    """

    def told(step: str) -> None:
        say({"step": step, "done": STEPS.index(step), "steps": len(STEPS)})

    told(STEPS[0])
    data = job.database.read(partial(training_data, grouping, job.purpose, job.now_ms))
    report = evaluated(data.events, data.categories, job.parameters, told).as_json()
    say({"report": report | {"cut_ms": report["cut_ms"] * DAY_MS}})  # asked by days


if __name__ == "__main__":
    sys.exit(speak(run, sys.argv[1], {ImportStopped: "TOO_FEW_TO_ASK"}))
