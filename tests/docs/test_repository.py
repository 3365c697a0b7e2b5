"""The files in which a repository explains itself: how to cite it, how to report something, what has changed."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))

CITED = {
    "abstract", "authors", "cff-version", "commit", "contact", "date-released", "doi", "identifiers", "keywords", "license",
    "license-url", "message", "preferred-citation", "references", "repository", "repository-artifact", "repository-code",
    "title", "type", "url", "version",
}  # fmt: skip
"""The keys of the Citation File Format 1.2.0."""
FIELDS = {
    "checkboxes": {"label", "description", "options"},
    "dropdown": {"label", "description", "multiple", "options", "default"},
    "input": {"label", "description", "placeholder", "value"},
    "markdown": {"value"},
    "textarea": {"label", "description", "placeholder", "value", "render"},
}
"""The fields of GitHub's issue forms, and what each may have."""


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_the_citation_is_in_its_format_and_agrees_with_the_project() -> None:
    citation = load(ROOT / "CITATION.cff")
    assert set(citation) <= CITED
    assert citation["cff-version"] == "1.2.0"
    assert citation["message"]
    assert citation["type"] == "software"
    assert citation["title"].startswith(f"{PROJECT['name']}: ")
    assert [author["name"] for author in citation["authors"]] == [author["name"] for author in PROJECT["authors"]]
    assert citation["license"] == PROJECT["license"].split(" AND ")[0]
    assert citation["keywords"] == PROJECT["keywords"]
    notices = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src/mnistlab/bundled").glob("*/NOTICE"))
    for reference in citation["references"]:
        assert {"type", "title", "authors"} <= set(reference)
        assert reference["title"] in notices
        assert reference["url"] in notices
        for author in reference["authors"]:
            assert f"{author['given-names']} {author['family-names']}" in notices


def test_the_changelog_has_the_coming_release_on_top() -> None:
    """Its version is the project's, or one that the project will have."""
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    releases = re.findall(
        r"^## \[(\d+)\.(\d+)\.(\d+)\] - (?:not yet released|\d{4}-\d\d-\d\d)$", changelog, re.MULTILINE
    )
    assert len(releases) == len(re.findall(r"^## ", changelog, re.MULTILINE)) >= 1
    versions = [tuple(map(int, release)) for release in releases]
    assert versions == sorted(versions, reverse=True)
    assert versions[0] >= tuple(map(int, PROJECT["version"].split(".")))
    for section in re.split(r"^## ", changelog, flags=re.MULTILINE)[1:]:
        kinds = re.findall(r"^### (.+)$", section, re.MULTILINE)
        assert kinds == [
            kind for kind in ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security") if kind in kinds
        ]


def test_security_is_reported_in_private() -> None:
    said = " ".join((ROOT / "SECURITY.md").read_text(encoding="utf-8").split())
    assert "*Security*, then *Report a vulnerability*" in said
    assert "@" not in said
    assert set(load(ROOT / ".github/ISSUE_TEMPLATE/config.yml")) == {"blank_issues_enabled"}


@pytest.mark.parametrize("path", [path for path in FORMS if path.name != "config.yml"], ids=lambda path: path.stem)
def test_each_form_for_issues_is_one_that_github_takes(path: Path) -> None:
    form = load(path)
    assert set(form) == {"name", "description", "labels", "body"}
    assert form["name"]
    assert form["description"]
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    ids = [field["id"] for field in fields]
    assert len(ids) == len(set(ids)) >= 3
    assert all(re.fullmatch(r"[\w-]+", name) for name in ids)
    labels = [field["attributes"]["label"] for field in fields]
    assert len(labels) == len(set(labels))
    assert any(field.get("validations", {}).get("required") for field in fields)
    for field in form["body"]:
        assert set(field) <= {"type", "id", "attributes", "validations"}
        attributes = field["attributes"]
        assert set(attributes) <= FIELDS[field["type"]]
        if field["type"] in ("checkboxes", "dropdown"):
            assert attributes["options"]
            assert len({str(option) for option in attributes["options"]}) == len(attributes["options"])
    assert len(FORMS) == 4
