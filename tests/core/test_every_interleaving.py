"""No order of events breaks a promise, in any tree of the family."""

import pytest

from otp.testing import explore
from tests.core.interleavings import FAMILY, MORE
from tests.sizes import WHOLE

TREES = FAMILY + MORE if WHOLE else FAMILY


@pytest.mark.timeout(300)
@pytest.mark.parametrize("tree", TREES, ids=[tree.name for tree in TREES])
def test_no_order_of_events_breaks_a_promise(tree, record_property):
    seen = explore(tree.spec, tree.happenings)
    record_property("states", seen.states)
    record_property("steps", seen.steps)
    assert seen.states > 100, "so few states meet no crossings"


def test_each_tree_of_the_family_has_a_name_of_its_own():
    assert len({tree.name for tree in FAMILY + MORE}) == len(FAMILY + MORE)
