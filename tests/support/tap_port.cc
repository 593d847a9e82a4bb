// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tap_port.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace gh::test {

bool own_network_namespace() { return unshare(CLONE_NEWNET) == 0 && shell("ip link set lo up"); }

bool shell(const std::string& command) {
  return std::system((command + " >/dev/null 2>&1").c_str()) == 0;
}

std::unique_ptr<TapPort> TapPort::make(const std::string& name, std::size_t frames_max) {
  const int fd = ::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return nullptr;
  ifreq request{};
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  std::strncpy(request.ifr_name, name.c_str(), IFNAMSIZ - 1);
  if (::ioctl(fd, TUNSETIFF, &request) != 0) {
    ::close(fd);
    return nullptr;
  }
  return std::unique_ptr<TapPort>(new TapPort(fd, frames_max));
}

TapPort::~TapPort() { ::close(fd_); }

std::size_t TapPort::receive(std::span<wire::Frame*> into) noexcept {
  std::size_t count = 0;
  while (count < into.size()) {
    wire::Frame* frame = frames_.take();
    if (frame == nullptr) break;
    const ssize_t n = ::read(fd_, frame->data(), frame->tail_room());
    if (n <= 0) {
      wire::give(frame);
      break;
    }
    frame->end += static_cast<std::uint32_t>(n);
    into[count++] = frame;
  }
  return count;
}

bool TapPort::transmit(wire::FrameList& frames) noexcept {
  while (wire::Frame* frame = frames.front()) {
    if (::write(fd_, frame->data(), frame->size()) < 0 && errno == EAGAIN) return false;
    wire::give(frames.pop_front());
  }
  return true;
}

bool TapPort::arm(std::vector<pollfd>& waits) noexcept {
  waits.push_back({fd_, POLLIN, 0});
  return true;
}

}  // namespace gh::test
