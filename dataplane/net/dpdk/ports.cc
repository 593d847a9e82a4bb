// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/dpdk/ports.h"

#include "base/limits.h"
#include "dataplane/net/dpdk/device.h"
#include "dataplane/net/dpdk/eal.h"
#include "dataplane/net/dpdk/queue.h"
#include "dataplane/net/stack/interface.h"
#include "dataplane/net/stack/road.h"
#include "dataplane/net/stack/steering.h"

#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_thash.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <deque>
#include <optional>

namespace gh::net::dpdk {
namespace {

constexpr std::uint16_t descriptors = 1024;  // of a queue, where the port has no other wish
constexpr auto any_socket = static_cast<unsigned>(SOCKET_ID_ANY);
constexpr std::uint64_t hashed_wanted = RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV6_TCP;

// The key that the specification of receive-side scaling gives as its example; longer ones repeat.
constexpr std::array<std::uint8_t, 40> rss_key = {0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2,
                                                  0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0,
                                                  0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4,
                                                  0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c,
                                                  0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};

Fault port_fault(const std::string& device, const std::string& what, int error) {
  std::string text = device + ": " + what;
  if (error != 0) text += std::string(": ") + rte_strerror(error < 0 ? -error : error);
  const std::string words = take_eal_words();
  if (!words.empty()) text += " (" + words + ")";
  return {text, "dpdk-ports"};
}

// What NICs hash of a TCP segment: addresses and ports of who sent it, then of who receives it.
std::uint32_t toeplitz(const tcp::Endpoint& local, const tcp::Endpoint& remote) noexcept {
  std::array<std::uint32_t, 9> words{};
  std::uint32_t count = 0;
  for (const tcp::Endpoint* each : {&remote, &local}) {
    const bool v4 = each->address.is_v4();
    const std::uint8_t* bytes = v4 ? each->address.v4_bytes() : each->address.bytes.data();
    for (std::size_t i = 0; i < (v4 ? 1u : 4u); ++i) {
      std::uint32_t word = 0;
      std::memcpy(&word, bytes + 4 * i, 4);
      words[count++] = rte_be_to_cpu_32(word);
    }
  }
  words[count++] = static_cast<std::uint32_t>(remote.port) << 16 | local.port;
  return rte_softrss(words.data(), count, rss_key.data());
}

SipKey random_key() {
  SipKey key;
  GH_ASSERT(getrandom(&key, sizeof key, 0) == sizeof key);
  return key;
}

// What one worker has of one port. Made on the worker's thread, read by control, gone with the
// ports.
struct Slot {
  std::optional<Queue> queue;
  std::optional<stack::SteeredPort> steered;
  std::optional<stack::Interface> interface;
  std::atomic<bool> ready{false};
};

struct Port {
  stack::PortConfig config;
  std::size_t index = 0;
  std::uint16_t id = 0;
  bool started = false;
  rte_eth_dev_info info{};
  bool tcp_checksum = false, ip_checksum = false;
  bool hashes = false;
  bool interrupts = false;
  std::vector<rte_mempool*> pools;  // by worker
  std::unique_ptr<stack::Steering> steering;
  std::unique_ptr<Slot[]> slots;
};

}  // namespace

struct Ports::Impl {
  Config config;
  std::size_t workers = 0;
  SipKey secret;
  bool eal = false;
  std::deque<Port> ports;

  ~Impl();
  Outcome<void> start();
  Outcome<void> start_port(Port& port);
  Outcome<void> configure(Port& port);
  Outcome<void> set_up_queues(Port& port);
  Outcome<void> begin(Port& port);
  Outcome<void> steer(Port& port);
  void set_table(Port& port);
  stack::Interface& make_interface(Port& port, std::size_t worker, Instant now);

  // A buffer and its headers. Without huge pages none crosses a page.
  std::size_t memory_of_frame(const Port& port) const {
    const std::size_t bytes =
        RTE_ALIGN(frame_bytes(port) + sizeof(rte_mbuf) + MbufFrames::private_bytes() + 128, 64);
    return RTE_ALIGN(bytes, 4096);
  }

