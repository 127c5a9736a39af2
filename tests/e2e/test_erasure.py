"""A person is erased from a whole suite by one call, and the receipt can be checked by anybody."""

from __future__ import annotations

import json

import pytest

from consent.erasure import canonical
from services.audit.files import keys_of
from services.rights.erasure import SignedReceipt
from services.rights.erasure_files import ReceiptUnusable, traces, verified_receipt
from services.signing import Signed, signer
from tests.e2e.conftest import Shop
from tests.e2e.test_rights import births, person, refusal
from tests.services.test_erasure_files import as_json
from tests.services.test_personal_stores import found_in
from veilgraph.consent.v1 import rights_pb2
from veilgraph.engagement.v1 import profile_pb2
from veilgraph.privacy.v1 import privacy_pb2


async def receipt_of(anna, answer: rights_pb2.EraseResponse) -> rights_pb2.SignedReceipt:
    """The receipt of an answer, or, where the stores took longer, once it is there."""
    while not answer.receipt.body:
        request = rights_pb2.GetReceiptRequest(
            subject=anna.subject, erasure_id=answer.erasure_id, proofs=[anna.proof()]
        )
        answer = await anna.stub.GetReceipt(request, metadata=anna.shop.metadata)
    return answer.receipt


async def test_an_erased_person_is_nowhere_and_comes_back_as_somebody_else(shop: Shop):
    """Every file is searched, audit and logs too; the others stay; the receipt verifies offline."""
    before = births(shop)
    anna = await person(shop, "anna@shop.example", "tea", "cup")
    (gone,) = births(shop) - before
    bert = await person(shop, "bert@shop.example", "bread")
    others = births(shop) - {gone}
    assert found_in(shop.folder, (gone,))
    answer = await anna.ask("Erase", suppress=True)
    assert answer.identities == 1
    receipt = await receipt_of(anna, answer)
    assert found_in(shop.folder, (gone,)) == []

    ring = shop.suite.process.config.keyring
    genuine = verified_receipt(as_json(receipt), json.dumps(keys_of(ring)))
    another = canonical({**genuine.content, "erased": {"engagement": {"event": 0}}})
    signature = signer(ring, Signed.ERASURE_RECEIPT).sign(another)
    with pytest.raises(ReceiptUnusable, match="audit log"):  # signed by the deployment, logged by nobody
        verified_receipt(
            as_json(SignedReceipt(another, signature, receipt.key_version)), json.dumps(keys_of(ring))
        )
    assert genuine.content["log"]["after"] != genuine.content["log"]["before"]
    assert genuine.content["erased"]["engagement"] == {"event": 2}
    assert genuine.content["erased"]["identity"] == {"identifier": 1}
    assert traces(genuine, shop.folder, gone) == []

    portrait = profile_pb2.PortraitRequest(subject=anna.subject, for_purpose=privacy_pb2.PURPOSE_SERVICE)
    assert await refusal(shop.engagement.Portrait(portrait, metadata=shop.metadata)) == "NOT_PERMITTED"
    assert "engagement" in {value.store for value in (await bert.access()).values}
    again = await shop.subject("anna@shop.example")
    assert again != anna.subject
    (reborn,) = births(shop) - others
    entry = shop.suite.guard.entry(reborn)
    policy = shop.suite.guard.policy
    assert entry.refuse & policy.mask("marketing") == policy.mask("marketing")
