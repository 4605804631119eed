"""Answers to files, written while they come; see `resumable_answers` for what lies where."""

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

from lcjax.errors import DataError
from lcjax.inference.answers import Answers, Item, Items
from lcjax.inference.resumable_answers import ResumableAnswers


def answer_files(
    answers: Answers[Item],
    reader: Items[Item],
    inputs: Sequence[str],
    out: Path,
    rejected: Path,
    identity: str,
    say: Callable[[str], None] = print,
    count: Callable[[int], None] = lambda items: None,
) -> ResumableAnswers:
    """Writes what is answered to `out` and what is set aside to `rejected`; goes on where the same work was stopped.

    Args:
      identity: of model, settings and input: which work is the same. say: told what the user should know at once.
      count: told how many more items are done.

    Returns:
      How many were answered, and why others were not.

    Raises:
      DataError: there is no answer. What `ResumableAnswers` raises, and what the reader and the model do.
    """
    schema, constant, columns = answers.schema, answers.constant_columns, reader.rejection_columns
    with ResumableAnswers(out, rejected, schema, constant, columns, identity, say) as results:
        if results.done:
            say(f"going on behind {results.done:,} {answers.unit} that were answered or set aside before")
        # What was answered before is read again, so that counts and sentences are of the whole input.
        for answer in answers.answer(itertools.islice(reader.items(inputs), results.done, None)):
            results.add(answer)
            count(1)
    aside = results.reasons.total()
    if not results.answered:
        why = f"all {aside:,} were set aside, with reasons in '{rejected}'; the first: {results.example}"
        raise DataError(f"none of the {answers.unit} could be answered: {why if aside else 'none there'}")
    return results
