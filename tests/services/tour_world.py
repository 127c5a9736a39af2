"""A suite in a few lines for the tour's tests: it keeps its promises, but for the flaw it is given.

Births are numbers; what a caller holds is its name and the number, so that everything the
contract promises about ids can be seen, and broken.
"""

from __future__ import annotations

import itertools
import json
import tomllib
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from google.protobuf import json_format

from consent.auditlog.verifying import Report, verify
from services.importing.dealing import CHANNELS, Answer, deal
from services.importing.messages import identifiers
from services.tour.audit import Auditor
from tests.consent.auditlog.logs import batches, file_of, verified
from tests.services.tour_offers_world import OffersWorld
from veilgraph.client import Denied, InvalidRequest, NotFound
from veilgraph.client.testing import FakeVeilgraph
from veilgraph.consent.v1 import consent_pb2, rights_pb2
from veilgraph.engagement.v1 import profile_pb2
from veilgraph.identity.v1 import identity_pb2, keys_pb2, people_pb2, rules_pb2
from veilgraph.privacy.v1 import privacy_pb2
from veilgraph.recommender.v1 import recommender_pb2

DATASET = "corner-shop"
LEAVES = ("service", "personalise.content", "personalise.recommend", "marketing.email", "loyalty")
NOW_MS = 1_700_000_000_000
RULES = 'version = 4\n[sources]\nunknown = "accept"\n'


