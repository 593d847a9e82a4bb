// SPDX-License-Identifier: Apache-2.0
#include "control/admin_server.h"

#include "base/buffer_pool.h"
#include "base/limits.h"
#include "base/units.h"
#include "dataplane/http/session.h"
#include "dataplane/net/byte_stream.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <list>
#include <vector>

namespace gh::control {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}

  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }

  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

  Descriptor& operator=(Descriptor&&) = delete;

  int get() const noexcept { return fd_; }

 private:
  int fd_;
};

// One client: its socket, its HTTP session, what is still to be sent.
class Connection final : http::ServerEvents {
 public:
  Connection(Descriptor socket, BufferPool& buffers, const AdminHandler& handler, Instant now)
      : socket_(std::move(socket)), handler_(handler), progress_(now) {
    const http::ServerSettings settings{limits::admin_timeout, limits::admin_timeout, 1};
    session_ = http::make_h1_server(*this, buffers, settings, now);
  }

  int fd() const noexcept { return socket_.get(); }

  short events() const noexcept {
    const bool sending = sent_ < out_.size();
    return static_cast<short>(
        (sending ? POLLOUT : 0) | (broken_ || sending || session_->reading_paused() ? 0 : POLLIN)
    );
  }

  Instant deadline() const noexcept {
    return sent_ < out_.size() ? progress_ + limits::admin_timeout : session_->next_deadline();
  }

  // False: close it.
  bool turn(short ready, Instant now) {
    if ((ready & (POLLERR | POLLNVAL)) != 0) return false;
    if ((ready & (POLLIN | POLLHUP)) != 0 && (events() & POLLIN) != 0 && !receive(now))
      return false;
    if (now >= deadline() && !on_deadline(now)) return false;
    return send(now);
  }

 private:
  bool receive(Instant now) {
    std::array<std::uint8_t, 16384> buffer;
    const ssize_t n = ::recv(fd(), buffer.data(), buffer.size(), 0);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    const auto taken =
        n == 0 ? session_->on_eof()
               : session_->on_plaintext({buffer.data(), static_cast<std::size_t>(n)}, now);
    eof_ = eof_ || n == 0;
    broken_ = broken_ || !taken || eof_;
    return true;
  }

  bool on_deadline(Instant now) {
    if (sent_ < out_.size()) return false;  // the client takes nothing
    if (!session_->on_deadline(now)) broken_ = true;
    return true;
  }

  bool send(Instant now) {
    while (true) {
      if (sent_ == out_.size()) {
        out_.resize(16384);
        out_.resize(session_->produce({reinterpret_cast<std::uint8_t*>(out_.data()), out_.size()}));
        sent_ = 0;
        if (out_.empty()) return !broken_ && !session_->finished();
        progress_ = now;
      }
      const ssize_t n = ::send(fd(), out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL);
      if (n < 0) return errno == EAGAIN || errno == EINTR;
      if (n > 0) progress_ = now;
      sent_ += static_cast<std::size_t>(n);
    }
  }

  // ---- http::ServerEvents ----
  void on_request(http::Stream&, http::RequestHead& head) override {
    method_ = head.method;
    target_ = head.target;
  }

  void on_body(http::Stream& stream, ByteView piece) override {
    session_->consumed(stream, piece.size());
  }

  void on_request_end(http::Stream& stream, const http::HeaderList*) override {
    answer(stream, make_response());
  }

  void on_tunnel_bytes(http::Stream&, ByteView) override {}

  void on_tunnel_end(http::Stream&) override {}

  void on_sent(http::Stream&, std::size_t) override {}

  void on_closed(http::Stream&, http::Reset) override {}

  AdminResponse make_response() const {
    if (method_ != "GET" && method_ != "HEAD")
      return {405, "text/plain; charset=utf-8", "only GET and HEAD\n"};
    const std::string_view target = target_;
    const auto question = target.find('?');
    const auto query = question == target.npos ? std::string_view{} : target.substr(question + 1);
    return handler_({target.substr(0, question), query});
  }

  void answer(http::Stream& stream, const AdminResponse& response) {
    http::ResponseHead head;
    head.status = response.status;
    head.content_length = response.body.size();
    head.headers.add("content-type", response.content_type);
    head.headers.add("cache-control", "no-store");
    head.headers.add("x-content-type-options", "nosniff");
    if (response.status == 405) head.headers.add("allow", "GET, HEAD");
    const bool no_body = method_ == "HEAD" || response.body.empty();
    session_->respond(stream, head, no_body);
    if (no_body) return;
    session_->send_body(stream, as_bytes(response.body));
    session_->end_body(stream, nullptr);
  }

