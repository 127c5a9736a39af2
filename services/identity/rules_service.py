"""RulesService: the rules in force, what others would change, and other rules brought into force."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from identity.columns import Columns
from identity.ids import SubjectId
from identity.preview import MovedEdge, Preview
from identity.repartition import Moved, Repartition
from identity.rules import Rules
from services.begun import Begun
from services.identity.rule_book import RuleBook
from services.identity.rules_change import Proposal, RulesChange
from services.interceptors.call import Call
from services.storage.rules import RulesJournal
from veilgraph.identity.v1 import identity_pb2, rules_pb2, rules_pb2_grpc

#: What a person must permit to be shown to an operator and not just counted.
_SHOWN_UNDER = "service"


class RulesServicer(rules_pb2_grpc.RulesServiceServicer):
    """``veilgraph.identity.v1.RulesService``."""

    def __init__(
        self, change: RulesChange, journal: RulesJournal, book: RuleBook, read: Callable[[str], Rules]
    ) -> None:
        """Makes the servicer; ``read`` understands a rules file."""
        self._change = change
        self._journal = journal
        self._book = book
        self._read = read
        self._begun = Begun()

    async def GetRules(
        self,
        request: rules_pb2.GetRulesRequest,  # noqa: ARG002 - asks for nothing in particular
        call: Call,  # noqa: ARG002 - the guard has judged the caller
    ) -> rules_pb2.GetRulesResponse:
        """The rules in force."""
        kept = await self._journal.in_force()
        assert kept is not None  # noqa: S101 - there are some from the first start on
        response = rules_pb2.GetRulesResponse(
            version=kept.version,
            digest=self._book.rules.digest,
            rules=kept.content,
            changing=self._book.changing,
        )
        response.applied_at.FromMilliseconds(kept.applied_at_ms)
        return response

    async def PreviewRules(
        self, request: rules_pb2.PreviewRulesRequest, call: Call
    ) -> rules_pb2.PreviewRulesResponse:
        """What other rules would change; nothing changes."""
        proposed = await self._proposal(request.rules)
        in_force = self._book.rules.version
        seen = await self._change.preview(proposed, call.now_ms, request.examples)
        return _preview_message(seen, in_force, proposed.rules.version, call)

    async def ApplyRules(
        self, request: rules_pb2.ApplyRulesRequest, call: Call
    ) -> rules_pb2.ApplyRulesResponse:
        """Brings rules into force; effective when it returns."""
        proposed = await self._proposal(request.rules)
        return await self._begun.to_the_end(self._apply(proposed, request.digest, call))

    async def drained(self) -> None:
        """Returns when nothing that was begun is unfinished, or a change stands between two steps."""
        await asyncio.gather(self._change.stop(), self._begun.drained())

    async def _proposal(self, content: str) -> Proposal:
        return Proposal(content, await asyncio.to_thread(self._read, content))

    async def _apply(self, proposed: Proposal, digest: str, call: Call) -> rules_pb2.ApplyRulesResponse:
        assert call.caller is not None  # noqa: S101 - authentication ran before every handler
        in_force = await self._change.begin(proposed, digest, call.caller.id)
        call.durable = True
        return rules_pb2.ApplyRulesResponse(version=proposed.rules.version, consent_epoch=await in_force)


def _preview_message(
    seen: Preview, in_force: int, version: int, call: Call
) -> rules_pb2.PreviewRulesResponse:
    return rules_pb2.PreviewRulesResponse(
        digest=seen.plan.digest,
        version_in_force=in_force,
        version=version,
        links_changed=len(seen.plan.rows),
        links_back=seen.plan.comes_back,
        links_gone=seen.plan.goes,
        reasons=[
            rules_pb2.ReasonCount(reason=reason, links=count) for reason, count in sorted(seen.going.items())
        ],
        links=[_link_message(one) for one in seen.edges if _may_see((one.edge.a, one.edge.b), call)],
        views=[_view_message(name, view, seen.ledger, call) for name, view in seen.views.items()],
        identifiers_shared=len(seen.plan.shared),
    )


def _link_message(moved: MovedEdge) -> rules_pb2.MovedLink:
    edge = moved.edge
    return rules_pb2.MovedLink(
        subject=edge.a.hex(),
        other=edge.b.hex(),
        evidence=identity_pb2.Evidence.Name(edge.evidence),
        source=edge.source,
        comes_back=moved.comes_back,
        reason=moved.reason,
    )


def _view_message(name: str, view: Repartition, ledger: Columns, call: Call) -> rules_pb2.ViewChange:
    return rules_pb2.ViewChange(
        view=name,
        people_before=view.people_before,
        people_after=view.people_after,
        splits=view.splits.people,
        merges=view.merges.people,
        split_people=_people(view.splits, ledger, call),
        merged_people=_people(view.merges, ledger, call),
    )


def _people(moved: Moved, ledger: Columns, call: Call) -> Iterable[rules_pb2.DividedPerson]:
    for parts in moved.some:
        oldest = [ledger.subjects[number] for number in parts]
        shown = [subject.hex() for subject in oldest if _may_see([subject], call)]
        yield rules_pb2.DividedPerson(subjects=shown, parts=len(parts))


def _may_see(subjects: Iterable[SubjectId], call: Call) -> bool:
    return all(subject in call.guard and call.allows(subject, _SHOWN_UNDER) for subject in subjects)
