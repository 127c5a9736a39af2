"""Identifiers meet exactly where UID2's published rules say they are the same."""

import base64
import hashlib
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veilgraph.client import (
    account_id,
    cookie,
    crm_id,
    device_id,
    email,
    loyalty_card,
    messenger,
    order_ref,
    phone,
)
from veilgraph.identity.v1 import identity_pb2 as pb

#: "Normalization and Encoding", unifiedid.com: original value -> Base64 of the SHA-256 digest.
PUBLISHED_EMAILS = {
    "user@example.com": "tMmiiTI7IaAcPpQPFQ65uMVCWH8av9jw4cwf/F5HVRQ=",
    "MyEmail@example.com": "FsGNM28LJQ8OLZB0Us65ZYp07NrovJSGTCMSKnLMJ6U=",
    "MYEMAIL@example.com": "FsGNM28LJQ8OLZB0Us65ZYp07NrovJSGTCMSKnLMJ6U=",
    "My.Email@example.com": "4itTvG+HEnTzpiqzejyu1yFPwU1nYhWpaiQvz62hyB8=",
    "JANESAOIRSE@example.com": "1mcOepIAfxtf94Xx/IHlOqbT170GvfXEc83HKGwoS20=",
    "Jane.Saoirse@example.com": "sZZDLHuYmiypHIN5mVfFFdpT5sE6vyC3j+qU8RfpC/g=",
    "JaneSaoirse+Work@example.com": "KKruSBUjDNO069iMUVImVQZm6RrAGZKeOtrD9mwogYA=",
    "JANE.SAOIRSE@gmail.com": "ku4mBX7Z3qJTXWyLFB1INzkyR2WZGW4ANSJUiW21iI8=",
    "JaneSaoirse+Work@gmail.com": "ku4mBX7Z3qJTXWyLFB1INzkyR2WZGW4ANSJUiW21iI8=",
}
PUBLISHED_PHONE = ("+12345678901", "EObwtHBUqDNZR33LNSMdtt5cafsYFuGmuY4ZLenlue4=")

BAD = [
    (email, "jane.doe"),
    (email, "jane@"),
    (email, "@example.com"),
    (email, "jane@doe@example.com"),
    (email, "jane doe@example.com"),
    (email, "jane\u200b@example.com"),
    (email, "jane\ud800@example.com"),
    (email, ".+home@gmail.com"),
    (phone, "0301234567"),
    (phone, "+49 (0)30 1234567"),
    (phone, "+49 ( 0)30 1234567"),
    (phone, "+0123456789"),
    (phone, "+1234567890123456"),
    (phone, "+\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668"),
    (phone, "+49301234567 ext 7"),
    (loyalty_card, "4711/12"),
    (loyalty_card, " - "),
    (account_id, "jane doe"),
    (account_id, " "),
    (device_id, "00000000-0000-0000-0000-000000000000"),
    (cookie, "a\x00b"),
    (cookie, ""),
    (crm_id, "47 11"),
    (order_ref, "#"),
    (order_ref, "4711@shop"),
    (messenger, "jane"),
    (messenger, "telegram:"),
    (messenger, "telegram:@"),
    (messenger, "tele gram:jane"),
    (messenger, "telegram:jane doe"),
]


def _digest(normalised: str) -> bytes:
    return hashlib.sha256(normalised.encode()).digest()


@pytest.mark.parametrize(("written", "published"), PUBLISHED_EMAILS.items())
def test_an_email_has_the_digest_uid2_publishes(written, published):
    """Every example of the published table is met."""
    assert email(written).sha256 == base64.b64decode(published)
    assert email(f"  {written} ").sha256 == base64.b64decode(published)


def test_a_phone_number_has_the_digest_uid2_publishes():
    """The published example is met, with and without punctuation."""
    written, published = PUBLISHED_PHONE
    assert phone(written).sha256 == base64.b64decode(published)
    assert phone(" +1 (234) 567-8901 ").sha256 == base64.b64decode(published)


