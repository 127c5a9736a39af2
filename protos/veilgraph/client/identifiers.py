"""Identifiers, normalised and hashed where they were collected.

A raw e-mail address, phone number or card number never leaves the process that collected it:
these functions are the last place that sees one. They return the message ``Resolve`` takes,
which holds a SHA-256 digest and no field for a raw value. E-mail addresses and phone numbers
follow UID2's published rules ("Normalization and Encoding", unifiedid.com), so digests made
elsewhere by the same rules meet. An error never repeats the value it is about.
"""

from __future__ import annotations

import hashlib
import re

from veilgraph.identity.v1.identity_pb2 import (
    IDENTIFIER_KIND_ACCOUNT_ID,
    IDENTIFIER_KIND_COOKIE,
    IDENTIFIER_KIND_CRM_ID,
    IDENTIFIER_KIND_DEVICE_ID,
    IDENTIFIER_KIND_EMAIL,
    IDENTIFIER_KIND_LOYALTY_CARD,
    IDENTIFIER_KIND_MESSENGER,
    IDENTIFIER_KIND_ORDER_REF,
    IDENTIFIER_KIND_PHONE,
    Identifier,
    IdentifierKind,
)

_UPPER_TO_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_LOWER_TO_UPPER = {lower: upper for upper, lower in _UPPER_TO_LOWER.items()}
_PHONE_PUNCTUATION = str.maketrans("", "", " -.()/\u00a0")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_TRUNK_ZERO = re.compile(r"\(\s*0")
_CARD = re.compile(r"[0-9A-Z]{1,64}")
_ORDER = re.compile(r"[0-9A-Z._/:]{1,64}")
_MESSENGER = re.compile(r"[a-z0-9]{1,32}")
_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def email(address: str) -> Identifier:
    """An e-mail address, by UID2's rules.

    Surrounding space is dropped and ASCII letters become lower case; in ``gmail.com`` addresses
    (only there) dots before the ``@`` and everything from a plus sign on are dropped too.

    Raises:
        ValueError: it is not one mailbox at one domain.
    """
    local, _, domain = _text(address).strip().translate(_UPPER_TO_LOWER).partition("@")
    if domain == "gmail.com":
        local = local.partition("+")[0].replace(".", "")
    if not local or not domain or "@" in domain or not _is_one_word(local + domain):
        raise ValueError("not an e-mail address")
    return _identifier(IDENTIFIER_KIND_EMAIL, f"{local}@{domain}")


def phone(number: str, region: str | None = None) -> Identifier:
    """A phone number in E.164 form: ``+``, country code, subscriber number; at most 15 digits.

    Spaces, hyphens, dots, slashes and parentheses are dropped.

    Args:
        number: the number in international form; in national form only with ``region``.
        region: ISO 3166 country, e.g. ``"DE"``, in which a national form was written. Needs
            the extra ``veilgraph[phone]``.

    Raises:
        ValueError: it is not a phone number, or not an international one and no region is given.
        ModuleNotFoundError: a region is given and the extra is not installed.
    """
    written = _text(number).strip()
    digits = _from_international(written) if region is None else _from_national(written, region)
    if not _E164.fullmatch(digits):
        raise ValueError("not a phone number; without a region it begins with + and a country code")
    return _identifier(IDENTIFIER_KIND_PHONE, digits)


def loyalty_card(number: str) -> Identifier:
    """A loyalty card number: spaces and hyphens dropped, ASCII letters in upper case.

    Raises:
        ValueError: other characters than digits, letters, spaces and hyphens, or none at all.
    """
    printed = re.sub(r"[\s-]", "", _text(number)).translate(_LOWER_TO_UPPER)
    if not _CARD.fullmatch(printed):
        raise ValueError("not a card number")
    return _identifier(IDENTIFIER_KIND_LOYALTY_CARD, printed)


