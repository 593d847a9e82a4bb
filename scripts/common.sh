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
