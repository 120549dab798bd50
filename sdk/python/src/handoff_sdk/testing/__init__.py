"""Tests of a connector without a host, natively: the cases of `cases/`, and tests that are written by hand.

It runs with pytest or unittest, in CPython only; nothing of it is part of a component. Install the SDK as
`handoff-sdk[testing]` for it.
"""

from ._bench import Bench
from ._case import Case, CaseRun
from ._compare import Difference
from ._delivered import Delivered
from ._project import Project

__all__ = ["Bench", "Case", "CaseRun", "Delivered", "Difference", "Project"]
