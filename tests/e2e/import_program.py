"""An importer as a process of its own, its batches small and each announced: something to kill.

Usage: ``python -m tests.e2e.import_program FOLDER ADDRESSES``, the addresses as JSON. It prints
a line before each batch of events is sent.
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from services.importing import plan, sending
from services.importing.mapping_file import load_mapping
from services.importing.run import import_purchases
from veilgraph.client import connect

EVENTS_A_BATCH = 40


def main(folder: Path, addresses: dict[str, str]) -> None:
    """Imports, with checkpoints and batches so frequent that any instant is in between."""
    plan.EVENTS_MAX = EVENTS_A_BATCH  # type: ignore[misc]
    sending.SAVE_EVERY_S = 0.0  # type: ignore[misc]
    mapping = load_mapping(folder / "mapping.toml")
    with connect(addresses, token=(folder / "tokens" / "importer").read_text()) as client:
        track = client.profile.TrackBatch

        class Announced:
            def future(self, request: Any, /, timeout_s: float | None = None) -> Any:
                print("sending", flush=True)  # noqa: T201 - the test reads it
                return track.future(request, timeout_s=timeout_s)

        client.profile.TrackBatch = Announced()  # type: ignore[assignment]
        import_purchases(mapping, client, folder, Console(file=io.StringIO()))
    print("finished", flush=True)  # noqa: T201 - the test reads it


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))
