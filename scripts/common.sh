# SPDX-License-Identifier: Apache-2.0
# Sourced by the scripts beside it, in the root: one way to configure and build a preset, and a compiler cache that a fresh clone can use.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1 CCACHE_MAXSIZE=${CCACHE_MAXSIZE:-10G}

# build_preset PRESET [TARGET]…: quiet unless it fails; then the end of build/PRESET.log is shown and the script ends.
build_preset() {
  local preset=$1 log=build/$1.log begin=$SECONDS
  local targets=()
  shift
  [ $# -eq 0 ] || targets=(--target "$@")
  mkdir -p build
  if ! { cmake --preset "$preset" && cmake --build --preset "$preset" -j "$(nproc)" "${targets[@]}"; } >"$log" 2>&1; then
    tail -n 60 "$log"
    echo "${0##*/}: the $preset build failed, see $log" >&2
    exit 1
  fi
  echo "built $preset in $((SECONDS - begin)) s"
}

# find_go GO_MOD: prints the path of a Go that this go.mod accepts. An older one, such as Debian's, fetches the wanted one as a module;
# `go mod download` checks it against the checksum database like any other.
find_go() {
  local go_version=1.26.8   # for hosts whose Go is older than go.mod asks
  local go have wanted dir
  go=$(command -v go) || { echo "${0##*/}: there is no Go; scripts/setup e2e installs Debian's, which then fetches $go_version as a module" >&2; return 1; }
  wanted=$(sed -n 's/^go //p' "$1")
  have=$(cd / && GOTOOLCHAIN=local "$go" env GOVERSION | sed 's/^go//')
  if [ "$(printf '%s\n' "$wanted" "$have" | sort -V | head -n 1)" = "$wanted" ]; then echo "$go"; return; fi
  local module=golang.org/toolchain@v0.0.1-go$go_version.linux-$(cd / && "$go" env GOARCH)
  dir=$(cd / && GOFLAGS='' GOTOOLCHAIN=local "$go" env GOMODCACHE)/$module
  if [ ! -x "$dir/bin/go" ]; then
    echo "${0##*/}: Go $have is too old (${1#"$PWD"/} asks for $wanted), fetching $module" >&2
    (cd / && GOFLAGS='' GOTOOLCHAIN=local "$go" mod download "$module") >&2 ||
      { echo "${0##*/}: cannot fetch $module: put Go $wanted or newer on PATH" >&2; return 1; }
    # Before 1.21 go knows nothing of toolchains and leaves the programs in them without execute permission.
    chmod -R u+w "$dir/bin" "$dir/pkg/tool"
    find "$dir/bin" "$dir/pkg/tool" -type f -exec chmod +x {} +
  fi
  echo "$dir/bin/go"
}
