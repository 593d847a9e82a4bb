// SPDX-License-Identifier: Apache-2.0
// A port whose other end is the kernel: a TAP device. Needs CAP_NET_ADMIN, in a network namespace
// of its own (own_network_namespace()), so that tests touch nothing of the host.
#pragma once

#include "dataplane/net/stack/frame_port.h"
#include "dataplane/net/wire/address.h"
#include "dataplane/net/wire/memory_frames.h"

#include <memory>
#include <string>

namespace gh::test {

// False: not allowed here.
bool own_network_namespace();

// A command of ip(8) and the like; false: it failed.
bool shell(const std::string& command);

class TapPort final : public net::stack::FramePort {
 public:
  // Null: not allowed here.
  static std::unique_ptr<TapPort> make(const std::string& name, std::size_t frames_max = 65'536);
  ~TapPort() override;

  wire::FramePool& frames() noexcept override { return frames_; }

  std::size_t receive(std::span<wire::Frame*> into) noexcept override;
  bool transmit(wire::FrameList& frames) noexcept override;
  bool arm(std::vector<pollfd>& waits) noexcept override;

  std::size_t frames_in_use() const noexcept { return frames_.in_use(); }

 private:
  TapPort(int fd, std::size_t frames_max) : fd_(fd), frames_(frames_max) {}

  int fd_;
  wire::MemoryFrames frames_;
};

}  // namespace gh::test