  Descriptor socket_;
  const AdminHandler& handler_;
  std::unique_ptr<http::ServerSession> session_;
  std::string method_;
  std::string target_;
  std::string out_;
  std::size_t sent_ = 0;
  Instant progress_;
  bool broken_ = false;
  bool eof_ = false;
};

Outcome<Descriptor> listen_on(const net::Endpoint& at) {
  Descriptor socket(::socket(at.address()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
  );
  const int one = 1;
  setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  const bool ok = socket.get() >= 0 && ::bind(socket.get(), at.address(), at.length()) == 0 &&
                  ::listen(socket.get(), 64) == 0;
  if (!ok)
    return fault("admin-listen: " + at.to_string() + ": " + std::strerror(errno), "admin-listen");
  return socket;
}

net::Endpoint local_address(int socket) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&storage), &length);
  return net::Endpoint::from_sockaddr(reinterpret_cast<const sockaddr*>(&storage), length);
}

}  // namespace

class AdminServer::Loop {
 public:
  Loop(Descriptor listener, AdminHandler handler)
      : listener_(std::move(listener)),
        wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        handler_(std::move(handler)) {}

  void run() {
    while (!stop_.load(std::memory_order_acquire)) {
      poll();
      const Instant now = monotonic_now();
      for (auto at = connections_.begin(); at != connections_.end();) {
        const short ready = at->ready;
        at->ready = 0;
        at = at->connection.turn(ready, now) ? std::next(at) : connections_.erase(at);
      }
      if (accepting_) accept_all(now);
    }
  }

  void stop() {
    stop_.store(true, std::memory_order_release);
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(wake_.get(), &one, sizeof one);
  }

 private:
  struct Entry {
    Entry(Descriptor socket, BufferPool& buffers, const AdminHandler& handler, Instant now)
        : connection(std::move(socket), buffers, handler, now) {}

    Connection connection;
    short ready = 0;
  };

  void poll() {
    std::vector<pollfd> waits = {{wake_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
    Instant deadline = Instant::never();
    for (const Entry& entry : connections_) {
      waits.push_back({entry.connection.fd(), entry.connection.events(), 0});
      deadline = std::min(deadline, entry.connection.deadline());
    }
    int timeout_ms = -1;
    if (deadline != Instant::never()) {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(deadline - monotonic_now()).count();
      timeout_ms = static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
    }
    ::poll(waits.data(), waits.size(), timeout_ms);
    accepting_ = (waits[1].revents & POLLIN) != 0;
    std::size_t i = 2;
    for (Entry& entry : connections_) entry.ready = waits[i++].revents;
  }

  void accept_all(Instant now) {
    while (true) {
      Descriptor socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (socket.get() < 0) {
        const bool starved =
            errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS;
        if (starved) std::this_thread::sleep_for(limits::accept_backoff);
        return;
      }
      if (connections_.size() >= limits::admin_connections_max)
        continue;  // closed by its Descriptor
      const int one = 1;
      ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
      connections_.emplace_back(std::move(socket), buffers_, handler_, now);
    }
  }

  Descriptor listener_;
  Descriptor wake_;
  AdminHandler handler_;
  BufferPool buffers_;
  std::list<Entry> connections_;
  std::atomic<bool> stop_{false};
  bool accepting_ = false;
};

AdminServer::AdminServer(HostPort at, std::unique_ptr<Loop> loop)
    : at_(std::move(at)), loop_(std::move(loop)), thread_([this] { loop_->run(); }) {}

AdminServer::~AdminServer() {
  loop_->stop();
  thread_.join();
}

Outcome<std::unique_ptr<AdminServer>> AdminServer::make(const HostPort& at, AdminHandler handler) {
  GH_TRY(const auto endpoints, net::resolve(at.host, at.port));
  if (endpoints.empty())
    return fault("admin-listen: " + at.host + " has no address", "admin-listen");
  GH_TRY(Descriptor listener, listen_on(endpoints.front()));
  const HostPort bound{at.host, local_address(listener.get()).port()};
  return std::unique_ptr<AdminServer>(
      new AdminServer(bound, std::make_unique<Loop>(std::move(listener), std::move(handler)))
  );
}

}  // namespace gh::control
