"""What can stop an import.

ImportStopped
├── MappingError      the mapping file: the key at fault and what is wrong with it
├── SourceError       a source file is missing or can not be read
├── CheckpointError   the folder holds the checkpoint of another import, or a broken one
└── SendingError      the suite answered something the import can not go on from
"""

from __future__ import annotations


class ImportStopped(Exception):  # noqa: N818 - named for what happened
    """Base of everything that ends an import early; its text is made for the console."""


class MappingError(ImportStopped):
    """A mapping file is wrong.

    Attributes:
        path: where, e.g. ``purchases.amount.per``.
    """

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path


class SourceError(ImportStopped):
    """A source file is missing or can not be read."""


class CheckpointError(ImportStopped):
    """The checkpoint found is not of this import."""


class SendingError(ImportStopped):
    """The suite refused what the import depends on, or did not get there in time."""
