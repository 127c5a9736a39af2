"""The guard every call passes, in every service the same.

``layers`` is the list, outermost first; ``Chain`` runs it around one call.
"""

from __future__ import annotations

from collections.abc import Callable

from services.consent.signals import Signals
from services.interceptors.access_log import Level, access_log, normal
from services.interceptors.audit import AuditLog, audit
from services.interceptors.authentication import Verify, authentication, unchanging
from services.interceptors.certified import Certified
from services.interceptors.consent import consent
from services.interceptors.deadline import deadline
from services.interceptors.errors import errors
from services.interceptors.layer import Layer
from services.interceptors.metrics import CallMetrics, metrics
from services.interceptors.minimisation import minimisation
from services.interceptors.pseudonymisation import PairwiseOf, Tokenise, pseudonymisation
from services.interceptors.purpose import purpose
from services.interceptors.request_id import request_id
from services.interceptors.signals import signals
from services.interceptors.spans import Tracer, spans


def layers(
    *,
    log: Callable[[str], object],
    call_metrics: CallMetrics,
    verify: Verify,
    clock_ms: Callable[[], int],
    audit_log: AuditLog,
    pairwise_of: PairwiseOf,
    tokenise: Tokenise | None,
    signals_port: Signals,
    certified: Certified | None = None,
    level: Callable[[], Level] = normal,
    tracer: Tracer | None = None,
    generation: Callable[[], int] = unchanging,
) -> list[Layer]:
    """The chain. The order is the argument; each line says why it stands where it stands."""
    return [
        request_id(),  # first: every later line can name the call
        *([spans(tracer)] if tracer else []),  # the call's place in its trace, before anything names it
        access_log(log, level),  # one line a call, refusals too; never an identifier
        metrics(call_metrics),  # outside authentication, so refusals are counted
        errors(log),  # the only place where an error becomes a status
        deadline(),  # leaves time to say who timed out
        audit(audit_log),  # outside authentication and consent, so that their refusals are recorded
        authentication(verify, clock_ms, certified, generation),
        purpose(),  # before any subject is opened: may the caller, and can it be decided now
        pseudonymisation(pairwise_of, tokenise),  # consent is asked about a subject, never about a name
        signals(signals_port),  # a refusal sent along is on record before the call is decided
        consent(),  # denies when it can not know
        minimisation(pairwise_of),  # innermost on the way out: only permitted fields, pairwise ids
    ]
