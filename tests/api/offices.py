"""The small county of `tests.support.staff` behind its API."""

from __future__ import annotations

from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from tests.support.staff import token_of

API = "/api/v1"


def ask(app: Flask, who: str, method: str, path: str, body: Any = None) -> TestResponse:
    """One request of a person, in English."""
    headers = {"Authorization": f"Bearer {token_of(who)}", "Accept-Language": "en"}
    return app.test_client().open(f"{API}{path}", method=method, json=body, headers=headers)


def told(app: Flask, who: str, method: str, path: str, body: Any = None, status: int = 200) -> Any:
    """What such a request is answered; its status must be this one."""
    answer = ask(app, who, method, path, body)
    assert answer.status_code == status, answer.get_data(as_text=True)
    return answer.get_json(silent=True)


def refusal(app: Flask, who: str, method: str, path: str, body: Any = None) -> tuple[int, str, list[tuple[str, str]]]:
    """How a request is refused: status, code, and where which error lies; nothing of anybody's in it."""
    answer = ask(app, who, method, path, body)
    problem = answer.get_json()
    assert answer.content_type == "application/problem+json"
    assert problem["status"] == answer.status_code
    assert set(problem) <= {"type", "title", "status", "detail", "code", "errors", "instance"}
    return answer.status_code, problem["code"], [(e["pointer"], e["code"]) for e in problem.get("errors", ())]
