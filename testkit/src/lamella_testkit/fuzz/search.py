"""The parent's side of a search: it gives children work, counts what comes of it, and keeps what went wrong."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from lamella_testkit.fuzz.exercise import Limits
from lamella_testkit.fuzz.outcome import READ, Fault, Outcome
from lamella_testkit.fuzz.recipe import Recipe
from lamella_testkit.isolation import Child
from lamella_testkit.references import reference_to

if TYPE_CHECKING:
    from lamella.format import FormatSpec
    from lamella_testkit.sampler import Sampler

__all__ = ["FormatTally", "Subject", "Trial", "reduced", "search"]

_Told = Callable[[int, Outcome, dict[str, object]], None]
_CHILD = "lamella_testkit.fuzz.child:main"
_SLICE = 60.0
"""How long one format is tried before the next has its turn [s]."""
_MAKING = "making"
_MAKING_SECONDS = 120.0
"""What writing an input, and trying its intact file for the first time, may take [s]."""
_UNSURE = ("hang", "memory")
"""Faults that may be those of the machine or of the process."""
_MORE = 3.0
_MOST_CRASHES = 200
"""After that many lost children in one slice, the next format has its turn."""
_MOST_FAULTS = 200


@dataclass(frozen=True)
class Subject:
    """A format that is searched: its declaration, and what writes its files."""

    spec: FormatSpec
    sampler: type[Sampler]

    @property
    def name(self) -> str:
        """The name of the format."""
        return self.spec.name

    def job(self, limits: Limits, **more: Any) -> dict[str, Any]:
        """Give what a child is sent."""
        return {"spec": self.spec, "sampler": reference_to(self.sampler), "limits": limits, **more}


@dataclass
class FormatTally:
    """What came of the inputs of one format.

    Attributes
    ----------
    format
        Its name.
    next
        The number of the next input.
    inputs, read
        How many were tried, and how many of them were read to the end; the others were refused, or are faults.
    seconds
        How long that took, of one process [s].
    slowest, slowest_seconds
        The number of the input that took the most time of the processor, and that time [s].
    faults
        One for each kind of fault.
    """

    format: str
    next: int = 0
    inputs: int = 0
    read: int = 0
    seconds: float = 0.0
    slowest: int | None = None
    slowest_seconds: float = 0.0
    faults: dict[str, Fault] = field(default_factory=dict)

    @property
    def faulty(self) -> int:
        """The number of inputs that must not do what they do."""
        return sum(fault.count for fault in self.faults.values())

    @property
    def rate(self) -> float:
        """Inputs per second of one process."""
        return self.inputs / self.seconds if self.seconds else 0.0

    def count(self, number: int, outcome: Outcome, seed: int, recipe: dict[str, object]) -> Fault | None:
        """Count an input; gives the fault if it is the first of its kind."""
        self.inputs += 1
        self.next = max(self.next, number + 1)
        if outcome.seconds > self.slowest_seconds:
            self.slowest, self.slowest_seconds = number, outcome.seconds
        if not outcome.is_fault:
            self.read += outcome.kind == READ
            return None
        known = self.faults.get(outcome.signature)
        if known is not None:
            self.faults[outcome.signature] = replace(known, count=known.count + 1)
            return None
        fault = Fault(self.format, seed, number, outcome, recipe)
        if len(self.faults) < _MOST_FAULTS:
            self.faults[outcome.signature] = fault
        return fault

    def to_json(self) -> dict[str, object]:
        """Give plain values."""
        return {
            "format": self.format,
            "inputs": self.inputs,
            "read": self.read,
            "refused": self.inputs - self.read - self.faulty,
            "faults": self.faulty,
            "kinds of faults": len(self.faults),
            "seconds": round(self.seconds, 3),
            "inputs per second": round(self.rate, 2),
            "slowest": self.slowest,
            "seconds of the slowest": round(self.slowest_seconds, 2),
            "next": self.next,
        }


class Trial:
    """Tries inputs of one format in a child, and starts another one where it is lost.

    Parameters
    ----------
    subject
        The format.
    limits
        What an input may take.
    """

    def __init__(self, subject: Subject, limits: Limits | None = None) -> None:
        self._subject = subject
        self._limits = limits or Limits()
        self._child = Child(_CHILD)

    def turned_to(self, subject: Subject) -> Self:
        """Go on with another format, in the same child."""
        self._subject = subject
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the child."""
        self._child.close()

    def numbers(
        self,
        seed: int,
        start: int,
        *,
        seconds: float,
        count: int,
        told: _Told,
    ) -> int:
        """Try the inputs from a number on.

        Parameters
        ----------
        seed, start
            Which inputs.
        seconds, count
            For how long [s], and how many at most.
        told
            Called with number, outcome and recipe of each.

        Returns
        -------
        int
            The number of the next input.
        """
        end, stop = time.monotonic() + seconds, start + count
        for _ in range(_MOST_CRASHES):
            left = end - time.monotonic()
            if start >= stop or left <= 0:
                break
            job = self._subject.job(self._limits, seed=seed, start=start, count=stop - start, seconds=left)
            start = self._carried_out(job, told)
        return start

    def recipes(self, recipes: Sequence[Recipe]) -> list[Outcome]:
        """Try recipes one after the other; gives what comes of each."""
        outcomes: dict[int, Outcome] = {}
        facts = [recipe.to_json() for recipe in recipes]
        start = 0
        while start < len(recipes):
            job = self._subject.job(self._limits, recipes=facts, start=start)
            start = self._carried_out(job, lambda number, outcome, made: outcomes.update({number: outcome}))
        return [outcomes[i] for i in range(len(recipes))]

    def _carried_out(self, job: dict[str, Any], told: _Told) -> int:
        """Give a child a job, and follow it to its end, or to the end of the child; gives the next number."""
        at = _Progress(job["start"])
        try:
            self._child.send(job)
            while at.follow(*self._child.message(at.limit), told):
                pass
        except queue.Empty:
            outcome = Outcome("hang", text=f"no answer within {at.limit:g} s{self._child.interrupt()}")
        except (OSError, EOFError):
            text = self._child.crash()
            outcome = Outcome("hang" if "SIGXCPU" in text else "crash", text=text)
        else:
            return at.number
        told(at.number, _placed(replace(outcome, stage=at.stage)), at.recipe)
        return at.number + 1