@given(st.from_regex(r"[a-z]{1,8}(\.[a-z]{1,8}){0,2}", fullmatch=True), st.sampled_from(["", "+x", "+a.b+c"]))
def test_dots_and_plus_tags_mean_nothing_at_gmail_and_something_elsewhere(local, tag):
    """At gmail.com all spellings are one address; at any other domain they stay apart."""
    assert email(f"{local}{tag}@Gmail.com") == email(f"{local.replace('.', '')}@gmail.com")
    assert email(f"{local}{tag}@example.com").sha256 == _digest(f"{local}{tag}@example.com")


def test_only_ascii_letters_are_lowered():
    """Lowering by Unicode rules would part digests made elsewhere by UID2's rules."""
    assert email("ÄB@example.com").sha256 == _digest("Äb@example.com")


@pytest.mark.parametrize(
    ("written", "region", "e164"),
    [
        ("030 1234567", "DE", "+49301234567"),
        ("(02) 1234 5678", "AU", "+61212345678"),
        ("+49 (0)30 1234567", "GB", "+49301234567"),
    ],
)
def test_a_region_makes_national_forms_international(written, region, e164):
    """The extra parses what is dialled at home, trunk zeros included."""
    assert phone(written, region).sha256 == _digest(e164)


@pytest.mark.parametrize("written", ["12", "no number", ""])
def test_what_is_no_number_in_the_region_is_refused(written):
    """The parser's own complaint, which may quote the number, is not passed on."""
    with pytest.raises(ValueError, match=r"^not a phone number;") as refused:
        phone(written, "DE")
    assert refused.value.__context__ is None


def test_without_the_extra_only_national_forms_fail(monkeypatch):
    """International numbers need nothing but the client."""
    monkeypatch.setitem(sys.modules, "phonenumbers", None)
    assert phone("+49301234567").sha256 == _digest("+49301234567")
    with pytest.raises(ModuleNotFoundError):
        phone("030 1234567", "DE")


@pytest.mark.parametrize(("make", "written"), BAD)
def test_a_bad_value_is_refused_and_never_repeated(make, written):
    """The error names what was expected, not what was given."""
    with pytest.raises(ValueError, match=r".+") as refused:
        make(written)
    shown = f"{refused.value!r} {refused.value.__context__!r} {refused.value.__cause__!r}"
    assert not written.strip() or written not in shown
    assert ascii(written).strip("'") not in ascii(shown) or not written.strip()


@pytest.mark.parametrize(
    "make", [email, phone, loyalty_card, account_id, device_id, cookie, crm_id, order_ref, messenger]
)
def test_only_text_is_an_identifier(make):
    """A number is not quietly turned into text: 7 and 007 are different cards."""
    with pytest.raises(TypeError):
        make(4711)


def test_kinds_and_their_normal_forms():
    """Cards ignore print and case, UUIDs ignore case, opaque values ignore nothing inside."""
    assert loyalty_card("ab 47-11").sha256 == _digest("AB4711")
    upper, lower = "6D92078A-8246-4BA4-AE5B-76104861E7DC", "6d92078a-8246-4ba4-ae5b-76104861e7dc"
    assert device_id(upper) == device_id(lower)
    assert device_id("Pixel-A").sha256 == _digest("Pixel-A")
    assert account_id(" Jane-7 ").sha256 == _digest("Jane-7")
    assert cookie("aB").sha256 == _digest("aB")
    assert crm_id(" K-7 ").sha256 == _digest("K-7")
    assert order_ref("# 2024-ab/7").sha256 == _digest("2024AB/7")
    assert messenger("Telegram:@Jane").sha256 == messenger("telegram:Jane").sha256 == _digest("telegram:Jane")


def test_each_function_makes_its_own_kind():
    """All kinds of the contract can be made, and equal values of two kinds differ."""
    made = {
        make(value).kind
        for make, value in [
            (email, "jane@example.com"),
            (phone, "+49301234567"),
            (loyalty_card, "4711"),
            (account_id, "4711"),
            (device_id, "4711"),
            (cookie, "4711"),
            (crm_id, "4711"),
            (order_ref, "4711"),
            (messenger, "telegram:4711"),
        ]
    }
    assert made == set(pb.IdentifierKind.values()) - {pb.IDENTIFIER_KIND_UNSPECIFIED}
    assert account_id("4711") != device_id("4711")
