"""The API's description as a page."""

from __future__ import annotations

import html
import re
from typing import Any

from mnistlab.serving.problems import MEDIA_TYPE
from mnistlab.serving.schemas import PROBLEMS


def as_html(schema: dict[str, Any], base_url: str) -> bytes:
    """The description as a plain page: what to send where, and what comes back.

    `base_url` is where the client reached this server, with a slash at its end: the examples call it there.
    """
    sections = [
        section(method, path, about, schema, base_url)
        for path, methods in schema["paths"].items()
        for method, about in methods.items()
    ]
    problems = "".join(f"<dt>{number}</dt><dd>{html.escape(text)}</dd>" for number, text in PROBLEMS.items())
    return f"""<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <title>mnistlab: the API</title>
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <link rel="icon" href="static/icon.svg" type="image/svg+xml">
  <link rel="stylesheet" href="static/colours.css">
  <link rel="stylesheet" href="static/style.css">
  <link rel="stylesheet" href="static/controls.css">
  <link rel="stylesheet" href="static/docs.css">
  <script src="static/theme.js"></script>
</head>
<body class="api">
  <header><h1 class="wordmark"><a href="./">mnistlab</a></h1><p class="motto">The API</p></header>
  <main>
    <p>{with_code(schema["info"]["description"])} For programs: <a href="openapi.json">openapi.json</a>.</p>
    {"".join(sections)}
    <section>
      <h2>When something is wrong</h2>
      <p>The answer is <code>{MEDIA_TYPE}</code> (RFC 9457): its <code>detail</code> says in a sentence what is wrong and how to
      mend it; its <code>request_id</code> is in the server's log.</p>
      <dl>{problems}</dl>
    </section>
  </main>
</body>
</html>
""".encode()


def section(method: str, path: str, about: dict[str, Any], schema: dict[str, Any], base_url: str) -> str:
    """One endpoint."""
    parts = [f"<h2><code>{method.upper()} {html.escape(path)}</code></h2>"]
    parts.append(f"<p>{html.escape(about['summary'])}. {html.escape(about.get('description', ''))}</p>")
    if path in EXAMPLES:
        example = EXAMPLES[path].format(base_url.rstrip("/") + path)
        parts.append(f'<pre tabindex="0">{html.escape(example)}</pre>')
    if "requestBody" in about:
        kinds = ", ".join(f"<code>{html.escape(kind)}</code>" for kind in about["requestBody"]["content"])
        parts.append(f"<p>Body: {kinds}.</p>")
    if parameters := about.get("parameters"):
        rows = (f"<dt>?{p['name']}=</dt><dd>{html.escape(p.get('description', ''))}</dd>" for p in parameters)
        parts.append(f"<dl>{''.join(rows)}</dl>")
    answer = about["responses"]["200"].get("content", {}).get("application/json", {}).get("schema", {})
    if inside := fields(answer, schema):
        parts.append(f"<p>Answer:</p>{inside}")
    return f"<section>{''.join(parts)}</section>"


EXAMPLES = {
    "/api/v1/read": "curl --data-binary @photo.jpg {}",
    "/api/v1/sheet": "curl --data-binary @photo.jpg '{}?by=frame'",
    "/api/v1/classify": "curl --data-binary @digits.bin {}",
    "/api/v1/explain": "curl --data-binary @photo.jpg '{}?digit=0&parts=why'",
    "/api/v1/network": "curl {}",
    "/api/v1/models": "curl {}",
}


def fields(about: dict[str, Any], schema: dict[str, Any]) -> str:
    """What is in an answer, and in what is in it."""
    for one in (about, about.get("items", {}), *about.get("anyOf", [])):
        if reference := one.get("$ref"):
            properties = schema["components"]["schemas"][reference.rpartition("/")[2]]["properties"]
            lines = (
                f"<li><code>{html.escape(name)}</code> {html.escape(inner.get('description', ''))}{fields(inner, schema)}</li>"
                for name, inner in properties.items()
            )
            return f"<ul>{''.join(lines)}</ul>"
    return ""


def with_code(text: str) -> str:
    """What stands between backticks as code."""
    return re.sub("`(.+?)`", r"<code>\1</code>", html.escape(text))
