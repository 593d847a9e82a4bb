// SPDX-License-Identifier: Apache-2.0
// DPDK's environment (EAL): starts it once in the life of the process, with memory that fits this
// host, and keeps what it says for our error texts. Owner: control.
#pragma once

#include "base/result.h"

#include <cstddef>
#include <string>
#include <vector>

namespace gh::net::dpdk {

struct EalWish {
  std::vector<std::string> devices;  // --vdev=… and --allow=…
  bool pci = false;
  std::size_t memory_bytes = 0;
  std::vector<std::string> user_args;
};

Outcome<void> start_eal(const EalWish& wish);
void stop_eal();

// The last lines DPDK said; forgets them.
std::string take_eal_words();

}  // namespace gh::net::dpdk
