"""The record of processing as a Markdown page, for whoever has to read it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any


def markdown(record: Any) -> str:
    """The page.

    Args:
        record: what ``services.retention.ropa.record_of_processing`` made.
    """
    policy, contract = record["policy"], record["contract"]
    tenant = record["tenant"] or "no tenant named"
    made_from = (
        f"Deployment of **{tenant}** · policy version {policy['version']}, taxonomy {policy['taxonomy']},"
        f" `{policy['sha256'][:16]}` · contract `{contract['sha256'][:16]}`"
    )
    parts = [
        "# Record of processing activities",
        made_from,
        "## Purposes",
        *(_purpose(one) for one in record["purposes"]),
        "## Methods",
        _table(
            ("method", "purposes", "scope", "about", "when denied", "writes"),
            (
                (
                    f"`{one['method']}`",
                    ", ".join(one["purposes"]),
                    f"`{one['scope']}`",
                    ", ".join(f"`{path}`" for path in one["subjects"]) or "nobody",
                    one["on_denial"] if one["subjects"] else "",
                    "yes" if one["writes"] else "",
                )
                for one in record["methods"]
            ),
        ),
        "## Recipients",
        _table(
            ("recipient", "for the purposes", "by the methods"),
            (
                (
                    one["recipient"],
                    ", ".join(one["purposes"]),
                    ", ".join(f"`{name}`" for name in one["methods"]),
                )
                for one in record["recipients"]
            ),
        )
        if record["recipients"]
        else "None is configured: every call is refused.",
        "## Data classes and how long they are kept",
        _table(
            ("class", "at the longest", "fields"),
            (
                (one["class"], one["kept"], ", ".join(f"`{field}`" for field in one["fields"]))
                for one in record["data_classes"]
            ),
        ),
        "Of these, by kind:",
        _table(
            ("what", "kept"),
            (
                *((f"event {kind}", kept) for kind, kept in record["retention"]["events"].items()),
                *record["retention"]["records"].items(),
            ),
        ),
        "## Security",
        "\n".join(f"- {measure}" for measure in record["security"]),
    ]
    return "\n\n".join(parts) + "\n"


def _purpose(one: Any) -> str:
    bases = ", ".join(f"{basis} ({regime})" for regime, basis in one["legal_basis"].items())
    lines = [
        f"### {one['purpose']}",
        f"Legal basis: {bases}. View of the graph: {one['view']}. Since taxonomy version {one['since']}.",
        f"Recipients: {', '.join(one['recipients']) or 'none'}.",
    ]
    if not one["methods"]:
        return "\n\n".join([*lines, "No method processes anything for it."])
    lines.append(f"Methods: {', '.join(f'`{name}`' for name in one['methods'])}.")
    data = ((name, ", ".join(f"`{field}`" for field in fields)) for name, fields in one["data"].items())
    return "\n\n".join([*lines, _table(("class", "fields"), data)])


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
