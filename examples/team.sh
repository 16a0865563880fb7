#!/bin/sh
# A team: a model of all symbols, forecasts for other programs, failures by their codes.
#   sh examples/team.sh [PRICES]
set -eu
prices=${1:-sample}

# once, and again each year: one safe bundle, safetensors and JSON
nextclose train "$prices" --out bundles/team

# each evening: ranges follow past forecasts; forecasts as JSON
nextclose update bundles/team "$prices"
nextclose predict bundles/team "$prices" --json > forecasts.json
python3 -c 'import json; print(len(json.load(open("forecasts.json"))), "forecasts in forecasts.json")'

# what is wrong is said in one line for people or for programs, and by the exit code: 3 is bad data
printf 'date,close\n2024-01-02,185.6\n2024-01-03,-184.3\n' > bad.csv
code=0
nextclose --json-errors predict bundles/team bad.csv 2> error.json || code=$?
echo "exit code $code: $(cat error.json)"
