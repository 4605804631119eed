"""Where Kafka topics are and how they are read; needs no Kafka package."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from lcjax.errors import ConfigError

SCHEME = "kafka://"


@dataclasses.dataclass(frozen=True)
class KafkaSettings:
    """How topics are read."""

    group: str = "lcjax"
    """Consumer group: its members share the partitions, and the broker remembers how far it is."""
    start: Literal["earliest", "latest"] = "earliest"
    """Where a group begins that has read nothing yet."""
    stop: Literal["never", "end"] = "never"
    """`end`: leave when everything that is there has been read; `never`: wait for more until interrupted."""
    part_rows: int = 4096
    """Alerts of a partition that are written, and committed, together."""
    part_seconds: float = 10.0
    """Alerts wait at most so long to be written."""
    properties: Path | None = None
    """File with lines `name = value` of further librdkafka settings, such as passwords."""
    set: tuple[str, ...] = ()
    """Further librdkafka settings, `name=value`; they win over the file's."""

    def __post_init__(self) -> None:
        """Raises ConfigError for settings that make no sense."""
        if self.part_rows < 1 or not self.part_seconds > 0 or not self.group:
            raise ConfigError("--kafka.group must have a name, --kafka.part-rows and --kafka.part-seconds be above 0")

    def librdkafka(self) -> dict[str, str]:
        """The further settings.

        Raises:
          ConfigError: a line is none, or the file cannot be read.
        """
        try:
            lines = self.properties.read_text().splitlines() if self.properties else []
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"the Kafka settings '{self.properties}' cannot be read: {error}") from error
        lines = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
        found = {}
        for number, line in enumerate([*lines, *self.set], 1):
            name, equals, value = line.partition("=")
            if not equals or not name.strip():
                raise ConfigError(f"Kafka setting {number} has no '=': write name=value")
            found[name.strip()] = value.strip()
        return found


@dataclasses.dataclass(frozen=True)
class KafkaAddress:
    """Brokers and topics of `kafka://host:port[,host:port]/topic[,topic]`; a topic that begins with ^ is a pattern."""

    brokers: str
    topics: tuple[str, ...]

    @classmethod
    def parse(cls, url: str) -> "KafkaAddress":
        """The parts of an address.

        Raises:
          ConfigError: it is none.

        >>> KafkaAddress.parse("kafka://localhost:9092/ztf_20231012,^lsst.*")
        KafkaAddress(brokers='localhost:9092', topics=('ztf_20231012', '^lsst.*'))
        """
        brokers, slash, topics = url.removeprefix(SCHEME).partition("/")
        names = tuple(topics.split(","))
        if not (url.startswith(SCHEME) and brokers and slash and all(names)):
            raise ConfigError(f"'{url}' is no Kafka address: write kafka://host:port/topic")
        return cls(brokers, names)


def only_topic(inputs: Sequence[str], several: str) -> str | None:
    """The Kafka address among some inputs; None where there is none.

    Args:
      several: what an address is that is not alone, for the message.

    Raises:
      ConfigError: it is not the only input.
    """
    topics = [name for name in inputs if name.startswith(SCHEME)]
    if topics and len(inputs) > 1:
        raise ConfigError(f"'{topics[0]}' is {several}: a Kafka address must be the only one")
    return topics[0] if topics else None
