"""The routes and schemas of `server/openapi.yaml`, as a page."""

from __future__ import annotations

from typing import Any

import yaml

from generate.reference import OPENAPI

METHODS = ("get", "post", "put", "delete")


def pages() -> dict[str, str]:
    api = yaml.safe_load(OPENAPI.read_text(encoding="utf-8"))
    parts = [
        api["info"]["description"],
        "## Errors\n",
        *_response(api["components"]["responses"]["Error"]),
        "## Routes\n",
    ]
    for path, item in api["paths"].items():
        parts += [_operation(method, path, item, api) for method in METHODS if method in item]
    parts.append("## Schemas\n")
    parts += [_schema(name, schema) for name, schema in api["components"]["schemas"].items()]
    return {"_generated/rest.md": "\n".join(parts)}


def _operation(method: str, path: str, item: dict[str, Any], api: dict[str, Any]) -> str:
    operation = item[method]
    lines = [f"### `{method.upper()} {path}`", "", operation["summary"], ""]
    lines += [operation.get("description", ""), ""]
    lines += [f"`x-apis`: {', '.join(operation['x-apis'])}", ""]
    given = [*item.get("parameters", ()), *operation.get("parameters", ())]
    for parameter in (_found(each, api) for each in given):
        says = parameter.get("description", "")
        lines += [
            f"`{parameter['name']}` ({parameter['in']})\n: {says or _type(parameter['schema'])}",
            "",
        ]
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        lines += [f"The body, `{kind}`:", "", *_fields(content["schema"]), ""]
    for status, response in operation["responses"].items():
        if status == "default":
            lines += ["Otherwise an [error](#errors).", ""]
        else:
            lines += [f"**{status}**", *_response(_found(response, api))]
    return "\n".join(lines)


def _response(response: dict[str, Any]) -> list[str]:
    lines = [response["description"], ""]
    if described := response.get("content", {}).get("application/json"):
        lines += [*_fields(described["schema"]), ""]
    return lines


def _schema(name: str, schema: dict[str, Any]) -> str:
    says = schema.get("description", "")
    return "\n".join(
        [f"(schema-{name.lower()})=", f"### {name}", "", says, "", *_fields(schema), ""]
    )


def _fields(schema: dict[str, Any], indent: str = "") -> list[str]:
    """The properties of an object, those of objects within it too; else what it is."""
    properties = _properties(schema)
    if not properties:
        return [f"{indent}- {_type(schema)}"]
    required = schema.get("required", ())
    lines = []
    for name, field in properties.items():
        says = " ".join(field.get("description", "").split())
        must = ", required" if name in required else ""
        lines.append(f"{indent}- `{name}` ({_type(field)}{must}){': ' if says else ''}{says}")
        inner = field if _properties(field) else field.get("items", {})
        if _properties(inner):
            lines += _fields(inner, f"{indent}  ")
    return lines


def _properties(schema: dict[str, Any]) -> dict[str, Any]:
    """Its own, and those of what it consists of."""
    found = dict(schema.get("properties", {}))
    for part in schema.get("allOf", ()):
        found |= part.get("properties", {})
    return found


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#schema-{name.lower()})"
    if "enum" in schema:
        return " or ".join(f"`{each}`" for each in schema["enum"] if each is not None)
    for choice in ("oneOf", "anyOf", "allOf"):
        if choice in schema:
            return (" and " if choice == "allOf" else " or ").join(map(_type, schema[choice]))
    kinds = schema.get("type", "any")
    kind = " or ".join(kinds) if isinstance(kinds, list) else kinds
    return f"array of {_type(schema['items'])}" if "items" in schema and "array" in kind else kind


def _found(part: dict[str, Any], api: dict[str, Any]) -> dict[str, Any]:
    """``part``, or what it refers to."""
    while "$ref" in part:
        place: Any = api
        for key in part["$ref"].removeprefix("#/").split("/"):
            place = place[key]
        part = place
    return part
