#!/usr/bin/env bash
# Trains a network, writes it as one ONNX file and serves it beside mnistlab's own model, until Ctrl-C:
#   uv run examples/serve_your_own_run.sh [RECIPE] [PORT]
# Needs the extras export and serve (`uv sync` installs them). `quick` trains for a few seconds; runs are kept in ./runs.
set -euo pipefail

recipe=${1:-quick}
port=${2:-8000}

mnistlab train "$recipe"
mnistlab export latest
exec mnistlab serve --model latest --model mnistlab --port "$port"
