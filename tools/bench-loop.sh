#!/usr/bin/env bash
# Times the loop that people wait in, on prod without the simulated minutes, against the program of another commit in the
# same run: bench-loop.sh COMMIT. Prints medians of five in seconds, and their ratio.
set -euo pipefail
cd "$(dirname "$0")/.."

base=$1 runs=5
dir=$PWD/.groundwork/bench-loop
rm -rf "$dir" && mkdir -p "$dir"
git worktree prune
git worktree add --quiet --detach "$dir/base" "$base"
trap 'git worktree remove --force "$dir/base"' EXIT
tools/progress.sh "building the command of $base" go build -C "$dir/base" -ldflags "-w -s" -o bin/groundwork ./cmd/groundwork
# Both run with the tools that are installed here; the first run on a machine installs them.
tools/progress.sh "installing the tools" bin/groundwork sandbox preview -s prod --speed 0 --state "$dir/state" >"$dir/log" 2>&1 ||
  { cat "$dir/log" >&2; exit 1; }
mkdir -p "$dir/base/.groundwork"
cp -al .groundwork/pulumi-* .groundwork/eks-plugin-* "$dir/base/.groundwork"

# timed NAME FOLDER ARGUMENT... appends the seconds that the command of a folder takes to a file.
timed() {
  local name=$1 folder=$2 started=$EPOCHREALTIME
  shift 2
  (cd "$folder" && bin/groundwork sandbox "$@" -s prod --speed 0 >"$dir/log" 2>&1) || { cat "$dir/log" >&2; exit 1; }
  echo "$started $EPOCHREALTIME" | awk '{printf "%.2f\n", $2 - $1}' >>"$dir/$name"
}

median() { sort -n "$1" | sed -n "$(((runs + 1) / 2))p"; }

for run in $(seq $runs); do
  echo "run $run of $runs ..." >&2
  rm -rf "$dir/state" "$dir/base/.groundwork/sandbox"
  for operation in up again preview; do
    verb=${operation/again/up}
    timed "base-$operation" "$dir/base" "$verb"
    timed "here-$operation" . "$verb" --state "$dir/state"
  done
done

printf '%-12s %10s %10s %8s\n' "" "$base" here ratio
for operation in up again preview; do
  before=$(median "$dir/base-$operation") after=$(median "$dir/here-$operation")
  printf '%-12s %8.1f s %8.1f s %8.2f\n' "${operation/again/second up}" "$before" "$after" \
    "$(echo "$before $after" | awk '{print $2 / $1}')"
done
