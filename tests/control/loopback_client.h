// SPDX-License-Identifier: Apache-2.0
// A blocking TCP client for tests: raw bytes out, all bytes until the other side closes back.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace gh::control {

class LoopbackClient {
 public:
  explicit LoopbackClient(std::uint16_t port)
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }

  ~LoopbackClient() { ::close(fd_); }

  LoopbackClient(const LoopbackClient&) = delete;
  LoopbackClient& operator=(const LoopbackClient&) = delete;

  bool connected() const { return connected_; }

  bool send(std::string_view bytes) {
    return ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(bytes.size());
  }

  void finish() { ::shutdown(fd_, SHUT_WR); }

  std::string read_some() {
    char buffer[65536];
    const ssize_t n = ::recv(fd_, buffer, sizeof buffer, 0);
    return n > 0 ? std::string(buffer, static_cast<std::size_t>(n)) : std::string();
  }

  std::string read_until_close() {
    std::string all;
    for (std::string piece = read_some(); !piece.empty(); piece = read_some()) all += piece;
    return all;
  }

  std::string read_until(std::string_view end) {
    std::string all;
    for (std::string piece = read_some(); !piece.empty(); piece = read_some()) {
      all += piece;
      if (all.find(end) != all.npos) break;
    }
    return all;
  }

 private:
  int fd_;
  bool connected_ = false;
};

}  // namespace gh::control
