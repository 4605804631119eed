"""Feature vectors of two small surveys, the second one shifted, as prepared data; and settings that compile fast."""

SETTINGS = [
    "--network.vector-widths",
    "8",
    "--network.head",
    "6",
    "--network.dropout",
    "0",
    "--network.dropout-before",
    "--batch-size",
    "8",
    "--domains.target",
    "two",
    "--domains.shots",
    "2",
    "--training.log-every",
    "4",
]
