"""`python -m services picture person`: asks a running suite for a person and writes the picture."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from services.commands.picture_svg import picture
from services.interceptors.declared import purpose_of
from veilgraph.client import connect
from veilgraph.client.errors import VeilgraphError
from veilgraph.identity.v1 import people_pb2
from veilgraph.privacy.v1 import privacy_pb2

#: The purposes a picture can be in the view of, by the names of the purpose tree.
VIEWS = {
    purpose: value.name
    for value in privacy_pb2.Purpose.DESCRIPTOR.values
    if (purpose := purpose_of(value)) is not None
}

NO_VIEW = "PURPOSE_UNSPECIFIED"


def run_picture(subject: str, file: Path, console: Console, *, view: str, gateway: str, token: str) -> int:
    """Writes the picture of a person; the exit code says whether it did.

    Args:
        subject: the token's caller's id of one of the person's identifiers.
        file: the SVG to write.
        console: where to say so.
        view: the purpose in whose view to draw it; empty for none.
        gateway: where the suite is, "host:port".
        token: of a caller with the scope ``identity.people``.
    """
    request = people_pb2.GetPersonRequest(subject=subject, for_purpose=VIEWS[view] if view else NO_VIEW)
    try:
        with connect(gateway, token=token) as veil:
            person = veil.people.GetPerson(request)
        file.write_text(picture(person, view))
    except (OSError, VeilgraphError) as error:
        console.print(f"[red]No picture:[/red] {error}", highlight=False, soft_wrap=True)
        return 1
    console.print(
        f"{file}: {len(person.members)} identifiers, {len(person.links)} links",
        highlight=False,
        soft_wrap=True,
    )
    return 0
