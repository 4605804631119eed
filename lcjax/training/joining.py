"""Several processes as one run."""

from lcjax.errors import ConfigError


def join_processes(coordinator: str | None, processes: int | None, process: int | None) -> None:
    """Joins the processes of a run; where nothing is given the run has this one alone.

    Args:
      coordinator: HOST:PORT of process 0. processes: how many there are. process: the rank of this one.

    Raises:
      ConfigError: some are given and some are not.
    """
    given = [coordinator, processes, process]
    if all(value is None for value in given):
        return
    if any(value is None for value in given):
        raise ConfigError("a run of several processes needs all of --coordinator, --processes and --process")
    import jax

    jax.distributed.initialize(coordinator, processes, process)