@dataclass
class _Progress:
    """How far a child has come with its job, from what it says."""

    number: int
    recipe: dict[str, object] = field(default_factory=dict)
    stage: str = _MAKING
    limit: float = _MAKING_SECONDS

    def follow(self, kind: str, value: Any, told: _Told) -> bool:
        """Take a message of the child; False if it was the last one of the job."""
        if kind == "result":
            self.number = value
            return False
        if kind == "making":
            self.number, self.recipe = value
            self.stage, self.limit = _MAKING, _MAKING_SECONDS
        elif kind == "trying":
            self.number, self.limit = value
            self.stage = ""
        else:
            number, outcome = value
            told(number, outcome, self.recipe)
            self.number, self.stage, self.limit = number + 1, _MAKING, _MAKING_SECONDS
        return True


def _placed(outcome: Outcome) -> Outcome:
    """Give an outcome with the first place of its stack, where it has one."""
    lines = [line for line in outcome.text.splitlines()[1:] if line.startswith("File ")]
    own = [line for line in lines if "lamella" in line] or lines
    if not own:
        return outcome
    name, _, function = own[0].rpartition(" in ")
    file = name.split('"')[1].rpartition("/")[2] if '"' in name else name
    return replace(outcome, place=f"{outcome.text.splitlines()[0].rpartition(' ')[2]} {file}:{function}")


