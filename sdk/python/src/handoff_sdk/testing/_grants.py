"""What an operator grants, resolved against the manifest as a host does it: never more than the manifest asks for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ._manifest import Manifest

_FIELDS = ("accepts", "emits", "http")
_TARGET_FIELDS = ("name", "host", "port", "plaintext", "private-addresses", "methods", "paths", "look-ups", "auth")


@dataclass
class Target:
    """A target that is granted."""

    name: str
    host: str
    port: int | None
    plaintext: bool
    methods: list[str]
    paths: list[str]
    look_ups: list[str]
    auth: list[str]


@dataclass
class Grants:
    """What an installation may do."""

    accepts: list[str]
    emits: list[str]
    http: list[Target]


def resolve(manifest: Manifest, grants: dict[str, Any] | None) -> Grants:
    """The grants of a test. Without `grants`: all events, and all targets whose host the manifest names."""
    if grants is None:
        named = [_granted(ask, {"auth": ask["auth"]}) for ask in manifest.http if ask["host"] != "*"]
        return Grants(manifest.accepts, manifest.emits, named)
    _refuse_unknown(grants, _FIELDS, "grants")
    accepts = _events(manifest.accepts, grants, "accepts")
    emits = _events(manifest.emits, grants, "emits")
    targets = grants.get("http", [])
    return Grants(accepts, emits, [_target(manifest, one, f"grants.http[{at}]") for at, one in enumerate(targets)])


def _refuse_unknown(table: dict[str, Any], known: Iterable[str], place: str) -> None:
    for name in table:
        if name not in known:
            raise ValueError(f"{place}.{name}: is unknown; expected one of {', '.join(known)}")


def _events(asked: list[str], grants: dict[str, Any], field: str) -> list[str]:
    wanted: list[str] = grants.get(field, asked)
    for at, name in enumerate(wanted):
        if name not in asked:
            expected = f"an event type that the package's manifest {field}: {listed(asked)}"
            raise ValueError(f'grants.{field}[{at}]: found the event type "{name}"; expected {expected}')
    return wanted


def _target(manifest: Manifest, grant: dict[str, Any], place: str) -> Target:
    _refuse_unknown(grant, _TARGET_FIELDS, place)
    name, host = grant.get("name"), grant.get("host")
    ask = next((target for target in manifest.http if target["name"] == name), None)
    if ask is None:
        known = listed(target["name"] for target in manifest.http)
        raise ValueError(f'{place}: found the target "{name}"; expected a target of the manifest: {known}')
    if ask["host"] == "*" and host is None:
        expected = "a host, because the manifest leaves the choice to the operator"
        raise ValueError(f'{place}: found no host for "{name}"; expected {expected}')
    if ask["host"] != "*" and host is not None and host.lower() != ask["host"].lower():
        expected = f'"{ask["host"]}", the only host that the manifest requests'
        raise ValueError(f'{place}: found the host "{host}"; expected {expected}')
    checks: list[tuple[str, list[str], Callable[[str], bool]]] = [
        ("methods", grant.get("methods", []), lambda one: one in ask["methods"]),
        ("paths", grant.get("paths", []), lambda one: any(covers(pattern, one) for pattern in ask["paths"])),
        ("look-ups", grant.get("look-ups", []), lambda one: any(covers(pattern, one) for pattern in ask["look-ups"])),
        ("auth", list(grant.get("auth", [])), lambda one: one in ask["auth"]),
    ]
    for field, wanted, fits in checks:
        for one in wanted:
            if not fits(one):
                expected = f"at most what the manifest requests: {listed(ask[field])}"
                raise ValueError(f'{place}: found {field} with "{one}"; expected {expected}')
    return _granted(ask, grant)


def _granted(ask: dict[str, Any], grant: dict[str, Any]) -> Target:
    return Target(
        ask["name"],
        str(grant.get("host", ask["host"])).lower(),
        grant.get("port"),
        grant.get("plaintext", False),
        grant.get("methods", ask["methods"]),
        grant.get("paths", ask["paths"]),
        grant.get("look-ups", ask["look-ups"]),
        # A list of profiles, or a table from the connector's names to the operator's.
        list(grant.get("auth", [])),
    )


def listed(items: Iterable[str]) -> str:
    """Names in a message."""
    return ", ".join(f"`{item}`" for item in sorted(set(items))) or "none"


def covers(outer: str, inner: str) -> bool:
    """Whether `outer` matches every path that `inner` matches; false in doubt."""
    outers, inners = outer.split("/"), inner.split("/")
    for at, one in enumerate(outers):
        if at >= len(inners):
            return False
        if one == "**" and at == len(outers) - 1:
            return True
        other = inners[at]
        if other == "**" or (not other and one):
            return False
        pattern = ".*".join(re.escape(piece) for piece in one.split("*"))
        # A `*` of the inner pattern fits only a `*` of the outer one.
        if not re.fullmatch(pattern, other, re.DOTALL) or other.count("*") > one.count("*"):
            return False
    return len(outers) == len(inners)
