// SPDX-License-Identifier: Apache-2.0
#include "base/rcu.h"

#include <urcu-qsbr.h>

#include <atomic>

namespace gh {
namespace {

// The library's own ordering is invisible to the thread sanitizer: there, each quiet point also
// counts on an atomic.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define GH_THREAD_SANITIZER 1
#endif
#elif defined(__SANITIZE_THREAD__)
#define GH_THREAD_SANITIZER 1
#endif
#if defined(GH_THREAD_SANITIZER)
std::atomic<unsigned> quiet_points{0};

void tell_sanitizer() noexcept { quiet_points.fetch_add(1, std::memory_order_acq_rel); }
#else
void tell_sanitizer() noexcept {}
#endif

}  // namespace

RcuReader::RcuReader() { urcu_qsbr_register_thread(); }

RcuReader::~RcuReader() {
  tell_sanitizer();
  urcu_qsbr_unregister_thread();
}

void RcuReader::quiet() noexcept {
  tell_sanitizer();
  urcu_qsbr_quiescent_state();
}

void RcuReader::sleep() noexcept {
  tell_sanitizer();
  urcu_qsbr_thread_offline();
}

void RcuReader::awake() noexcept { urcu_qsbr_thread_online(); }

void rcu_synchronize() noexcept {
  urcu_qsbr_synchronize_rcu();
  tell_sanitizer();
}

}  // namespace gh
