// SPDX-License-Identifier: Apache-2.0
// Two stacks and a bad link, ten thousand seeds. A seed picks the weather, the sizes, who closes
// first, pauses, aborts, options. Checked: every byte, that everything ends, that nothing leaks,
// that windows and sequence numbers keep their rules (legal edges are asserted in the stack).
// A failing seed prints the command that runs it alone.
#include "tests/support/tcp_sim.h"

#include "dataplane/net/wire/bytes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>

namespace gh::test {
namespace {

using namespace std::chrono_literals;

// Sends `to_send` bytes, expects the peer's, then finishes. Both directions at once.
class Actor final : public tcp::Handler {
 public:
  Actor(
      TcpSim& sim,
      SimHost& host,
      std::uint64_t out_key,
      std::uint64_t in_key,
      std::uint64_t to_send,
      double pause
  )
      : sim_(sim),
        host_(host),
        out_key_(out_key),
        in_key_(in_key),
        to_send_(to_send),
        pause_(pause) {}

  void start(tcp::Connection& c) {
    connection = &c;
    push();
  }

  void on_connected(tcp::Connection& c) noexcept override { start(c); }

  void on_bytes(tcp::Connection& c, ByteView bytes) noexcept override {
    if (ended) wrong = "bytes after the end";
    for (const std::uint8_t byte : bytes) {
      if (byte != stream_byte(in_key_, received++)) wrong = "a wrong byte";
    }
    if (sim_.chance() < pause_) {
      host_.stack.pause_read(c);
      paused = true;
      resume_at = sim_.now + Duration(sim_.below(300'000'000));
      sim_.wake = std::min(sim_.wake, resume_at);
    }
  }

  void on_end(tcp::Connection& c) noexcept override {
    ended = true;
    if (sent == to_send_) host_.stack.finish(c);
  }

  void on_send_room(tcp::Connection&) noexcept override { push(); }

  void on_closed(tcp::Connection&, tcp::CloseReason why) noexcept override {
    if (closed) wrong = "closed twice";
    closed = true;
    reason = why;
    connection = nullptr;
  }

  void push() {
    std::uint8_t piece[4096];
    while (connection != nullptr && sent < to_send_) {
      const std::uint64_t n = std::min<std::uint64_t>(sizeof piece, to_send_ - sent);
      for (std::uint64_t i = 0; i < n; ++i) piece[i] = stream_byte(out_key_, sent + i);
      const std::size_t taken = host_.stack.send(*connection, {piece, n});
      sent += taken;
      if (taken < n) return;
    }
    if (connection != nullptr) host_.stack.finish(*connection);
  }

  void turn() {
    if (paused && sim_.now >= resume_at && connection != nullptr) {
      paused = false;
      host_.stack.resume_read(*connection);
    }
  }

  tcp::Connection* connection = nullptr;
  std::uint64_t sent = 0, received = 0;
  bool ended = false, closed = false, paused = false;
  Instant resume_at;
  tcp::CloseReason reason = tcp::CloseReason::none;
  const char* wrong = nullptr;

 private:
  TcpSim& sim_;
  SimHost& host_;
  std::uint64_t out_key_, in_key_, to_send_;
  double pause_;
};

class OneAcceptor final : public tcp::Acceptor {
 public:
  explicit OneAcceptor(Actor& actor) : actor_(actor) {}

  tcp::Handler* on_accept(tcp::Connection& c) noexcept override {
    if (accepted++ > 0) return nullptr;
    actor_.start(c);
    return &actor_;
  }

  int accepted = 0;

 private:
  Actor& actor_;
};

tcp::StackConfig config_for(TcpSim* sim, std::uint64_t bits) {
  (void)sim;
  tcp::StackConfig config;
  config.secret = {bits * 77 + 1, bits ^ 0xabcdef};
  config.timestamps = (bits & 3) != 0;
  config.sack = (bits >> 2 & 3) != 0;
  config.window_scale = (bits >> 4 & 7) != 0;
  config.congestion =
      (bits >> 7 & 1) != 0 ? tcp::CongestionKind::cubic : tcp::CongestionKind::new_reno;
  config.half_open_max = (bits >> 8 & 7) == 0 ? 0 : limits::tcp_half_open_max;  // 0: cookies only
  config.connections_max = 64;
  config.source_slots = 64;
  return config;
}

LinkWeather weather_for(TcpSim& sim) {
  LinkWeather w;
  const auto some = [&](double most) { return sim.chance() < 0.5 ? 0.0 : sim.chance() * most; };
  w.loss = some(0.15);
  w.duplicate = some(0.05);
  w.corrupt = some(0.03);
  w.reorder = some(0.2);
  w.delay = Duration(
      50'000 + static_cast<std::int64_t>(sim.below(sim.chance() < 0.3 ? 100'000'000 : 2'000'000))
  );
  if (sim.chance() < 0.3) w.jitter = w.delay * 2;
  if (sim.chance() < 0.4)
    w.bytes_per_second = 100'000 + static_cast<std::int64_t>(sim.below(20'000'000));
  if (sim.chance() < 0.3) w.queue_bytes = 8'000 + sim.below(100'000);
  return w;
}

// RFC 9293 rules that hold for whatever a stack sends, seen on the wire.
class WireRules {
 public:
  const char* wrong = nullptr;

