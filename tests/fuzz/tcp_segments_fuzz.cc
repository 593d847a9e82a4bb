// SPDX-License-Identifier: Apache-2.0
// Sequences of segments and user's calls on one connection, each of eight bytes, near the numbers
// that matter. Whatever comes: no crash, no frame held after the end, no more memory than bounds
// say.
#include "base/assert.h"
#include "tests/support/tcp_sim.h"

#include <algorithm>
#include <cstring>

namespace {

using namespace gh;

class User final : public tcp::Handler, public tcp::Acceptor {
 public:
  tcp::Handler* on_accept(tcp::Connection& c) noexcept override {
    if (connection != nullptr) return nullptr;
    connection = &c;
    return this;
  }

  void on_connected(tcp::Connection&) noexcept override {}

  void on_bytes(tcp::Connection& c, ByteView bytes) noexcept override {
    GH_ASSERT(&c == connection && !bytes.empty() && !ended);
  }

  void on_end(tcp::Connection&) noexcept override {
    GH_ASSERT(!ended);
    ended = true;
  }

  void on_send_room(tcp::Connection&) noexcept override {}

  void on_closed(tcp::Connection& c, tcp::CloseReason) noexcept override {
    GH_ASSERT(&c == connection);
    connection = nullptr;
    ended = false;
  }

  tcp::Connection* connection = nullptr;
  bool ended = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 8) return 0;
  Instant now{1'000'000'000};
  wire::HostConfig ip;
  ip.mac = {{2, 0, 0, 0, 0, 1}};
  ip.addresses = {*wire::Network::parse("10.0.0.1/24")};
  ip.detect_duplicates = false;
  ip.neighbors_max = 8;
  tcp::StackConfig config;
  config.secret = {3, 4};
  config.connections_max = 8;
  config.source_slots = 16;
  config.timestamps = (data[0] & 1) != 0;
  if ((data[0] & 2) != 0) config.half_open_max = 0;
  test::SimHost host(ip, config, now, 4096);
  User user;
  const tcp::Endpoint us{ip.addresses[0].address, 443};
  const tcp::Endpoint peer{*wire::IpAddress::parse("10.0.0.2"), 5000};
  const wire::MacAddress peer_mac{{2, 0, 0, 0, 0, 2}};
  std::uint32_t our_next = 0, peer_next = (data[0] & 4) != 0 ? 0xfffffff0 : 1000;
  std::vector<std::uint8_t> payload(1460, 'x');
  if ((data[0] & 8) != 0) {
    user.connection = host.stack.connect(peer, user, now, us.port);
  } else {
    host.stack.listen(us, user);
  }
  const auto flush = [&] {
    host.stack.poll(now);
    while (wire::Frame* frame = host.host.output().pop_front()) {
      const ByteView bytes = frame->bytes();
      if (bytes.size() >= 54 && bytes[13] == 0) {
        if (const auto h = wire::TcpHeader::parse(bytes.subspan(34))) {
          our_next = h->seq + static_cast<std::uint32_t>(bytes.size() - 34 - h->header_bytes) +
                     (h->has(wire::TcpFlags::syn) ? 1u : 0u) +
                     (h->has(wire::TcpFlags::fin) ? 1u : 0u);
        }
      }
      wire::give(frame);
    }
  };
  for (data += 1, size -= 1; size >= 8; data += 8, size -= 8) {
    now = now + Duration(1'000'000ll << (data[7] & 15));
    tcp::Connection* c = user.connection;
    switch (data[0] >> 6) {
      case 0:
        if (c == nullptr) break;
        switch (data[1] & 7) {
          case 0:
            host.stack.finish(*c);
            break;
          case 1:
            host.stack.close(*c);
            break;
          case 2:
            host.stack.abort(*c);
            break;
          case 3:
            host.stack.pause_read(*c);
            break;
          case 4:
            host.stack.resume_read(*c);
            break;
          default:
            host.stack.send(*c, {payload.data(), static_cast<std::size_t>(data[2]) * 5});
            break;
        }
        break;
      default: {
        wire::TcpHeader h;
        h.flags = data[0] & 0x3f;
        h.seq = peer_next + static_cast<std::uint32_t>(static_cast<std::int8_t>(data[1])) * 64u;
        h.ack = our_next + static_cast<std::uint32_t>(static_cast<std::int8_t>(data[2]));
        h.window = static_cast<std::uint16_t>(data[3] << 8 | data[4]);
        const std::size_t length = data[5] * 5u;
        if ((data[6] & 1) != 0) h.mss = static_cast<std::uint16_t>(data[4] * 8);
        if ((data[6] & 2) != 0) h.window_shift = static_cast<std::int8_t>(data[4] & 15);
        h.sack_permitted = (data[6] & 4) != 0;
        h.has_timestamps = (data[6] & 8) != 0;
        h.ts_value = static_cast<std::uint32_t>(now.ns / 1'000'000) + (data[6] >> 6);
        if ((data[6] & 16) != 0 && h.mss == 0 && h.window_shift < 0) {
          h.sack_blocks = 2;
          h.sack[0] = {h.ack + data[3], h.ack + data[4] * 8u};
          h.sack[1] = {h.ack + data[5] * 8u, h.ack + data[3] * 16u};
        }
        const auto frame =
            test::make_tcp_frame(peer_mac, ip.mac, peer, us, h, {payload.data(), length});
        if (wire::Frame* in = test::frame_of(host.frames, frame)) host.stack.on_frame(in, now);
        if (data[1] == 0) {
          peer_next += static_cast<std::uint32_t>(length) + (h.has(wire::TcpFlags::syn) ? 1u : 0u);
        }
      }
    }
    flush();
  }
  if (user.connection != nullptr) host.stack.abort(*user.connection);
  for (int i = 0; i < 200 && host.stack.connections() > 0; ++i) {
    now = now + std::chrono::seconds(10);
    flush();
  }
  GH_ASSERT(host.stack.connections() == 0);
  GH_ASSERT(host.stack.frames_held() == 0);
  return 0;
}
