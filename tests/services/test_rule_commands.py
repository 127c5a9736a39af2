"""What the commands for rules say."""

from __future__ import annotations

import pytest

from identity.errors import RulesError
from services.commands.rules import RulesDesk, checked, lines_of
from services.deployment.config import shipped_rules_file
from services.loopback import NotLoopback
from tests.identity.rulebook import SHIPPED
from veilgraph.identity.v1 import rules_pb2


def test_a_good_file_is_named_by_version_and_digest():
    assert checked(shipped_rules_file(), SHIPPED) == (
        f"rules version 1 {SHIPPED.digest[:12]}: views strict, wide"
    )


def test_a_bad_file_is_refused_by_the_key_at_fault():
    with pytest.raises(RulesError, match=r"members_max: a whole number from 1 to"):
        checked(shipped_rules_file().replace("members_max = 500", "members_max = 0"), SHIPPED)


def test_a_preview_says_every_count_and_the_people_who_may_be_shown():
    seen = rules_pb2.PreviewRulesResponse(
        version_in_force=1,
        version=2,
        links_changed=1_200,
        links_back=1_000,
        links_gone=200,
        reasons=[{"reason": "IDENTIFIER_SHARED", "links": 200}],
        views=[
            {
                "view": "strict",
                "people_before": 9,
                "people_after": 8,
                "merges": 1,
                "merged_people": [{"subjects": ["vs_a", "vs_b"], "parts": 3}, {"parts": 2}],
            }
        ],
        identifiers_shared=4,
    )
    assert list(lines_of(seen)) == [
        "version 2 in place of 1",
        "1,200 links count for something else: 1,000 come back, 200 go",
        "  IDENTIFIER_SHARED: 200",
        "strict: 9 people become 8; 0 split, 1 merge",
        "  merges (3): vs_a vs_b",
        "  merges (2): nobody who may be shown",
        "4 identifiers are shared by people",
    ]


def test_a_token_never_crosses_a_network_in_the_clear():
    with pytest.raises(NotLoopback):
        RulesDesk("shop.example:80", "token")
