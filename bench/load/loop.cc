// SPDX-License-Identifier: Apache-2.0
#include "bench/load/loop.h"

#include "base/limits.h"
#include "bench/load/event_time.h"

#include <algorithm>

namespace gh::load {
namespace {

constexpr Duration expire_every = std::chrono::milliseconds(50);
constexpr Duration retry_after = std::chrono::milliseconds(20);
constexpr Duration ticket_wait = std::chrono::seconds(1);
constexpr Duration turn_max = std::chrono::milliseconds(20);
constexpr std::size_t begun_per_turn = 64;    // then what has arrived is looked at
constexpr std::size_t opening_at_once = 128;  // idle, watch and kept connections

}  // namespace

Loop::Loop(const Options& options, const Plan& plan, std::size_t thread)
    : options_(options),
      plan_(plan),
      thread_(thread),
      wanted_(
          options.connections / options.threads + (thread < options.connections % options.threads)
      ),
      requests_(
          options.requests / options.threads + (thread < options.requests % options.threads)
      ) {
  if (options.rate > 0) schedule_.emplace(options.rate, thread, options.threads);
}

Loop::~Loop() = default;

Outcome<void> Loop::prepare() {
  const std::size_t identities = std::max<std::size_t>(1, options_.identities.size());
  const std::size_t count = options_.mode == Mode::resume ? wanted_ : identities;
  for (std::size_t i = 0; i < count; ++i) {
    tls::ClientSettings settings = options_.tls;
    // Lanes go on from thread to thread, so that all identities are used.
    const std::size_t at = options_.mode == Mode::resume ? i * options_.threads + thread_ : i;
    if (!options_.identities.empty()) settings.certificate = options_.identities[at % identities];
    GH_TRY(auto context, tls::ClientContext::make(settings, wall_now()));
    contexts_.push_back(std::move(context));
    if (options_.mode == Mode::resume) free_lanes_.push_back(i);
  }
  return {};
}

void Loop::run() {
  auto road = net::make_road(options_.road, pool_);
  if (!road) {
    trouble_ = road.error().to_string();
    return;
  }
  road_ = std::move(*road);
  for (Instant now = monotonic_now(); !finished(now); now = monotonic_now()) {
    begin_due(now);
    if (now >= expire_at_) expire(now);
    road_->submit();
    road_->wait(monotonic_now(), next_turn(monotonic_now()));
    if (gone_ > 0) sweep();
  }
  count_unfinished(monotonic_now());
  over_ = true;
  for (auto& connection : connections_) connection->drop();
  // What is still on its way out then ends with the road, which tells nobody any more.
  for (int i = 0; i < 3; ++i) {
    road_->submit();
    road_->wait(monotonic_now(), monotonic_now());
  }
  connections_.clear();
  road_.reset();
}

bool Loop::finished(Instant now) const {
  if (plan_.past(plan_.end, now)) return true;
  if (options_.mode == Mode::storm)
    return opened_ >= wanted_ && operations_ == 0 && plan_.past(plan_.go, now);
  return requests_ < 1 ? options_.requests > 0 : begun_ >= requests_ && operations_ == 0;
}

Instant Loop::next_turn(Instant now) const {
  Instant at = now + turn_max;
  if (schedule_ && can_begin()) at = std::min(at, schedule_->next());
  for (const auto* point : {&plan_.go, &plan_.end})
    if (const Instant then{point->load(std::memory_order_relaxed)}; then > now)
      at = std::min(at, then);
  if (retry_at_ > now) at = std::min(at, retry_at_);
  return at;
}

// ---- when what begins ----

void Loop::begin_due(Instant now) {
  if (schedule_ && !schedule_started_ && plan_.past(plan_.go, now)) {
    schedule_->start(Instant{plan_.go.load(std::memory_order_relaxed)});
    schedule_started_ = true;
  }
  switch (options_.mode) {
    case Mode::full:
    case Mode::resume:
      return begin_connections(now);
    case Mode::storm:
      if (!plan_.past(plan_.go, now)) return;
      while (opened_ < wanted_) open(opened_, Instant{plan_.go.load()}, now);
      return;
    case Mode::requests:
    case Mode::h2:
      keep_connections(now);
      return begin_requests(now);
    case Mode::idle:
    case Mode::watch:
      return keep_connections(now);
  }
}

bool Loop::may_begin() const noexcept { return options_.requests == 0 || begun_ < requests_; }

bool Loop::can_begin() const noexcept {
  if (!may_begin()) return false;
  if (options_.mode == Mode::idle) return standing_ < wanted_;
  return options_.by_connection() ? operations_ < wanted_ : !with_room_.empty();
}

void Loop::begin_connections(Instant now) {
  if (!plan_.past(plan_.go, now) || now < retry_at_) return;
  for (std::size_t i = 0; i < begun_per_turn && operations_ < wanted_ && may_begin(); ++i) {
    if (!schedule_) {
      open(opened_, now, now);
    } else if (schedule_->due(now)) {
      open(opened_, schedule_->take_next(), now);
    } else {
      break;
    }
  }
  if (!schedule_) return;
  for (auto over = schedule_->behind(now); over > limits::load_backlog_max; --over)
    count_failed(schedule_->take_next(), now, Failure::dropped, "");
}

// Opens what is missing of the connections that are to stand, some at a time.
void Loop::keep_connections(Instant now) {
  if (now < retry_at_) return;
  while (standing_ < wanted_ && standing_ - held_ < opening_at_once) {
    if (options_.mode == Mode::idle && schedule_) {
      // go has not come: the rate is of the opening itself.
      if (!schedule_started_) schedule_->start(now), schedule_started_ = true;
      if (!schedule_->due(now)) return;
      open(opened_, schedule_->take_next(), now);
    } else {
      open(opened_, now, now);
    }
  }
}

void Loop::begin_requests(Instant now) {
  if (!plan_.past(plan_.go, now)) return;
  while (!with_room_.empty() && may_begin()) {
    if (schedule_ && !schedule_->due(now)) return;
    Connection& connection = *with_room_.front();
    with_room_.pop_front();
    connection.operation.listed = false;
    fill(connection, now);
    connection.pump();
  }
  if (!schedule_) return;
  for (auto over = schedule_->behind(now); over > limits::load_backlog_max; --over)
    count_failed(schedule_->take_next(), now, Failure::dropped, "");
}

// Closed loop: as many as there is room for. Open loop: one, then the next connection's turn.
void Loop::fill(Connection& connection, Instant now) {
  while (connection.room() > 0 && may_begin()) {
    if (schedule_ && !schedule_->due(now)) break;
    const Instant intended = schedule_ ? schedule_->take_next() : now;
    ++operations_;
    if (measured(now, now)) ++begun_;
    live_.under_way.add();
    connection.ask(intended, now);
    if (schedule_) break;
  }
  list_if_free(connection);
}

void Loop::list_if_free(Connection& connection) {
  if (connection.operation.listed || connection.room() == 0) return;
  connection.operation.listed = true;
  with_room_.push_back(&connection);
}

tls::ClientContext& Loop::context_for(std::size_t index) {
  return *contexts_[(index * options_.threads + thread_) % contexts_.size()];
}

void Loop::open(std::size_t index, std::optional<Instant> intended, Instant now) {
  std::size_t lane = 0;
  if (options_.mode == Mode::resume) {
    lane = free_lanes_.back();
    free_lanes_.pop_back();
  }
  tls::ClientContext& context =
      options_.mode == Mode::resume ? *contexts_[lane] : context_for(index);
  auto& connection = *connections_.emplace_back(std::make_unique<Connection>(
      options_,
      static_cast<ConnectionEvents&>(*this),
      pool_,
      context,
      index * options_.threads + thread_
  ));
  connection.lane = lane;
  ++opened_;
  ++standing_;
  live_.sockets.add();
  if (options_.by_connection() || options_.mode == Mode::idle)
    begin_operation(connection, intended.value_or(now), now);
  connection.connect(*road_, now);
}

void Loop::begin_operation(Connection& connection, Instant intended, Instant now) {
  connection.operation.intended = intended;
  connection.operation.begun = now;
  connection.operation.open = true;
  ++operations_;
  // The first connection of a lane fetches the ticket: no operation of the run.
  const bool priming = options_.mode == Mode::resume && !connection.context().has_session();
  if (measured(now, now) && !priming) ++begun_;
  live_.under_way.add();
}

// ---- what came of it ----

bool Loop::measured(Instant begun, Instant now) const noexcept {
  if (options_.mode == Mode::storm || options_.mode == Mode::idle) return true;
  return plan_.past(plan_.measure, options_.requests > 0 ? begun : now) &&
         !plan_.past(plan_.end, now);
}

void Loop::count_done(Instant intended, Instant begun, Instant now) {
  live_.done.add();
  if (!measured(begun, now)) return;
  ++tally_.done;
  tally_.latency.record(now - intended);
}

void Loop::count_failed(Instant begun, Instant now, Failure why, const std::string& text) {
  if (over_) return;
  live_.failed.add();
  if (why == Failure::connect) live_.unreached.add();
  // What goes wrong before the load begins is told too.
  if (measured(begun, now) || !plan_.past(plan_.go, now)) tally_.fail(why, text);
}

void Loop::end_operation(Connection& connection, Instant now) {
  auto& operation = connection.operation;
  if (!operation.open) return;
  operation.open = false;
  --operations_;
  live_.under_way.sub();
  const bool primed = options_.mode == Mode::resume && !operation.offered;
  if (!primed) count_done(operation.intended, operation.begun, now);
  if (options_.mode == Mode::idle) {
    live_.ready.add();
    return hold(connection);
  }
  connection.end();
  on_ended(connection);
}

void Loop::fail_operation(Connection& connection, Failure why, const std::string& text) {
  auto& operation = connection.operation;
  if (!operation.open) return;
  operation.open = false;
  --operations_;
  live_.under_way.sub();
  const bool priming = options_.mode == Mode::resume && !operation.offered;
  if (priming && measured(operation.begun, monotonic_now())) ++begun_;
  count_failed(operation.begun, monotonic_now(), why, text);
  if (options_.mode != Mode::storm) retry_at_ = monotonic_now() + retry_after;
}

// A connection whose request is answered (or that asks none) is done, unless its ticket is missing.
void Loop::settle(Connection& connection, Instant now) {
  if (!connection.operation.open) return;
  connection.operation.answered = true;
  const bool waits = options_.mode == Mode::resume && !connection.context().has_session();
  if (!waits) return end_operation(connection, now);
}

void Loop::on_established(Connection& connection, Instant now) {
  auto& operation = connection.operation;
  const tls::Engine& tls = connection.tls();
  if (measured(connection.connect_begun, now)) {
    tally_.handshake.record(now - connection.connect_begun);
    ++(tls.resumed() ? tally_.resumed : tally_.full);
  }
  if (tally_.protocols.size() < limits::load_error_texts_max) {
    std::string protocol(tls::name_of(tls.version()));
    protocol += " " + std::string(tls.cipher());
    if (tls.alpn() != tls::Alpn::none)
      protocol += tls.alpn() == tls::Alpn::h2 ? " h2" : " http/1.1";
    ++tally_.protocols[protocol];
  }
  if (options_.mode == Mode::resume && operation.offered && !tls.resumed()) {
    fail_operation(connection, Failure::not_resumed, "the server did a full handshake");
    connection.end();
    return on_ended(connection);
  }
  if (options_.mode == Mode::requests || options_.mode == Mode::h2) {
    live_.ready.add();
    hold(connection);
  }
  if (options_.ask) return;
  // Before TLS 1.3 the server's Finished has come last: it has taken our certificate. Idle
  // connections learn of a refusal by their end.
  if (tls.version() == tls::ProtocolVersion::tls_1_2 || options_.mode == Mode::idle)
    return settle(connection, now);
  if (options_.mode != Mode::resume) connection.say_close_notify();
}

void Loop::on_confirmed(Connection& connection, Instant now) { settle(connection, now); }

void Loop::on_answer_head(Connection& connection, Exchange& exchange) {
  if (options_.mode != Mode::watch) return;
  if (wrong(exchange)) return;
  hold(connection);
  live_.ready.add();
}

void Loop::hold(Connection& connection) {
  if (connection.operation.held) return;
  connection.operation.held = true;
  ++held_;
}

void Loop::on_room(Connection& connection, Instant now) {
  auto& operation = connection.operation;
  switch (options_.mode) {
    case Mode::full:
    case Mode::resume:
    case Mode::idle:
    case Mode::storm:
      if (!operation.open || operation.asked) return;
      operation.asked = true;
      return connection.ask(operation.begun, now);
    case Mode::watch:
      while (!operation.answered && connection.room() > 0) connection.ask(now, now);
      return;
    case Mode::requests:
    case Mode::h2:
      if (!schedule_ && plan_.past(plan_.go, now) && !plan_.past(plan_.end, now))
        return fill(connection, now);
      return list_if_free(connection);
  }
}

void Loop::on_answer_bytes(Connection&, Exchange& exchange, ByteView bytes) {
  if (measured(exchange.begun, monotonic_now())) tally_.bytes += bytes.size();
  std::string_view rest = as_text(bytes);
  if (options_.mode != Mode::watch) {
    if (options_.expect_body && exchange.text.size() < limits::load_event_bytes_max)
      exchange.text += rest.substr(0, limits::load_event_bytes_max - exchange.text.size());
    return;
  }
  for (auto end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
    exchange.text += rest.substr(0, end);
    take_event(exchange);
    exchange.text.clear();
    rest.remove_prefix(end + 1);
  }
  if (exchange.text.size() < limits::load_event_bytes_max)
    exchange.text += rest.substr(0, limits::load_event_bytes_max - exchange.text.size());
}

void Loop::take_event(Exchange& exchange) {
  const Instant now = monotonic_now();
  ++exchange.watch_events;
  live_.done.add();
  if (!measured(now, now)) return;
  ++tally_.done;
  if (const auto age = age_of_event(exchange.text, options_.event_time))
    tally_.latency.record(*age);
}

std::optional<std::pair<Failure, std::string>> Loop::wrong(const Exchange& exchange) const {
  const auto& expected = options_.expect_status;
  if (std::find(expected.begin(), expected.end(), exchange.status) == expected.end())
    return std::pair(Failure::status, "answered " + std::to_string(exchange.status));
  if (options_.expect_body && options_.mode != Mode::watch &&
      exchange.text.find(*options_.expect_body) == std::string::npos)
    return std::pair(Failure::body, "without the text expected");
  return {};
}

void Loop::on_exchange_end(Connection& connection, Exchange& exchange, http::Reset reset) {
  if (over_) return;
  const Instant now = monotonic_now();
  auto fault = reset == http::Reset::none ? wrong(exchange) : std::nullopt;
  if (reset != http::Reset::none) {
    fault = connection.failed()
                ? std::pair(connection.failure(), connection.failure_text())
                : std::pair(Failure::http, "reset: " + std::string(http::name_of(reset)));
  }
  if (options_.mode == Mode::watch) {
    // A watch that ends well is opened again, as clients do (on_room).
    if (!wrong(exchange)) live_.ready.sub();
    if (!fault) return;
    count_failed(now, now, fault->first, fault->second);
    retry_at_ = now + retry_after;
    connection.operation.answered = true;
    if (connection.ended() || connection.under_way() > 0) return;
    connection.end();
    return on_ended(connection);
  }
  if (options_.by_connection() || options_.mode == Mode::idle) {
    if (!fault) return settle(connection, now);
    fail_operation(connection, fault->first, fault->second);
    connection.end();
    return on_ended(connection);
  }
  --operations_;
  live_.under_way.sub();
  if (fault) {
    count_failed(exchange.begun, now, fault->first, fault->second);
  } else {
    count_done(exchange.intended, exchange.begun, now);
  }
  if (!connection.ended()) list_if_free(connection);
}

void Loop::on_failed(Connection& connection, Failure why, const std::string& text) {
  const bool held = connection.operation.held;
  if (connection.operation.open) {
    fail_operation(connection, why, text);
  } else if (connection.under_way() == 0 && (!held || options_.mode == Mode::idle)) {
    count_failed(connection.connect_begun, monotonic_now(), why, text);
    retry_at_ = monotonic_now() + retry_after;
  }
  on_ended(connection);
}

// It is not one of those that stand any more. May come twice.
void Loop::on_ended(Connection& connection) {
  auto& operation = connection.operation;
  if (operation.left || over_) return;
  operation.left = true;
  --standing_;
  if (options_.mode == Mode::resume) free_lanes_.push_back(connection.lane);
  if (operation.open) fail_operation(connection, Failure::lost, "the server ended the connection");
  if (!operation.held) return;
  --held_;
  if (options_.mode == Mode::watch) return;
  live_.ready.sub();
  if (options_.mode == Mode::idle && !connection.failed())
    count_failed(
        operation.begun, monotonic_now(), Failure::lost, "the server ended an idle connection"
    );
}

void Loop::on_gone(Connection& connection) {
  on_ended(connection);
  live_.sockets.sub();
  ++gone_;
  connection.operation.gone = true;
}

// ---- what is late, and what is over ----

void Loop::expire(Instant now) {
  expire_at_ = now + expire_every;
  const Instant then{now.ns - options_.timeout.count()};
  const Instant ticket_then{now.ns - std::min(ticket_wait, options_.timeout).count()};
  for (std::size_t i = 0; i < connections_.size(); ++i) {
    Connection& connection = *connections_[i];
    auto& operation = connection.operation;
    const bool no_ticket = operation.open && operation.answered && options_.mode == Mode::resume &&
                           operation.begun < ticket_then;
    if (no_ticket) {
      fail_operation(connection, Failure::no_ticket, "the server gave no session ticket");
      connection.end();
      on_ended(connection);
    } else if (connection.late(then)) {
      connection.time_out();
    }
  }
}

void Loop::sweep() {
  std::erase_if(with_room_, [](const Connection* each) { return each->operation.gone; });
  std::erase_if(connections_, [](const auto& each) { return each->operation.gone; });
  gone_ = 0;
}

// Open loop: what was due and is not done has waited at least so long. Left out, a server that
// stands still would look well.
void Loop::count_unfinished(Instant now) {
  if (!schedule_ || options_.requests > 0 || options_.mode == Mode::idle) return;
  const auto waits = [&](Instant since) {
    ++tally_.unfinished;
    tally_.latency.record(now - since);
  };
  for (const auto& connection : connections_) {
    if (connection->operation.open) waits(connection->operation.intended);
    if (!options_.by_connection())
      connection->each_exchange([&](const Exchange& exchange) { waits(exchange.intended); });
  }
  while (schedule_->due(now)) waits(schedule_->take_next());
}

}  // namespace gh::load
