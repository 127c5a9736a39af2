"""What showed that people share an identifier, and which rules would have let that be.

A mark outlives its witnesses: links that were refused are swept after a while and people are
erased, but a till stays a till. Only rules that allow as much as was seen let it go.
"""

from __future__ import annotations

from typing import NamedTuple

from identity.rules import COUNT_MAX, Rules
from identity.tokens import IdentifierKind

#: In the place of a kind: people hung together by the identifier alone.
PARTS = 0


class Mark(NamedTuple):
    """By what an identifier was found to be shared.

    Attributes:
        kind: so many of this kind were linked with it directly; ``PARTS``: so many people, each
            with an anchor, hung together by it.
        number: how many, one more than the rules of that time allowed.
    """

    kind: int
    number: int


#: Nobody knows what showed it: no rules allow so much.
UNSAID = Mark(PARTS, COUNT_MAX + 1)


def allowed(mark: Mark, of_kind: int, rules: Rules) -> bool:
    """Whether rules let be what was seen.

    Args:
        mark: what was seen.
        of_kind: the kind of the identifier; 0 if nobody knows, and then they do not.
        rules: the rules.
    """
    if mark.kind == PARTS:
        return mark.number <= rules.anchored_parts_max
    if not of_kind:
        return False
    most = rules.kinds[IdentifierKind(of_kind)].shared_above.get(IdentifierKind(mark.kind))
    return most is None or mark.number <= most
