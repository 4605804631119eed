"""Every class in turn the outlier: of all classes, or in groups of them; scored by the own group or where objects are sent."""

from collections.abc import Callable, Mapping, Sequence

from lcjax.errors import ConfigError
from lcjax.evaluation.scores import Scores
from lcjax.systems.svdd.groups import FeatureObjects, run_groups
from lcjax.systems.svdd.protocol import ProtocolSettings, as_scores
from lcjax.systems.svdd.routed import routed_scores, run_routed


def holdout_scores(
    objects: FeatureObjects,
    settings: ProtocolSettings,
    grouped: Callable[[tuple[str, ...]], Mapping[str, tuple[str, ...]]] | None,
    leave_out: Sequence[str],
    never: Sequence[str],
    routed: bool,
    say: Callable[[str], None],
) -> Scores:
    """Scores of all detectors.

    Args:
      grouped: (classes that are used) -> group -> its classes; None: all are of one. leave_out: classes that are not used.
      never: classes that are learned and never held out. routed: also score where a classifier of groups sends objects.

    Raises:
      ConfigError: a class that is not there, or nothing to hold out. See `run_protocol`.
    """
    if unknown := sorted(set(leave_out) - set(objects.class_names)):
        raise ConfigError(f"there is no class '{unknown[0]}' to leave out: there are {', '.join(objects.class_names)}")
    used = tuple(name for name in objects.class_names if name not in leave_out)
    groups = {"": used} if grouped is None else grouped(used)
    if absent := [name for name in used if not any(name in classes for classes in groups.values())]:
        say(f"in no group, so neither learned nor held out: {', '.join(absent)}")
    if routed and grouped is None:
        raise ConfigError("--routed is between groups: say with --groups which classes are of which")
    found = run_groups(objects, groups, settings, never, say)
    return routed_scores(*run_routed(objects, groups, settings, never, say), found) if routed else as_scores(found)
