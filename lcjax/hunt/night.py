"""What the server knows while it runs: the one thing that routes are given."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from lcjax.hunt.background import Background
from lcjax.hunt.candidates import Classifier
from lcjax.hunt.database import Database
from lcjax.hunt.explanation import Explanations
from lcjax.hunt.guards import Pace
from lcjax.hunt.tns import Reporter

USUAL_LABELS = ("SN", "AGN", "VS", "asteroid", "bogus")


@dataclass(frozen=True)
class Night:
    """A night of candidates, and who may see it."""

    database: Database
    background: Background
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    """Lets in whoever has it; empty: only passwords do."""
    secure: bool = False
    """Served over TLS."""
    names: Sequence[str] = ()
    """Host names the server is called by."""

    reporter: Reporter | None = None
    """Who reports to the Transient Name Server."""

    attempts: Pace = field(default_factory=lambda: Pace(1 / 12, 8))
    """Of coming in, from one address or at one name: eight at once, five a minute."""
    explanations: Explanations = field(default_factory=Explanations)
    """Those that were asked for last."""

    @property
    def wanted(self) -> str:
        """The class that is hunted, and the label of accepted candidates."""
        return self.background.wanted

    @property
    def classifiers(self) -> tuple[Classifier, ...]:
        """Models that are there."""
        return self.background.classifiers

    @property
    def labels(self) -> list[str]:
        """Labels that users may give: the hunted class, `bogus`, and the classes of the models."""
        names = [name for model in self.classifiers for name in model.class_names] or list(USUAL_LABELS)
        found: dict[str, str] = {}
        for name in (self.wanted, "bogus", *names):
            found.setdefault(name.lower(), name)
        return list(found.values())

    def label(self, name: str) -> str:
        """A label as it is spelt here, whatever its case; the name itself where there is none."""
        return next((known for known in self.labels if known.lower() == name.lower()), name)
