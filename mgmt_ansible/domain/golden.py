"""What came of golden predictions on a host: what a new model answered, and how it differs from the one that served before."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenMiss:
    """The place at which a new model's answer is furthest from what it should be.

    Attributes:
        example: Line of the file of examples, from 1.
        field: Path in the answer, such as `outputs[0].data[3]`; empty: the answer as a whole.
        said: What the model says, at most 200 characters.
        wanted: What it should say, at most 200 characters.
        difference: How far two numbers are from each other; None for anything else.
    """

    example: int
    field: str
    said: str
    wanted: str
    difference: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OldModelDifference:
    """How a new model differs from the one that served, asked the same.

    Attributes:
        compared: Examples that both answered.
        different: Those of them whose answers differ by more than the tolerance.
        largest_difference: Of two numbers at the same place; None when nothing was compared.
    """

    compared: int
    different: int
    largest_difference: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenReport:
    """What came of a package's golden predictions.

    Attributes:
        examples: How many the package has.
        passed: How many the new model answered as it should.
        failed: The others.
        worst: Of the failed; None when none failed.
        old_model: None when no model served.
    """

    examples: int
    passed: int
    failed: int
    worst: GoldenMiss | None = None
    old_model: OldModelDifference | None = None

    @property
    def sentence(self) -> str:
        """How many were right, and how far the model is from the old one, for people; the host's message says which was wrong."""
        words = f"{self.passed} of {self.examples} golden predictions right"
        if self.old_model is None:
            return words
        if not self.old_model.compared:
            return f"{words}; the old model did not answer them"
        words += f"; {self.old_model.different} of {self.old_model.compared} differ from the old model"
        largest = self.old_model.largest_difference
        return f"{words}, by {largest:.3g} at most" if largest else words
