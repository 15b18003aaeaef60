# What the benchmarks' `run` scripts share: they set `here`, `benchmark`, `main`, `limit` and `quick_limit` (seconds) and usage(), then source this.
# They may set `only` (the peers there are), `cores` (this process's) and `own` (names of more options, each with a value).
root=$(cd "$here/../.." && pwd)
command="benchmarks/$benchmark/run $*"
jar=$root/app/target/meanwhile.jar
only=${only:-nginx,portkey,meanwhile}
options=()

fail() {
  echo "benchmarks/$benchmark/run: $1" >&2
  exit 1
}

while [ $# -gt 0 ]; do
  case $1 in
    --quick) options+=(--quick); limit=$quick_limit ;;
    --meanwhile) jar=$(realpath "${2:?--meanwhile needs a jar}"); shift
      [ -f "$jar" ] || fail "there is no $jar" ;;
    --only) only=${2:?--only needs names}; shift ;;
    --record) options+=("--record=$root/benchmarks/results/$benchmark-$(date -u +%F).md") ;;
    --help | -h) usage; exit 0 ;;
    *) [[ " ${own:-} " == *" $1 "* ]] && [ $# -ge 2 ] || { usage >&2; exit 2; }
      options+=("$1=$2"); shift ;;
  esac
  shift
done
wants() { [[ ",$only," == *",$1,"* ]]; }

java=${JAVA_HOME:+$JAVA_HOME/bin/}java
[[ $("$java" --version 2>&1) =~ ^openjdk\ ([0-9]+) ]] && [ "${BASH_REMATCH[1]}" -ge 25 ] ||
  fail "needs a JDK 25: set JAVA_HOME (this one is: $("$java" --version 2>&1 | head -1))"
[ -f "$root/benchmarks/target/classes/dev/meanwhile/benchmarks/$main.class" ] &&
  [ -d "$root"/benchmarks/target/lib ] ||
  fail "not built yet: mvn -q package -DskipTests -pl benchmarks -am"
[ "$(nproc --all)" -ge 2 ] || fail "needs two cores: one for the server, one for the load"
command -v taskset >/dev/null || fail "taskset is missing: apt-get install util-linux"

if wants nginx; then
  command -v nginx >/dev/null || fail "nginx is missing: apt-get install nginx (or leave it out by --only)"
  options+=("--nginx=$here/nginx.conf")
fi

portkey=$root/benchmarks/relay/portkey
if wants portkey; then
  command -v npm >/dev/null || fail "npm is missing: install Node.js (or leave Portkey out by --only)"
  # The package's install script only patches its own development tools.
  [ -d "$portkey"/node_modules/@portkey-ai/gateway ] ||
    (cd "$portkey" && npm install --silent --no-package-lock --ignore-scripts --no-audit --no-fund >&2)
  options+=("--portkey=$portkey")
fi

# As ./meanwhile starts it on a machine with enough memory.
jvm=(-XX:+UseZGC -Xmx2g -Xms64m -XX:+UseCompactObjectHeaders
  --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow)

# Whether the JVM takes this start-up cache for the jar; it would silently go without one.
fits() { "$java" "${jvm[@]}" -XX:AOTMode=on -XX:AOTCache="$1" -jar "$jar" --help >/dev/null 2>&1; }

if wants meanwhile; then
  if [ -f "$jar" ]; then
    options+=("--meanwhile=$jar" "--jvm=${jvm[*]}" "--revision=$(git -C "$(dirname "$jar")" describe --always --dirty)")
    # Beside the jar's own build: the repository's root, unless --meanwhile named another one's.
    for cache in "$(dirname "$jar")"/../../.meanwhile/start-*.aot; do
      if [ -f "$cache" ] && fits "$cache"; then options+=("--cache=$(realpath "$cache")"); fi
    done
  else
    echo "Meanwhile is left out: there is no $jar" >&2
  fi
fi

# A stream needs two sockets in the relay, and two here.
ulimit -n 65536 2>/dev/null || ulimit -n "$(ulimit -Hn)"
[ "$(ulimit -n)" -ge 16384 ] || fail "needs 16384 open files, ulimit -Hn allows $(ulimit -n)"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
timeout --kill-after=10 "$limit" taskset -c "${cores:-1}" "$java" -Xms1g -Xmx1g -Xmn768m -XX:+UseSerialGC \
  --enable-native-access=ALL-UNNAMED \
  -cp "$root/benchmarks/target/classes:$root/benchmarks/target/lib/*" \
  "dev.meanwhile.benchmarks.$main" "--work=$work" "--command=$command" "${options[@]}"
