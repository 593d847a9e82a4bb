// SPDX-License-Identifier: Apache-2.0
// Arbitrary frames into the whole host: Ethernet to TCP. Input: records of one length byte (times
// two), then that many bytes of a frame. The addresses are put right in every other frame, and
// checksums are trusted as a port's offload would, so that the bytes reach deep.
#include "tests/support/tcp_sim.h"

#include <algorithm>
#include <cstring>

namespace {

class Sink final : public gh::tcp::Handler, public gh::tcp::Acceptor {
 public:
  gh::tcp::Handler* on_accept(gh::tcp::Connection&) noexcept override { return this; }

  void on_connected(gh::tcp::Connection&) noexcept override {}

  void on_bytes(gh::tcp::Connection&, gh::ByteView) noexcept override {}

  void on_end(gh::tcp::Connection&) noexcept override {}

  void on_send_room(gh::tcp::Connection&) noexcept override {}

  void on_closed(gh::tcp::Connection&, gh::tcp::CloseReason) noexcept override {}
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gh;
  Instant now{1'000'000'000};
  wire::HostConfig ip;
  ip.mac = {{2, 0, 0, 0, 0, 1}};
  ip.addresses = {*wire::Network::parse("10.0.0.1/24"), *wire::Network::parse("2001:db8::1/64")};
  ip.routes = {{*wire::Network::parse("0.0.0.0/0"), *wire::IpAddress::parse("10.0.0.254")}};
  ip.detect_duplicates = size > 0 && (data[0] & 1) != 0;
  ip.neighbors_max = 16;
  tcp::StackConfig config;
  config.secret = {3, 4};
  config.connections_max = 32;
  config.source_slots = 16;
  test::SimHost host(ip, config, now, 256);
  Sink sink;
  host.stack.listen({wire::IpAddress{}, 443}, sink);
  while (size > 1) {
    const std::size_t length = std::min<std::size_t>(data[0] * 2u, size - 1);
    const bool aim = (data[0] & 1) != 0;
    if (wire::Frame* frame = test::frame_of(host.frames, {data + 1, length})) {
      frame->ip_checksum_good = frame->l4_checksum_good = true;
      if (aim && length >= 54) {
        std::uint8_t* at = frame->data();
        std::memcpy(at, ip.mac.bytes.data(), 6);
        if (at[13] == 0) std::memcpy(at + 30, ip.addresses[0].address.v4_bytes(), 4);
        if (at[13] == 0xdd) std::memcpy(at + 38, ip.addresses[1].address.bytes.data(), 16);
      }
      host.stack.on_frame(frame, now);
    }
    host.stack.poll(now);
    host.host.output().clear();
    now = now + Duration(static_cast<std::int64_t>(data[0]) * 3'000'000);
    data += 1 + length;
    size -= 1 + length;
  }
  return 0;
}
