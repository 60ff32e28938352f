"""Writes `swagger.json` from the notes that `bridge` acts on, and from the schemas that validate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import marshmallow
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.common import resolve_schema_cls
from flask import Flask
from flask_restx import Api, Namespace
from flask_restx.swagger import Swagger, extract_path, parse_rule

from schemas.examples import BODIES, example
from schemas.problems import ProblemOut
from server.api import bridge
from server.api.bridge import Operation
from server.api.errors import MEDIA_TYPE
from server.api.paths import CONVERTERS

JSON: Final = "application/json"
_FIRST: Final = "/visits/{visit}"  # a check-in: what the service is for stands first


class Frame(Api):  # type: ignore[misc]
    """flask-restx's Api, without its error handling and its own pages: ours answer everywhere alike."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(doc=False, **kwargs)
        self.plugin = MarshmallowPlugin(schema_name_resolver=_name)
        self.spec = APISpec(title="", version="", openapi_version="2.0", plugins=[self.plugin])
        assert self.plugin.converter is not None
        self.plugin.converter.add_attribute_function(_shown)  # type: ignore[no-untyped-call]
        self._known: dict[str, type[marshmallow.Schema]] = {}

    def error_router(self, original_handler: Any, e: Exception) -> Any:
        return original_handler(e)

    def _register_apidoc(self, app: Flask) -> None:
        pass

    def _register_doc(self, app_or_blueprint: Any) -> None:
        pass

    @property
    def base_path(self) -> str:
        assert self.blueprint is not None
        return f"{self.blueprint.url_prefix}/"

    def add_namespace(self, ns: Namespace, path: str | None = None) -> None:
        """Adds the resources of a namespace, each checked and documented; raises TypeError for an open one."""
        for route in ns.resources:
            bridge.check(route.resource)
            for method in route.resource.methods or ():
                view = getattr(route.resource, method.lower())
                view.__apidoc__ = self._described(bridge.operation(view), any("<" in url for url in route.urls))
        super().add_namespace(ns, path)

    def model(self, schema: marshmallow.Schema) -> Any:
        """The definition of a schema, and of those inside it, as a flask-restx model."""
        name = _name(schema)
        found = self._known.setdefault(name, type(schema))
        if found is not type(schema):
            raise TypeError(f"two schemas are called {name}: {found!r} and {type(schema)!r}")
        if name not in self.spec.components.schemas:
            self.spec.components.schema(name, schema=schema)
        for known, definition in self.spec.components.schemas.items():
            if known not in self.models:
                self.schema_model(known, definition)
        return self.models[name]

    def _described(self, notes: Operation, path_parameters: bool) -> dict[str, Any]:
        doc: dict[str, Any] = {
            "responses": {},
            "params": {},
            "security": None if notes.who == bridge.ANONYMOUS else "bearer",
        }
        if notes.query is not None:
            assert self.plugin.converter is not None
            for parameter in self.plugin.converter.schema2parameters(notes.query, location="query"):
                doc["params"][parameter.pop("name")] = parameter
        if notes.body is not None:
            doc["expect"] = [self.model(notes.body)]
        if notes.media_types:
            doc["params"]["payload"] = {
                "in": "body",
                "required": True,
                "schema": {"type": "string", "format": "binary"},
            }
        for status, schema in notes.answers.items():
            model = self.model(schema) if isinstance(schema, marshmallow.Schema) else None
            doc["responses"][status] = (bridge.phrase(status), model)
        problem = self.model(ProblemOut())
        for status, kinds in bridge.statuses(bridge.implied(notes, path_parameters)).items():
            doc["responses"][status] = (", ".join(kind.code for kind in kinds), problem)
        doc["responses"]["default"] = ("unexpected", problem)
        return doc


def swagger(api: Frame) -> dict[str, Any]:
    """The Swagger 2.0 document of an API; wants an application context."""
    document: dict[str, Any] = Swagger(api).as_dict()
    document["consumes"] = [JSON]
    del document["produces"]
    for path, rule, method, notes in operations(api):
        described = document["paths"][path][method]
        if notes.media_types:
            described["consumes"] = list(notes.media_types)
        produced: list[str] = []
        for status, schema in notes.answers.items():
            if isinstance(schema, tuple):
                produced += schema
                described["responses"][str(status)]["schema"] = {"type": "string", "format": "binary"}
            elif schema is not None:
                produced.append(JSON)
        produced += notes.files
        # Swagger 2.0 states types for all answers of an operation alike: none can be, if one has no body
        if None not in notes.answers.values():
            described["produces"] = list(dict.fromkeys([*produced, MEDIA_TYPE]))
        forms = {name: CONVERTERS.get(converter or "") for converter, _, name in parse_rule(rule)}
        for parameter in document["paths"][path].get("parameters", []):
            if parameter["in"] == "path" and (form := forms.get(parameter["name"])):
                parameter["pattern"] = form.pattern
                if (value := example(parameter["name"], parameter)) is not None:
                    parameter["x-example"] = value
    _add_examples(document["definitions"])
    if check_in := document["paths"].pop(_FIRST, None):
        put = {"put": check_in.pop("put")}
        document["paths"] = {_FIRST: {**put, **check_in}, **document["paths"]}
    return document


def _add_examples(definitions: dict[str, Any]) -> None:
    """Swagger UI would make values up from the patterns: letters in any order, days in 2091."""
    for name, definition in definitions.items():
        for member, shown in definition.get("properties", {}).items():
            if (value := example(member, shown)) is not None or member == "next":
                shown["example"] = value
        if name in BODIES:
            definition["example"] = BODIES[name]


def operations(api: Frame) -> Iterator[tuple[str, str, str, Operation]]:
    for namespace in api.namespaces:
        for route in namespace.resources:
            for url in api.ns_urls(namespace, route.urls):
                for method in route.resource.methods or ():
                    view = getattr(route.resource, method.lower())
                    yield extract_path(url), url, method.lower(), bridge.operation(view)


def _name(schema: Any) -> str:
    found = resolve_schema_cls(schema)
    assert isinstance(found, type)
    return found.__name__


def _shown(_: Any, field: Any, ret: dict[str, Any], **__: Any) -> dict[str, Any]:
    # Absent is what null would say, and no validator takes null for an object's default
    if ret.get("default", "") is None:
        del ret["default"]
    shown = getattr(field, "shown", None)
    return dict(shown()) if shown else {}
