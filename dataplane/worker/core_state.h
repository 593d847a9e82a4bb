// SPDX-License-Identifier: Apache-2.0
// What the connections of one worker share: its core, memory, timers, road, and the list of
// connections to serve this turn. Owner: the worker's loop, one core.
#pragma once

#include "base/buffer_pool.h"
#include "base/core.h"
#include "base/log.h"
#include "base/timer_wheel.h"
#include "dataplane/net/byte_stream.h"
#include "dataplane/worker/metrics.h"
#include "dataplane/worker/principal.h"
#include "dataplane/worker/worker.h"
#include "tls/crypto_queue.h"
#include "tls/identity_cache.h"

#include <array>
#include <cstdint>
#include <string>

namespace gh::worker {

// A client's or an upstream's connection: a member of the turn's dirty list, buried at the end of
// the turn it died in.
class Connection : public net::StreamHandler, public tls::CryptoWaiter {
 public:
  virtual ~Connection() = default;
  // Once a turn when marked: read on where reading had paused, send what the session has, see
  // whether it is over.
  virtual void service() noexcept = 0;

 private:
  friend struct CoreState;
  Connection* next_ = nullptr;  // of all connections of the core
  Connection* prev_ = nullptr;
  Connection* next_dirty_ = nullptr;
  Connection* next_dead_ = nullptr;
  bool dirty_ = false;
  bool dead_ = false;
};

struct CoreState {
  CoreState(
      Core& c,
      TimerWheel& t,
      BufferPool& b,
      net::Road& r,
      const Settings& s,
      const Shared& sh,
      Metrics& m,
      LogQueue& l
  )
      : core(c), timers(t), buffers(b), road(r), settings(s), shared(sh), metrics(m), log(l) {}

  ~CoreState() {  // the worker ends: what is still open goes with it
    while (first_ != nullptr) remove(*first_);
  }

  CoreState(const CoreState&) = delete;
  CoreState& operator=(const CoreState&) = delete;

  Core& core;
  TimerWheel& timers;
  BufferPool& buffers;
  net::Road& road;
  const Settings& settings;
  const Shared& shared;
  Metrics& metrics;
  LogQueue& log;
  PrincipalCache principals;
  tls::IdentityCache identities{metrics.identity_cache};
  tls::CryptoQueue crypto{metrics.crypto, tls::make_crypto_batch(), [this] { road.wake(); }};

  // Owned from now on; deleted in the turn after bury(), or with the worker.
  void adopt(Connection& connection) noexcept {
    connection.next_ = first_;
    if (first_ != nullptr) first_->prev_ = &connection;
    first_ = &connection;
  }

  void mark_dirty(Connection& connection) noexcept {
    if (connection.dirty_ || connection.dead_) return;
    connection.dirty_ = true;
    connection.next_dirty_ = nullptr;
    (last_dirty_ == nullptr ? first_dirty_ : last_dirty_->next_dirty_) = &connection;
    last_dirty_ = &connection;
  }

  // Serves connections until none is dirty: one's output may be another's credit. Ends because
  // credit is bounded.
  void service_dirty() noexcept {
    while (first_dirty_ != nullptr) {
      Connection& connection = *first_dirty_;
      first_dirty_ = connection.next_dirty_;
      if (first_dirty_ == nullptr) last_dirty_ = nullptr;
      connection.dirty_ = false;
      if (!connection.dead_) connection.service();
    }
  }

  // The stream is gone; the object goes when nothing of this turn can touch it any more.
  void bury(Connection& connection) noexcept {
    if (connection.dead_) return;
    connection.dead_ = true;
    connection.next_dead_ = dead_;
    dead_ = &connection;
  }

  void empty_graveyard() noexcept {
    while (dead_ != nullptr) {
      Connection* connection = dead_;
      dead_ = connection->next_dead_;
      remove(*connection);
    }
  }

  // An event line, held back when its kind has filled this second.
  void event(LogLevel level, LogLimiter& limiter, std::string text) noexcept {
    std::uint64_t held_back = 0;
    if (!limiter.allow(core.now(), held_back)) return;
    if (held_back > 0) text += " held_back=" + std::to_string(held_back);
    log.push({level, false, std::move(text)});
  }

  LogLimiter handshake_lines{10};
  LogLimiter session_lines{10};
  LogLimiter upstream_lines{10};
  LogLimiter lost_right_lines{10};
  std::array<std::uint8_t, 64 * 1024> scratch_in;   // plaintext on its way up, during one call
  std::array<std::uint8_t, 16 * 1024> scratch_out;  // plaintext on its way down: one TLS record

 private:
  void remove(Connection& connection) noexcept {
    (connection.prev_ == nullptr ? first_ : connection.prev_->next_) = connection.next_;
    if (connection.next_ != nullptr) connection.next_->prev_ = connection.prev_;
    delete &connection;
  }

  Connection* first_ = nullptr;
  Connection* first_dirty_ = nullptr;
  Connection* last_dirty_ = nullptr;
  Connection* dead_ = nullptr;
};

}  // namespace gh::worker
