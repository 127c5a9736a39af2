"""The recommender's models: whether one may serve, how old it is, and whom it carries."""

from __future__ import annotations

from collections.abc import Iterator

from services.deployment.config import SuiteConfig
from services.doctor.finding import Finding, error, note, warning
from services.storage import inspection
from services.storage.database import StoreUnusable
from services.storage.model_files import ModelFiles
from services.storage.training_events import subjects_present

#: So long after its training a model is called old.
OLD_DAYS = 30
_DAY_S = 86_400
_TRAIN = "python -m services train, while the suite runs"


def of_models(config: SuiteConfig, now_ms: int) -> Iterator[Finding]:
    """Looks at the folder of models, as it lies there."""
    folder = config.folder / "models"
    files = ModelFiles(folder) if folder.is_dir() else None
    judged = files.judged() if files is not None else None
    if files is None or judged is None:
        yield note("models", "there is none; recommendations go by what is popular", _TRAIN)
        return
    version, check = judged
    manifest = folder / version / "manifest.json"
    if not manifest.exists():
        yield error(f"models/{version}", "it is not whole, and is not used", _TRAIN)
        return
    if not check.promotes:
        yield warning(f"models/{version}", f"it does not serve: {check.verdict.name.lower()}", _TRAIN)
    age_days = (now_ms / 1000 - manifest.stat().st_mtime) / _DAY_S
    if age_days > OLD_DAYS:
        yield warning(f"models/{version}", f"it was trained {age_days:.0f} days ago", _TRAIN)
    try:
        gone = files.learned_from_others(inspection.asked(config.store("recommender"), subjects_present))
    except (StoreUnusable, inspection.Missing):
        return  # said where the stores are looked at
    for one in gone:
        yield error(f"models/{one}", "it was learned from somebody who is erased", _TRAIN)
