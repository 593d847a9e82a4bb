// SPDX-License-Identifier: Apache-2.0
// How a device is named, and what EAL is told of it. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace gh::net::dpdk {

enum class DeviceKind : std::uint8_t { interface, pci, virtual_device };

DeviceKind kind_of(std::string_view device) noexcept;

// The interface of this host that a device uses: itself, or `iface=` of a virtual one; or empty.
std::string interface_of(std::string_view device);

struct EalDevice {
  std::string argument;  // --vdev=… or --allow=…
  std::string name;      // by which the port is found
};

// `index`: of the port, for names of our own.
EalDevice eal_device(
    std::string_view device, std::size_t index, std::size_t queues, std::uint16_t mtu
);

}  // namespace gh::net::dpdk
