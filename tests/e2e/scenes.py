"""Plays a case of ``tests/scenarios`` on a running suite, through the contract and nothing else.

A step is an object whose first key is its verb, a method of ``Scene``; its other keys are that
method's arguments, so that a misspelt case can not pass. Identifiers are made by the client
library from values of the case's own (``#`` stands for a number), a second goes by with every
step, and whatever happened every identifier has at the end the subject it was born with.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from services.rights.verifier import open_verifier
from tests.e2e.conftest import ALL, Shop
from tests.services.conftest import reason_of
from veilgraph.client import identifiers
from veilgraph.consent.v1 import consent_pb2, rights_pb2, rights_pb2_grpc
from veilgraph.engagement.v1 import profile_pb2
from veilgraph.identity.v1 import identity_pb2, keys_pb2, keys_pb2_grpc, rules_pb2, rules_pb2_grpc
from veilgraph.privacy.v1 import privacy_pb2

STEP_MS, DAY_MS, DAY_S = 1_000, 86_400_000, 86_400
EVERYTHING = (*ALL, "share")
NUMBER_BASE = 1_000_000
#: A statement of this text can answer a refusal: it says which text was shown.
SHOWN = {"id": "privacy", "version": "1", "sha256": bytes(32)}

Step = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """A file of ``tests/scenarios``.

    Attributes:
        title: what is claimed, a sentence that can be false.
        why: what goes wrong elsewhere.
        identifiers: name in the case -> kind and value.
        steps: what happens and what is then expected.
    """

    title: str
    why: str
    identifiers: Mapping[str, tuple[str, str]]
    steps: Sequence[Step]


def read_case(path: Path) -> Case:
    """Reads a case.

    Raises:
        TypeError: it has other parts than a case has.
        ValueError: an identifier is not one kind and its value.
    """
    content = json.loads(path.read_text())
    named = content.pop("identifiers")
    if any(len(one) != 1 for one in named.values()):
        raise ValueError(f"{path.name}: an identifier is one kind and its value")
    return Case(identifiers={name: next(iter(one.items())) for name, one in named.items()}, **content)


class StepFailedError(AssertionError):
    """A step of a case did not come out as it says; the text names it."""


class Scene:
    """One case on a suite that others are played on, too."""

    def __init__(self, shop: Shop, case: Case, number: int) -> None:
        """Makes a scene; ``number`` is the case's own and tells its identifiers from all others."""
        self._shop = shop
        self._case = case
        self._number = number
        self._identifiers = {
            name: self._identifier(kind, value) for name, (kind, value) in case.identifiers.items()
        }
        self._subjects: dict[str, str] = {}
        self._former: dict[str, str] = {}
        self._erased: dict[str, set[str]] = {}
        self._verifier = open_verifier(shop.folder / "keys")
        self._rules_before: str | None = None
        self._operator = shop.metadata_of("operator")
        self._rules = rules_pb2_grpc.RulesServiceStub(shop.channels["identity"])
        self._keys = keys_pb2_grpc.KeyServiceStub(shop.channels["identity"])
        self._rights = rights_pb2_grpc.RightsServiceStub(shop.channels["consent"])

    async def play(self) -> None:
        """Goes through the case, and leaves the rules as they were.

        Raises:
            StepFailedError: something is not as a step says.
        """
        try:
            await self._play()
        finally:
            if self._rules_before is not None:
                await self._apply(self._rules_before)

    async def _play(self) -> None:
        for place, step in enumerate(self._case.steps, start=1):
            self._shop.clock.now_ms += STEP_MS
            try:
                await self._step(step)
            except (AssertionError, TypeError, grpc.aio.AioRpcError) as error:
                raise StepFailedError(
                    f"{self._case.title}: step {place}, {json.dumps(step)}: {error}"
                ) from error
        for name, subject in self._subjects.items():
            (result,) = await self._resolved([name])
            if result.subject != subject:
                raise StepFailedError(f"{self._case.title}: {name} has another subject than at first")

    async def _step(self, step: Step) -> None:
        (verb, given), *others = step.items()
        method: Callable[..., Awaitable[None]] = getattr(self, f"do_{verb}")
        await method(given, **dict(others))

    # What happens.

    async def do_resolve(self, names: list[str], *, refused: str = "", new: bool | None = None) -> None:
        """Asks for the subjects of identifiers; they are refused, or all new, or none is."""
        for name, result in zip(names, await self._resolved(names), strict=True):
            assert result.error.reason == refused, f"{name}: {result.error.reason or 'not refused'}"
            assert new in {None, result.created}, f"{name} is {'' if result.created else 'not '}new"
            if not refused:
                self._keep(name, result.subject)

    async def do_link(
        self,
        pair: list[str],
        *,
        by: str = "login",
        source: str = "web",
        seen_days: float = 0,
        holds_days: float | None = None,
        sure_permille: int = 0,
        refused: str = "",
        request: str = "",
    ) -> None:
        """Somebody reports evidence that two identifiers are one person's."""
        one, other = [await self._subject(name) for name in pair]
        seen_ms = self._shop.clock.now_ms + round(seen_days * DAY_MS)
        link = identity_pb2.Link(
            subject=one,
            other=other,
            evidence=identity_pb2.Evidence.Value(f"EVIDENCE_{by.upper()}"),
            source=self._own(source),
            confidence_permille=sure_permille,
        )
        link.observed_at.FromMilliseconds(seen_ms)
        if holds_days is not None:
            link.valid_until.FromMilliseconds(seen_ms + round(holds_days * DAY_MS))
        asked = identity_pb2.LinkRequest(links=[link], request_id=self._request(request))
        answer, reason = await self._answer(self._shop.identity.Link, asked)
        if answer is not None:
            (result,) = answer.results
            reason = result.error.reason
            assert result.linked is not bool(reason)
        _expect(reason, refused)

    async def do_crowd(
        self,
        like: dict[str, str],
        *,
        around: str,
        count: int,
        taken: int | None = None,
        by: str = "login",
        source: str = "web",
        refused: str = "",
    ) -> None:
        """Many identifiers that permit linking are linked with one, in one request; the last are refused."""
        ((kind, value),) = like.items()
        values = [value.replace("*", str(place)) for place in range(count)]
        made = [self._identifier(kind, one) for one in values]
        request = identity_pb2.ResolveRequest(identifiers=made)
        crowd = await self._shop.identity.Resolve(request, metadata=self._shop.metadata)
        subjects = [result.subject for result in crowd.results]
        middle = await self._subject(around)
        seen_at = self._shop.now()
        evidence = identity_pb2.Evidence.Value(f"EVIDENCE_{by.upper()}")
        statements = [self._statement(subject, "GRANT", ["identity.link"]) for subject in subjects]
        said = consent_pb2.RecordRequest(statements=statements, request_id=self._request(""))
        assert (await self._shop.consent.Record(said, metadata=self._shop.metadata)).recorded == count
        links = [
            identity_pb2.Link(
                subject=middle, other=subject, evidence=evidence, source=source, observed_at=seen_at
            )
            for subject in subjects
        ]
        asked = identity_pb2.LinkRequest(links=links, request_id=self._request(""))
        results = (await self._shop.identity.Link(asked, metadata=self._shop.metadata)).results
        taken = count if taken is None else taken
        assert [result.linked for result in results] == [place < taken for place in range(count)]
        assert {result.error.reason for result in results[taken:]} <= {refused}

    async def do_unlink(
        self, pair: list[str], *, removes: int = 1, reason: str = "", refused: str = "", request: str = ""
    ) -> None:
        """Somebody declares wrong whatever links two identifiers."""
        one, other = [await self._subject(name) for name in pair]
        asked = identity_pb2.UnlinkRequest(
            subject=one, other=other, reason=reason, request_id=self._request(request)
        )
        answer, reason = await self._answer(self._shop.identity.Unlink, asked)
        _expect(reason, refused)
        if answer is not None:
            assert answer.edges_removed == removes, f"it removes {answer.edges_removed}"

    async def do_grant(self, names: list[str], **said: Any) -> None:
        """Whoever is behind each identifier permits purposes: everything, unless some are named."""
        await self._say("GRANT", names, **said)

    async def do_refuse(self, names: list[str], **said: Any) -> None:
        """They were asked and said no."""
        await self._say("REFUSE", names, **said)

    async def do_withdraw(self, names: list[str], **said: Any) -> None:
        """They take back what they had permitted."""
        await self._say("WITHDRAW", names, **said)

    async def do_object(self, names: list[str], **said: Any) -> None:
        """They object, which beats other legal bases than consent, too."""
        await self._say("OBJECT", names, **said)

    async def do_lift(self, names: list[str], **said: Any) -> None:
        """They take back their objection."""
        await self._say("LIFT", names, **said)

    async def do_ask(self, names: list[str], **said: Any) -> None:
        """They are asked and have not answered; says, with ``age``, how old they are."""
        await self._say("REQUEST", names, **said)

    async def do_buy(self, bought: dict[str, str]) -> None:
        """Each orders an item."""
        for name, item in bought.items():
            subject = await self._subject(name)
            event = self._shop.event(f"{self._number}-{name}-{item}", subject, item)
            answer = await self._shop.track(event)
            assert answer.recorded == 1, answer

    async def do_wait(self, days: float) -> None:
        """Days go by. The suite would see by itself what ran out; a passer-by lets it look at once."""
        self._shop.clock.now_ms += round(days * DAY_MS)
        await self._shop.subject(self._request(""))

    async def do_erase(self, names: list[str], *, suppress: bool = False) -> None:
        """Whoever is behind the identifiers proves it and has everything erased."""
        now_s = self._shop.clock.now_ms // 1_000
        subjects = [await self._subject(name) for name in names]
        request = rights_pb2.EraseRequest(
            subject=subjects[0],
            proofs=[self._verifier.attest(subject, "shop", now_s) for subject in subjects],
            suppress=suppress,
            request_id=self._request(""),
        )
        answer = await self._rights.Erase(request, metadata=self._shop.metadata)
        assert answer.identities == len(names), f"{answer.identities} identities were erased"
        while not answer.receipt.body:
            receipt = rights_pb2.GetReceiptRequest(erasure_id=answer.erasure_id)
            answer = await self._rights.GetReceipt(receipt, metadata=self._shop.metadata)
        for name in names:
            self._erased.setdefault(name, set()).add(self._subjects.pop(name))

    async def do_rotate(self, what: str, *, overlap_days: float = 0) -> None:
        """A new key of ``identifier`` tokens, or of the ``ids`` the shop holds, which it asks for anew."""
        own = what == "ids"
        use = keys_pb2.KEY_USE_PAIRWISE if own else keys_pb2.KEY_USE_IDENTIFIER
        operator = self._operator
        known = await self._keys.GetKeys(keys_pb2.GetKeysRequest(), metadata=operator)
        active = [one for one in known.versions if one.use == use and one.state == keys_pb2.KEY_STATE_ACTIVE]
        request = keys_pb2.RotateKeysRequest(
            use=use,
            caller="shop" if own else "",
            from_version=max(one.version for one in active if one.caller in {"", "shop"}),
            overlap_s=round(overlap_days * DAY_S),
        )
        await self._keys.RotateKeys(request, metadata=operator)
        if not own:
            return
        self._former, self._subjects = self._subjects, {}
        for name, before in self._former.items():
            (result,) = await self._resolved([name])
            assert result.subject != before, f"{name} has its old id"
            assert result.previous == (before if overlap_days else ""), f"{name} was another"
            self._keep(name, result.subject)

    async def do_rules(
        self,
        changed: dict[str, str],
        *,
        splits: dict[str, int] | None = None,
        merges: dict[str, int] | None = None,
    ) -> None:
        """Rules with lines changed come into force, for the past as well; they go with the case."""
        if self._rules_before is None:
            asked = rules_pb2.GetRulesRequest()
            in_force = await self._rules.GetRules(asked, metadata=self._operator)
            self._rules_before = in_force.rules
        text = self._rules_before
        for old, new in changed.items():
            assert old in text, f"the rules do not say {old!r}"
            text = text.replace(old, self._own(new), 1)
        preview = await self._apply(text)
        for expected, kind in ((splits, "splits"), (merges, "merges")):
            found = {view.view: getattr(view, kind) for view in preview.views}
            assert expected is None or expected == found, f"{kind} would be {found}"

    async def _apply(self, text: str) -> rules_pb2.PreviewRulesResponse:
        """Previews a rules file as the newest version there is, and applies it as previewed."""
        known = await self._rules.GetRules(rules_pb2.GetRulesRequest(), metadata=self._operator)
        text = re.sub(r"(?m)^version *=.*$", f"version = {known.version + 1}", text, count=1)
        asked = rules_pb2.PreviewRulesRequest(rules=text)
        preview = await self._rules.PreviewRules(asked, metadata=self._operator)
        request = rules_pb2.ApplyRulesRequest(rules=text, digest=preview.digest)
        await self._rules.ApplyRules(request, metadata=self._operator)
        return preview

    # What is then expected.

    async def do_formerly(self, names: list[str], *, refused: str = "") -> None:
        """The ids from before the last rotation are still taken, or refused."""
        for name in names:
            asked = consent_pb2.GetStateRequest(subject=self._former[name])
            _, reason = await self._answer(self._shop.consent.GetState, asked)
            _expect(reason, refused)

    async def do_people(self, groups: list[list[str]], *, purpose: str = "personalise.recommend") -> None:
        """Each group is one person in the view of a purpose, and no two groups are the same one."""
        names = [name for group in groups for name in group]
        person = {
            name: result.person
            for name, result in zip(names, await self._resolved(names, purpose), strict=True)
        }
        assert all(person.values()), f"no person of {[name for name in names if not person[name]]}"
        found = [sorted(name for name in names if person[name] == one) for one in set(person.values())]
        assert sorted(found) == sorted(map(sorted, groups)), f"they are {sorted(found)}"

    async def do_nobody(self, names: list[str], *, purpose: str = "personalise.recommend") -> None:
        """There is no person to be told of, because the purpose is not permitted."""
        told = await self._resolved(names, purpose)
        assert not any(result.person for result in told), "there is a person"

    async def do_allowed(self, expected: dict[str, list[str]]) -> None:
        """Of all identifiers of the case exactly these permit a purpose."""
        permitting: dict[str, list[str]] = {purpose: [] for purpose in expected}
        for name in self._subjects:
            states = await self._states(name)
            for purpose in expected:
                if states[purpose].allowed:
                    permitting[purpose].append(name)
        for purpose, names in expected.items():
            assert sorted(permitting[purpose]) == sorted(names), f"{purpose}: {sorted(permitting[purpose])}"

    async def do_said(self, expected: dict[str, str], *, of: str) -> None:
        """What each identifier itself said about a purpose."""
        for name, state in expected.items():
            own = consent_pb2.State.Name((await self._states(name))[of].own)
            assert own == f"STATE_{state}", f"{name}: {own}"

    async def do_sees(
        self, expected: dict[str, list[str] | None], *, purpose: str = "personalise.recommend"
    ) -> None:
        """Which orders are read for each identifier; none at all (null) if it is not permitted."""
        for name, items in expected.items():
            asked = profile_pb2.PortraitRequest(
                subject=await self._subject(name), for_purpose=purpose_of(purpose)
            )
            answer, reason = await self._answer(self._shop.engagement.Portrait, asked)
            _expect(reason, "NOT_PERMITTED" if items is None else "")
            if items is not None:
                seen = sorted(event.item_id for event in answer.events)
                assert seen == sorted(items), f"{name} sees {seen}"

    async def do_explained(
        self, pair: list[str], *, by: list[str] | None, purpose: str = "personalise.recommend"
    ) -> None:
        """The evidence on the shortest way between two; null if they are not one person."""
        one, other = [await self._subject(name) for name in pair]
        asked = identity_pb2.ExplainRequest(subject=one, other=other, for_purpose=purpose_of(purpose))
        answer = await self._shop.identity.Explain(asked, metadata=self._shop.metadata)
        path = [identity_pb2.Evidence.Name(step.evidence) for step in answer.path]
        expected = None if by is None else [f"EVIDENCE_{one.upper()}" for one in by]
        assert (path if answer.linked else None) == expected, f"the path is {path}"

    async def _say(
        self,
        action: str,
        names: list[str],
        *,
        to: Sequence[str] = EVERYTHING,
        holds_days: float | None = None,
        answers: Sequence[str] = (),
        age: str = "UNSPECIFIED",
        regime: str = "",
        refused: str = "",
    ) -> None:
        for name in names:
            statement = self._statement(
                await self._subject(name),
                action,
                to,
                age=consent_pb2.Age.Value(f"AGE_{age}"),
                regime=regime,
                supersedes=[await self._refusal(other, to) for other in answers],
            )
            if holds_days is not None:
                statement.valid_until.FromMilliseconds(self._shop.clock.now_ms + round(holds_days * DAY_MS))
            asked = consent_pb2.RecordRequest(statements=[statement], request_id=self._request(""))
            answer, reason = await self._answer(self._shop.consent.Record, asked)
            if answer is not None and answer.refused:
                reason = answer.refused[0].reason
            _expect(reason, refused)

    @staticmethod
    def _statement(
        subject: str, action: str, purposes: Sequence[str], **fields: Any
    ) -> consent_pb2.Statement:
        return consent_pb2.Statement(
            subject=subject,
            action=consent_pb2.Action.Value(f"ACTION_{action}"),
            purposes=purposes,
            collected_via=consent_pb2.COLLECTED_VIA_WEB,
            notice=SHOWN if action == "GRANT" else None,
            **fields,
        )

    def _identifier(self, kind: str, value: str) -> identity_pb2.Identifier:
        made: identity_pb2.Identifier = getattr(identifiers, kind)(self._own(value))
        return made

    def _own(self, text: str) -> str:
        return text.replace("#", str(NUMBER_BASE + self._number))

    async def _refusal(self, name: str, purposes: Sequence[str]) -> str:
        """The caller's id of what somebody refused."""
        (purpose,) = purposes
        return (await self._states(name))[purpose].statement_id

    async def _states(self, name: str) -> dict[str, consent_pb2.PurposeState]:
        request = consent_pb2.GetStateRequest(subject=await self._subject(name))
        answer = await self._shop.consent.GetState(request, metadata=self._shop.metadata)
        return {state.purpose: state for state in answer.purposes}

    async def _subject(self, name: str) -> str:
        if name not in self._subjects:
            await self.do_resolve([name])
        return self._subjects[name]

    async def _resolved(self, names: Sequence[str], purpose: str = "") -> list[identity_pb2.ResolveResult]:
        request = identity_pb2.ResolveRequest(
            identifiers=[self._identifiers[name] for name in names],
            for_purpose=purpose_of(purpose) if purpose else privacy_pb2.PURPOSE_UNSPECIFIED,
        )
        answer = await self._shop.identity.Resolve(request, metadata=self._shop.metadata)
        return list(answer.results)

    async def _answer(self, method: Callable[..., Any], request: Any) -> tuple[Any, str]:
        """The answer and no reason, or none and the reason for which the call was refused."""
        try:
            return await method(request, metadata=self._shop.metadata), ""
        except grpc.aio.AioRpcError as error:
            return None, reason_of(error)

    def _keep(self, name: str, subject: str) -> None:
        assert self._subjects.setdefault(name, subject) == subject, f"{name} has another subject"
        assert subject not in self._erased.get(name, ()), f"{name} came back as who was erased"

    def _request(self, name: str) -> str:
        return f"scene-{self._number}-{name}" if name else self._shop.request_id()


def _expect(reason: str, refused: str) -> None:
    assert reason == refused, f"refused with {reason}" if reason else "it was not refused"


def purpose_of(name: str) -> privacy_pb2.Purpose:
    """The contract's value of a purpose that a caller asks for."""
    return privacy_pb2.Purpose.Value(f"PURPOSE_{name.upper().replace('.', '_')}")
