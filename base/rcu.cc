// SPDX-License-Identifier: Apache-2.0
#include "base/rcu.h"

#include <urcu-qsbr.h>

namespace gh {

RcuReader::RcuReader() { urcu_qsbr_register_thread(); }

RcuReader::~RcuReader() { urcu_qsbr_unregister_thread(); }

void RcuReader::quiet() noexcept { urcu_qsbr_quiescent_state(); }

void RcuReader::sleep() noexcept { urcu_qsbr_thread_offline(); }

void RcuReader::awake() noexcept { urcu_qsbr_thread_online(); }

void rcu_synchronize() noexcept { urcu_qsbr_synchronize_rcu(); }

}  // namespace gh
