#!/usr/bin/env bash
# Makes sure that the machine has what the make targets use; says what it installs. Needs nothing but a shell. With the
# argument webapp it also sees to what the web application's tests run against, with image to what its image is built with, with push to what sends it, with bench to what it is compared with.
set -euo pipefail

need_go=1.26
missing=()
command -v git >/dev/null || missing+=(git)
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)
if [ "${1:-}" = image ]; then
  command -v buildah >/dev/null || missing+=(buildah)
fi
if [ "${1:-}" = push ]; then
  command -v skopeo >/dev/null || missing+=(skopeo)
fi
if [ "${1:-}" = bench ]; then
  for tool in wrk gunicorn; do command -v $tool >/dev/null || missing+=("$tool"); done
  for module in flask psycopg2 redis jwt; do /usr/bin/python3 -c "import $module" 2>/dev/null || missing+=("python3-$module"); done
  set -- webapp
fi
if [ "${1:-}" = webapp ]; then
  # Production runs 15; where a distribution has a newer one only, that will do for the tests.
  if ! compgen -G '/usr/lib/postgresql/1[5-9]/bin/initdb' >/dev/null; then
    if apt-cache show postgresql-15 >/dev/null 2>&1 || ! command -v apt-cache >/dev/null || ! apt-cache show postgresql >/dev/null 2>&1; then missing+=(postgresql-15); else missing+=(postgresql); fi
  fi
  command -v redis-server >/dev/null || missing+=(redis-server)
  command -v chromium >/dev/null || missing+=(chromium)
  command -v gcc >/dev/null || missing+=(gcc libc6-dev) # for the race detector
fi

if [ ${#missing[@]} -gt 0 ]; then
  if ! command -v apt-get >/dev/null; then
    echo "error: ${missing[*]} not found; install them with your package manager (Node.js 18 or newer)" >&2
    exit 1
  fi
  sudo=""
  [ "$(id -u)" = 0 ] || sudo=sudo
  echo "Installing Debian packages: ${missing[*]} ..."
  $sudo apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -qq -y --no-install-recommends "${missing[@]}" ca-certificates >/dev/null
fi

if ! command -v go >/dev/null; then
  echo "error: go not found; install Go $need_go or newer from https://go.dev/dl/" >&2
  exit 1
fi
have=$(go env GOVERSION)
have=${have#go}
if [ "$(printf '%s\n%s\n' "$need_go" "$have" | sort -V | head -n 1)" != "$need_go" ]; then
  echo "error: go $have found, but $need_go or newer is needed; install it from https://go.dev/dl/" >&2
  exit 1
fi
