"""What the real/bogus datasets of alert packets share: their stamps as images, classes from a table by object or alert."""

from collections.abc import Iterator

from data_pipelines.datasets.record_builder import RecordBuilder
from data_pipelines.kinds.alerts.records import stack_stamps
from data_pipelines.kinds.images.options import NOTHING, ImageSettings
from data_pipelines.kinds.images.records import encode_image
from data_pipelines.kinds.images.stamps import StampClasses, cut_stamp
from data_pipelines.kinds.report import Report
from data_pipelines.shards.layout import Record
from data_pipelines.sources.alerts import Alert, StampRules, read_alerts
from lcjax.errors import ConfigError, DataError, Rejection


class AlertImageBuilder(RecordBuilder):
    """Base of them; `--images.channel-names` chooses among the stamps, in that order."""

    kind = "images"
    survey: str
    """That the packets must be of."""
    channels: tuple[str, ...]
    """Stamps of a packet, in order, unless others are asked for."""

    def _read(self, report: Report) -> Iterator[Record | Rejection]:
        asked: ImageSettings = self.settings.options["images"]
        if not self.settings.sources:
            raise DataError(f"dataset '{self.name}' needs alert packets of {self.survey}: give them with --source")
        if asked.table is None and asked.label != NOTHING:
            raise ConfigError(
                "packets do not say which alerts are real: give a table of object_id and label with --images.table, or --images.label none"
            )
        names = asked.channel_names or self.channels
        if strange := [name for name in names if name not in self.channels]:
            raise ConfigError(
                f"packets of {self.survey} have no stamp '{strange[0]}': they have {', '.join(self.channels)}"
            )
        classes = StampClasses(asked)
        sources = [path for path in self.settings.sources if asked.table is None or path != asked.table]
        note = lambda path: report.other_files.setdefault(str(path))
        rules = StampRules(need=tuple(names), size="any", history=False)
        for found in read_alerts(sources, rules=rules, on_other=note):
            yield found if isinstance(found, Rejection) else self._image(found, names, asked, classes)
        classes.check()

    def _image(
        self, alert: Alert, names: tuple[str, ...], asked: ImageSettings, classes: StampClasses
    ) -> Record | Rejection:
        refused = lambda reason: Rejection(alert.object_id, reason, alert.origin, alert.alert_id)
        if alert.survey != self.survey:
            return refused(f"another survey: {alert.survey or 'unknown'}")
        try:
            label = classes.of(str(alert.alert_id), alert.object_id)
            pixels = cut_stamp(stack_stamps(alert, names), names, asked.size)
        except DataError as error:
            return refused(str(error))
        scale = alert.stamps[names[0]].pixel_scale
        return encode_image(alert.object_id, pixels, names, label, alert.survey, scale, ra=alert.ra, dec=alert.dec)
