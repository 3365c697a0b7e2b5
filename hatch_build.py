"""Hatchling's hook: a software bill of materials (PEP 770, CycloneDX) for what a wheel holds that was not written here."""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUNDLED = "src/mnistlab/bundled"
PARTS = (
    ("mnist", "MNIST", "data", "CC-BY-SA-3.0", "*.xz"),
    ("writers", "QMNIST: who wrote each image of MNIST", "data", "BSD-3-Clause", "*.npz"),
    ("reader", "Models that read digits, trained on MNIST", "machine-learning-model", "MIT", "*.onnx"),
    ("training", "States of a network in training, with digits of MNIST", "data", "MIT AND CC-BY-SA-3.0", "*.npz"),
)
"""Folder, name, CycloneDX type, licence and files of each part."""


class Materials(BuildHookInterface[Any]):
    """Adds mnistlab.cdx.json to a wheel's folder sboms."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Before the build: make the file, unless it is for an editable install."""
        if self.target_name != "wheel" or version == "editable":
            return
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "mnistlab.cdx.json"
        path.write_text(json.dumps(self.materials(), indent=1) + "\n", encoding="utf-8")
        build_data.setdefault("sbom_files", []).append(str(path))

    def materials(self) -> dict[str, Any]:
        """The bill: each part, with its files and their SHA-256."""
        parts = []
        for folder, name, kind, licence, files in PARTS:
            paths = sorted((Path(self.root) / BUNDLED / folder).glob(files))
            held = [
                {
                    "type": "file",
                    "name": f"mnistlab/bundled/{folder}/{path.name}",
                    "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(path.read_bytes()).hexdigest()}],
                }
                for path in paths
            ]
            parts.append({"type": kind, "name": name, "licenses": [{"license": {"id": licence}}], "components": held})
        about = {"type": "library", "name": "mnistlab", "version": self.metadata.version}
        return {
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "version": 1,
            "metadata": {"component": about},
            "components": parts,
        }
