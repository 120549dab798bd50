"""The cases of `cases/` as native tests, for a debugger. `handoff test` runs them on the built component."""

from pathlib import Path

import pytest
from handoff_sdk.testing import Case, Project
from lead_router import LeadRouter

PROJECT = Project(Path(__file__).parents[1])


@pytest.mark.parametrize("case", PROJECT.cases(), ids=str)
def test_the_connector_does_what_its_cases_expect(case: Case) -> None:
    case.check(LeadRouter)
