// SPDX-License-Identifier: Apache-2.0
// One thread's share of the load: begins operations when they are due, follows their connections,
// and counts. In: Options, the Plan that main sets.   Out: Live counters while it runs, a Tally
// after it. Owner: its thread; only Plan and Live are seen by others.
#pragma once

#include "bench/load/connection.h"
#include "bench/load/options.h"
#include "bench/load/schedule.h"
#include "bench/load/stats.h"

#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace gh::load {

// When what happens, by the monotonic clock; written by main, read by the loops each turn.
struct Plan {
  std::atomic<std::int64_t> go = Instant::never().ns;       // operations begin
  std::atomic<std::int64_t> measure = Instant::never().ns;  // and count
  std::atomic<std::int64_t> end = Instant::never().ns;      // no more

  bool past(const std::atomic<std::int64_t>& point, Instant now) const noexcept {
    return now.ns >= point.load(std::memory_order_relaxed);
  }
};

class Loop final : private ConnectionEvents {
 public:
  // Loop `thread` of options.threads; it has its part of the connections and of the requests.
  Loop(const Options& options, const Plan& plan, std::size_t thread);
  ~Loop();

  Outcome<void> prepare();  // contexts: certificates are checked here
  void run();               // on its own thread, until the plan's end or all is done

  const Live& live() const noexcept { return live_; }

  const Tally& tally() const noexcept { return tally_; }  // after run()

  const std::string& trouble() const noexcept { return trouble_; }  // why run() could not begin

 private:
  // ---- turns ----
  void begin_due(Instant now);
  void begin_connections(Instant now);
  void keep_connections(Instant now);
  void begin_requests(Instant now);
  void fill(Connection& connection, Instant now);
  void expire(Instant now);
  void sweep();
  Instant next_turn(Instant now) const;
  bool finished(Instant now) const;
  void count_unfinished(Instant now);

  // ---- operations ----
  bool may_begin() const noexcept;
  bool can_begin() const noexcept;  // and there is a place for it
  void open(std::size_t index, std::optional<Instant> intended, Instant now);
  tls::ClientContext& context_for(std::size_t index);
  void begin_operation(Connection& connection, Instant intended, Instant now);
  void end_operation(Connection& connection, Instant now);
  void fail_operation(Connection& connection, Failure why, const std::string& text);
  void settle(Connection& connection, Instant now);
  bool measured(Instant begun, Instant now) const noexcept;
  void count_done(Instant intended, Instant begun, Instant now);
  void count_failed(Instant begun, Instant now, Failure why, const std::string& text);
  std::optional<std::pair<Failure, std::string>> wrong(const Exchange& exchange) const;
  void hold(Connection& connection);
  void list_if_free(Connection& connection);
  void take_event(Exchange& exchange);

  // ---- ConnectionEvents ----
  void on_established(Connection& connection, Instant now) override;
  void on_room(Connection& connection, Instant now) override;
  void on_confirmed(Connection& connection, Instant now) override;
  void on_answer_head(Connection& connection, Exchange& exchange) override;
  void on_answer_bytes(Connection& connection, Exchange& exchange, ByteView bytes) override;
  void on_exchange_end(Connection& connection, Exchange& exchange, http::Reset reset) override;
  void on_failed(Connection& connection, Failure why, const std::string& text) override;
  void on_ended(Connection& connection) override;
  void on_gone(Connection& connection) override;

  const Options& options_;
  const Plan& plan_;
  std::size_t thread_;
  std::size_t wanted_;          // connections of this thread
  std::uint64_t requests_ = 0;  // of --requests, of this thread
  Live live_;
  Tally tally_;
  std::string trouble_;
  BufferPool pool_;
  std::vector<std::unique_ptr<tls::ClientContext>> contexts_;
  std::unique_ptr<net::Road> road_;
  std::vector<std::unique_ptr<Connection>> connections_;  // `slot` order is not kept
  std::vector<std::size_t> free_lanes_;                   // resume mode
  std::deque<Connection*> with_room_;
  std::optional<Schedule> schedule_;
  bool schedule_started_ = false;
  std::size_t opened_ = 0;      // connections ever, for their index
  std::size_t standing_ = 0;    // connections that live and are not ending
  std::size_t held_ = 0;        // of these: up, so that load can begin
  std::size_t operations_ = 0;  // under way
  std::uint64_t begun_ = 0;     // counted towards --requests
  Instant retry_at_{};          // after a connection failed: not at once again
  Instant expire_at_{};
  std::size_t gone_ = 0;
  bool over_ = false;  // what ends from now on was ended by us
};

}  // namespace gh::load