class TourWorld:
    """Everything the suite holds.

    Args:
        people: how many were imported.
        flaw: the promise it breaks, a name that one of the methods looks for.
    """

    def __init__(self, people: int = 60, flaw: str = "") -> None:
        self.flaw = flaw
        self.now_ms = NOW_MS
        self.births: dict[bytes, int] = {}
        self._numbers = itertools.count(1)
        self.kinds: dict[int, int] = {}
        self.said: dict[int, dict[str, int]] = defaultdict(dict)
        self.links: dict[tuple[int, int], identity_pb2.Link] = {}
        self.wrong_at_ms: dict[tuple[int, int], int] = {}
        self.events: dict[int, tuple[str, int]] = {}
        self.shared: dict[int, list[identity_pb2.Link]] = {}
        self.rules_version = 4
        self.identifier_key = 1
        self.id_keys: defaultdict[str, int] = defaultdict(lambda: 1)
        self.requests: set[str] = set()
        self.proofs: dict[str, str] = {}
        self.erased: set[int] = set()
        self.receipts: dict[str, rights_pb2.SignedReceipt] = {}
        self.offers = OffersWorld(self)
        for ordinal in range(1, people + 1):
            self._import(ordinal)

    def _import(self, ordinal: int) -> None:
        dealt = deal(DATASET, ordinal)
        for channel, one in zip(CHANNELS, identifiers(dealt), strict=True):
            birth = self.births.setdefault(one.sha256, next(self._numbers))
            self.kinds[birth] = one.kind
            # every third person never bought by phone
            self.events[birth] = channel.origin, 0 if channel == 2 and ordinal % 3 else 5 + channel
            if dealt.answer is not Answer.SILENT:
                granted = dealt.answer is Answer.GRANT
                state = consent_pb2.STATE_GRANTED if granted else consent_pb2.STATE_REFUSED
                self.said[birth] = dict.fromkeys(LEAVES[1:], state)

    @property
    def state(self) -> tuple[Any, ...]:
        return dict(self.births), {b: dict(s) for b, s in self.said.items()}, dict(self.links)

    def client(self, caller: str) -> FakeVeilgraph:
        def opened(subject: str) -> int:
            name, _, birth = subject.partition(":")
            name, _, version = name.partition("~")
            if self.flaw == "old_ids_end_at_once" and int(version or 1) < self.id_keys[caller]:
                raise InvalidRequest("SUBJECT_REF_MALFORMED", "subject")
            if name != caller and self.flaw == "shared_ids":
                return int(birth)
            if name != caller or not birth.isdigit():
                raise InvalidRequest("SUBJECT_REF_MALFORMED", "subject")
            return int(birth)

        def bound(method: Any) -> Any:
            return lambda request: method(request, caller, opened)

        return FakeVeilgraph(
            {
                "identity.Resolve": bound(self.resolve),
                "identity.Link": bound(self.link),
                "identity.Unlink": bound(self.unlink),
                "identity.Explain": bound(self.explain),
                "people.GetPerson": bound(self.get_person),
                "rules.GetRules": lambda _: self.get_rules(),
                "rules.PreviewRules": bound(self.preview),
                "keys.GetKeys": lambda _: keys_pb2.GetKeysResponse(versions=self.keys()),
                "keys.RotateKeys": self.rotate,
                "consent.Record": bound(self.record),
                "consent.GetState": bound(self.get_state),
                "profile.Portrait": bound(self.portrait),
                "profile.TrackBatch": bound(self.track),
                "rights.Access": bound(self.access),
                "rights.Erase": bound(self.erase),
                "rights.GetReceipt": bound(self.get_receipt),
                "recommender.Recommend": bound(self.recommend),
                **self.offers.handlers(caller, bound),
            }
        )

    def person(self, birth: int) -> set[int]:
        found, new = set[int](), {birth}
        while new:
            found |= new
            new = {b for pair in self.links for b in pair if found & set(pair)} - found
        return found

    def allowed(self, birth: int, leaf: str) -> bool:
        if leaf == "service":
            return True
        reach = {birth} if self.flaw == "withdrawal_stays" else self.person(birth)
        states = [self.said[member].get(leaf, consent_pb2.STATE_UNKNOWN) for member in reach]
        refused = {consent_pb2.STATE_REFUSED, consent_pb2.STATE_WITHDRAWN}
        return consent_pb2.STATE_GRANTED in states and not refused & set(states)

    def resolve(self, request: Any, caller: str, _opened: Any) -> identity_pb2.ResolveResponse:
        answer = identity_pb2.ResolveResponse()
        for one in request.identifiers:
            created = one.sha256 not in self.births
            birth = self.births.setdefault(one.sha256, next(self._numbers))
            if self.flaw == "rotation_moves_people" and self.identifier_key > 1:
                birth += 1
            self.kinds[birth] = one.kind
            name = "everybody" if self.flaw == "same_person_for_all" else caller
            person = f"{name}:person-{min(self.person(birth))}"
            result = answer.results.add(subject=self.sealed(caller, birth), person=person, created=created)
            if self.id_keys[caller] > 1 and self.flaw != "nobody_is_told_of_new_ids":
                result.previous = self.sealed(caller, birth, before=1)
                result.refresh_at.seconds = self.now_ms // 1000 + 9
        return answer

    def sealed(self, caller: str, birth: int, before: int = 0) -> str:
        version = self.id_keys[caller] - before
        return f"{caller}~{version}:{birth}" if version > 1 else f"{caller}:{birth}"

    def link(self, request: Any, _caller: str, opened: Any) -> identity_pb2.LinkResponse:
        self._once(request.request_id)
        answer = identity_pb2.LinkResponse()
        for link in request.links:
            pair = opened(link.subject), opened(link.other)
            if self.shares(link, pair):
                answer.results.add(error=privacy_pb2.ItemError(reason="IDENTIFIER_SHARED", code=9))
                continue
            old = link.observed_at.ToMilliseconds() <= self.wrong_at_ms.get(pair, 0)
            old = old and self.flaw != "old_evidence_returns"
            if old or (self.flaw == "half_linked" and answer.results):
                refused = privacy_pb2.ItemError(reason="LINK_DECLARED_WRONG", code=9)
                answer.results.add(error=refused)
                continue
            self.links[pair] = link
            answer.results.add(linked=True)
        return answer

    def shares(self, link: identity_pb2.Link, pair: tuple[int, int]) -> bool:
        """Whether a device is used by a second account; then what it was linked by goes."""
        account, device = pair
        if self.kinds[device] != identity_pb2.IDENTIFIER_KIND_DEVICE_ID or self.flaw == "till_joins":
            return False
        others = [at for at in self.links if at[1] == device and at[0] != account]
        if not others and device not in self.shared:
            return False
        if device in self.shared and self.flaw == "shared_is_forgotten":
            return False
        refused = self.shared.setdefault(device, [])
        refused.append(link)
        if self.flaw != "first_stays_at_the_till":
            refused.extend(self.links.pop(at) for at in others)
        return True

    def get_person(self, request: Any, _caller: str, opened: Any) -> people_pb2.GetPersonResponse:
        answer = people_pb2.GetPersonResponse()
        links = [] if self.flaw == "operator_sees_nothing" else self.shared.get(opened(request.subject), [])
        answer.members.add(kind=identity_pb2.IDENTIFIER_KIND_DEVICE_ID)
        for place, link in enumerate(links, start=1):
            answer.members.add(kind=identity_pb2.IDENTIFIER_KIND_ACCOUNT_ID)
            answer.links.add(
                one=place, evidence=link.evidence, source=link.source, reason="IDENTIFIER_SHARED"
            )
        return answer

    def get_rules(self) -> rules_pb2.GetRulesResponse:
        return rules_pb2.GetRulesResponse(
            version=self.rules_version, digest=f"rules {self.rules_version}", rules=RULES
        )

    def preview(self, request: Any, caller: str, _opened: Any) -> rules_pb2.PreviewRulesResponse:
        content = tomllib.loads(request.rules)
        assert content["version"] == self.rules_version + 1
        retired = content["sources"]["named"]
        answer = rules_pb2.PreviewRulesResponse(version=content["version"])
        gone = [pair for pair, link in self.links.items() if link.source in retired]
        for view in ("strict", "wide"):
            change = answer.views.add(view=view, splits=len(gone), merges=int(self.flaw == "preview_merges"))
            for pair in gone:
                named = (1, 2) if self.flaw == "preview_names_others" else pair
                change.split_people.add(subjects=[self.sealed(caller, end) for end in named], parts=2)
        if self.flaw == "preview_applies":
            self.links = {pair: link for pair, link in self.links.items() if pair not in gone}
            self.rules_version += 1
        return answer

    def keys(self) -> list[keys_pb2.KeyVersion]:
        made = []
        for version in range(1, self.identifier_key + 1):
            kept_under = version if self.flaw == "old_key_is_needed_for_ever" else self.identifier_key
            made.append(
                keys_pb2.KeyVersion(
                    use=keys_pb2.KEY_USE_IDENTIFIER,
                    version=version,
                    state=keys_pb2.KEY_STATE_RETIRED
                    if version < self.identifier_key
                    else keys_pb2.KEY_STATE_ACTIVE,
                    identifiers=len(self.births) * (version == kept_under),
                )
            )
        for caller in ("", *sorted(self.id_keys)):
            if not caller or self.id_keys[caller] > 1:
                made.append(
                    keys_pb2.KeyVersion(
                        use=keys_pb2.KEY_USE_PAIRWISE,
                        caller=caller,
                        version=self.id_keys[caller] if caller else 1,
                        state=keys_pb2.KEY_STATE_ACTIVE,
                    )
                )
        return made

    def rotate(self, request: keys_pb2.RotateKeysRequest) -> keys_pb2.RotateKeysResponse:
        version = request.from_version + 1
        if self.flaw == "key_stays":
            version = request.from_version
        elif request.use == keys_pb2.KEY_USE_IDENTIFIER:
            assert request.from_version == self.identifier_key
            self.identifier_key = version
        else:
            assert request.from_version == self.id_keys[request.caller]
            for caller in ("shop", "partner") if self.flaw == "ids_of_all_change" else (request.caller,):
                self.id_keys[caller] = version
        return keys_pb2.RotateKeysResponse(active=keys_pb2.KeyVersion(version=version))

    def unlink(self, request: Any, _caller: str, opened: Any) -> identity_pb2.UnlinkResponse:
        self._once(request.request_id)
        pair = opened(request.subject), opened(request.other)
        if pair not in self.links:
            raise NotFound("LINK_NOT_FOUND")
        if self.flaw == "unlink_moves_events":
            origin, count = self.events.get(pair[0], ("", 0))
            self.events[pair[0]] = origin, count + 1
        if self.flaw != "unlink_does_nothing":
            del self.links[pair]
        self.now_ms += 1
        self.wrong_at_ms[pair] = self.now_ms
        return identity_pb2.UnlinkResponse(edges_removed=1)

    def explain(self, request: Any, _caller: str, opened: Any) -> identity_pb2.ExplainResponse:
        one, other = opened(request.subject), opened(request.other)
        answer = identity_pb2.ExplainResponse(linked=other in self.person(one))
        if not answer.linked:
            return answer
        at, way = one, {one: -1}
        for _ in range(2):  # no household has a longer way
            for a, b in [*self.links, *((b, a) for a, b in self.links)]:
                if a in way and b not in way:
                    way[b] = a
        steps = [other]
        while way[steps[-1]] != -1:
            steps.append(way[steps[-1]])
        for at, after in zip(steps[::-1], steps[::-1][1:], strict=False):
            link = self.links.get((at, after)) or self.links[after, at]
            answer.path.add(
                from_kind=self.kinds[at],
                to_kind=self.kinds[after],
                evidence=link.evidence,
                source="somebody" if self.flaw == "explains_by_another" else link.source,
            )
        return answer

    def record(self, request: Any, _caller: str, opened: Any) -> consent_pb2.RecordResponse:
        self._once(request.request_id)
        for said in request.statements:
            granted = said.action == consent_pb2.ACTION_GRANT
            if granted and self.flaw == "grant_is_lost":
                continue
            state = consent_pb2.STATE_GRANTED if granted else consent_pb2.STATE_WITHDRAWN
            for leaf in LEAVES[1:]:
                if any(leaf == node or leaf.startswith(f"{node}.") for node in said.purposes):
                    self.said[opened(said.subject)][leaf] = state
        return consent_pb2.RecordResponse(recorded=len(request.statements))

    def get_state(self, request: Any, _caller: str, opened: Any) -> consent_pb2.GetStateResponse:
        birth, answer = opened(request.subject), consent_pb2.GetStateResponse()
        for leaf in LEAVES:
            own = self.said[birth].get(leaf, consent_pb2.STATE_UNKNOWN)
            answer.purposes.add(purpose=leaf, own=own, allowed=self.allowed(birth, leaf))
        return answer

    def portrait(self, request: Any, _caller: str, opened: Any) -> profile_pb2.PortraitResponse:
        birth = opened(request.subject)
        personal = request.for_purpose == privacy_pb2.PURPOSE_PERSONALISE_RECOMMEND
        if personal and not self.allowed(birth, "personalise.recommend"):
            raise Denied("NOT_PERMITTED")
        seen = [self.events.get(member, ("", 0)) for member in sorted(self.person(birth))]
        if self.flaw == "kept_id_shows_more" and birth in {b for pair in self.wrong_at_ms for b in pair}:
            seen.append(("till", 1))
        origins = [origin for origin, count in seen for _ in range(count)]
        start = int(request.page_token or 0)
        answer = profile_pb2.PortraitResponse(total_events=len(origins))
        for origin, count in sorted(seen):
            if count:
                answer.origins.add(origin=origin, events=count)
        for origin in origins[start : start + request.page_size]:
            event = answer.events.add(kind=profile_pb2.EVENT_KIND_ORDER, item_id="101", quantity=1)
            if self.flaw != "no_sources":
                event.source.party, event.source.origin = profile_pb2.PARTY_FIRST, origin
            event.recorded_at.seconds = event.occurred_at.seconds = NOW_MS // 1000
        if start + request.page_size < len(origins):
            answer.next_page_token = str(start + request.page_size)
        return answer

    def access(self, request: Any, _caller: str, opened: Any) -> list[rights_pb2.AccessResponse]:
        birth = opened(request.subject)
        if birth in self.erased:
            raise Denied("NOT_PERMITTED")
        self._prove(request)
        origin, count = self.events.get(birth, ("", 0))
        values = rights_pb2.AccessResponse()
        for _ in range(count - (self.flaw == "event_is_kept_back")):
            values.values.add(
                store="engagement", kind="event", source=origin, value_json='{"item_id": "101"}'
            )
        if self.flaw != "inferences_are_kept_back":
            values.values.add(store="recommender", kind="interest", source="events", inferred=True)
        for value in values.values:
            value.subject, value.value_json = request.subject, value.value_json or '{"weight": 1}'
        if self.flaw == "value_without_source":
            values.values[0].source = ""
        ending = rights_pb2.AccessResponse()
        for one in values.values:
            ending.where_from.add(store=one.store, kind=one.kind, source=one.source, count=1)
        if request.format == rights_pb2.FORMAT_HTML:
            script = "<script></script>" if self.flaw == "page_with_script" else ""
            shown = request.subject.replace(":", "vs_") if self.flaw == "page_with_ids" else ""
            return [
                rights_pb2.AccessResponse(html=f"<html><p>{shown}"),
                rights_pb2.AccessResponse(html=script),
            ]
        return [values, ending]

    def _prove(self, request: Any) -> None:
        if not request.proofs:
            raise InvalidRequest("PROOF_MISSING", "proofs")
        (proof,) = request.proofs
        if proof.rpartition("#")[0] != request.subject and self.flaw != "any_proof":
            raise Denied("NOT_PERMITTED")
        served = self.proofs.setdefault(proof, request.request_id)
        if served != request.request_id and self.flaw != "proofs_serve_twice":
            raise Denied("PROOF_REUSED", "proofs[0]")

    def track(self, request: Any, _caller: str, opened: Any) -> profile_pb2.TrackBatchResponse:
        for event in request.events:
            origin, count = self.events.get(opened(event.subject), (event.source.origin, 0))
            self.events[opened(event.subject)] = origin, count + 1
            self.offers.did(opened(event.subject), event)
        return profile_pb2.TrackBatchResponse(recorded=len(request.events))

    def erase(self, request: Any, _caller: str, opened: Any) -> rights_pb2.EraseResponse:
        self._once(request.request_id)
        assert request.subject in {proof.rpartition("#")[0] for proof in request.proofs}
        gone = {opened(proof.rpartition("#")[0]) for proof in request.proofs}
        erasure_id = f"erasure-{len(self.receipts)}"
        events = sum(self.events.pop(birth, ("", 0))[1] for birth in gone)
        counts = {"consent": {"consent record": 2}, "engagement": {"event": events}}
        keys = {} if self.flaw == "keys_are_kept" else {"consent": ["k1"], "engagement": ["k2"]}
        body = {"erased": counts, "kept": {}, "keys": keys}
        if self.flaw == "receipt_names_somebody":
            body["who"] = request.subject  # type: ignore[assignment]
        text = json.dumps(body, separators=(",", ":")).encode()
        signature = b"signed" if self.flaw == "signs_anything" else b"signed" + text
        self.receipts[erasure_id] = rights_pb2.SignedReceipt(body=text, signature=signature)
        if self.flaw != "erased_lives_on":
            self.erased |= gone
        for birth in gone:
            self.said.pop(birth, None)
        self.links = {pair: link for pair, link in self.links.items() if not gone & set(pair)}
        self.births = {digest: one for digest, one in self.births.items() if one not in gone}
        identities = 1 if self.flaw == "one_of_them_is_erased" else len(gone)
        return rights_pb2.EraseResponse(erasure_id=erasure_id, identities=identities)

    def get_receipt(self, request: Any, _caller: str, _opened: Any) -> rights_pb2.GetReceiptResponse:
        return rights_pb2.GetReceiptResponse(
            erasure_id=request.erasure_id, receipt=self.receipts[request.erasure_id]
        )

    def genuine(self, kept: str) -> bool:
        """What a receipt's verifier says."""
        receipt = json_format.Parse(kept, rights_pb2.SignedReceipt())
        if self.flaw == "signs_anything":
            return receipt.signature == b"signed"
        return self.flaw != "unsigned" and receipt.signature == b"signed" + receipt.body

    def auditor(self) -> Auditor:
        """Somebody with a log of twelve records and the keys that signed it."""
        lines = file_of(batches())
        if self.flaw == "log_is_not_the_signed_one":
            lines[1], lines[2] = lines[2], lines[1]
        passing = {"changed_rows_pass": "CHANGED", "missing_rows_pass": "MISSING"}.get(self.flaw)

        def judge(exported: Iterable[str]) -> Report:
            report = verify(exported, verified)
            report.findings = [one for one in report.findings if one.kind != passing]
            return report

        return Auditor(lambda: lines, judge)

    def recommend(self, request: Any, _caller: str, opened: Any) -> recommender_pb2.RecommendResponse:
        birth = opened(request.subject)
        answer = recommender_pb2.RecommendResponse(depth=recommender_pb2.DEPTH_INDIVIDUAL)
        item = answer.items.add(item_id="102", title="Red cup [large]")
        personal = self.allowed(birth, "personalise.recommend")
        if not personal:
            answer.depth, answer.depth_reason = recommender_pb2.DEPTH_GENERAL, "NOT_PERMITTED"
        if personal or self.flaw == "reasons_leak":
            members = {birth} if self.flaw == "own_channel_only" else self.person(birth)
            for member in sorted(members):
                item.reasons.add(title="Blue cup", origin=self.events[member][0])
        return answer

    def _once(self, request_id: str) -> None:
        assert request_id not in self.requests, "a request id was used for two writes"
        self.requests.add(request_id)
