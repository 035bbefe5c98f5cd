"""Credentials and certificates: where they are read from, and that no message repeats them."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from rolloutlint.backtest.access import Access, Secret, access_of, address_of, redacted, tls_of
from rolloutlint.errors import UsageError

P = "ROLLOUTLINT_PROMETHEUS_"


def headers(access: Access) -> dict[str, str]:
    found = {name: value.reveal() for name, value in access.headers}
    if access.authorization is not None:
        found["Authorization"] = access.authorization.reveal()
    return found


def basic(text: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}


def test_without_any_setting_nothing_is_sent() -> None:
    assert access_of({"PATH": "/bin", f"{P}TOKEN": ""}) == Access()


def test_a_token_is_a_bearer_token_without_the_newline_of_its_file() -> None:
    assert headers(access_of({f"{P}TOKEN": "abc\n"})) == {"Authorization": "Bearer abc"}


def test_a_name_and_a_password_are_basic_credentials_in_utf_8() -> None:
    assert headers(access_of({f"{P}USERNAME": "ann", f"{P}PASSWORD": "pä:ss"})) == basic("ann:pä:ss")


def test_headers_are_written_one_a_line_and_the_last_of_a_name_wins() -> None:
    text = "X-Scope-OrgID: shop\n\nX-Url: http://a:1\nx-scope-orgid: other\n"
    assert headers(access_of({f"{P}HEADERS": text})) == {"X-Url": "http://a:1", "x-scope-orgid": "other"}


def test_an_authorization_header_replaces_other_credentials() -> None:
    found = access_of({f"{P}TOKEN": "abc", f"{P}HEADERS": "authorization: Token def"})
    assert headers(found) == {"Authorization": "Token def"}
    assert redacted("bad token def", found.hidden) == "bad token def"
    assert redacted("bad Token def", found.hidden) == "bad ***"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"TOKEN": "hidden1", "USERNAME": "hidden2"}, "both set"),
        ({"PASSWORD": "hidden1"}, "without ROLLOUTLINT_PROMETHEUS_USERNAME"),
        ({"USERNAME": "hidden:1", "PASSWORD": "x"}, "colon"),
        ({"TOKEN": "hidden\r\nEvil: 1"}, "one line"),
        ({"TOKEN": "hiddén"}, "ASCII"),
        ({"HEADERS": "hidden1"}, "HEADERS, line 1: a header is written `Name: value`"),
        ({"HEADERS": "a: b\nhid den: 1"}, "HEADERS, line 2"),
        ({"HEADERS": "a: hidden\x00"}, "HEADERS, line 1"),
        ({"HEADERS": "Host: hidden"}, "the header Host cannot be chosen"),
        ({"CLIENT_KEY": "hidden.pem"}, "without a client certificate"),
        ({"HTTP_CONFIG": "/nowhere/http.yml"}, "cannot read /nowhere/http.yml"),
    ],
)
def test_what_cannot_be_used_is_refused_without_repeating_it(settings: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        access_of({P + key: value for key, value in settings.items()})
    assert "hid" not in str(caught.value)


def test_a_secret_shows_nowhere() -> None:
    secret = Secret("s3cr3t")
    access = Access(secret, (("X", secret),), hidden=(secret,))
    assert "s3cr3t" not in f"{secret} {secret!r} {secret!s} {[secret]} {access} {access!r}"
    assert secret == Secret("s3cr3t") != Secret("other")


def test_what_is_hidden_is_replaced_longest_first_and_too_short_a_text_is_not() -> None:
    hidden = (Secret("word"), Secret("password"), Secret("ab"), Secret(""))
    assert redacted("ab password word", hidden) == "ab *** ***"


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("http://h", "http://h"),
        ("HTTPS://Metrics.Example:9090/", "https://metrics.example:9090"),
        ("https://h/prom/api/v1/", "https://h/prom"),
        ("http://[::1]:9090/x", "http://[::1]:9090/x"),
        (" http://h \n", "http://h"),
    ],
)
def test_an_address_is_the_server_with_its_path(written: str, url: str) -> None:
    assert address_of(written).url == url


def test_an_address_may_hold_credentials_that_are_not_part_of_its_name() -> None:
    found = address_of("https://ann:s%2Fcret@h:1/x")
    assert found.url == "https://h:1/x"
    assert found.authorization is not None
    assert {"Authorization": found.authorization.reveal()} == basic("ann:s/cret")


@pytest.mark.parametrize(
    "written",
    ["", "h:9090", "ftp://hidden@h", "http://", "http://a:hidden@h:99999", "http://a:hidden@[", "http://h?token=hidden",
     "http://h#hidden", "http://a:hidden@h/\x00", "http://h\n/hidden"],
)  # fmt: skip
def test_an_address_that_is_none_is_refused_without_repeating_it(written: str) -> None:
    with pytest.raises(UsageError) as caught:
        address_of(written)
    assert "hidden" not in str(caught.value)


# ---- Prometheus' HTTP configuration --------------------------------------------------------------------------------


def config(tmp_path: Path, text: str) -> str:
    path = tmp_path / "http.yml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_the_http_configuration_of_prometheus_is_understood(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-a-file\n")
    (tmp_path / "tenant").write_text("shop\n")
    path = config(
        tmp_path,
        """
        authorization: {type: Token, credentials_file: token}
        tls_config: {ca_file: ca.pem, cert_file: /c.pem, key_file: k.pem, server_name: prom, insecure_skip_verify: true}
        http_headers:
          X-Scope-OrgID: {files: [tenant]}
          X-Other: {values: [a], secrets: [b]}
        enable_http2: false
        """,
    )
    found = access_of({}, path)
    assert headers(found) == {"Authorization": "Token from-a-file", "X-Scope-OrgID": "shop", "X-Other": "b"}
    assert found[2:7] == (f"{tmp_path}/ca.pem", "/c.pem", f"{tmp_path}/k.pem", "prom", True)


def test_basic_credentials_may_stand_in_files_too(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("wörd\n", encoding="utf-8")
    path = config(tmp_path, "basic_auth: {username: ann, password_file: password}")
    assert headers(access_of({f"{P}HTTP_CONFIG": path})) == basic("ann:wörd")


def test_the_environment_wins_over_the_file_and_a_named_file_over_that_of_the_environment(tmp_path: Path) -> None:
    path = config(tmp_path, "authorization: {credentials: old}\ntls_config: {ca_file: old.pem}")
    found = access_of({f"{P}TOKEN": "new", f"{P}CA_FILE": "new.pem", f"{P}HTTP_CONFIG": "/nowhere"}, path)
    assert (headers(found), found.ca_file) == ({"Authorization": "Bearer new"}, "new.pem")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("authorization: {credentials: hidden", "http.yml:1:16: not YAML"),
        ("'hidden\n  x: {", "not YAML"),
        ("[hidden]", "the file must be a mapping"),
        ("oauth2: {client_secret: hidden}", "`oauth2` is not supported"),
        ("basic_auth: {user: hidden}", "`basic_auth.user` is not supported"),
        ("basic_auth: [hidden]", "`basic_auth` must be a mapping"),
        ("basic_auth: {username: ann, password: 12345}", "`basic_auth.password` must be a string: quote it"),
        ("basic_auth: {username: a, password: hidden, password_file: b}", "exclude each other"),
        ("authorization: {credentials: hidden}\nbasic_auth: {}", "exclude each other"),
        ('authorization: {credentials: "hid\\n den"}', "a token is one line"),
        ("authorization: {credentials_file: nowhere}", "cannot read .*nowhere"),
        ("authorization: {}", "a token is one line"),
        ("http_headers: {X: {values: hidden}}", "`http_headers.X.values` must be a list"),
        ('http_headers: {X: {values: ["hid\\tden\\n"]}}', "`http_headers.X`: a header is written"),
        ("tls_config: {insecure_skip_verify: hidden}", "must be true or false"),
        ("!!python/object/apply:os.system [hidden]", "must be a mapping"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_refused_without_its_values(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        access_of({}, config(tmp_path, text))
    assert "hid" not in str(caught.value).replace(str(tmp_path), "")
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("field", ["ca_file", "client_certificate"])
@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_certificate_that_cannot_be_used_is_named(tmp_path: Path, field: str, content: str | None) -> None:
    path = tmp_path / "file.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UsageError, match=r"cannot use the .*file\.pem: "):
        tls_of(Access(**{field: str(path)}))
