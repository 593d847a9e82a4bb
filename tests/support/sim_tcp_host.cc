// SPDX-License-Identifier: Apache-2.0
#include "tests/support/sim_tcp_host.h"

#include "base/assert.h"

#include <algorithm>

namespace gh::test {
namespace {

constexpr std::size_t frames_max = 65'536;

std::string address_of(std::size_t number) { return "10.0.0." + std::to_string(number + 1); }

wire::HostConfig ip_config(std::size_t number) {
  wire::HostConfig config;
  config.mac = {{2, 0, 0, 0, 0, static_cast<std::uint8_t>(number)}};
  config.detect_duplicates = false;
  config.addresses = {*wire::Network::parse(address_of(number) + "/24")};
  return config;
}

tcp::StackConfig tcp_config(SimNet& net, std::size_t number) {
  tcp::StackConfig config;
  config.secret = {number + 1, 77};
  config.timestamps = net.chance(0.8);
  config.sack = net.chance(0.8);
  config.window_scale = net.chance(0.8);
  config.connections_max = 1024;
  config.half_open_max = net.chance(0.2) ? 0 : limits::tcp_half_open_max;  // 0: cookies only
  return config;
}

}  // namespace

// ---- switch ----

std::unique_ptr<SimTcpHost> SimSwitch::make_host(BufferPool& pool) {
  ports_.emplace_back();
  return std::make_unique<SimTcpHost>(*this, ports_.size() - 1, pool);
}

void SimSwitch::carry(std::size_t from, std::vector<std::uint8_t> bytes) {
  GH_ASSERT(bytes.size() >= wire::EthernetHeader{}.header_bytes());
  const std::size_t host = bytes[5];  // the last byte of its link address
  if ((bytes[0] & 1) == 0) {
    if (host < ports_.size()) put(host, std::move(bytes));
    return;
  }
  for (std::size_t to = 0; to < ports_.size(); ++to) {
    if (to != from) put(to, bytes);
  }
}

void SimSwitch::put(std::size_t to, std::vector<std::uint8_t> bytes) {
  const Instant now = net.core.now();
  if (weather.dark(now)) return;
  Port& port = ports_[to];
  port.link.carry(
      weather,
      std::move(bytes),
      now,
      net.random,
      [&](Instant at, std::vector<std::uint8_t> copy) {
        port.flying.push({at, order_++, std::move(copy)});
      }
  );
}

// ---- host ----

SimTcpHost::SimTcpHost(SimSwitch& to, std::size_t number, BufferPool& pool)
    : switch_(to),
      number_(number),
      memory_(frames_max),
      interface_(*this, ip_config(number), tcp_config(to.net, number), to.net.core.now()) {
  net::stack::StackRoadConfig config;
  config.interfaces = {&interface_};
  config.clock = [&core = to.net.core] { return core.now(); };
  road_ = *net::stack::StackRoad::make(std::move(config), pool);
}

SimTcpHost::~SimTcpHost() = default;

net::Endpoint SimTcpHost::at(std::uint16_t port) const {
  return *net::Endpoint::parse(address_of(number_) + ":" + std::to_string(port));
}

void SimTcpHost::listen_at(std::uint16_t port, net::AcceptHandler& handler) {
  road_->listen({at(port)}, handler);
}

void SimTcpHost::deliver() {
  const Instant now = switch_.net.core.now();
  road_->wait(now, now);
}

void SimTcpHost::cut_some() {
  std::vector<tcp::Connection*> open;
  interface_.tcp.each_connection([&](tcp::Connection& c) {
    if (c.state() == tcp::State::established) open.push_back(&c);
  });
  if (!open.empty()) interface_.tcp.abort(*open[switch_.net.below(open.size())]);
}

std::size_t SimTcpHost::receive(std::span<wire::Frame*> into) noexcept {
  SimSwitch::Queue& queue = switch_.ports_[number_].flying;
  std::size_t n = 0;
  while (n < into.size() && !queue.empty() && queue.top().at <= switch_.net.core.now()) {
    if (wire::Frame* frame = frame_of(memory_, queue.top().bytes)) into[n++] = frame;
    queue.pop();
  }
  return n;
}

bool SimTcpHost::transmit(wire::FrameList& frames) noexcept {
  while (wire::Frame* frame = frames.pop_front()) {
    switch_.carry(number_, {frame->data(), frame->data() + frame->size()});
    wire::give(frame);
  }
  return true;
}

}  // namespace gh::test
