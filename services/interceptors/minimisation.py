"""Lets out only the fields the purpose may read, with pairwise ids in the place of subjects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from identity.ids import SubjectId
from services.interceptors.call import Call
from services.interceptors.layer import Layer
from services.interceptors.pseudonymisation import PairwiseOf
from services.interceptors.views import Seal, Seals


def minimisation(pairwise_of: PairwiseOf) -> Layer:
    """Cuts responses down to the view of the call's purpose and seals pseudonyms for its caller."""

    def outgoing(call: Call, response: Any) -> Any:
        assert call.caller is not None  # noqa: S101 - authentication stands before
        pairwise = pairwise_of(call.caller)

        def sealing(seal: Callable[[SubjectId], str]) -> Seal:
            return lambda subject: seal(SubjectId(bytes.fromhex(subject)))

        recipient = pairwise if call.recipient is None else pairwise_of(call.recipient)
        own = (pairwise.seal, pairwise.seal_before, pairwise.seal_person)
        seals = Seals(*map(sealing, (*own, recipient.seal)))
        call.view = call.plan.views[_purpose_of_view(call)]
        return call.view.of(response, seals)

    return Layer("minimisation", outgoing=outgoing)


def _purpose_of_view(call: Call) -> int:
    """The call's purpose; none when it has become, or always was, about nobody."""
    if call.plan.degrades and not any(any(column) for column in call.subjects.values()):
        return -1
    return call.purpose
