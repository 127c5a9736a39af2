"""The contract's pages on disk, written anew as a whole and compared as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorSet

from services.contract import MODULES
from services.contract.comments import comments
from services.contract.pages import contents, page, page_name
from veilgraph.engagement.v1 import offer_pb2
from veilgraph.privacy.v1 import privacy_pb2

#: Where the pages stand in the repository.
PAGES = Path("docs") / "contract"
#: Files that only say what those with services share.
_WITHOUT_SERVICES = (offer_pb2.DESCRIPTOR, privacy_pb2.DESCRIPTOR)


def pages(described: FileDescriptorSet) -> Mapping[str, str]:
    """Every page of the public contract by its file name.

    Args:
        described: the contract with source info, as ``make stubs`` leaves it.
    """
    written = comments(described)
    public = [module.DESCRIPTOR for module in MODULES if "/internal/" not in module.DESCRIPTOR.name]
    found = {page_name(file): page(file, written) for file in (*public, *_WITHOUT_SERVICES)}
    return {"README.md": contents(public, written), **found}


def write(folder: Path, made: Mapping[str, str]) -> None:
    """Writes pages into a folder and takes out those that are none any more."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.md"):
        if old.name not in made:
            old.unlink()
    for name, text in made.items():
        (folder / name).write_text(text)


def stale(folder: Path, made: Mapping[str, str]) -> list[str]:
    """The pages in a folder that are not as they would be made, missing and foreign ones included."""
    there = {page.name: page.read_text() for page in folder.glob("*.md")}
    return sorted(name for name in there.keys() | made.keys() if there.get(name) != made.get(name))
