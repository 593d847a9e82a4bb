// SPDX-License-Identifier: Apache-2.0
#include "tests/support/sim_net.h"

#include <algorithm>

namespace gh::test {

// One end of a connection. What its host sends lies in the other end's `pipe` until that host takes
// delivery.
class SimRoad::End final : public net::Stream {
 public:
  End(SimRoad& road, const net::Endpoint& peer) : Stream(road.pool_, peer), road_(road) {}

  void flush() noexcept override {}

  void pause_read() noexcept override { paused = true; }

  void resume_read() noexcept override { paused = false; }

  void finish() noexcept override { fin = true; }

  void close() noexcept override { closing = fin = true; }

  void abort() noexcept override {
    error = net::StreamError::aborted;
    if (other != nullptr) other->fail(net::StreamError::reset);
  }

  void fail(net::StreamError why) noexcept {
    if (error == net::StreamError::none) error = why;
  }

  // Moves what was queued into the pipe, as far as it has room.
  void send() {
    if (other == nullptr || error != net::StreamError::none) return;
    SimNet& net = road_.net_;
    was_high = was_high || above_high();
    while (!out_.empty() && other->pipe.size() < net.weather.pipe_max) {
      const ByteView front = out_.front();
      const std::size_t n = std::min(front.size(), net.weather.pipe_max - other->pipe.size());
      other->pipe.append(reinterpret_cast<const char*>(front.data()), n);
      out_.pop(n);
    }
    if (fin && out_.empty()) other->fin_under_way = true;
  }

  SimRoad& road_;
  net::StreamHandler* handler = nullptr;
  End* other = nullptr;
  std::string pipe;  // under way to this end
  bool connecting = false;
  bool paused = false;
  bool fin = false;            // we send no more
  bool fin_under_way = false;  // the peer sends no more
  bool end_told = false;
  bool closing = false;
  bool was_high = false;
  net::StreamError error = net::StreamError::none;
};

void SimNet::turn() {
  core.set_now(
      core.now() + Duration(static_cast<std::int64_t>(
                       below(static_cast<std::size_t>(weather.turn_max.count()) + 1)
                   )),
      {core.wall().seconds}
  );
  std::vector<Host*> order;
  for (Host& host : hosts_) order.push_back(&host);
  std::shuffle(order.begin(), order.end(), random);
  for (Host* host : order) {
    if (chance(weather.cut)) host->hosted->cut_some();
    host->hosted->deliver();
    host->step();
    host->hosted->submit();
  }
}

bool SimNet::run(const std::function<bool()>& done, std::size_t most) {
  for (std::size_t i = 0; i < most; ++i) {
    if (done()) return true;
    turn();
  }
  return done();
}

SimRoad::SimRoad(SimNet& net, BufferPool& pool) : net_(net), pool_(pool) {}

SimRoad::~SimRoad() = default;

net::Endpoint SimRoad::at(std::uint16_t port) const {
  return *net::Endpoint::parse("127.0.0.1:" + std::to_string(port));
}

void SimRoad::listen_at(std::uint16_t port, net::AcceptHandler& handler) {
  acceptor_ = &handler;
  net_.listeners_[port] = this;
}

net::Stream* SimRoad::
    connect(const net::Endpoint& to, net::StreamHandler& handler, const net::Endpoint*) noexcept {
  auto& mine = *streams_.emplace_back(std::make_unique<End>(*this, to));
  mine.handler = &handler;
  mine.connecting = true;
  const auto at = net_.listeners_.find(to.port());
  if (at == net_.listeners_.end()) {
    mine.error = net::StreamError::refused;
    return &mine;
  }
  SimRoad& there = *at->second;
  auto& theirs = *there.streams_.emplace_back(
      std::make_unique<End>(there, *net::Endpoint::parse("127.0.0.1:40000"))
  );
  mine.other = &theirs;
  theirs.other = &mine;
  theirs.connecting = true;
  return &mine;
}

void SimRoad::submit() noexcept {
  for (auto& stream : streams_) stream->send();
}

void SimRoad::cut_some() {
  if (streams_.empty()) return;
  auto at = streams_.begin();
  std::advance(at, static_cast<std::ptrdiff_t>(net_.below(streams_.size())));
  (*at)->fail(net::StreamError::reset);
  if ((*at)->other != nullptr) (*at)->other->fail(net::StreamError::reset);
}

void SimRoad::deliver() {
  for (auto at = streams_.begin(); at != streams_.end();) {
    End& end = **at;
    const auto bury = [&](net::StreamError why) {
      if (end.other != nullptr) {
        if (why != net::StreamError::none) end.other->fail(net::StreamError::reset);
        end.other->fin_under_way = true;
        end.other->other = nullptr;
      }
      if (end.handler != nullptr) end.handler->on_closed(end, why);
      at = streams_.erase(at);
    };
    if (end.error != net::StreamError::none) {
      bury(end.error);
      continue;
    }
    if (!net_.chance(net_.weather.deliver)) {
      ++at;
      continue;
    }
    if (end.connecting) {
      end.connecting = false;
      if (end.handler == nullptr) {
        end.handler = acceptor_ == nullptr ? nullptr : acceptor_->on_accept(end);
        if (end.handler == nullptr) {
          bury(net::StreamError::reset);
          continue;
        }
      } else {
        end.handler->on_connected(end);
      }
    }
    if (!end.pipe.empty() && (!end.paused || end.closing)) {
      const std::size_t n = std::min(end.pipe.size(), 1 + net_.below(net_.weather.piece_max));
      const std::string piece = end.pipe.substr(0, n);
      end.pipe.erase(0, n);
      if (!end.closing) end.handler->on_bytes(end, as_bytes(piece));
    }
    if (end.pipe.empty() && end.fin_under_way && !end.end_told && !end.closing) {
      end.end_told = true;
      end.handler->on_end(end);
    }
    end.send();
    if (end.was_high && end.out().size() <= limits::stream_out_low_bytes) {
      end.was_high = false;
      end.handler->on_send_room(end);
    }
    const bool sent = end.fin && (end.out().empty() || end.other == nullptr);
    if (sent && (end.closing || end.end_told)) {
      bury(net::StreamError::none);
      continue;
    }
    ++at;
  }
}

}  // namespace gh::test
