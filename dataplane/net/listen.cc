// SPDX-License-Identifier: Apache-2.0
// Listening sockets, made by control before the workers start, so that what is wrong with an
// address is a start-up error.
#include "base/limits.h"
#include "dataplane/net/byte_stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace gh::net {
namespace {

std::string why_not(const Endpoint& at, int error) {
  const std::string name = "address " + at.to_string();
  switch (error) {
    case EADDRINUSE:
      return name + " is already in use";
    case EACCES:
      return "no permission to listen on " + name + " (ports below 1024 need privileges)";
    case EADDRNOTAVAIL:
      return name + " does not belong to this host";
    case EAFNOSUPPORT:
      return name + ": this host does not support the address family";
    default:
      return "cannot listen on " + name + ": " + std::strerror(error);
  }
}

class OwnedSocket {
 public:
  explicit OwnedSocket(int fd) : fd_(fd) {}

  ~OwnedSocket() {
    if (fd_ >= 0) ::close(fd_);
  }

  OwnedSocket(const OwnedSocket&) = delete;
  OwnedSocket& operator=(const OwnedSocket&) = delete;

  int get() const { return fd_; }

  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

bool set(int fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

// Set on the listening socket, inherited by what it accepts.
bool set_inherited(int fd) {
  return set(fd, IPPROTO_TCP, TCP_NODELAY, 1) && set(fd, SOL_SOCKET, SO_KEEPALIVE, 1) &&
         set(fd, IPPROTO_TCP, TCP_KEEPIDLE, int(limits::keepalive_idle.count())) &&
         set(fd, IPPROTO_TCP, TCP_KEEPINTVL, int(limits::keepalive_interval.count())) &&
         set(fd, IPPROTO_TCP, TCP_KEEPCNT, limits::keepalive_probes);
}

// 0 or errno.
int bind_socket(int fd, const Endpoint& at, bool share) {
  if (!set(fd, SOL_SOCKET, SO_REUSEADDR, 1)) return errno;
  if (share && !set(fd, SOL_SOCKET, SO_REUSEPORT, 1)) return errno;
  if (at.is_ipv6() && !set(fd, IPPROTO_IPV6, IPV6_V6ONLY, at.any_family() ? 0 : 1)) return errno;
  return ::bind(fd, at.address(), at.length()) == 0 ? 0 : errno;
}

int socket_for(const Endpoint& at) {
  return ::socket(at.address()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

// ":8443" on a host without IPv6.
bool without_ipv6(const Endpoint& at, int error) {
  return at.any_family() && at.is_ipv6() && (error == EAFNOSUPPORT || error == EADDRNOTAVAIL);
}

Endpoint any_ipv4(std::uint16_t port) {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  return Endpoint::from_sockaddr(reinterpret_cast<const sockaddr*>(&v4), sizeof v4);
}

// With SO_REUSEPORT a second gatehouse of the same user would get half of the connections instead
// of an error: a bind without it finds who is there.
Outcome<void> check_free(const Endpoint& at) {
  const OwnedSocket probe(socket_for(at));
  const int error = probe.get() < 0 ? errno : bind_socket(probe.get(), at, false);
  if (error == 0) return {};
  if (without_ipv6(at, error)) return check_free(any_ipv4(at.port()));
  return fault(why_not(at, error));
}

}  // namespace

Outcome<int> listen_socket(const Endpoint& at) {
  OwnedSocket socket(socket_for(at));
  int error = socket.get() < 0 ? errno : bind_socket(socket.get(), at, true);
  if (without_ipv6(at, error)) return listen_socket(any_ipv4(at.port()));
  if (error == 0 && !set_inherited(socket.get())) error = errno;
  if (error == 0 && ::listen(socket.get(), limits::listen_backlog) != 0) error = errno;
  if (error != 0) return fault(why_not(at, error));
  return socket.release();
}

Outcome<std::vector<int>> listen_sockets(const Endpoint& at, std::size_t workers) {
  if (at.port() != 0) GH_TRY_VOID(check_free(at));
  std::vector<int> sockets;
  Endpoint next = at;
  while (sockets.size() < workers) {
    auto socket = listen_socket(next);
    if (!socket) {
      for (const int each : sockets) ::close(each);
      return tl::make_unexpected(std::move(socket).error());
    }
    sockets.push_back(*socket);
    if (next.port() == 0)
      next = local_endpoint(*socket, at);  // the others share the port the first was given
  }
  return sockets;
}

Endpoint local_endpoint(int socket, const Endpoint& asked) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return asked;
  return Endpoint::from_sockaddr(
      reinterpret_cast<const sockaddr*>(&storage), length, asked.any_family()
  );
}

}  // namespace gh::net
