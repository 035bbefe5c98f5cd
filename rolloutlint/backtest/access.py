"""How a server lets us in: credentials, headers and certificates, from the environment or Prometheus' own HTTP
configuration file, kept such that nothing prints them by accident.

The environment (each may be unset):

* `ROLLOUTLINT_PROMETHEUS_TOKEN`: a bearer token;
* `ROLLOUTLINT_PROMETHEUS_USERNAME`, `ROLLOUTLINT_PROMETHEUS_PASSWORD`: basic authentication;
* `ROLLOUTLINT_PROMETHEUS_HEADERS`: further headers, `Name: value`, one a line (`X-Scope-OrgID: shop`);
* `ROLLOUTLINT_PROMETHEUS_CA_FILE`: certificates that the server's is checked with, in place of the system's;
* `ROLLOUTLINT_PROMETHEUS_CLIENT_CERT`, `ROLLOUTLINT_PROMETHEUS_CLIENT_KEY`: our own certificate and its key, files;
* `ROLLOUTLINT_PROMETHEUS_HTTP_CONFIG`: a file as for `promtool query --http.config.file`; what stands above wins.

The settings of a workspace cannot name any of this: whoever proposes a change could then send secrets elsewhere.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from rolloutlint.errors import UsageError
from rolloutlint.source import Document, Source, load

if TYPE_CHECKING:
    import ssl

PREFIX: Final = "ROLLOUTLINT_PROMETHEUS_"

_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+\Z")
_VALUE: Final = re.compile(r"[\t\x20-\x7e]*\Z")
_OWN: Final = frozenset(
    ("host", "content-length", "content-type", "content-encoding", "transfer-encoding", "connection")
)
"""Headers that belong to the request and not to whoever sends it."""


class Secret:
    """A text that shows as `***` wherever it is printed, formatted or part of what is."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself: for the request only."""
        return self._text

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


class Access(NamedTuple):
    """What goes with every request to the server, and to no other."""

    authorization: Secret | None = None
    """The value of the header `Authorization`."""
    headers: tuple[tuple[str, Secret], ...] = ()
    ca_file: str = ""
    client_certificate: str = ""
    client_key: str = ""
    server_name: str = ""
    """The name that the server's certificate must have, where it is not that of the address."""
    insecure: bool = False
    """The server's certificate is not checked."""
    hidden: tuple[Secret, ...] = ()
    """What an answer must not make us repeat: tokens, passwords and header values."""


class Address(NamedTuple):
    """A server: its address without credentials, and those that the address held."""

    url: str
    """`https://metrics.example/prometheus`, without a slash at its end."""
    authorization: Secret | None = None
    hidden: tuple[Secret, ...] = ()


