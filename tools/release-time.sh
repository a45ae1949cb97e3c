#!/usr/bin/env bash
# Times the way of a one-line change of the application to a healthy new version: image, push and deploy as the pipelines run them, onto the
# cluster and registry of the end-to-end tests. Tests are not counted: the commit is taken as one that has passed. Started by make release-time.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
worktree=$(mktemp -d)
trap 'git worktree remove --force "$worktree" >/dev/null 2>&1 || true; rm -rf "$worktree"' EXIT
git worktree add --quiet --force --detach "$worktree" HEAD
mkdir -p "$worktree/bin" "$worktree/reports"
for tool in govulncheck; do ln -s "$root/bin/$tool" "$worktree/bin/$tool"; done
cd "$worktree"
export PATH=$root/webapp/e2e/stand-ins:$PATH ENVIRONMENT=dev REGISTRY=$E2E_REGISTRY/groundwork-dev/webapp
export AWS_PROFILE=none GOVULNDB=${GOVULNDB:-file://$root/internal/pipeline/testdata/vulndb}
release() { # release WHAT LINE: makes the change, and brings it out.
  sed -i "$2" webapp/main.go
  git -c user.name=e2e -c user.email=e2e@example.com commit --quiet --all --message "$1"
  git rev-parse HEAD >reports/quality-passed
  local begun=$SECONDS at
  for stage in image push deploy; do
    at=$SECONDS
    make --no-print-directory $stage >"reports/$stage.log" 2>&1 || { tail -n 30 "reports/$stage.log"; exit 1; }
    echo "  $stage $((SECONDS - at)) s"
  done
  echo "$1: $((SECONDS - begun)) s"
}
release "the first version" '1s|^|// First.\n|'
release "one line changed" '1s|First|Second|'
want=$(cat reports/digest-dev)
running=$(kubectl --namespace webapp get deployment webapp --output 'jsonpath={.spec.template.spec.containers[0].image} {.status.readyReplicas}/{.status.replicas}')
echo "runs: $running"
[[ $running == *"@$want 2/2" ]] || { echo "error: want two ready pods of $want" >&2; exit 1; }
again=$(make --no-print-directory push)
[[ $again == *"is there already"* ]] || { echo "error: a second push of the same tag should leave it" >&2; exit 1; }
