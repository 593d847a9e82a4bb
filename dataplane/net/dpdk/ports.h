// SPDX-License-Identifier: Apache-2.0
// The ports of the dpdk road: starts EAL and the ports, gives each worker its queue of each port,
// and keeps what control reads (counters) until all workers are gone.
// In: the `dpdk` section of the configuration.   Out: roads, counters, or one Fault that says what
// to do. Owner: control; make_road() is called on each worker's thread.
// Not here: streams (net/stack), TCP. DPDK's headers stay in this folder's .cc files.
#pragma once

#include "base/buffer_pool.h"
#include "base/result.h"
#include "base/units.h"
#include "dataplane/net/byte_stream.h"
#include "dataplane/net/stack/config.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gh::net::dpdk {

struct Config {
  std::vector<std::string> eal_args;  // added to ours; may say where memory comes from
  std::vector<stack::PortConfig> ports;
  std::uint32_t frames = 16'384;  // of each worker and port
  bool busy_poll = false;
};

// What makes no sense whatever the host is; `workers`: 0, if not known yet.
std::vector<Fault> check(const Config& config);
// What this host lacks for it.
std::vector<Fault> check_host(const Config& config);

bool available() noexcept;  // built with DPDK

// One number: of a port, or of one worker on it.
struct Sample {
  std::string_view name;  // tcp_segments_in, host_drop_bad_arp, port_rx_frames …
  std::string_view kind;  // label: which drop; empty: none
  const std::string* port;
  int worker;  // -1: of the port as a whole
  std::uint64_t value;
};

class Ports {
 public:
  static Outcome<std::unique_ptr<Ports>> start(const Config& config, std::size_t workers);
  ~Ports();  // after all roads: stops the ports
  Ports(const Ports&) = delete;
  Ports& operator=(const Ports&) = delete;

  // On the worker's own thread, once.
  Outcome<std::unique_ptr<Road>> make_road(CoreId core, BufferPool& pool);

  // Any thread.
  void each_sample(const std::function<void(const Sample&)>& visit) const;
  std::vector<std::string> describe() const;  // a line for each port: device, driver, queues…

 private:
  struct Impl;
  explicit Ports(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace gh::net::dpdk
