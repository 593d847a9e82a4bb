// SPDX-License-Identifier: Apache-2.0
// One request on its two legs: the client's stream ("down") and an API server's ("up"), and the
// bytes between them. In: events of both sessions.  Out: commands to both sessions; each leg given
// commands is marked dirty. Owner: one core; pooled by its host. Not here: whether the request is
// allowed (worker/pipeline.h), which connection serves it (upstream_pool.h).
//
// Back-pressure is credit: what one leg has handed up and the other not yet sent stays within the
// first leg's window, because consumed() is said only when on_sent() came back. A request body is
// kept until the response head arrives, up to limits::replay_body_bytes_max, so that the request
// can go to another replica when that is safe.
//
//   begin → [hold] → [collect] → refuse | forward → waiting → sent → responding → done (tunnel
//   after 101)
//                                   ↑________/ refused, or safe and unanswered
#pragma once

#include "base/byte_queue.h"
#include "base/core.h"
#include "base/timer_wheel.h"
#include "dataplane/http/session.h"
#include "dataplane/proxy/reply.h"
#include "dataplane/proxy/up_leg.h"
#include "dataplane/proxy/upstream_pool.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace gh::proxy {

// The client's connection as an exchange sees it.
class DownLeg {
 public:
  http::ServerSession* session = nullptr;
  virtual void mark_dirty() noexcept = 0;

 protected:
  ~DownLeg() = default;
};

class Exchange;

// Per worker: what exchanges share.
struct ExchangeHost {
  Core& core;
  TimerWheel& timers;
  BufferPool& buffers;
  UpstreamPool& pool;
  std::vector<ReplicaMetrics>& metrics;
  // The client's stream is gone: account for it, then reuse the exchange.
  virtual void on_done(Exchange& exchange, http::Reset reset) noexcept = 0;
  virtual void on_tunnel_open() noexcept = 0;  // record.tunnel says so until on_done
  // What Exchange::collect() asked for: the body is whole, or too long, or did not come in time
  // (then: refuse).
  enum class Collected : std::uint8_t { whole, too_long, too_slow };
  virtual void on_collected(Exchange& exchange, Collected what) noexcept = 0;

 protected:
  ExchangeHost(
      Core& c, TimerWheel& t, BufferPool& b, UpstreamPool& p, std::vector<ReplicaMetrics>& m
  )
      : core(c), timers(t), buffers(b), pool(p), metrics(m) {}

  ~ExchangeHost() = default;
};

// What the log and the metrics say of a request; filled by whoever knows.
struct Record {
  Instant began;
  Instant decided;
  Instant head_at;  // the response head went to the client
  int code = 0;
  std::uint8_t verb = 0;      // index into worker::verb_names
  std::uint8_t decision = 0;  // index into worker::decision_names
  bool long_running = false;
  bool tunnel = false;
  std::uint64_t bytes_up = 0;    // body
  std::uint64_t bytes_down = 0;  // body
  std::size_t replica = Demand::no_replica;
  // the access log's fields known when the request was judged; empty when the log is off
  std::string log;
};

class Exchange final : public Demand, public UpLeg {
 public:
  explicit Exchange(ExchangeHost& host);
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  void begin(DownLeg& leg, http::Stream& down, http::RequestHead& head);
  void refuse(const Refusal& refusal);
  void refuse_plain(int code, std::string_view text);
  void forward();  // head is as the API server shall get it
  // Forwarded, and no more allowed: refused where nothing of an answer has gone out, else broken
  // off.
  void cut(const Refusal& refusal);
  // Not judged yet: the body waits within the client's window until refuse(), collect() or
  // forward().
  void hold() noexcept;
  // The whole body is read first, then host.on_collected(). Precondition: held or just begun.
  void collect(std::size_t bytes_max) noexcept;
  std::string collected() const;  // a copy
  // Instead of what was collected. Precondition: it was whole.
  void replace_body(std::string_view body);

  // The client's side.
  void on_down_body(ByteView piece);
  void on_down_end(const http::HeaderList* trailers);
  void on_down_tunnel_bytes(ByteView piece);
  void on_down_tunnel_end();
  void on_down_sent(std::size_t bytes);
  void on_down_closed(http::Reset reset);

  // The API server's side.
  void on_response(http::ResponseHead& head) override;
  void on_up_body(ByteView piece) override;
  void on_response_end(const http::HeaderList* trailers) override;
  void on_up_tunnel_end() override;
  void on_up_sent(std::size_t bytes) override;
  void on_up_closed(http::Reset reset) override;

  // From the pool.
  void on_link(Link& link) noexcept override;
  void on_unavailable(Unavailable why) noexcept override;

  Record record;

  http::RequestHead& head() noexcept { return *head_; }

  DownLeg& leg() noexcept { return *leg_; }

  Exchange* next_free = nullptr;  // of the host's pool

 private:
  enum class State : std::uint8_t {
    idle,
    begun,
    held,
    collecting,
    waiting,
    sent,
    responding,
    tunnel,
    refusing,
    answered
  };

  void end_collecting(ExchangeHost::Collected what) noexcept;
  bool may_repeat(http::Reset reset) const noexcept;
  void detach_up(http::Reset why) noexcept;
  void drop_replay() noexcept;
  void keep(ByteView piece);

  void arm(Duration in) noexcept { host_.timers.arm(timer_, host_.core.now() + in); }

  void on_timer() noexcept;
  void send_refusal() noexcept;
  bool answer_without_body(const http::ResponseHead& head) const noexcept;

  ExchangeHost& host_;
  Timer timer_;
  State state_ = State::idle;
  DownLeg* leg_ = nullptr;
  http::Stream* down_ = nullptr;
  http::RequestHead* head_ = nullptr;
  Link* link_ = nullptr;
  http::Stream* up_ = nullptr;
  ByteQueue replay_;          // request body not known to be unneeded
  bool replay_whole_ = true;  // nothing of the body has been forgotten
  bool request_ended_ = false;
  bool response_ended_ = false;
  bool has_trailers_ = false;
  http::HeaderList trailers_;
  std::string refusal_;        // its body, while the rest of the request is read away
  std::uint64_t sent_up_ = 0;  // body bytes this attempt has sent
  std::size_t collect_max_ = 0;
  std::uint64_t credited_ = 0;  // body bytes given back to the client's window
};

}  // namespace gh::proxy
