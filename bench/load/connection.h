// SPDX-License-Identifier: Apache-2.0
// One connection to the server: TCP, TLS, HTTP, and the requests under way on it.
// In: bytes of the road; ask().   Out: ConnectionEvents: what happened, to whoever drives the load.
// Owner: one loop, so one thread.
// Not here: when to begin what, and what counts (loop.h).
#pragma once

#include "bench/load/options.h"
#include "bench/load/stats.h"
#include "dataplane/http/session.h"
#include "dataplane/net/byte_stream.h"
#include "tls/engine.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace gh::load {

class Connection;

// One request and what came back.
struct Exchange {
  Instant intended;  // open loop: when it was due
  Instant begun;
  int status = 0;
  std::uint64_t bytes = 0;
  std::string text;  // --expect-body: the answer so far; watch: the event that has begun
  bool open = false;
  std::uint64_t watch_events = 0;
  http::Stream* stream = nullptr;
};

// Told from inside the road's turn; none of them may delete the connection.
class ConnectionEvents {
 public:
  virtual void on_established(Connection& connection, Instant now) = 0;
  // Perhaps more can be asked now; pump() follows.
  virtual void on_room(Connection& connection, Instant now) = 0;
  // Handshake only: the server showed that it takes us.
  virtual void on_confirmed(Connection& connection, Instant now) = 0;
  virtual void on_answer_head(Connection& connection, Exchange& exchange) = 0;
  virtual void on_answer_bytes(Connection& connection, Exchange& exchange, ByteView bytes) = 0;
  // `reset`: none when the answer is whole.
  virtual void on_exchange_end(Connection& connection, Exchange& exchange, http::Reset reset) = 0;
  // It is of no use any more; the exchanges under way have had their end. Once, before on_gone.
  virtual void on_failed(Connection& connection, Failure why, const std::string& text) = 0;
  // The server ended it while nothing was under way.
  virtual void on_ended(Connection& connection) = 0;
  virtual void on_gone(Connection& connection) = 0;  // the last: it may be deleted after this turn

 protected:
  ~ConnectionEvents() = default;
};

class Connection final : public net::StreamHandler, public http::ClientEvents {
 public:
  // `index`: of the load's connections, for its identity and addresses.
  Connection(
      const Options& options,
      ConnectionEvents& events,
      BufferPool& pool,
      tls::ClientContext& context,
      std::size_t index
  );

  void connect(net::Road& road, Instant now);
  // Sends a request. Precondition: room() > 0.
  void ask(Instant intended, Instant now);
  std::size_t room() const noexcept;       // requests that can be begun now
  void pump();                             // what was asked goes out
  void end();                              // close_notify, FIN
  void say_close_notify();                 // and wait for the server's end
  void drop();                             // at once
  void time_out();                         // the same, and what was under way has failed
  bool late(Instant then) const noexcept;  // something is under way since before `then`

  bool established() const noexcept { return tls_ != nullptr && tls_->established(); }

  bool ended() const noexcept { return state_ != State::live; }

  const tls::Engine& tls() const noexcept { return *tls_; }

  tls::ClientContext& context() const noexcept { return context_; }

  std::size_t under_way() const noexcept { return under_way_; }

  // Why it failed, for the exchanges that went with it.
  bool failed() const noexcept { return failed_; }

  Failure failure() const noexcept { return failure_; }

  const std::string& failure_text() const noexcept { return failure_text_; }

  template <class Each>
  void each_exchange(Each each) {
    for (auto& exchange : exchanges_) {
      if (exchange->open) each(*exchange);
    }
  }

  // For the driver: the operation that the connection itself is.
  struct Operation {
    Instant intended;
    Instant begun;
    bool open = false;      // under way
    bool offered = false;   // a session to resume
    bool asked = false;     // its one request was sent
    bool answered = false;  // and has its answer (a ticket may be missing yet); watch: ask no more
    bool listed = false;    // among those with room
    bool held = false;      // counted as ready
    bool left = false;      // no more among those that stand
    bool gone = false;      // to be deleted
  };

  Operation operation;
  std::size_t index;
  std::size_t lane = 0;  // resume mode: whose context it uses
  Instant connect_begun{};

 private:
  enum class State : std::uint8_t { live, ending, gone };

  void on_connected(net::Stream& stream) noexcept override;
  void on_bytes(net::Stream& stream, ByteView bytes) noexcept override;
  void on_end(net::Stream& stream) noexcept override;
  void on_send_room(net::Stream& stream) noexcept override;
  void on_closed(net::Stream& stream, net::StreamError error) noexcept override;

  void on_response(http::Stream& stream, http::ResponseHead& head) override;
  void on_body(http::Stream& stream, ByteView piece) override;
  void on_response_end(http::Stream& stream, const http::HeaderList* trailers) override;
  void on_tunnel_bytes(http::Stream& stream, ByteView piece) override;
  void on_tunnel_end(http::Stream& stream) override;
  void on_sent(http::Stream& stream, std::size_t bytes) override;
  void on_closed(http::Stream& stream, http::Reset reset) override;
  void on_capacity() override;

  void establish();
  bool read_plaintext();
  void send_output();
  void fail(Failure why, const std::string& text);
  void lose_exchanges();
  Exchange& free_exchange();

  const Options& options_;
  ConnectionEvents& events_;
  BufferPool& pool_;
  tls::ClientContext& context_;
  net::Stream* stream_ = nullptr;
  std::unique_ptr<tls::Engine> tls_;
  std::unique_ptr<http::ClientSession> http_;
  std::vector<std::unique_ptr<Exchange>> exchanges_;
  std::size_t under_way_ = 0;
  State state_ = State::live;
  bool failed_ = false;
  bool lost_ = false;
  Failure failure_ = Failure::lost;
  std::string failure_text_;
  bool told_ = false;  // on_established was
};

}  // namespace gh::load