def address_of(url: str) -> Address:
    """The server at an address as given on the command line; `/api/v1` at its end is left out.

    Raises `UsageError`, which does not repeat the address where it may hold a password.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise UsageError("the address of Prometheus is not a URL such as https://prometheus.example") from None
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname or not _VALUE.match(url.strip()):
        raise UsageError("the address of Prometheus must be a URL such as https://prometheus.example:9090")
    if parts.query or parts.fragment:
        raise UsageError("the address of Prometheus ends with its path: leave out `?` and `#` with what follows them")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    path = re.sub(r"(/api/v1)?/*\Z", "", parts.path)
    shown = f"{parts.scheme.lower()}://{host}{f':{port}' if port is not None else ''}{path}"
    if parts.username is None:
        return Address(shown)
    username, password = unquote(parts.username), unquote(parts.password or "")
    return Address(shown, *_basic(username, password, "the address of Prometheus"))


def access_of(environ: Mapping[str, str], http_config: str = "", insecure: bool = False) -> Access:
    """What the environment and an HTTP configuration file say.

    `http_config`: a path, which wins over the one that the environment names. Raises `UsageError` for what cannot be
    read or is contradictory; it names variables, keys and files, and never a value.
    """
    settings = {key[len(PREFIX) :]: value for key, value in environ.items() if key.startswith(PREFIX) and value}
    path = http_config or settings.get("HTTP_CONFIG", "")
    access = _from_file(path) if path else Access()
    token, username, password = (settings.get(key, "") for key in ("TOKEN", "USERNAME", "PASSWORD"))
    if token and (username or password):
        raise UsageError(f"{PREFIX}TOKEN and {PREFIX}USERNAME are both set: unset one of them")
    if password and not username:
        raise UsageError(f"{PREFIX}PASSWORD is set without {PREFIX}USERNAME")
    if token:
        authorization, hidden = _token("Bearer", token.strip(), f"{PREFIX}TOKEN")
        access = access._replace(authorization=authorization, hidden=(*access.hidden, *hidden))
    elif username:
        authorization, hidden = _basic(username, password, f"{PREFIX}USERNAME and {PREFIX}PASSWORD")
        access = access._replace(authorization=authorization, hidden=(*access.hidden, *hidden))
    for number, line in enumerate(settings.get("HEADERS", "").splitlines(), 1):
        if line.strip():
            name, colon, value = line.partition(":")
            where = f"{PREFIX}HEADERS, line {number}"
            if not colon:
                raise UsageError(f"{where}: a header is written `Name: value`")
            access = _with_header(access, name.strip(), value.strip(), where)
    access = access._replace(
        ca_file=settings.get("CA_FILE", access.ca_file),
        client_certificate=settings.get("CLIENT_CERT", access.client_certificate),
        client_key=settings.get("CLIENT_KEY", access.client_key),
        insecure=insecure or access.insecure,
    )
    if access.client_key and not access.client_certificate:
        raise UsageError("a client key is named without a client certificate")
    return access


def tls_of(access: Access, own: bool = True) -> ssl.SSLContext:
    """How to speak TLS: with our own certificate only where the server is the one that was asked for.

    Raises `UsageError` where a file cannot be used.
    """
    import ssl

    try:
        context = ssl.create_default_context(cafile=access.ca_file or None)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(f"cannot use the CA file {access.ca_file}: {_reason(error)}") from None
    if access.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if own and access.client_certificate:
        try:  # a key with a passphrase is refused: OpenSSL would ask the terminal for it
            context.load_cert_chain(access.client_certificate, access.client_key or None, password=lambda: b"")
        except (OSError, ssl.SSLError, ValueError) as error:
            raise UsageError(
                f"cannot use the client certificate {access.client_certificate}: {_reason(error)}"
            ) from None
    return context


def _reason(error: Exception) -> str:
    strerror = getattr(error, "strerror", "")
    return str(strerror or getattr(error, "reason", "") or "it does not hold what it should")


# ---- Prometheus' HTTP configuration ---------------------------------------------------------------------------------


def _values(path: str) -> Any:
    """The first document of a file. What is wrong with it is told by its place alone: its text may be a secret."""
    for item in load(Source(path, _read(path, path))):
        if isinstance(item, Document):
            return item.value
        at = f":{item.at.span.line}:{item.at.span.column}" if item.at.span else ""
        raise UsageError(f"{path}{at}: not YAML" if item.fatal else f"{path}{at}: not plain YAML ({item.kind})")
    return None


def _from_file(path: str) -> Access:
    """A file in the format of prometheus `common/config/http_config.go`, as far as it is about access.

    https://prometheus.io/docs/prometheus/latest/configuration/promtool/#http-configuration-file
    """
    reader = _File(path)
    top = reader.mapping(
        _values(path), "", ("authorization", "basic_auth", "http_headers", "tls_config", "enable_http2")
    )
    tls = reader.mapping(
        top.get("tls_config"), "tls_config", ("ca_file", "cert_file", "key_file", "server_name", "insecure_skip_verify")
    )
    insecure = tls.get("insecure_skip_verify", False)
    if not isinstance(insecure, bool):
        raise UsageError(f"{path}: `tls_config.insecure_skip_verify` must be true or false")
    access = Access(
        ca_file=reader.path(tls, "tls_config", "ca_file"),
        client_certificate=reader.path(tls, "tls_config", "cert_file"),
        client_key=reader.path(tls, "tls_config", "key_file"),
        server_name=reader.text(tls, "tls_config", "server_name"),
        insecure=insecure,
    )
    if "basic_auth" in top and "authorization" in top:
        raise UsageError(f"{path}: `basic_auth` and `authorization` exclude each other")
    if "basic_auth" in top:
        basic = reader.mapping(
            top["basic_auth"], "basic_auth", ("username", "username_file", "password", "password_file")
        )
        username = reader.either(basic, "basic_auth", "username", "username_file")
        password = reader.either(basic, "basic_auth", "password", "password_file")
        authorization, hidden = _basic(username, password, f"{path}: `basic_auth`")
        access = access._replace(authorization=authorization, hidden=hidden)
    if "authorization" in top:
        bearer = reader.mapping(top["authorization"], "authorization", ("type", "credentials", "credentials_file"))
        kind = reader.text(bearer, "authorization", "type") or "Bearer"
        text = reader.either(bearer, "authorization", "credentials", "credentials_file")
        authorization, hidden = _token(kind, text, f"{path}: `authorization`")
        access = access._replace(authorization=authorization, hidden=hidden)
    for name, header in reader.mapping(top.get("http_headers"), "http_headers", None).items():
        where = f"http_headers.{name}"
        entry = reader.mapping(header, where, ("values", "secrets", "files"))
        for key in ("values", "secrets", "files"):
            listed = entry.get(key, [])
            if not isinstance(listed, list) or not all(isinstance(item, str) for item in listed):
                raise UsageError(f"{path}: `{where}.{key}` must be a list of strings")
            for item in listed:
                text = _read(reader.beside(item), f"{path}: `{where}.{key}`").strip() if key == "files" else item
                access = _with_header(access, str(name), text, f"{path}: `{where}`")
    return access


class _File(NamedTuple):
    """Reads the keys of one file, and names them where they are wrong."""

    name: str

    def mapping(self, value: Any, key: str, known: tuple[str, ...] | None) -> Mapping[str, Any]:
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise UsageError(f"{self.name}: {f'`{key}`' if key else 'the file'} must be a mapping")
        for name in value:
            if known is not None and name not in known:
                inside = f"{key}." if key else ""
                raise UsageError(f"{self.name}: `{inside}{name}` is not supported: there are {', '.join(known)}")
        return value

    def text(self, holder: Mapping[str, Any], inside: str, key: str) -> str:
        value = holder.get(key)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise UsageError(f"{self.name}: `{inside}.{key}` must be a string: quote it")
        return value

    def path(self, holder: Mapping[str, Any], inside: str, key: str) -> str:
        value = self.text(holder, inside, key)
        return self.beside(value) if value else ""

    def beside(self, path: str) -> str:
        """Paths are relative to the file that names them."""
        return os.path.join(os.path.dirname(self.name), path)

    def either(self, holder: Mapping[str, Any], inside: str, key: str, file_key: str) -> str:
        text, path = self.text(holder, inside, key), self.path(holder, inside, file_key)
        if text and path:
            raise UsageError(f"{self.name}: `{inside}.{key}` and `{inside}.{file_key}` exclude each other")
        return _read(path, f"{self.name}: `{inside}.{file_key}`").strip() if path else text


def _read(path: str, who: str) -> str:
    try:
        with open(path, encoding="utf-8-sig") as handle:
            return handle.read()
    except OSError as error:
        raise UsageError(f"{who}: cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{who}: {path} is not UTF-8") from None


# ---- headers --------------------------------------------------------------------------------------------------------


def _basic(username: str, password: str, where: str) -> tuple[Secret, tuple[Secret, ...]]:
    """RFC 7617; in UTF-8, which servers written in Go compare bytes with."""
    if ":" in username:
        raise UsageError(f"{where}: a user name with a colon cannot be sent")
    code = base64.b64encode(f"{username}:{password}".encode()).decode()
    return Secret(f"Basic {code}"), (Secret(code), Secret(password))


def _token(kind: str, text: str, where: str) -> tuple[Secret, tuple[Secret, ...]]:
    if not text or not _VALUE.match(text) or not _NAME.match(kind):
        raise UsageError(f"{where}: a token is one line of ASCII characters")
    return Secret(f"{kind} {text}"), (Secret(text),)


def _with_header(access: Access, name: str, value: str, where: str) -> Access:
    """With one more header. Names and values are checked here, since others would quote what they refuse."""
    if not _NAME.match(name) or not _VALUE.match(value):
        raise UsageError(f"{where}: a header is written `Name: value`, in ASCII characters and on one line")
    if name.lower() in _OWN:
        raise UsageError(f"{where}: the header {name} cannot be chosen")
    secret = Secret(value)
    if name.lower() == "authorization":
        return access._replace(authorization=secret, hidden=(*access.hidden, secret, Secret(value.split(" ")[-1])))
    others = tuple((known, old) for known, old in access.headers if known.lower() != name.lower())
    return access._replace(headers=(*others, (name, secret)), hidden=(*access.hidden, secret))


def redacted(text: str, hidden: tuple[Secret, ...]) -> str:
    """A text of the server without what we sent it in confidence. What is shorter than four characters stays: it says
    nothing, and its absence would show where it stood."""
    for secret in sorted((s.reveal() for s in hidden), key=len, reverse=True):
        if len(secret) >= 4:
            text = text.replace(secret, "***")
    return text


def origin_of(parts: SplitResult) -> tuple[str, str, int]:
    """Scheme, host and port: what credentials belong to (RFC 6454). Raises `ValueError` for a port that is none."""
    scheme = parts.scheme.lower()
    return scheme, (parts.hostname or "").lower(), parts.port or (443 if scheme == "https" else 80)