  std::uint32_t frame_bytes(const Port& port) const {
    const std::uint32_t largest = port.config.mtu + 18u;
    return RTE_PKTMBUF_HEADROOM + std::max<std::uint32_t>(RTE_ALIGN(largest, 64), 2048);
  }
};

Ports::Impl::~Impl() {
  for (Port& port : ports) port.slots.reset();  // gives frames back
  for (Port& port : ports) {
    port.steering.reset();
    if (!port.started) continue;
    rte_eth_dev_stop(port.id);
    rte_eth_dev_close(port.id);
  }
  if (eal) stop_eal();
}

Outcome<void> Ports::Impl::start() {
  EalWish wish;
  wish.user_args = config.eal_args;
  for (std::size_t i = 0; i < config.ports.size(); ++i) {
    const stack::PortConfig& each = config.ports[i];
    Port& port = ports.emplace_back();
    port.config = each;
    port.index = i;
    wish.devices.push_back(eal_device(each.device, i, workers, each.mtu).argument);
    wish.pci = wish.pci || kind_of(each.device) == DeviceKind::pci;
    wish.memory_bytes += workers * config.frames * memory_of_frame(port);
  }
  GH_TRY_VOID(start_eal(wish));
  eal = true;
  for (Port& port : ports) {
    const auto started = start_port(port);
    if (!started) return started;
  }
  return {};
}

Outcome<void> Ports::Impl::start_port(Port& port) {
  const std::string name =
      eal_device(port.config.device, port.index, workers, port.config.mtu).name;
  if (rte_eth_dev_get_port_by_name(name.c_str(), &port.id) != 0) {
    return tl::make_unexpected(
        port_fault(port.config.device, "DPDK finds no such port, or has no driver for it", 0)
    );
  }
  GH_TRY_VOID(configure(port));
  GH_TRY_VOID(set_up_queues(port));
  GH_TRY_VOID(begin(port));
  return steer(port);
}

Outcome<void> Ports::Impl::configure(Port& port) {
  const auto wrong = [&](const char* what, int error) {
    return tl::make_unexpected(port_fault(port.config.device, what, error));
  };
  if (const int rc = rte_eth_dev_info_get(port.id, &port.info); rc != 0)
    return wrong("tells nothing of itself", rc);
  const std::size_t queues = std::min(port.info.max_rx_queues, port.info.max_tx_queues);
  if (queues < workers) {
    return tl::make_unexpected(Fault{
        port.config.device + " has " + std::to_string(queues) + " queues for " +
            std::to_string(workers) + " workers: --workers " + std::to_string(queues),
        "workers"
    });
  }
  rte_eth_conf conf{};
  const std::uint64_t rx = port.info.rx_offload_capa, tx = port.info.tx_offload_capa;
  conf.rxmode.offloads = rx & (RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM);
  conf.txmode.offloads = tx & (RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM);
  port.ip_checksum = (tx & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM) != 0;
  port.tcp_checksum = (tx & RTE_ETH_TX_OFFLOAD_TCP_CKSUM) != 0;
  conf.rxmode.mtu = port.config.mtu;
  port.hashes = workers > 1 && port.info.reta_size > 0 &&
                (port.info.flow_type_rss_offloads & hashed_wanted) == hashed_wanted;
  std::vector<std::uint8_t> key(std::max<std::size_t>(port.info.hash_key_size, rss_key.size()));
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = rss_key[i % rss_key.size()];
  if (port.hashes) {
    conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    conf.rx_adv_conf.rss_conf.rss_hf = hashed_wanted;
    conf.rx_adv_conf.rss_conf.rss_key = key.data();
    conf.rx_adv_conf.rss_conf.rss_key_len = static_cast<std::uint8_t>(key.size());
  }
  const auto count = static_cast<std::uint16_t>(workers);
  conf.intr_conf.rxq = config.busy_poll ? 0 : 1;
  port.interrupts = !config.busy_poll;
  int rc = rte_eth_dev_configure(port.id, count, count, &conf);
  if (rc != 0 && port.interrupts) {  // not every driver has interrupts
    port.interrupts = false;
    conf.intr_conf.rxq = 0;
    rc = rte_eth_dev_configure(port.id, count, count, &conf);
  }
  return rc == 0 ? Outcome<void>{} : wrong("cannot be configured", rc);
}

Outcome<void> Ports::Impl::set_up_queues(Port& port) {
  std::uint16_t rx = descriptors, tx = descriptors;
  rte_eth_dev_adjust_nb_rx_tx_desc(port.id, &rx, &tx);
  for (std::size_t worker = 0; worker < workers; ++worker) {
    const auto queue = static_cast<std::uint16_t>(worker);
    const std::string name = "gh_" + std::to_string(port.id) + "_" + std::to_string(worker);
    rte_mempool* pool = rte_pktmbuf_pool_create(
        name.c_str(),
        config.frames,
        256,
        MbufFrames::private_bytes(),
        static_cast<std::uint16_t>(frame_bytes(port)),
        SOCKET_ID_ANY
    );
    if (pool == nullptr) {
      return tl::make_unexpected(port_fault(
          port.config.device,
          "no memory for " + std::to_string(config.frames) + " frames",
          rte_errno
      ));
    }
    port.pools.push_back(pool);
    int rc = rte_eth_rx_queue_setup(port.id, queue, rx, any_socket, nullptr, pool);
    if (rc == 0) rc = rte_eth_tx_queue_setup(port.id, queue, tx, any_socket, nullptr);
    if (rc != 0)
      return tl::make_unexpected(port_fault(port.config.device, "a queue cannot be had", rc));
  }
  return {};
}

Outcome<void> Ports::Impl::begin(Port& port) {
  std::uint16_t mtu = 0;
  if (rte_eth_dev_get_mtu(port.id, &mtu) == 0 && mtu != port.config.mtu) {
    const int rc = rte_eth_dev_set_mtu(port.id, port.config.mtu);
    if (rc != 0 && rc != -ENOTSUP) {
      return tl::make_unexpected(port_fault(
          port.config.device, "does not take an mtu of " + std::to_string(port.config.mtu), rc
      ));
    }
  }
  const int rc = rte_eth_dev_start(port.id);
  if (rc != 0) return tl::make_unexpected(port_fault(port.config.device, "cannot be started", rc));
  port.started = true;
  // Neighbour discovery speaks to groups.
  if (rte_eth_allmulticast_enable(port.id) != 0) rte_eth_promiscuous_enable(port.id);
  return {};
}

Outcome<void> Ports::Impl::steer(Port& port) {
  port.slots = std::make_unique<Slot[]>(workers);
  if (workers == 1) return {};
  stack::OwnerOf owner;
  if (port.hashes) {
    set_table(port);
    owner = [size = port.info.reta_size, n = workers](const auto& local, const auto& remote) {
      return toeplitz(local, remote) % size % n;
    };
  } else {
    const SipKey key = random_key();
    owner = [key, n = workers](const tcp::Endpoint& local, const tcp::Endpoint& remote) {
      const std::uint64_t both = static_cast<std::uint64_t>(local.port) << 16 | remote.port;
      const auto hash = siphash13(
          key,
          {local.address.high(),
           local.address.low(),
           remote.address.high(),
           remote.address.low(),
           both}
      );
      return static_cast<std::size_t>(hash % n);
    };
  }
  GH_TRY(port.steering, stack::Steering::make(workers, port.hashes, std::move(owner)));
  return {};
}

// Hash → queue, as `owner` in steer() computes it.
void Ports::Impl::set_table(Port& port) {
  const std::uint16_t size = port.info.reta_size;
  std::vector<rte_eth_rss_reta_entry64> table(
      (size + RTE_ETH_RETA_GROUP_SIZE - 1u) / RTE_ETH_RETA_GROUP_SIZE
  );
  for (std::uint16_t i = 0; i < size; ++i) {
    auto& group = table[i / RTE_ETH_RETA_GROUP_SIZE];
    group.mask |= std::uint64_t{1} << i % RTE_ETH_RETA_GROUP_SIZE;
    group.reta[i % RTE_ETH_RETA_GROUP_SIZE] = static_cast<std::uint16_t>(i % workers);
  }
  // A port that takes no table keeps its own, and software passes on what lands elsewhere.
  if (rte_eth_dev_rss_reta_update(port.id, table.data(), size) != 0) port.hashes = false;
}

stack::Interface& Ports::Impl::make_interface(Port& port, std::size_t worker, Instant now) {
  Slot& slot = port.slots[worker];
  const bool prepare = port.tcp_checksum || port.ip_checksum;
  slot.queue.emplace(
      port.id, static_cast<std::uint16_t>(worker), port.pools[worker], prepare, port.interrupts
  );
  stack::FramePort* frames = &*slot.queue;
  if (port.steering) frames = &slot.steered.emplace(*port.steering, worker, *slot.queue);
  wire::HostConfig host;
  rte_ether_addr mac{};
  rte_eth_macaddr_get(port.id, &mac);
  std::copy(std::begin(mac.addr_bytes), std::end(mac.addr_bytes), host.mac.bytes.begin());
  host.mtu = port.config.mtu;
  host.vlan = port.config.vlan;
  host.addresses = port.config.addresses;
  host.routes = port.config.routes;
  host.answers = worker == 0;
  host.offload_ip_checksum = port.ip_checksum;
  host.offload_l4_checksum = port.tcp_checksum;
  tcp::StackConfig tcp;
  tcp.secret = secret;
  // The port's own descriptors, and what is under way, must always find frames.
  tcp.frames_held_max = std::min<std::size_t>(limits::tcp_frames_held_max, config.frames / 4 * 3);
  if (port.steering) {
    tcp.port_is_ours = [steering = port.steering.get(), worker](auto& local, auto& remote) {
      return steering->owner_of(local, remote) == worker;
    };
  }
  slot.interface.emplace(*frames, host, tcp, now);
  slot.ready.store(true, std::memory_order_release);
  return *slot.interface;
}

Ports::Ports(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Ports::~Ports() = default;

bool available() noexcept { return true; }

Outcome<std::unique_ptr<Ports>> Ports::start(const Config& config, std::size_t workers) {
  auto impl = std::make_unique<Impl>();
  impl->config = config;
  impl->workers = workers;
  impl->secret = random_key();
  GH_TRY_VOID(impl->start());
  return std::unique_ptr<Ports>(new Ports(std::move(impl)));
}

Outcome<std::unique_ptr<Road>> Ports::make_road(CoreId core, BufferPool& pool) {
  rte_thread_register();  // a cache of buffers of its own; without one it is only slower
  stack::StackRoadConfig road;
  road.busy_poll = impl_->config.busy_poll;
  for (Port& port : impl_->ports) {
    road.interfaces.push_back(&impl_->make_interface(port, core.value, monotonic_now()));
  }
  return stack::StackRoad::make(std::move(road), pool);
}

std::vector<std::string> Ports::describe() const {
  std::vector<std::string> lines;
  for (const Port& port : impl_->ports) {
    std::string line = port.config.device + ": driver " + port.info.driver_name + ", " +
                       std::to_string(impl_->workers) + " queues, steered by " +
                       (impl_->workers == 1 ? "nobody"
                        : port.hashes       ? "the port"
                                            : "software") +
                       ", checksums by " + (port.tcp_checksum ? "the port" : "software");
    lines.push_back(std::move(line));
  }
  return lines;
}

void Ports::each_sample(const std::function<void(const Sample&)>& visit) const {
  for (const Port& port : impl_->ports) {
    const std::string& name = port.config.device;
    const auto say =
        [&](std::string_view what, std::uint64_t value, int worker, std::string_view kind = {}) {
          visit({what, kind, &name, worker, value});
        };
    rte_eth_stats stats{};
    if (rte_eth_stats_get(port.id, &stats) == 0) {
      say("port_rx_missed", stats.imissed, -1);
      say("port_rx_errors", stats.ierrors, -1);
      say("port_rx_no_frame", stats.rx_nombuf, -1);
      say("port_tx_errors", stats.oerrors, -1);
    }
    for (std::size_t i = 0; i < impl_->workers; ++i) {
      const Slot& slot = port.slots[i];
      if (!slot.ready.load(std::memory_order_acquire)) continue;
      const int worker = static_cast<int>(i);
      say("queue_rx_frames", slot.queue->rx_frames.read(), worker);
      say("queue_rx_bytes", slot.queue->rx_bytes.read(), worker);
      say("queue_tx_frames", slot.queue->tx_frames.read(), worker);
      say("queue_tx_bytes", slot.queue->tx_bytes.read(), worker);
      say("queue_tx_full", slot.queue->tx_full.read(), worker);
      say("queue_tx_refused", slot.queue->tx_refused.read(), worker);
      say("queue_tx_dropped", slot.interface->frames_unsent.read(), worker);
      if (slot.steered) {
        say("steered_passed_on", slot.steered->passed_on.read(), worker);
        say("steered_copied", slot.steered->copied.read(), worker);
        say("steered_ring_full", slot.steered->ring_full.read(), worker);
      }
      slot.interface->tcp.counters().each([&](std::string_view what, const Counter& counter) {
        say("tcp", counter.read(), worker, what);
      });
      const wire::HostCounters& host = slot.interface->host.counters();
      for (std::size_t drop = 1; drop < wire::drop_names.size(); ++drop) {
        say("drops", host.drops[drop].read(), worker, wire::drop_names[drop]);
      }
      say("address_conflicts", host.address_conflicts.read(), worker);
      say("duplicate_addresses", host.duplicate_addresses.read(), worker);
    }
  }
}

}  // namespace gh::net::dpdk
