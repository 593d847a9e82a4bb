// SPDX-License-Identifier: Apache-2.0
// A build without DPDK: the road says so.
#include "dataplane/net/dpdk/ports.h"

namespace gh::net::dpdk {

struct Ports::Impl {};

Ports::Ports(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Ports::~Ports() = default;

bool available() noexcept { return false; }

Outcome<std::unique_ptr<Ports>> Ports::start(const Config& config, std::size_t) {
  return tl::make_unexpected(check_host(config).front());
}

Outcome<std::unique_ptr<Road>> Ports::make_road(CoreId, BufferPool&) {
  return fault("built without DPDK");
}

void Ports::each_sample(const std::function<void(const Sample&)>&) const {}

std::vector<std::string> Ports::describe() const { return {}; }

}  // namespace gh::net::dpdk
