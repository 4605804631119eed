"""Losing most of the data is not success: the part that cleaning may set aside before a command fails."""

from collections import Counter

from data_pipelines.kinds.light_curves.cleaning import COPY, REPEATED, CleaningReport, CleaningSettings
from data_pipelines.kinds.report import counted
from lcjax.errors import ConfigError, DataError

NO_LOSS = (COPY, REPEATED)
"""Points dropped that are there all the same."""
_REASONS = 3
"""Named in the sentence, the most frequent first."""


def check_loss(report: CleaningReport, settings: CleaningSettings) -> None:
    """Whether no more than `settings.max_loss` of the light curves, and of the points, were set aside.

    Raises:
      ConfigError: a limit that is no part. DataError: more were lost; the sentence has the main reasons.
    """
    allowed = settings.max_loss
    if not 0 <= allowed <= 1:
        raise ConfigError(f"--cleaning.max-loss is {allowed}: a part lies between 0 and 1")
    curves = report.curves_kept + len(report.rejected)
    dropped = Counter({reason: n for reason, n in report.points_dropped.items() if reason not in NO_LOSS})
    lost = {
        "light curves": (len(report.rejected), curves, report.reasons()),
        "points": (dropped.total(), report.points_kept + dropped.total(), dropped),
    }
    said = [
        f"{count:,} of {total:,} {what} ({counted(dict(reasons.most_common(_REASONS)))})"
        for what, (count, total, reasons) in lost.items()
        if total and count > allowed * total
    ]
    if said:
        worst = max(count / total for count, total, _ in lost.values() if total)
        raise DataError(
            f"{' and '.join(said)} were set aside, more than {allowed:.0%}: mend the input or name its columns, units and times, or "
            f"allow it with --cleaning.max-loss {min(worst + 0.005, 1):.2f}"
        )