def account_id(value: str) -> Identifier:
    """An account id of the shop: taken as it is, surrounding space dropped.

    Raises:
        ValueError: it is empty or holds space or control characters.
    """
    return _identifier(IDENTIFIER_KIND_ACCOUNT_ID, _opaque(value, "not an account id"))


def device_id(value: str) -> Identifier:
    """A device or installation id; a UUID is taken in lower case, anything else as it is.

    Raises:
        ValueError: it is empty, holds space or control characters, or is the all-zero UUID that
            devices send when tracking is off.
    """
    written = _opaque(value, "not a device id")
    if _UUID.fullmatch(written):
        written = written.lower()
        if not written.strip("0-"):
            raise ValueError("the all-zero device id stands for no device")
    return _identifier(IDENTIFIER_KIND_DEVICE_ID, written)


def cookie(value: str) -> Identifier:
    """A first-party cookie's value: taken as it is, surrounding space dropped.

    Raises:
        ValueError: it is empty or holds space or control characters.
    """
    return _identifier(IDENTIFIER_KIND_COOKIE, _opaque(value, "not a cookie value"))


def crm_id(value: str) -> Identifier:
    """A customer number of a CRM or ERP system: taken as it is, surrounding space dropped.

    Raises:
        ValueError: it is empty or holds space or control characters.
    """
    return _identifier(IDENTIFIER_KIND_CRM_ID, _opaque(value, "not a customer number"))


def order_ref(value: str) -> Identifier:
    """An order's reference: spaces, hyphens and a leading ``#`` dropped, ASCII letters in upper case.

    Raises:
        ValueError: other characters than digits, letters and ``._/:-``, or none at all.
    """
    written = re.sub(r"[\s-]", "", _text(value)).removeprefix("#").translate(_LOWER_TO_UPPER)
    if not _ORDER.fullmatch(written):
        raise ValueError("not an order reference")
    return _identifier(IDENTIFIER_KIND_ORDER_REF, written)


def messenger(account: str) -> Identifier:
    """An account of a messenger, written as its name, a colon and the account there: ``"telegram:@jane"``.

    The name is taken in lower case, the account as it is but for a leading ``@``.

    Raises:
        ValueError: there is no such name or account, or the account holds space.
    """
    network, _, known_as = _text(account).strip().partition(":")
    name, known_as = network.translate(_UPPER_TO_LOWER), known_as.removeprefix("@")
    if not _MESSENGER.fullmatch(name) or not known_as or not _is_one_word(known_as):
        raise ValueError("not a messenger account")
    return _identifier(IDENTIFIER_KIND_MESSENGER, f"{name}:{known_as}")


def _identifier(kind: IdentifierKind, normalised: str) -> Identifier:
    return Identifier(kind=kind, sha256=hashlib.sha256(normalised.encode()).digest())


def _text(value: str) -> str:
    if not isinstance(value, str):
        raise TypeError("an identifier is given as text")
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError("not text: it has no UTF-8 form")  # .encode() would repeat the value
    return value


def _opaque(value: str, complaint: str) -> str:
    written = _text(value).strip()
    if not written or not _is_one_word(written):
        raise ValueError(complaint)
    return written


def _is_one_word(written: str) -> bool:
    return not any(character.isspace() or not character.isprintable() for character in written)


def _from_international(written: str) -> str:
    if _TRUNK_ZERO.search(written):
        # "+44 (0)20 …": the zero is dialled at home only; dropping just the parentheses
        # would give somebody else's number or nobody's.
        raise ValueError("a phone number with a trunk zero in parentheses is ambiguous; give the region")
    return written.translate(_PHONE_PUNCTUATION)


def _from_national(written: str, region: str) -> str:
    import phonenumbers  # noqa: PLC0415 - the extra `phone`; everything else works without it

    try:
        parsed = phonenumbers.parse(written, region)
    except phonenumbers.NumberParseException:
        return ""  # its text may quote the number
    if not phonenumbers.is_possible_number(parsed):
        return ""
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))
