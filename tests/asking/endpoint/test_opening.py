"""Opening a server: what is wrong shows in one line, before any question of a benchmark is asked."""

import base64
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from chat_server import MODEL, Asked, ChatServer, Sent, error, reply_to, serving
from endpoint_runs import opened

from repope_eval.errors import RepopeError

KEY = "sk-4f.9a+/secret=="


def refusal(chat: ChatServer, **model: Any) -> str:
    with pytest.raises(RepopeError) as caught:
        opened(chat, **model)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def always(chat: ChatServer, sent: dict[str, Any] | Sent) -> None:
    chat.respond = lambda asked: sent


def test_a_server_tells_its_name_version_and_model(chat: ChatServer) -> None:
    facts = opened(chat).facts()
    assert (facts["server"], facts["version"], facts["model"]) == ("seer-server", "1.2.3", "org/seer")
    assert facts["sees_images"] is True
    with_image, without = chat.asked
    assert with_image.image.startswith(b"\x89PNG")
    assert without.image == b""
    assert with_image.key is None


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (
            error(400, "seer is not a multimodal model"),
            "HTTP 400: seer is not a multimodal model; check whether the ",
        ),
        (
            error(404, "The model `org/seer` does not exist."),
            "HTTP 404: The model `org/seer` does not exist.; check ",
        ),
        (error(401, "no key"), "HTTP 401: no key; set the environment variable OPENAI_API_KEY to the key"),
        (
            Sent(307, "", {"Location": "http://elsewhere/v1"}),
            "HTTP 307; give the address that it redirects to",
        ),
        (Sent(200, "<html>hello</html>"), "a page in place of JSON; check model.url"),
        (Sent(200, '{"id": 1', is_cut=True), "the connection was cut: "),
    ],
)
def test_what_ends_the_run_is_one_line(chat: ChatServer, sent: Sent, message: str) -> None:
    always(chat, sent)
    assert refusal(chat).startswith(f"{chat.url}: {message}")


def test_a_thought_that_takes_all_tokens_says_so(chat: ChatServer) -> None:
    chat.respond = lambda asked: reply_to(asked, message={"content": None}, finish_reason="length")
    assert refusal(chat).endswith("a thought took; raise model.max_new_tokens")


def test_a_fault_that_passes_is_waited_for(chat: ChatServer) -> None:
    faults = [error(503, "loading"), Sent(200, "<html>"), error(429)]
    chat.respond = lambda asked: faults.pop() if faults else reply_to(asked)
    assert opened(chat).facts()["model"] == "org/seer"


