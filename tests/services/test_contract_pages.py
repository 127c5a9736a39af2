"""The contract's pages: every method and field is on one, and every link leads somewhere."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorSet

from services.contract import MODULES
from services.contract.comments import comments
from services.contract.writing import pages, stale, write
from veilgraph.engagement.v1 import offer_pb2
from veilgraph.privacy.v1 import privacy_pb2

PAGES = Path(__file__).parents[2] / "docs" / "contract"
_LINK = re.compile(r"\[[^\]]+\]\(([^)#]*)(?:#([^)]*))?\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def described() -> FileDescriptorSet:
    """The contract, every declaration with a comment that says its place."""
    files = FileDescriptorSet()
    for module in (*MODULES, offer_pb2, privacy_pb2):
        descriptor = module.DESCRIPTOR
        file = files.file.add()
        descriptor.CopyToProto(file)
        paths = [(12,)]
        for number, message in enumerate(file.message_type):
            paths += [(4, number), *((4, number, 2, place) for place in range(len(message.field)))]
        for number, enum in enumerate(file.enum_type):
            paths += [(5, number), *((5, number, 2, place) for place in range(len(enum.value)))]
        for number, service in enumerate(file.service):
            paths += [(6, number), *((6, number, 2, place) for place in range(len(service.method)))]
        for path in paths:
            file.source_code_info.location.add(path=path, leading_comments=f" Says\n {path}.\n")
    return files


def test_a_comment_belongs_to_what_it_stands_above() -> None:
    """By the full name, as one line."""
    said = comments(described())
    assert said["veilgraph/identity/v1/identity.proto"] == "Says (12,)."
    assert said["veilgraph.identity.v1.ResolveRequest"] == "Says (4, 0)."
    assert said["veilgraph.identity.v1.ResolveRequest.for_purpose"] == "Says (4, 0, 2, 1)."
    assert said["veilgraph.identity.v1.IdentityService.Link"] == "Says (6, 0, 2, 1)."
    assert said["veilgraph.privacy.v1.Denial.DENIAL_DEGRADE"] == "Says (5, 0, 2, 1)."


def test_every_public_method_and_field_is_on_a_page_and_no_internal_one() -> None:
    """Under the name it has in the contract."""
    text = "\n".join(pages(described()).values())
    for module in MODULES:
        for service in module.DESCRIPTOR.services_by_name.values():
            internal = "/internal/" in module.DESCRIPTOR.name
            assert (f"\n## {service.name}\n" in text) is not internal
            assert internal or all(
                f"\n### {service.name}.{method.name}\n" in text for method in service.methods
            )
        if not internal:
            for message in module.DESCRIPTOR.message_types_by_name.values():
                assert f"\n### {message.name}\n" in text
                assert all(f"| `{field.name}` |" in text for field in message.fields)


def test_a_page_says_who_may_call_and_what_a_field_holds() -> None:
    """As declared: purpose, scope, HTTP, data class, limits, readers."""
    made = pages(described())
    link = "[Resolve](#identityserviceresolve)"
    assert f"| {link} | `POST /v1/identity:resolve` | `service` | `identity.resolve` |" in made["identity.md"]
    sha256 = "| `sha256` | bytes | identifier | Says (4, 1, 2, 1). *(min len 32, max len 32)* |"
    assert sha256 in made["identity.md"]
    assert re.search(r"\| `\w+` \| .* \| behavioural \| .*Read for `", made["profile.md"])


def test_every_link_leads_to_a_heading_that_is_there_once() -> None:
    """On the pages as they stand in the repository."""
    texts = {page.name: page.read_text() for page in PAGES.glob("*.md")}
    anchors = {
        name: Counter(heading.lower().replace(".", "") for heading in _HEADING.findall(text))
        for name, text in texts.items()
    }
    links = [(name, *link) for name, text in texts.items() for link in _LINK.findall(text)]
    assert len(links) > 100
    for name, page, anchor in links:
        assert not anchor or anchors[page or name][anchor] == 1, (name, page, anchor)
        assert not page or page in texts


def test_a_page_that_is_not_the_contracts_is_named(tmp_path: Path) -> None:
    """Changed, missing or foreign."""
    made = pages(described())
    write(tmp_path, made)
    assert stale(tmp_path, made) == []
    (tmp_path / "identity.md").write_text("by hand")
    (tmp_path / "rules.md").unlink()
    (tmp_path / "old.md").write_text("was one")
    assert stale(tmp_path, made) == ["identity.md", "old.md", "rules.md"]
    write(tmp_path, made)
    assert stale(tmp_path, made) == []
