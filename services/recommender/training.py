"""The program that trains one model and ends: ``python -m services.recommender.training JOB``.

A process of its own, so that its memory goes back to the machine and no request waits for
its arithmetic. It reads the projection and writes a model folder; on its standard output it
says a line of JSON per step. What it may read stands in the job's folder, which its owner
deletes.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial

from recommender.errors import NothingToLearn
from recommender.model import STEPS
from recommender.promotion import check
from recommender.sums import plan_of
from recommender.text_fitting import fit_text
from recommender.training import Told, model_of
from services.recommender.child import Say, speak
from services.storage.model_files import ModelFiles
from services.storage.sums_files import SumsFiles
from services.storage.training_events import Grouping, training_data
from services.storage.training_job import Job


def run(job: Job, grouping: Grouping, say: Say) -> None:
    """Trains a model and keeps it.

    Args:
        job: what to train.
        grouping: who may be learned from.
        say: takes ``{"step", "done", "steps"}`` as each step begins, ``{"refused"}`` when the
            sums there were can not be used, then ``{"version"}``.

    Raises:
        NothingToLearn: nobody who permits it bought anything.
    """

    def progress(step: str) -> None:
        say({"step": step, "done": STEPS.index(step), "steps": len(STEPS)})

    progress("events")
    data = job.database.read(partial(training_data, grouping, job.purpose, job.now_ms))
    kept = SumsFiles(job.sums)
    try:
        plan = plan_of(data.events, len(data.categories), job.parameters)
    except NothingToLearn:
        kept.remove()
        raise
    progress("check")
    checked = check(data.events, data.categories, job.parameters)
    progress("sums")
    sums = kept.brought_to(
        plan, data.projection, data.grouping, lambda unusable: say({"refused": str(unusable)})
    )
    files = ModelFiles(job.models)
    version = job.version or files.next_version()
    told = Told(data.words, fit_text([words for words in data.words if words]), data.bands)
    model = model_of(plan, sums, data.categories, version, progress, told=told)
    progress("files")
    files.write(replace(model, check=checked), data.projection, data.learned_from)
    say({"version": version})


if __name__ == "__main__":
    sys.exit(speak(run, sys.argv[1], {NothingToLearn: "NOTHING_TO_LEARN"}))
