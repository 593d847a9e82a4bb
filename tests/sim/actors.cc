// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/actors.h"

#include <algorithm>

namespace gh::test {
namespace {

std::size_t size_asked(std::string_view target) {
  const auto at = target.find("size=");
  return at == std::string_view::npos ? 0 : std::stoul(std::string(target.substr(at + 5)));
}

// Filler that shows any byte lost, doubled or moved.
std::string filler(std::size_t n) {
  std::string out;
  out.reserve(n + 16);
  for (std::size_t i = 0; out.size() < n; ++i) out += std::to_string(i) + ",";
  out.resize(n);
  return out;
}

}  // namespace

void Wire::attach(net::Stream& to, std::unique_ptr<tls::Engine> engine) {
  stream = &to;
  tls = std::move(engine);
}

bool Wire::take(ByteView bytes, UnixTime now) {
  const bool good = bool(tls->on_ciphertext(bytes, now));
  stream->flush();
  return good;
}

std::string expected_answer(const std::string& user, const Ask& ask) {
  return user + " " + ask.method + " " + ask.target + " " + std::to_string(ask.body.size()) + ":" +
         std::to_string(std::hash<std::string>{}(ask.body)) + "\n" + filler(size_asked(ask.target));
}

// ---- client ----

SimClient::SimClient(
    SimNet& net,
    net::Road& road,
    const net::Endpoint& gate,
    BufferPool& pool,
    tls::ClientContext& context,
    std::string user,
    std::vector<Ask> asks
)
    : net_(net),
      road_(road),
      gate_(gate),
      pool_(pool),
      context_(context),
      user_(std::move(user)),
      asks_(std::move(asks)) {}

bool SimClient::done() const {
  return next_ == asks_.size() &&
         std::all_of(asks_.begin(), asks_.end(), [](const Ask& ask) { return ask.closed; });
}

void SimClient::step() {
  if (wire_.stream == nullptr && !connecting_ && !done()) {
    connecting_ = true;
    ++connections_;
    road_.connect(gate_, *this);
  }
  if (http_ == nullptr || wire_.stream == nullptr) return;
  while (next_ < asks_.size() && http_->free_streams() > 0 && net_.chance(0.5)) {
    Ask& ask = asks_[next_++];
    http::RequestHead head;
    head.method = ask.method;
    head.target = ask.target;
    head.scheme = "https";
    head.authority = "gate.test";
    head.headers.add("x-remote-user", "root");  // never believed
    head.headers.add("accept", "application/json");
    head.has_body = !ask.body.empty();
    if (head.has_body && net_.chance(0.5)) head.content_length = ask.body.size();
    http::Stream& stream = http_->open(head, !head.has_body, &ask);
    if (!head.has_body) continue;
    http_->send_body(stream, as_bytes(ask.body));
    http_->end_body(stream, nullptr);
  }
  for (auto& [id, owed] : owed_) {  // a reader that takes its time
    auto& [stream, bytes] = owed;
    if (bytes == 0 || !net_.chance(0.6)) continue;
    Ask& ask = *static_cast<Ask*>(stream->user);
    if (ask.abandon && ask.status != 0) {
      ask.abandon = false;
      http_->reset(*stream, http::Reset::cancelled);
      continue;
    }
    http_->consumed(*stream, bytes);
    bytes = 0;
  }
  if (!wire_.pump(*http_, net_.core.now())) {
    wire_.stream->abort();
    return lose();
  }
  if (http_->finished() || done()) wire_.stream->close();
}

void SimClient::lose() {
  if (http_ == nullptr) return;
  http_->on_lost();
  old_sessions_.push_back(std::move(http_));
  owed_.clear();
}

void SimClient::on_connected(net::Stream& stream) noexcept {
  connecting_ = false;
  wire_.attach(stream, tls::Engine::make_client(context_, stream.out()));
  (void)wire_.take({}, net_.core.wall());
}

void SimClient::on_bytes(net::Stream& stream, ByteView bytes) noexcept {
  if (!wire_.take(bytes, net_.core.wall())) return stream.abort();
  if (http_ != nullptr || !wire_.tls->established()) return;
  http_ = wire_.tls->alpn() == tls::Alpn::h2 ? http::make_h2_client(*this, pool_)
                                             : http::make_h1_client(*this, pool_);
}

void SimClient::on_end(net::Stream& stream) noexcept { stream.close(); }

void SimClient::on_closed(net::Stream&, net::StreamError) noexcept {
  connecting_ = false;
  if (http_ != nullptr) (void)wire_.pump(*http_, net_.core.now());
  lose();
  wire_.stream = nullptr;
}

void SimClient::on_response(http::Stream& stream, http::ResponseHead& head) {
  if (!head.interim()) static_cast<Ask*>(stream.user)->status = head.status;
}

void SimClient::on_body(http::Stream& stream, ByteView piece) {
  static_cast<Ask*>(stream.user)->answer += as_text(piece);
  Owed& owed = owed_[stream.id];
  owed.stream = &stream;
  owed.bytes += piece.size();
}

void SimClient::on_response_end(http::Stream& stream, const http::HeaderList*) {
  static_cast<Ask*>(stream.user)->ended = true;
}

void SimClient::on_closed(http::Stream& stream, http::Reset reset) {
  Ask& ask = *static_cast<Ask*>(stream.user);
  ask.closed = true;
  ask.reset = reset;
  owed_.erase(stream.id);
}

// ---- API server ----

class SimUpstream::Peer final : public net::StreamHandler, public http::ServerEvents {
 public:
  Peer(SimUpstream& owner, net::Stream& stream) : owner_(owner) {
    wire_.attach(stream, tls::Engine::make_server(owner.context_, stream.out()));
  }