  void see(int from, ByteView frame) {
    const std::uint16_t type = wire::load16(frame.data() + 12);
    if (type != wire::ethertype_ipv4 && type != wire::ethertype_ipv6) return;
    const std::size_t ip_bytes = type == wire::ethertype_ipv4 ? 20 : 40;
    const std::uint8_t protocol = frame[type == wire::ethertype_ipv4 ? 23 : 20];
    if (protocol != wire::protocol_tcp) return;
    const ByteView segment = frame.subspan(14 + ip_bytes);
    const auto header = wire::TcpHeader::parse(segment);
    if (!header) {
      wrong = "a malformed header was sent";
      return;
    }
    if (header->has(wire::TcpFlags::rst)) return;
    Side& side = sides_[from][header->from_port];
    const auto length = static_cast<std::uint32_t>(segment.size() - header->header_bytes);
    const tcp::Seq end =
        tcp::Seq{header->seq} + length + (header->has(wire::TcpFlags::fin) ? 1u : 0u);
    if (header->has(wire::TcpFlags::syn)) return void(side = {});
    if (!header->has(wire::TcpFlags::ack)) wrong = "a segment without ACK";
    if (side.known && tcp::Seq{header->ack} < side.ack) {
      wrong = "an ACK went back";
    }
    if (side.known && side.fin && end > side.end) wrong = "bytes after the FIN";
    side.ack = tcp::Seq{header->ack};
    side.end = side.known ? tcp::later(side.end, end) : end;
    side.fin = side.fin || header->has(wire::TcpFlags::fin);
    side.known = true;
    if (header->sack_blocks > 0) {
      for (std::size_t i = 0; i < header->sack_blocks; ++i) {
        const tcp::Seq begin{header->sack[i].begin}, last{header->sack[i].end};
        if (begin >= last || begin <= side.ack) wrong = "a senseless SACK block";
      }
    }
  }

 private:
  struct Side {
    bool known = false, fin = false;
    tcp::Seq ack, end;
  };

