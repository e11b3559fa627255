"""Checks that need to know what stands above a spec, so that they cannot be made when it is built."""

from otp.errors import SpecError
from otp.spec.fields import check_levels
from otp.spec.supervisor_spec import AnySpec, SupervisorSpec
from otp.text.quoting import quoted


def check_needs(spec: AnySpec, declared: frozenset[str] = frozenset()) -> None:
    """Raise `SpecError` if a child needs a dependency that no supervisor above it declares.

    Args:
        spec: of the child, or of a whole tree.
        declared: names of the dependencies that the supervisors above `spec` declare.
    """
    for name in spec.needs:
        if name not in declared:
            known = ", ".join(sorted(declared)) or "none"
            raise SpecError(
                f"worker {quoted(spec.id)} needs {quoted(name)}, which no supervisor above it declares (declared: {known}); "
                f"give one of them dependencies=[dependency({quoted(name)}, probe, …)]"
            )
    if isinstance(spec, SupervisorSpec):
        below = declared | {one.id for one in spec.dependencies}
        for child in spec.children:
            check_needs(child, below)


def check_depth(spec: AnySpec, above: int) -> None:
    """Raise `SpecError` if a tree that gets this child would have more than `DEEPEST` levels of supervisors.

    Args:
        spec: of the child.
        above: supervisors above it.
    """
    check_levels(spec.id, above + (spec.levels if isinstance(spec, SupervisorSpec) else 0))
