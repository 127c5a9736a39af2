"""The station about keys: identifiers under a new one are whom they were, a caller gets new ids.

The partner's are changed, with an overlap, so that a tour leaves the ids of everybody else as they
were. Versions are numbered by a byte: a deployment that was toured for years is rotated no more.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from services.tour.callers import Callers
from services.tour.claims import Claims
from services.tour.household import Household, is_answered, resolve
from services.tour.tables import ids_table, keys_table
from veilgraph.identity.v1 import identity_pb2, keys_pb2

PARTNER = "partner"
OVERLAP_S = 3_600
REKEY_S, POLL_S = 60.0, 0.1
#: Of 255 versions there can be.
VERSIONS_SHOWN = 250


class Rotation:
    """New keys while the suite serves."""

    def __init__(self, callers: Callers, household: Household, claims: Claims) -> None:
        self._shop, self._partner, self._operator = callers.shop, callers.partner, callers.operator
        self._household = household
        self._print = claims.console.print
        self._claim = claims.check

    def walk(self) -> None:
        """Goes the whole way."""
        if max(one.version for one in self._versions()) >= VERSIONS_SHOWN:
            self._print("\nKeys were rotated on so many tours that they are left alone.")
            return
        self._identifiers()
        self._ids()

    def _identifiers(self) -> None:
        self._station("The key that identifiers are kept under is rotated")
        before = resolve(self._shop, self._household.dealt)
        old = self._active(keys_pb2.KEY_USE_IDENTIFIER)
        new = self._rotate(keys_pb2.KEY_USE_IDENTIFIER, old)
        self._claim(new.version > old.version, "What comes now is kept under a new one")
        self._claim(
            _whom(resolve(self._shop, self._household.dealt)) == _whom(before),
            "Every identifier is whom it was, at once",
        )
        left = self._left_under(old.version)
        self._print(keys_table(self._versions()))
        self._claim(left == 0, "What had been kept under the old one is sealed anew, without being asked for")
        self._claim(
            _whom(resolve(self._shop, self._household.dealt)) == _whom(before), "And is whom it was still"
        )

    def _ids(self) -> None:
        self._station("The partner lost its export: its ids are made anew, and no other caller's")
        shop, before = (resolve(client, self._household.dealt) for client in (self._shop, self._partner))
        old = self._active(keys_pb2.KEY_USE_PAIRWISE, PARTNER)
        self._rotate(keys_pb2.KEY_USE_PAIRWISE, old, PARTNER, OVERLAP_S)
        after = resolve(self._partner, self._household.dealt)
        self._print(ids_table(before, after))
        ids = [result.subject for result in before]
        self._claim(
            not {result.subject for result in after} & set(ids), "The partner's ids are others than before"
        )
        self._claim([result.previous for result in after] == ids, "It is told which id was before")
        self._claim(
            all(result.HasField("refresh_at") for result in after), "It is told until when that is taken"
        )
        self._claim(
            all(is_answered(self._partner, one) for one in [*ids, *(result.subject for result in after)]),
            "Until then both are answered",
        )
        again = resolve(self._shop, self._household.dealt)
        self._claim(_whom(again) == _whom(shop), "The shop's ids are what they were")

    def _rotate(
        self, use: keys_pb2.KeyUse, active: keys_pb2.KeyVersion, caller: str = "", overlap_s: int = 0
    ) -> keys_pb2.KeyVersion:
        request = keys_pb2.RotateKeysRequest(
            use=use, caller=caller, from_version=active.version, overlap_s=overlap_s
        )
        return self._operator.keys.RotateKeys(request).active

    def _left_under(self, version: int) -> int:
        """How many identifiers are left under a version when it is through, or time is up."""
        until = time.monotonic() + REKEY_S
        while True:
            (left,) = [
                one.identifiers
                for one in self._versions()
                if one.use == keys_pb2.KEY_USE_IDENTIFIER and one.version == version
            ]
            if not left or time.monotonic() > until:
                return left
            time.sleep(POLL_S)

    def _active(self, use: keys_pb2.KeyUse, caller: str = "") -> keys_pb2.KeyVersion:
        """What seals now; a caller's own key, or else the one all callers share."""
        active = [
            one
            for one in self._versions()
            if one.use == use and one.state == keys_pb2.KEY_STATE_ACTIVE and one.caller in {"", caller}
        ]
        return max(active, key=lambda one: one.caller)

    def _versions(self) -> Sequence[keys_pb2.KeyVersion]:
        return self._operator.keys.GetKeys(keys_pb2.GetKeysRequest()).versions

    def _station(self, title: str) -> None:
        self._print(f"\n[bold]{title}[/bold]", highlight=False)


def _whom(results: Sequence[identity_pb2.ResolveResult]) -> list[tuple[str, str]]:
    return [(result.subject, result.person) for result in results]
