"""Whether a request may be sent, by the contract's rules and the grants, in the words of the host. No network."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from .._http import Request
from ._grants import Grants, Target

HEADERS_MAX, HEADER_BYTES_MAX, BODY_BYTES_MAX, TIMEOUT_MS_MAX, URL_BYTES_MAX = 64, 16 << 10, 1 << 20, 120_000, 8192
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]+")
_RESERVED = frozenset(
    "host content-length transfer-encoding connection keep-alive te trailer upgrade http2-settings expect via forwarded"
    " authorization authentication-info cookie set-cookie idempotency-key x-http-method x-http-method-override"
    " x-method-override x-real-ip x-client-ip x-cluster-client-ip true-client-ip".split()
)
"""Only the host sets these."""
_RESERVED_PREFIXES = ("proxy", "x-forwarded", "x-original-", "x-rewrite-")
_DOTS = "`.` and `..` segments are refused, also as `%2e`: they leave the granted path"


class Refused(Exception):
    """A refusal, as the contract has it: `invalid` or `denied`, and why."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def _invalid(text: str) -> Refused:
    return Refused("invalid", text)


@dataclass
class _Url:
    scheme: str
    host: str
    port: int
    path: str
    origin: str


def check(grants: Grants, request: Request, *, is_look_up: bool) -> None:
    """Raises what the host would answer. A look-up with an unsafe method needs a path of `look-ups`."""
    method = request.method
    if method not in _METHODS:
        raise _invalid(f"method: `{shown(method)}`; expected GET, HEAD, POST, PUT, PATCH or DELETE in capitals")
    url = _parse(request.url)
    _check_headers(request.headers)
    is_safe = method in ("GET", "HEAD")
    if request.content is not None:
        size = len(request.content)
        if size > BODY_BYTES_MAX:
            raise _invalid(f"body: {size} bytes; expected at most {BODY_BYTES_MAX}")
        if is_safe and size:
            raise _invalid(f"body: not allowed with {method} (RFC 9110 section 9.3); use the query or POST")
    if request.timeout is not None and not 1 <= request.timeout <= TIMEOUT_MS_MAX:
        raise _invalid(f"timeout-ms: {request.timeout}; expected 1 to {TIMEOUT_MS_MAX}, or none")
    _find_grant(grants.http, request, url, is_look_up and not is_safe)


def _find_grant(granted: list[Target], request: Request, url: _Url, is_unsafe_look_up: bool) -> None:
    """Narrows the grants step by step, so that the message names the first mismatch."""

    def step(found: list[Target], keep: Callable[[Target], bool], told: Callable[[], str]) -> list[Target]:
        kept = [target for target in found if keep(target)]
        if not kept:
            raise Refused("denied", told())
        return kept

    def names(found: list[Target]) -> str:
        return _list(f"`{target.name}`" for target in found)

    def patterns(target: Target) -> list[str]:
        return target.look_ups if is_unsafe_look_up else target.paths

    def no_host() -> str:
        targets = _list(f"{_described(target)} ({target.name})" for target in granted)
        return f"url: {url.origin} is not granted; granted targets: {targets}"

    at_host = step(granted, lambda target: _is_at(target, url), no_host)

    def no_method() -> str:
        methods = _list(method for target in at_host for method in target.methods)
        return f"method: {request.method} is not granted; grant {names(at_host)} allows {methods}"

    by_method = step(at_host, lambda target: request.method in target.methods, no_method)

    def no_path() -> str:
        what = "a look-up with an unsafe method" if is_unsafe_look_up else "a path"
        unsafe = "; send it through the outbox, or ask the operator to grant the path under `lookUps`"
        allowed = _list(pattern for target in by_method for pattern in patterns(target))
        hint = unsafe if is_unsafe_look_up else ""
        return f"path: `{shown(url.path)}` is not granted as {what}; grant {names(by_method)} allows {allowed}{hint}"

    by_path = step(by_method, lambda target: any(matches(one, url.path) for one in patterns(target)), no_path)
    profile = request.profile

    def no_auth() -> str:
        allowed = _list(name for target in by_path for name in target.auth)
        return f"auth: profile `{shown(profile or '')}` is not granted; grant {names(by_path)} allows {allowed}"

    step(by_path, lambda target: profile is None or profile in target.auth, no_auth)


def _is_at(target: Target, url: _Url) -> bool:
    port = target.port or (443 if url.scheme == "https" else 80)
    return (url.scheme == "https" or target.plaintext) and target.host.strip("[]") == url.host and port == url.port


