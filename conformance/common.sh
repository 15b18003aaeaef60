# What the `run` scripts here share: they set `here` and `command` and usage(), then source this.
root=$(cd "$here/../.." && pwd)
target=$here/target
started=()

fail() {
  echo "$command: $1" >&2
  exit 1
}

stop() {
  for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
}
trap stop EXIT

# Installs what package.json of this folder names into target/, once.
install() {
  command -v npm >/dev/null || fail "npm is missing: apt-get install npm"
  mkdir -p "$target"
  if ! cmp -s "$here/package-lock.json" "$target/installed-lock.json"; then
    cp "$here/package.json" "$here/package-lock.json" "$target"
    (cd "$target" && npm ci --prefer-offline --no-audit --no-fund >npm.log 2>&1) ||
      fail "npm cannot install what package.json names, is there a network? It said: $(tail -n 3 "$target/npm.log")"
    cp "$here/package-lock.json" "$target/installed-lock.json"
  fi
  PATH=$target/node_modules/.bin:$PATH
  node=$target/node_modules/.bin/node
  "$node" --version >/dev/null 2>&1 || fail "npm's package node does not run here"
}

# Starts Meanwhile with these arguments under a name, and sets `address` to where it listens.
start() {
  local name=$1 log=$target/$1.log
  shift
  "$root/meanwhile" "$@" >"$log" 2>&1 &
  started+=($!)
  for _ in $(seq 600); do
    address=$(sed -n 's,.* on [^h]*\(http://[^/]*/v1\).*,\1,p' "$log" | head -n 1)
    [ -z "$address" ] || return 0
    kill -0 "${started[-1]}" 2>/dev/null || break
    sleep 0.2
  done
  fail "meanwhile $1 ($name) does not start: $(tail -n 3 "$log")"
}
