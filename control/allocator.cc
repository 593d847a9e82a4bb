// SPDX-License-Identifier: Apache-2.0
// jemalloc's settings, where the program is linked with it (it looks for this symbol; MALLOC_CONF
// in the environment wins). An arena a core, since a worker keeps to one; no thread of jemalloc's
// own beside the workers. Its decay of 10 s stays: shorter ones gave memory back sooner, at a cost
// to handshakes (bench/results/2026-11-24-handshakes.md).

extern "C" {
const char* malloc_conf = "percpu_arena:percpu,background_thread:false";
}
