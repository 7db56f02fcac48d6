"""Opening a server: what is wrong shows in one line, before any question of a benchmark is asked."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from chat_server import Asked, ChatServer, Sent, error, reply_to, serving
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
        (error(402, "no credit"), "HTTP 402: no credit; pay for more"),
        (error(500, "worker died"), "HTTP 500: worker died; try again later"),
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


@pytest.mark.parametrize(
    ("named", "models"),
    [
        ("org/seer", None),
        ("Org/Seer", "no list"),
        ("org/seer-2026-11-25", {"data": 7}),
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
        ("org/seer/2", None),
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
