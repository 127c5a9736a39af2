"""The operator's commands for rules: a check of a file, and thin calls of a running identity service."""

from __future__ import annotations

from collections.abc import Iterable

from identity.rules import Rules
from services.commands.desk import Desk
from services.identity.rule_book import rules_of
from services.tls.credentials import Secured
from veilgraph.identity.v1 import rules_pb2, rules_pb2_grpc

_EXAMPLES = 5


class RulesDesk(Desk):
    """Asks what needs the scope ``identity.rules``."""

    #: A replay of millions of links takes its time.
    timeout_s = 600.0

    def __init__(self, address: str, token: str, secured: Secured | None = None) -> None:
        """See ``Desk``."""
        super().__init__(address, token, secured)
        self._stub = rules_pb2_grpc.RulesServiceStub(self.channel)  # type: ignore[no-untyped-call]

    def preview(self, content: str) -> Iterable[str]:
        """What rules would change, a line each.

        Raises:
            VeilgraphError: the service refused, or can not be reached.
        """
        return lines_of(self._preview(content))

    def apply(self, content: str) -> Iterable[str]:
        """Previews rules and brings exactly that into force.

        Raises:
            VeilgraphError: as of ``preview``.
        """
        seen = self._preview(content)
        yield from lines_of(seen)
        request = rules_pb2.ApplyRulesRequest(rules=content, digest=seen.digest)
        applied = self.ask(self._stub.ApplyRules, request)
        yield f"version {applied.version} is in force everywhere since epoch {applied.consent_epoch}"

    def _preview(self, content: str) -> rules_pb2.PreviewRulesResponse:
        request = rules_pb2.PreviewRulesRequest(rules=content, examples=_EXAMPLES)
        seen: rules_pb2.PreviewRulesResponse = self.ask(self._stub.PreviewRules, request)
        return seen


def checked(content: str, like: Rules) -> str:
    """What a rules file is, in a line.

    Raises:
        RulesError: it is none; the text says where.
    """
    rules = rules_of(content, like)
    return f"rules version {rules.version} {rules.digest[:12]}: views {', '.join(rules.views)}"


def lines_of(seen: rules_pb2.PreviewRulesResponse) -> Iterable[str]:
    """A preview, a line a fact."""
    yield f"version {seen.version} in place of {seen.version_in_force}"
    yield (
        f"{seen.links_changed:,} links count for something else:"
        f" {seen.links_back:,} come back, {seen.links_gone:,} go"
    )
    for reason in seen.reasons:
        yield f"  {reason.reason}: {reason.links:,}"
    for view in seen.views:
        yield (
            f"{view.view}: {view.people_before:,} people become {view.people_after:,};"
            f" {view.splits:,} split, {view.merges:,} merge"
        )
        for word, people in (("splits", view.split_people), ("merges", view.merged_people)):
            for person in people:
                yield f"  {word} ({person.parts}): {' '.join(person.subjects) or 'nobody who may be shown'}"
    yield f"{seen.identifiers_shared:,} identifiers are shared by people"