def test_a_server_that_hangs_is_given_up(chat: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    chat.respond = lambda asked: reply_to(asked, usage=str(chat.ended.wait(10)))
    assert "no answer within 0.05 s; check model.url and whether the server is up" in refusal(
        chat, timeout=0.05
    )


def test_no_connection_is_said_at_once(chat: ChatServer) -> None:
    found = refusal(chat, url="http://127.0.0.1:1/v1")
    assert found.startswith("http://127.0.0.1:1/v1: no connection: ")


def test_the_key_is_sent_and_never_shown(chat: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEER_KEY", f"{KEY}\n")
    opened(chat, api_key_env="SEER_KEY")
    assert {asked.key for asked in chat.asked} == {f"Bearer {KEY}"}
    always(chat, error(401, f"Incorrect key provided:{KEY}."))
    found = refusal(chat, api_key_env="SEER_KEY")
    assert found == f"{chat.url}: HTTP 401: Incorrect key provided:(SEER_KEY).; check the key in SEER_KEY"
    slashed = Sent(401, json.dumps({"error": f"no such key {KEY}"}).replace("/", r"\/"))
    always(chat, slashed)
    assert (
        refusal(chat, api_key_env="SEER_KEY").split("; ")[0]
        == f"{chat.url}: HTTP 401: no such key (SEER_KEY)"
    )
    monkeypatch.setenv("SEER_KEY", f"{KEY}\n{KEY}")
    assert (
        refusal(chat, api_key_env="SEER_KEY")
        == "SEER_KEY: holds characters that no key has; set it to the key alone"
    )


def in_all_forms(key: str) -> str:
    """A text with a key as servers may send it back."""
    forms = [key, quote(key, safe=""), base64.b64encode(key.encode()).decode(), json.dumps(json.dumps(key))]
    return " ".join(forms)


def test_a_key_in_json_escapes_is_not_shown(chat: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    body = json.dumps({"error": {"message": in_all_forms(KEY)}}).replace("+", r"\u002b")
    always(chat, Sent(401, body))
    assert refusal(chat).startswith(
        f'{chat.url}: HTTP 401: (OPENAI_API_KEY) (OPENAI_API_KEY) (OPENAI_API_KEY) "\\"(OPENAI_API_KEY)\\""; check'
    )


def test_a_key_in_what_a_server_tells_of_itself_is_not_kept(
    chat: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    chat.version, named = f"2 {KEY}", f"seer {KEY}"
    chat.models = {"data": [{"id": MODEL, "root": "/w"}, {"id": named, "root": "/w"}]}
    chat.respond = lambda asked: Sent(
        200, json.dumps(reply_to(asked, model=named)), {"Server": f"x {KEY} {'y' * 1000}"}
    )
    facts = opened(chat).facts()
    assert KEY not in json.dumps(facts)
    assert facts["version"] == "2 (OPENAI_API_KEY)"
    assert facts["server"].startswith("x (OPENAI_API_KEY) yyy")
    assert len(facts["server"]) < 200
    assert facts["model"] == "seer (OPENAI_API_KEY)"


@pytest.mark.parametrize("key", ["x", "id", "content", "org", "sk.*[a](b"])
def test_a_key_of_any_kind_breaks_no_reply(
    chat: ChatServer, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    asker = opened(chat)
    assert {asked.key for asked in chat.asked} == {f"Bearer {key}"}
    assert asker.source == {"server": {"model": MODEL}}


def test_a_redirect_does_not_take_the_key_along(chat: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with serving() as other:
        chat.respond = lambda asked: Sent(
            307, headers={"Location": f"{other.url.replace('127.0.0.1', 'localhost')}/chat/completions"}
        )
        assert "HTTP 307; give the address that it redirects to as model.url" in refusal(chat)
        assert other.asked == []


@pytest.mark.parametrize("root", [[], 7, None])
def test_a_root_of_any_kind_is_none(chat: ChatServer, root: object) -> None:
    chat.models = {"data": [{"id": MODEL, "root": root}, {"id": "other", "root": root}]}
    assert opened(chat).source == {"server": {"model": MODEL}}


@pytest.mark.parametrize("models", ["[" * 100_000, '{"data": {}}', '{"data": "x"}', "NaN"])
def test_a_list_of_models_of_any_form_is_read_or_left(chat: ChatServer, models: str) -> None:
    chat.models = Sent(200, models)
    assert opened(chat).source == {"server": {"model": MODEL}}


def test_https_where_there_is_none_is_said(chat: ChatServer) -> None:
    found = refusal(chat, url=chat.url.replace("http:", "https:"))
    assert found.startswith(f"{chat.url.replace('http:', 'https:')}: no https: ")
    assert found.endswith("; give model.url with http://")
    assert chat.asked == []


def test_http_where_there_is_https_alone_is_said(chat: ChatServer, certificate: Path) -> None:
    with serving(certificate) as encrypted:
        found = refusal(encrypted, url=encrypted.url.replace("https:", "http:"))
    assert ": the connection was cut: " in found
    assert found.endswith(
        "; check whether the server is up, and whether model.url should begin with https://"
    )
    for words in (
        "<html>400 The plain HTTP request was sent to HTTPS port</html>",
        "Client sent an HTTP request to an HTTPS server.\n",
    ):
        always(chat, Sent(400, words))
        assert refusal(chat) == f"{chat.url}: no plain http; give model.url with https://"


@pytest.mark.parametrize(
    ("named", "models"),
    [
        ("org/seer", None),
        ("Org/Seer", "no list"),
        ("org/seer@main", {"data": [{"id": 7}]}),
        ("org/seer:free", {"data": []}),
        ("", {"data": []}),
        ("seer-7b", {"data": [{"id": "org/seer", "root": "/w"}, {"id": "seer-7b", "root": "/w"}]}),
    ],
)
def test_these_names_stand_for_the_model(chat: ChatServer, named: str, models: object) -> None:
    chat.models = models
    chat.respond = lambda asked: reply_to(asked, model=named)
    assert opened(chat).source == {"server": {"model": named or "org/seer"}}


@pytest.mark.parametrize(
    ("named", "models"),
    [
        ("org/other", None),
        ("org/seer-mini", None),
        ("seer-7b", {"data": [{"id": "org/seer", "root": "/w"}, {"id": "seer-7b", "root": "/x"}]}),
        ("seer-7b", {"data": [{"id": "org/seer"}, {"id": "seer-7b"}]}),
    ],
)
def test_another_model_is_refused(chat: ChatServer, named: str, models: object) -> None:
    chat.models = models
    chat.respond = lambda asked: reply_to(asked, model=named)
    assert refusal(chat) == (
        f"{chat.url}: '{named}' answers in place of org/seer; "
        "give its name as model.checkpoint if it is the one that is meant"
    )


def test_what_a_server_refuses_is_not_sent_again(chat: ChatServer) -> None:
    def respond(asked: Asked) -> dict[str, Any] | Sent:
        if "max_tokens" in asked.body:
            return error(400, "'max_tokens' is not supported, use 'max_completion_tokens'")
        if "logprobs" in asked.body:
            return error(400, "logprobs is not supported with this model")
        return reply_to(asked)

    chat.respond = respond
    request = opened(chat).facts()["request"]
    assert request == {"temperature": 0, "seed": 0, "max_completion_tokens": 1024, "top_logprobs": 0}
    assert len(chat.asked) == 4


def test_a_model_that_may_not_see_images_is_doubted(
    chat: ChatServer, caplog: pytest.LogCaptureFixture
) -> None:
    chat.respond = lambda asked: reply_to(asked, usage={"prompt_tokens": 12})
    assert opened(chat).facts()["sees_images"] is False
    assert caplog.messages[-1] == (
        f"{chat.url}: the prompt has 12 tokens with an image and without; does the model see images?"
    )
    chat.respond = lambda asked: reply_to(asked, usage=None)
    assert opened(chat).facts()["sees_images"] is None


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A key and a certificate that nobody signed, for this machine's address."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed, which makes a certificate")
    path = tmp_path / "own.pem"
    words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    words += ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    words += ["-keyout", str(path), "-out", str(tmp_path / "cert.pem")]
    subprocess.run([openssl, *words], check=True, capture_output=True)
    path.write_text(path.read_text() + (tmp_path / "cert.pem").read_text())
    return path


def test_a_certificate_that_nobody_signed_is_refused_and_may_be_trusted(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(certificate) as chat:
        found = refusal(chat)
        assert found.startswith(f"{chat.url}: its certificate is not trusted: ")
        assert found.endswith("; have SSL_CERT_FILE name a file with the certificate that signed it")
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert opened(chat).source == {"server": {"model": "org/seer"}}
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.with_name("none.pem")))
        assert "check HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and SSL_CERT_FILE" in refusal(chat)
