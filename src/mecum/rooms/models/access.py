"""Who may use a model or an alias. Pure.

Whoever may not is told that there is no such model: that it exists is nobody's business either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast
from uuid import UUID

from mecum.kit.errors import Unprocessable
from mecum.kit.types import InstallationRole, Principal

AccessKind: TypeAlias = Literal["everybody", "operators", "organisations", "roles"]
OPERATORS: frozenset[InstallationRole] = frozenset(("owner", "operator"))
ORGANISATIONS_MAX = 200


@dataclass(frozen=True, slots=True)
class Access:
    """
    Args:
        organisations: whose members may, with the kind `organisations`. roles: who may, with the kind `roles`.
    """

    kind: AccessKind = "everybody"
    organisations: frozenset[UUID] = frozenset()
    roles: frozenset[InstallationRole] = frozenset()

    def allows(self, principal: Principal | None) -> bool:
        """Whether `principal` may; None stands for a command on the machine, which may everything."""
        if self.kind == "everybody" or principal is None:
            return True
        if self.kind == "organisations":
            return principal.organisation in self.organisations
        return principal.role in (OPERATORS if self.kind == "operators" else self.roles)

    def checked(self) -> Access:
        """Itself, without what its kind does not need.

        Raises:
            Unprocessable: it names nobody, or too many.
        """
        organisations = self.organisations if self.kind == "organisations" else frozenset[UUID]()
        roles = self.roles if self.kind == "roles" else frozenset[InstallationRole]()
        named = len(organisations) + len(roles)
        if self.kind in ("organisations", "roles") and not 0 < named <= ORGANISATIONS_MAX:
            raise Unprocessable(
                "models.access_malformed",
                f"Name between one and {ORGANISATIONS_MAX} who may use it.",
                "Or let everybody.",
                params={"max": ORGANISATIONS_MAX},
            )
        return Access(self.kind, organisations, roles)


EVERYBODY = Access()


def kept(access: Access) -> dict[str, Any]:
    """`access` as it is kept."""
    return {
        "kind": access.kind,
        "organisations": sorted(each.hex for each in access.organisations),
        "roles": sorted(access.roles),
    }


def read(value: Mapping[str, Any]) -> Access:
    """What `kept` wrote."""
    organisations = frozenset(UUID(hex=each) for each in value.get("organisations", ()))
    roles = frozenset[InstallationRole](value.get("roles", ()))
    return Access(cast(AccessKind, value["kind"]), organisations, roles)