def _described(target: Target) -> str:
    port = "" if target.port is None else f":{target.port}"
    return f"{'http or https' if target.plaintext else 'https'}://{target.host}{port}"


def _parse(text: str) -> _Url:
    def wrong(problem: str) -> Refused:
        return _invalid(f"url: {problem}")

    if len(text.encode()) > URL_BYTES_MAX:
        raise wrong(f"has {len(text.encode())} bytes; expected at most {URL_BYTES_MAX}")
    if "#" in text:
        raise wrong("contains a fragment (`#`), which is never sent to the server; remove it")
    if "\\" in text:
        raise wrong("contains a backslash; expected `/`")
    other = re.search(r"[^!-~]", text)
    if other is not None:
        advice = "write host names in their `xn--` form and percent-encode the rest"
        raise wrong(f"contains `{shown(other.group())}`; expected printable ASCII: {advice}")
    found = re.match(r"(https?)://([^/?]*)([^?]*)", text)
    if found is None:
        raise wrong(f"`{shown(text)}` is not absolute; expected `https://host/path`")
    scheme, authority, path = found.groups()
    if "@" in authority:
        raise wrong("contains user info (`user@`); use an auth profile instead")
    _check_path(path or "/", wrong)
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port or (443 if scheme == "https" else 80)
    except ValueError as error:
        raise wrong(f"`{shown(text)}` does not parse: {error}") from None
    if not host:
        raise wrong("has no host or port 0; expected `https://host/path`")
    origin = f"{scheme}://{authority.lower()}".removesuffix(":443" if scheme == "https" else ":80")
    return _Url(scheme, host.lower(), port, path or "/", shown(origin))


def _check_path(path: str, wrong: Callable[[str], Refused]) -> None:
    """Refuses paths that two servers could read differently."""

    def refuse(problem: str) -> Refused:
        return wrong(f"path `{shown(path)}`: {problem}")

    if "//" in path:
        raise refuse("`//` is refused: some servers take it for `/`")
    for segment in path[1:].split("/"):
        for digits in re.findall(r"%(.{0,2})", segment):
            if not re.fullmatch(r"[0-9a-fA-F]{2}", digits):
                raise refuse("`%` must begin an escape such as `%20`, and no escape may hide another one")
            if digits.lower() in ("2f", "5c"):
                raise refuse("`\\`, `%2f` and `%5c` are refused: some servers take them for `/`")
            if digits.lower() == "2e":
                raise refuse(_DOTS)
        if segment.split(";")[0] in (".", ".."):
            raise refuse(_DOTS)


def matches(pattern: str, path: str) -> bool:
    """Whether a path pattern matches: `*` within a segment, `**` as the last one for any rest."""
    globs = pattern.split("/")
    parts = ["[^/]+" if glob == "*" else "[^/]*".join(re.escape(piece) for piece in glob.split("*")) for glob in globs]
    if globs[-1] == "**":
        parts[-1] = ".*"
    return re.fullmatch("/".join(parts), path, re.DOTALL) is not None


def _check_headers(headers: tuple[tuple[str, str], ...]) -> None:
    if len(headers) > HEADERS_MAX:
        raise _invalid(f"headers: {len(headers)} fields; expected at most {HEADERS_MAX}")
    size = sum(len(name.encode()) + len(value.encode()) for name, value in headers)
    if size > HEADER_BYTES_MAX:
        raise _invalid(f"headers: {size} bytes; expected at most {HEADER_BYTES_MAX}")
    for name, value in headers:
        if not _TOKEN.fullmatch(name):
            raise _invalid(f"headers: `{shown(name)}` is not a field name; expected a token (RFC 9110 section 5.6.2)")
        normal = name.lower().replace("_", "-")
        if normal in _RESERVED or normal.startswith(_RESERVED_PREFIXES):
            advice = "remove it (credentials come from an auth profile)"
            raise _invalid(f"headers: `{shown(name)}` may only be set by the host; {advice}")
        byte = next((one for one in value.encode() if one != 9 and not 32 <= one <= 126), None)
        if byte is not None:
            expected = "expected printable ASCII (RFC 9110 section 5.5)"
            raise _invalid(f"headers: the value of `{shown(name)}` contains byte 0x{byte:02x}; {expected}")


def shown(text: str) -> str:
    """Text in a message: shortened and printable."""
    cut = "".join(one if " " <= one <= "~" else f"\\u{{{ord(one):x}}}" for one in text[:120])
    return cut + ("…" if len(text) > 120 else "")


def _list(items: Iterable[str]) -> str:
    return ", ".join(sorted(set(items))[:12]) or "none"
