"""HTTP messages (RFC 9110) and outbox requests. No network access: the host does it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, overload
from urllib.parse import quote

from . import _json
from ._event import json_bytes
from ._failure import Misconfigured, Reject, Retry

T = TypeVar("T")


@dataclass(frozen=True)
class Request:
    """An HTTP request. Each method returns a new one. The host checks it against manifest and grants."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    content: bytes | None = field(default=None, repr=False)
    profile: str | None = None
    timeout: int | None = None

    @classmethod
    def get(cls, url: str) -> Request:
        return cls("GET", url)

    @classmethod
    def head(cls, url: str) -> Request:
        return cls("HEAD", url)

    @classmethod
    def post(cls, url: str) -> Request:
        return cls("POST", url)

    @classmethod
    def put(cls, url: str) -> Request:
        return cls("PUT", url)

    @classmethod
    def patch(cls, url: str) -> Request:
        return cls("PATCH", url)

    @classmethod
    def delete(cls, url: str) -> Request:
        return cls("DELETE", url)

    def path(self, segments: Iterable[str | int]) -> Request:
        """Appends path segments, each percent-encoded: a `/` in a value stays part of its segment."""
        if "#" in self.url:
            raise Misconfigured("the URL of a request has a fragment (`#`): remove it")
        base, mark, query = self.url.partition("?")
        parts = [base.rstrip("/")]
        for index, segment in enumerate(segments, 1):
            text = str(segment)
            if text in ("", ".", ".."):
                problem = f"segment {index} of the path is empty, `.` or `..`: no URL can name it"
                raise Reject("invalid-path", problem)
            parts.append(_encoded(text))
        return replace(self, url="/".join(parts) + mark + query)

    def query(self, parameters: Mapping[str, str | int]) -> Request:
        """Appends query parameters, each percent-encoded."""
        url = self.url
        for name, value in parameters.items():
            url += f"{'&' if '?' in url else '?'}{_encoded(name)}={_encoded(str(value))}"
        return replace(self, url=url)

    def header(self, name: str, value: str) -> Request:
        """Adds a header field. `authorization`, `cookie`, `idempotency-key` and hop-by-hop fields are the host's."""
        return replace(self, headers=(*self.headers, (name, value)))

    def json(self, value: object) -> Request:
        """Sets a JSON body and its `content-type`."""
        kept = tuple(header for header in self.headers if header[0].lower() != "content-type")
        content = json_bytes(value, f"the body of a {self.method} request")
        return replace(self, content=content, headers=(*kept, ("content-type", "application/json")))

    def body(self, content: bytes | str) -> Request:
        """Sets the body, at most 1 MiB."""
        return replace(self, content=content.encode() if isinstance(content, str) else content)

    def auth(self, profile: str) -> Request:
        """Names the auth profile whose credentials the host adds."""
        return replace(self, profile=profile)

    def timeout_ms(self, milliseconds: int) -> Request:
        """Sets the time limit of the whole exchange; the default is the host's (10 s)."""
        return replace(self, timeout=milliseconds)


def _encoded(text: str) -> str:
    """All but the unreserved characters of RFC 3986, section 2.3."""
    return quote(text, safe="-._~", errors="replace")


@dataclass(frozen=True)
class Response:
    """An HTTP response with a body of at most 4 MiB."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = field(default=b"", repr=False)

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    def header(self, name: str) -> str | None:
        """The first header field with a name, case-insensitive."""
        return next((value for known, value in self.headers if known.lower() == name.lower()), None)

    def text(self) -> str:
        """The body as text; U+FFFD takes the place of what is not UTF-8."""
        return self.body.decode("utf-8", "replace")

    @overload
    def json(self) -> Any: ...
    @overload
    def json(self, kind: type[T]) -> T: ...
    def json(self, kind: Any = Any) -> Any:
        """The body as JSON, or as a dataclass. If it is not, `Retry`: often a proxy sends an error page for a while."""
        try:
            return _json.load(self.body, kind)
        except _json.Invalid as problem:
            raise Retry("invalid-answer", f"body of the answer with status {self.status}{problem}") from None


@dataclass(frozen=True)
class OutboxRequest:
    """A request that is sent after the commit, with retries until it is answered."""

    key: str
    """1 to 256 bytes; identifies the request within this installation, permanently. Derive it from the meaning of the
    request (`lead-L-42-create`), never from the clock."""
    request: Request
    answer: bool = False
    """Whether to deliver the outcome to this installation as `com.handoff.outbox.answered.v1`."""
    partition_key: str | None = None
    """Partition key of that answer."""
