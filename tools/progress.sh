#!/usr/bin/env bash
# Runs a command that may be silent for minutes and says every ten seconds that it is still at it.
#   tools/progress.sh "what is being done" command [argument ...]
set -uo pipefail
what=$1
shift
started=$SECONDS
"$@" &
job=$!
trap 'kill $job 2>/dev/null' INT TERM
while kill -0 $job 2>/dev/null; do
  for _ in $(seq 1 100); do
    sleep 0.1
    kill -0 $job 2>/dev/null || break 2
  done
  echo "  still $what ($((SECONDS - started)) s)" >&2
done
wait $job
