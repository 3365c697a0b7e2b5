#!/usr/bin/env bash
# Reads a picture, and classifies and explains an image of 28x28 pixels, with curl:  examples/read.sh [ADDRESS] [PICTURE]
# For a server that requires a token:  MNISTLAB_TOKEN=my-secret examples/read.sh http://192.0.2.1:8000
set -euo pipefail

here=$(dirname "$0")
address=${1:-http://127.0.0.1:8000}
picture=${2:-$here/2026.png}
headers=()
if [ -n "${MNISTLAB_TOKEN:-}" ]; then headers=(--header "Authorization: Bearer $MNISTLAB_TOKEN"); fi

ask() { # PATH, then other arguments for curl; a refusal is shown and ends this script
    curl --silent --show-error --fail-with-body ${headers[@]+"${headers[@]}"} "$address/api/v1/$1" "${@:2}"
    echo
}

echo "The digits in $picture:"
ask read --data-binary "@$picture"

echo "The same picture, sent as a web form sends it, with all probabilities of each digit:"
ask "read?detail=true" --form "file=@$picture" | cut -c 1-300

image=$(mktemp)
trap 'rm -f "$image"' EXIT
mnist=$here/../src/mnistlab/bundled/mnist/train-images-idx3-ubyte.xz
head -c 784 < <(xz --decompress --stdout "$mnist" | tail -c +17) > "$image" # MNIST's first image, after the file's header

echo "The answer for MNIST's first image, sent as 784 bytes, row by row, ink 255 on 0:"
ask classify --header "Content-Type: application/octet-stream" --data-binary "@$image"

echo "What the network's layers make of that image, and which ink spoke for the answer:"
ask explain --header "Content-Type: application/octet-stream" --data-binary "@$image" | cut -c 1-300
