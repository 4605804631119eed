"""Classifies what is in the database and not classified yet, and finds hosts: in the background, in batches, newest first.

What is left to do follows from the tables, so a killed server goes on where it was, and a model that is given later is asked
about everything that is there already.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from sqlalchemy import Connection, Select, delete, func, insert, select, update

from lcjax.errors import DataError
from lcjax.hunt import tables as t
from lcjax.hunt.candidates import Candidate, Classifier, Host, HostFinder
from lcjax.hunt.database import Database
from lcjax.hunt.facts import entropy, finite
from lcjax.hunt.storing import load

Answer = TypeVar("Answer", np.ndarray, Host)
_FAILED, _LONGEST = "the model failed", 400
BATCH = 256
"""Candidates that are classified and stored together."""
_RANKED = "scores are"
"""Mark that says what the column `score` holds."""


def register(database: Database, classifiers: Sequence[Classifier]) -> None:
    """Notes which classes the models have; a model whose classes have changed is asked anew."""
    with database.write() as connection:
        for model in classifiers:
            names = list(model.class_names)
            there = connection.execute(select(t.Model.class_names).where(t.Model.name == model.name)).scalar()
            if there is None:
                connection.execute(insert(t.Model).values(name=model.name, class_names=names))
            elif there != names:
                connection.execute(delete(t.Prediction).where(t.Prediction.model == model.name))
                connection.execute(update(t.Model).where(t.Model.name == model.name).values(class_names=names))


def rank(database: Database, model: Classifier | None, wanted: str) -> None:
    """Makes scores those of the ranking model and the hunted class; without a model the survey's real-bogus scores.

    Does nothing where they are already. Candidates that the model has not been asked about, or that it refuses, have none: scores
    of two kinds never stand in one list.
    """
    said = f"{wanted} by {model.name}: {', '.join(model.class_names)}" if model else "real-bogus"
    with database.write() as connection:
        if model is None:
            missing = t.Candidate.score.is_(None) & t.Candidate.real_bogus.is_not(None)
            connection.execute(update(t.Candidate).where(missing).values(score=t.Candidate.real_bogus))
        if connection.execute(select(t.Mark.value).where(t.Mark.name == _RANKED)).scalar() == said:
            return
        first = t.Candidate.real_bogus if model is None else None
        connection.execute(update(t.Candidate).values(score=first, entropy=None, top_class=""))
        connection.execute(delete(t.Mark).where(t.Mark.name == _RANKED))
        connection.execute(insert(t.Mark).values(name=_RANKED, value=said))
        if model is None:
            return
        p = t.Prediction
        there = select(p.candidate_id, p.probabilities, p.entropy).where(p.model == model.name)
        for row in connection.execute(there).all():
            connection.execute(_score(row.candidate_id, model.class_names, wanted, row.probabilities, row.entropy))


def _unanswered(table: type[t.Prediction] | type[t.Host], mine: object) -> Select:
    answered = select(table.candidate_id).where(table.candidate_id == t.Candidate.id, mine)  # type: ignore[arg-type]
    return select(t.Candidate.id).where(~answered.exists())


def unclassified(model: str) -> Select:
    """Numbers of candidates that a model has not been asked about."""
    return _unanswered(t.Prediction, t.Prediction.model == model)


def without_host(finder: str) -> Select:
    """Numbers of candidates that a host finder has not been asked about."""
    return _unanswered(t.Host, t.Host.finder == finder)


def count(database: Database, query: Select) -> int:
    """Rows of a query."""
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(query.subquery())).scalar_one()


def classify_some(database: Database, model: Classifier, wanted: str | None, size: int = BATCH) -> int:
    """Asks a model about some candidates; returns how many.

    Args:
      wanted: the class that is hunted, where this model's scores rank the list; None: they do not.
    """
    candidates = _next(database, unclassified(model.name), size)
    if not candidates:
        return 0
    answers = _asked(model.classify, list(candidates.values()))
    with database.write() as connection:
        for (number, candidate), answer in zip(candidates.items(), answers, strict=True):
            if not _still(connection, number, candidate, t.Prediction, t.Prediction.model == model.name):
                continue
            refused = answer if isinstance(answer, str) else _no_probabilities(answer, model.class_names)
            said = None if refused else [float(p) for p in answer]
            spread = None if refused else entropy(answer)
            if wanted is not None:
                connection.execute(_score(number, model.class_names, wanted, said, spread))
            row = {"candidate_id": number, "model": model.name, "probabilities": said, "entropy": spread}
            connection.execute(insert(t.Prediction).values(**row, refused=refused))
    return len(candidates)


def _no_probabilities(answer: np.ndarray, names: Sequence[str]) -> str:
    """What is wrong with an answer; empty: nothing."""
    answer = np.asarray(answer, np.float64)
    if answer.shape != (len(names),):
        return f"the model answers with {answer.size} numbers for {len(names)} classes"
    return "" if np.isfinite(answer).all() else "the model's answer is no number (NaN or infinite)"


def _asked(ask: Callable[[list[Candidate]], list[Answer | str]], candidates: list[Candidate]) -> list[Answer | str]:
    """Answers to all; where one of them makes it fail, a reason instead of that one's answer.

    Raises whatever `ask` does where it fails for every one of them: then it is itself what is broken.
    """
    try:
        return ask(candidates)
    except Exception:
        if len(candidates) < 2:
            raise
        found = [_asked_alone(ask, candidate) for candidate in candidates]
        if all(isinstance(one, str) and one.startswith(_FAILED) for one in found):
            raise
        return found


def _asked_alone(ask: Callable[[list[Candidate]], list[Answer | str]], candidate: Candidate) -> Answer | str:
    try:
        return ask([candidate])[0]
    except Exception as error:
        return f"{_FAILED}: {type(error).__name__}: {error}"[:_LONGEST]


def find_some_hosts(database: Database, finder: HostFinder, size: int = BATCH) -> int:
    """Asks a host finder about some candidates; returns how many."""
    candidates = _next(database, without_host(finder.name), size)
    if not candidates:
        return 0
    answers = _asked(finder.find, list(candidates.values()))
    with database.write() as connection:
        for (number, candidate), answer in zip(candidates.items(), answers, strict=True):
            if not _still(connection, number, candidate, t.Host, t.Host.finder == finder.name):
                continue
            host = answer if isinstance(answer, Host) else None
            said = None if host is None else {k: _number(v) for k, v in dataclasses.asdict(host).items()}
            row = {"candidate_id": number, "finder": finder.name, "cutout": finder.cutout, "answer": said}
            connection.execute(insert(t.Host).values(**row, refused="" if host else answer))
            if host is not None:
                found = {"host_separation": finite(host.separation), "host_scatter": finite(host.scatter)}
                connection.execute(update(t.Candidate).where(t.Candidate.id == number).values(**found))
    return len(candidates)


def _number(value: object) -> object:
    """Numbers as JSON can hold them."""
    return finite(value) if isinstance(value, float | np.number) else value


def _next(database: Database, query: Select, size: int) -> dict[int, Candidate]:
    with database.read() as connection:
        numbers = connection.execute(query.order_by(t.Candidate.id.desc()).limit(size)).scalars().all()
        try:
            return load(connection, numbers)
        except DataError:  # one of them is damaged: it alone is given to the models without stamps
            return {n: c for number in numbers for n, c in _load_one(connection, number).items()}


def _load_one(connection: Connection, number: int) -> dict[int, Candidate]:
    try:
        return load(connection, [number])
    except DataError:
        row = connection.execute(select(t.Candidate.__table__).where(t.Candidate.id == number)).one()
        return {number: Candidate(row.survey, row.object_id, row.alert_id, row.mjd, row.ra, row.dec, row.band)}


def _still(
    connection: Connection, number: int, candidate: Candidate, table: type[t.Prediction] | type[t.Host], mine: object
) -> bool:
    """Whether the answer is still wanted: an earlier alert may have come meanwhile, or another server has answered."""
    answered = select(table.candidate_id).where(table.candidate_id == number, mine)  # type: ignore[arg-type]
    if connection.execute(answered).first() is not None:
        return False
    there = connection.execute(select(t.Candidate.alert_id).where(t.Candidate.id == number)).scalar()
    return there == candidate.alert_id


def _score(
    number: int, names: Sequence[str], wanted: str, probabilities: Sequence[float] | None, spread: float | None
) -> object:
    """Writes what lists sort by."""
    values: dict[str, object] = {"score": None, "entropy": None, "top_class": ""}
    if probabilities is not None:
        at = class_number(names, wanted)
        score = None if at is None else probabilities[at]
        values = {"score": score, "entropy": spread, "top_class": names[int(np.argmax(probabilities))]}
    return update(t.Candidate).where(t.Candidate.id == number).values(**values)


def class_number(names: Sequence[str], wanted: str) -> int | None:
    """Place of a class among others, without regard to case.

    >>> class_number(("AGN", "SN"), "sn"), class_number(("AGN",), "SN")
    (1, None)
    """
    lower = [name.lower() for name in names]
    return lower.index(wanted.lower()) if wanted.lower() in lower else None
