"""The rules in force, for everybody of the identity process who goes by them.

They change at one moment for all. While a change is brought about nothing new is linked, so that
what was previewed is what comes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from identity.errors import RulesError
from identity.ids import SubjectId
from identity.rules import Rules, compile_rules
from identity.rules_file import parse
from identity.store import IdentityStore
from services.identity.identifier_keys import IdentifierKeys
from services.storage.rules import KeptRules, RulesJournal


class RuleBook:
    """The rules in force; used from one event loop.

    Attributes:
        rules: they.
        shared: the identifiers that people share.
        blocked: identifiers that were taken once and stand for none by now.
        changing: other rules are coming into force.
    """

    def __init__(self, rules: Rules, identifiers: IdentifierKeys) -> None:
        """Takes the rules in force; ``identifiers`` knows which tokens stand for none, and goes by them."""
        self.rules = rules
        self.shared: set[SubjectId] = set()
        self.blocked: frozenset[SubjectId] = frozenset()
        self.changing = False
        self._identifiers = identifiers

    async def open(self, store: IdentityStore) -> None:
        """Looks up what the ledger holds under the rules; nothing is linked before."""
        self.shared = await store.shared()
        await self.find_blocked(store)

    async def find_blocked(self, store: IdentityStore) -> None:
        """Looks up what the ledger holds that stands for none; after ``take`` something was written."""
        self.blocked = await self.blocked_under(self.rules, store)

    async def blocked_under(self, rules: Rules, store: IdentityStore) -> frozenset[SubjectId]:
        """The identifiers the ledger holds that stand for none under rules."""
        tokens = await self._identifiers.blocked_under(rules)
        return frozenset((await store.subjects(tokens)).values())

    async def take(self, rules: Rules, shared: Iterable[SubjectId]) -> None:
        """Goes by other rules from now on; what they block is still to be found, see ``find_blocked``."""
        await self._identifiers.obey(rules)
        self.rules, self.shared = rules, set(shared)


def rules_of(content: str, like: Rules) -> Rules:
    """Understands a rules file for a deployment, whose views and verifiers are those of other rules.

    Raises:
        RulesError: it is none, or not one for these views; the text says where.
    """
    rules = compile_rules(parse(content))
    if rules.views != like.views:
        raise RulesError("views", f"the policy's are {', '.join(like.views)}, in this order")
    return replace(rules, attesters=like.attesters)


async def rules_in_force(
    journal: RulesJournal, shipped: str, like: Rules, now_ms: int, report: Callable[[str], object]
) -> Rules:
    """The rules a ledger goes by: those last applied, at the first start those that are shipped.

    Args:
        journal: keeps them.
        shipped: the rules file that comes with the suite.
        like: rules with the deployment's views and verifiers.
        now_ms: the present instant.
        report: told if the shipped file is newer; it comes into force by being applied.

    Raises:
        RulesError: what was applied is no rules file to this program.
    """
    kept = await journal.in_force()
    if kept is None:
        rules = rules_of(shipped, like)
        await journal.adopt(KeptRules(rules.version, shipped, now_ms, ""))
        return rules
    newest = rules_of(shipped, like).version
    if newest > kept.version:
        report(f"identity: rules version {kept.version} in force; version {newest} comes with the suite\n")
    return rules_of(kept.content, like)
