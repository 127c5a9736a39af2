"""The claims of a tour: each a sentence that can be false, shown with whether it held."""

from __future__ import annotations

from dataclasses import dataclass, field

from rich.console import Console
from rich.markup import escape


@dataclass(slots=True)
class Claims:
    """What is claimed on the way, and whether it held."""

    console: Console
    held: int = 0
    failed: list[str] = field(default_factory=list)

    def check(self, held: bool, sentence: str) -> bool:
        """Shows a claim and remembers it."""
        mark = "[green]✓[/green]" if held else "[red]✗[/red]"
        self.console.print(f"{mark} {escape(sentence)}", highlight=False)
        if held:
            self.held += 1
        else:
            self.failed.append(sentence)
        return held

    def verdict(self) -> str:
        """How the tour went, in a line."""
        if self.failed:
            return f"[red]{len(self.failed)} of {self.held + len(self.failed)} claims failed.[/red]"
        return f"All {self.held} claims held; everybody is whom they were before."