def search(
    subjects: Sequence[Subject],
    *,
    seed: int = 0,
    start: int = 0,
    seconds: float = 60.0,
    inputs: int | None = None,
    jobs: int = 1,
    limits: Limits | None = None,
    progress: Callable[[FormatTally, Fault | None], None] = lambda tally, fault: None,
) -> list[FormatTally]:
    """Search for inputs that do what they must not.

    Formats have turns: the next is always the one with the fewest inputs so far, so that slow ones get more time.

    Parameters
    ----------
    subjects
        The formats.
    seed, start
        Which inputs: seed and number determine each.
    seconds
        For how long [s].
    inputs
        How many of each format at most.
    jobs
        Processes at a time.
    limits
        What an input may take.
    progress
        Called after each turn with None, and with each new kind of fault.

    Returns
    -------
    list of FormatTally
        One for each format.
    """
    tallies = {one.name: FormatTally(one.name, start) for one in subjects}
    waiting = {one.name: one for one in subjects}
    turns = threading.Lock()
    end = time.monotonic() + seconds
    limits = limits or Limits()
    share = max(1.0, min(_SLICE, seconds * jobs / max(1, len(subjects))))

    def taken() -> Subject | None:
        with turns:
            left = [name for name in waiting if inputs is None or tallies[name].inputs < inputs]
            if not left or time.monotonic() >= end:
                return None
            return waiting.pop(min(left, key=lambda name: tallies[name].inputs))

    def work() -> None:
        while (subject := taken()) is not None:
            _turn(subject, tallies[subject.name], seed, min(share, end - time.monotonic()), inputs, limits, progress)
            with turns:
                waiting[subject.name] = subject
                progress(tallies[subject.name], None)

    workers = [threading.Thread(target=work, daemon=True) for _ in range(min(jobs, len(subjects)))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return list(tallies.values())


def _turn(
    subject: Subject,
    tally: FormatTally,
    seed: int,
    seconds: float,
    inputs: int | None,
    limits: Limits,
    progress: Callable[[FormatTally, Fault | None], None],
) -> None:
    """Try one format for a while."""
    began = time.monotonic()

    def told(number: int, outcome: Outcome, recipe: dict[str, object]) -> None:
        if outcome.kind in _UNSURE and outcome.signature not in tally.faults and recipe:
            outcome = _confirmed(subject, limits, recipe)
        fault = tally.count(number, outcome, seed, recipe)
        if fault is not None:
            progress(tally, fault)

    count = (1 << 40) if inputs is None else inputs - tally.inputs
    with Trial(subject, limits) as trial:
        tally.next = trial.numbers(seed, tally.next, seconds=seconds, count=count, told=told)
    tally.seconds += time.monotonic() - began


def _confirmed(subject: Subject, limits: Limits, recipe: dict[str, object]) -> Outcome:
    """Try an input that took too much time or memory once more, with more time and in a fresh process.

    The machine may be busy, or the process loads a compiler at that moment, which counts against the same limit.
    """
    more = replace(limits, seconds=_MORE * limits.seconds, cpu_seconds=limits.cpu_seconds)
    with Trial(subject, more) as trial:
        return trial.recipes([Recipe.from_json(recipe)])[0]


def reduced(
    subject: Subject, recipe: Recipe, signature: str, *, limits: Limits | None = None, most: int = 40
) -> Recipe:
    """Give a smaller recipe with the same fault: without steps, and with fewer bytes.

    Parameters
    ----------
    subject
        The format.
    recipe
        The input.
    signature
        Of the fault, see `lamella_testkit.fuzz.outcome.Outcome`.
    limits
        What an input may take.
    most
        How many smaller ones are tried.
    """
    left = most
    with Trial(subject, limits) as trial:
        smaller = True
        while smaller and left > 0:
            smaller = False
            for candidate in _smaller(recipe):
                left -= 1
                if left < 0:
                    break
                if trial.recipes([candidate])[0].signature == signature:
                    recipe, smaller = candidate, True
                    break
    return recipe


def _smaller(recipe: Recipe) -> list[Recipe]:
    """Give recipes that are a little smaller, the smallest first."""
    steps = recipe.steps
    found = [recipe.but(steps[:i] + steps[i + 1 :]) for i in range(len(steps)) if len(steps) > 1]
    for i, step in enumerate(steps):
        half = len(step.new) // 2
        if half >= 4:
            first = replace(step, new=step.new[:half], end=min(step.end, step.begin + half))
            second = replace(step, new=step.new[half:], begin=min(step.end, step.begin + half))
            found += [recipe.but((*steps[:i], shorter, *steps[i + 1 :])) for shorter in (first, second)]
    return sorted(found, key=lambda one: one.weight)
