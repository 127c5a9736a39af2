"""What a text must not hold: a way to reach somebody, or what tells their device from others.

Meant for fields that have no business holding either. A number without its "+" can not be told from an
order number and passes. Whatever is found has one of ``MARKS``, so that a text without is not looked at.
"""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address

#: Characters of which whatever is found here has one.
MARKS = "@+.:/"
CONTACT, ADDRESS, AGENT = "RAW_CONTACT_REFUSED", "RAW_IP_REFUSED", "RAW_USER_AGENT_REFUSED"

_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_E164 = re.compile(r"\+[0-9][0-9 ()./-]{5,}[0-9]")
_IPV4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])")
_IPV6 = re.compile(r"[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:\.\d{1,3}){0,3}")
#: RFC 9110, 10.1.5: a product, a slash and its version, as in "Mozilla/5.0".
_AGENT = re.compile(r"\b[A-Za-z][\w-]*/\d+\.\d")


def raw_in(text: str) -> str | None:
    """Why a text is refused, or ``None``."""
    if is_contact(text):
        return CONTACT
    if _holds_address(text):
        return ADDRESS
    return AGENT if _AGENT.search(text) else None


def is_contact(text: str) -> bool:
    """Whether a text holds an e-mail address or is a phone number in international form."""
    return _EMAIL.search(text) is not None or _E164.fullmatch(text) is not None


def _holds_address(text: str) -> bool:
    return any(_is(IPv4Address, found[0]) for found in _IPV4.finditer(text)) or any(
        _is(IPv6Address, found[0]) for found in _IPV6.finditer(text)
    )


def _is(kind: type[IPv4Address | IPv6Address], text: str) -> bool:
    try:
        kind(text)
    except AddressValueError:
        return False
    return True