  void step();
  bool gone = false;

 private:
  struct Request {
    http::Stream* stream = nullptr;
    std::string line;
    std::string user;
    std::string body;
    std::string answer;
    std::size_t sent = 0;
    bool dies = false;
    bool whole = false;
    bool answering = false;
    std::size_t size = 0;
  };

  void on_connected(net::Stream&) noexcept override {}

  void on_bytes(net::Stream& stream, ByteView bytes) noexcept override {
    if (!wire_.take(bytes, owner_.net_.core.wall())) return stream.abort();
    if (http_ != nullptr || !wire_.tls->established()) return;
    const http::ServerSettings settings{std::chrono::seconds(60), std::chrono::seconds(600), 7};
    const Instant now = owner_.net_.core.now();
    http_ = wire_.tls->alpn() == tls::Alpn::h2
                ? http::make_h2_server(*this, owner_.pool_, settings, now)
                : http::make_h1_server(*this, owner_.pool_, settings, now);
  }

  void on_end(net::Stream& stream) noexcept override { stream.close(); }

  void on_send_room(net::Stream&) noexcept override {}

  void on_closed(net::Stream&, net::StreamError) noexcept override {
    if (http_ != nullptr) http_->on_lost();
    wire_.stream = nullptr;
    gone = true;
  }

  void on_request(http::Stream& stream, http::RequestHead& head) override;

  void on_body(http::Stream& stream, ByteView piece) override {
    requests_[stream.id].body += as_text(piece);
    http_->consumed(stream, piece.size());
  }

  void on_request_end(http::Stream& stream, const http::HeaderList*) override {
    requests_[stream.id].whole = true;
  }

  void on_tunnel_bytes(http::Stream&, ByteView) override {}

  void on_tunnel_end(http::Stream&) override {}

  void on_sent(http::Stream&, std::size_t) override {}

  void on_closed(http::Stream& stream, http::Reset) override { requests_.erase(stream.id); }

  bool answer(http::Stream& stream, Request& request);

  SimUpstream& owner_;
  Wire wire_;
  std::unique_ptr<http::ServerSession> http_;
  std::map<std::uint32_t, Request> requests_;
};

void SimUpstream::Peer::on_request(http::Stream& stream, http::RequestHead& head) {
  ++owner_.requests;
  Request& request = requests_[stream.id];
  request.stream = &stream;
  request.line = head.method + " " + head.target;
  if (head.headers.count("x-remote-user") != 1)
    owner_.complaints.push_back(request.line + ": not exactly one user");
  request.user = std::string(head.headers.find("x-remote-user").value_or(""));
  if (request.user == "root")
    owner_.complaints.push_back(request.line + ": a client's own x-remote-user was believed");
  if (head.target.find("/secrets") != std::string::npos)
    owner_.complaints.push_back(request.line + ": was never allowed");
  request.dies = head.target.find("die=") != std::string::npos;
  request.size = size_asked(head.target);
}

// False: the connection was ended.
bool SimUpstream::Peer::answer(http::Stream& stream, Request& request) {
  SimNet& net = owner_.net_;
  if (!request.answering) {
    if (!request.whole || !net.chance(0.5)) return true;
    request.answering = true;
    request.answer = request.user + " " + request.line + " " + std::to_string(request.body.size()) +
                     ":" + std::to_string(std::hash<std::string>{}(request.body)) + "\n" +
                     filler(request.size);
    http::ResponseHead head;
    head.status = 200;
    head.headers.add("content-type", "text/plain");
    if (net.chance(0.5)) head.content_length = request.answer.size();
    http_->respond(stream, head, false);
  }
  const std::size_t left = request.answer.size() - request.sent;
  if (request.dies && (request.sent > request.answer.size() / 2 || left == 1)) {
    if (net.chance(0.5)) {
      http_->reset(stream, http::Reset::internal_error);
      requests_.erase(stream.id);
      return true;
    }
    wire_.stream->abort();
    return false;
  }
  // a dying answer is never whole
  const std::size_t n = std::min(left - (request.dies ? 1 : 0), 1 + net.below(30'000));
  http_->send_body(stream, as_bytes(std::string_view(request.answer).substr(request.sent, n)));
  request.sent += n;
  if (request.sent == request.answer.size() && !request.dies) {
    request.whole = false;
    http_->end_body(stream, nullptr);
  }
  return true;
}

void SimUpstream::Peer::step() {
  if (http_ == nullptr || wire_.stream == nullptr) return;
  std::vector<std::uint32_t> ready;
  for (const auto& [id, request] : requests_) {
    if (request.whole) ready.push_back(id);
  }
  for (const std::uint32_t id : ready) {
    const auto at = requests_.find(id);
    if (at != requests_.end() && !answer(*at->second.stream, at->second)) return;
  }
  if (!wire_.pump(*http_, owner_.net_.core.now())) return wire_.stream->abort();
  if (http_->finished()) wire_.stream->close();
}

SimUpstream::SimUpstream(SimNet& net, BufferPool& pool, tls::ServerContext& context)
    : net_(net), pool_(pool), context_(context) {}

SimUpstream::~SimUpstream() = default;

net::StreamHandler* SimUpstream::on_accept(net::Stream& stream) noexcept {
  ++connections;
  return peers_.emplace_back(std::make_unique<Peer>(*this, stream)).get();
}

void SimUpstream::step() {
  for (auto& peer : peers_) peer->step();
  peers_.remove_if([](const auto& peer) { return peer->gone; });
}

}  // namespace gh::test