  std::map<std::uint16_t, Side> sides_[2];
};

const char* check(const tcp::Connection& c) {
  const tcp::SendQueue& q = c.send_queue();
  if (q.una() > q.nxt() || q.nxt() > q.end()) return "una, nxt, end out of order";
  if (q.in_flight() > (q.nxt() - q.una()) * 2) return "more in flight than sent";
  if (c.receiver().nxt() > c.receiver().edge()) return "received beyond the window";
  if (c.congestion().cwnd() == 0 && c.state() == tcp::State::established)
    return "no congestion window";
  return nullptr;
}

struct Totals {
  std::uint64_t bytes = 0, ended_well = 0, segments = 0, resent = 0;
};

std::string run_seed(std::uint64_t seed, Totals& totals) {
  std::mt19937_64 pick(seed * 0x9e3779b97f4a7c15 + 1);
  TcpSim sim(seed, config_for(nullptr, pick()), config_for(nullptr, pick()), (seed & 1) != 0);
  const bool calm = sim.chance() < 0.15;
  if (!calm) sim.weather[0] = weather_for(sim);
  if (!calm) sim.weather[1] = weather_for(sim);
  const auto size = [&] {
    const double kind = sim.chance();
    if (kind < 0.2) return std::uint64_t{0};
    return kind < 0.7 ? sim.below(4'000) : kind < 0.97 ? sim.below(40'000) : sim.below(250'000);
  };
  const std::uint64_t up = size(), down = size();
  const double pause = sim.chance() < 0.3 ? 0.1 : 0;
  Actor client(sim, sim.a, seed, seed + 1, up, pause);
  Actor server(sim, sim.b, seed + 1, seed, down, pause);
  OneAcceptor acceptor(server);
  WireRules rules;
  sim.on_wire = [&](int from, ByteView frame) { rules.see(from, frame); };
  sim.b.stack.listen(sim.b_address, acceptor);
  if (sim.a.stack.connect(sim.b_address, client, sim.now) == nullptr) return "connect refused";

  const double event = sim.chance();
  const Instant event_at = sim.now + Duration(sim.below(400'000'000));
  bool happened = event > 0.5;
  const bool aborts = event < 0.08;
  const char* wrong = nullptr;
  const auto done = [&] {
    sim.wake = Instant::never();
    for (const Actor* who : {&client, &server}) {
      if (who->paused && who->resume_at > sim.now) sim.wake = std::min(sim.wake, who->resume_at);
    }
    client.turn();
    server.turn();
    if (!happened && sim.now >= event_at) {
      happened = true;
      if (aborts) {
        Actor& who = sim.chance() < 0.5 ? client : server;
        SimHost& host = &who == &client ? sim.a : sim.b;
        if (who.connection != nullptr) host.stack.abort(*who.connection);
      } else if (event < 0.2) {
        for (LinkWeather& w : sim.weather) {  // dark for a while
          w.dark_from = sim.now;
          w.dark_until = sim.now + Duration(sim.below(5'000'000'000));
        }
      } else if (event < 0.35) {
        LinkWeather& w = sim.weather[sim.below(2)];
        w.mtu = 1280 + static_cast<std::uint32_t>(sim.below(200));
        w.says_too_big = sim.chance() < 0.7;
      }
    }
    for (const Actor* who : {&client, &server}) {
      if (who->connection != nullptr && wrong == nullptr) wrong = check(*who->connection);
    }
    return wrong != nullptr || client.wrong != nullptr || server.wrong != nullptr ||
           (client.closed && (server.closed || acceptor.accepted == 0));
  };
  const bool finished = sim.run(done, sim.now + 1200s);
  if (wrong != nullptr) return wrong;
  if (client.wrong != nullptr) return std::string("client: ") + client.wrong;
  if (server.wrong != nullptr) return std::string("server: ") + server.wrong;
  if (rules.wrong != nullptr) return rules.wrong;
  if (!finished && acceptor.accepted > 0) {
    return "it did not end: sent " + std::to_string(client.sent) + "/" + std::to_string(up) +
           " got " + std::to_string(server.received) + ", sent " + std::to_string(server.sent) +
           "/" + std::to_string(down) + " got " + std::to_string(client.received) + ", closed " +
           std::to_string(client.closed) + std::to_string(server.closed);
  }
  totals.bytes += client.received + server.received;
  for (const SimHost* host : {&sim.a, &sim.b}) {
    const tcp::Counters& n = host->stack.counters();
    totals.segments += n.segments_out.read();
    totals.resent += n.resent_fast.read() + n.resent_timeout.read() + n.resent_probe.read();
  }
  const bool good =
      client.reason == tcp::CloseReason::none && server.reason == tcp::CloseReason::none;
  totals.ended_well += good ? 1 : 0;
  if (good && acceptor.accepted > 0 && (client.received != down || server.received != up)) {
    return "bytes are missing after a good end: up " + std::to_string(up) + "/" +
           std::to_string(server.received) + ", down " + std::to_string(down) + "/" +
           std::to_string(client.received);
  }
  // Only weather that starves a connection for long, or an abort, may break it.
  if (calm && !aborts && happened && event > 0.5 && !good) return "broken on a calm link";
  // Nothing leaks: after TIME-WAIT both ends are empty.
  sim.weather[0].dark_from = sim.weather[1].dark_from = sim.now;
  sim.weather[0].dark_until = sim.weather[1].dark_until = Instant::never();
  sim.run(
      [&] { return sim.a.stack.connections() + sim.b.stack.connections() == 0; }, sim.now + 2000s
  );
  if (sim.a.stack.connections() + sim.b.stack.connections() != 0) return "connections are left";
  if (sim.a.stack.frames_held() + sim.b.stack.frames_held() != 0)
    return "frames are counted as held";
  const std::size_t waiting = sim.a.frames.in_use() + sim.b.frames.in_use();
  if (waiting > 2 * limits::neighbor_queue_max) return "frames leak: " + std::to_string(waiting);
  return {};
}

std::uint64_t number_from(const char* name, std::uint64_t fallback) {
  const char* text = std::getenv(name);
  return text == nullptr ? fallback : std::strtoull(text, nullptr, 10);
}

TEST(TcpSim, ten_thousand_seeds_deliver_every_byte_end_and_leak_nothing) {
  const std::uint64_t one = number_from("GH_SEED", 0);
  const std::uint64_t first = one != 0 ? one : 1;
  const std::uint64_t count = one != 0 ? 1 : number_from("GH_SEEDS", 10'000);
  int failures = 0;
  Totals totals;
  for (std::uint64_t seed = first; seed < first + count && failures < 5; ++seed) {
    const std::string wrong = run_seed(seed, totals);
    if (wrong.empty()) continue;
    ++failures;
    ADD_FAILURE() << "seed " << seed << ": " << wrong << "\n  GH_SEED=" << seed
                  << " ./tcp_sim_test";
  }
  std::printf(
      "%llu seeds: %llu ended well, %llu bytes, %llu segments, %llu of them again\n",
      static_cast<unsigned long long>(count),
      static_cast<unsigned long long>(totals.ended_well),
      static_cast<unsigned long long>(totals.bytes),
      static_cast<unsigned long long>(totals.segments),
      static_cast<unsigned long long>(totals.resent)
  );
  if (count > 100) {
    EXPECT_GT(totals.ended_well, count / 2);
  }
}

}  // namespace
}  // namespace gh::test
