// SPDX-License-Identifier: Apache-2.0
// What can be said of a configuration before EAL starts, in words that say what to do.
#include "base/limits.h"
#include "dataplane/net/dpdk/device.h"
#include "dataplane/net/dpdk/ports.h"

#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>

namespace gh::net::dpdk {
namespace {

constexpr std::uint16_t eth_p_all_be = 0x0300;  // htons(ETH_P_ALL)

bool is_hex(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789abcdefABCDEF") == text.npos;
}

std::string pci_name(std::string_view device) {
  const auto comma = device.find(',');
  const std::string address(device.substr(0, comma));
  return address.size() == 7 ? "0000:" + address : address;
}

void check_port(const stack::PortConfig& port, std::vector<Fault>& problems) {
  const auto wrong = [&](std::string text) {
    problems.push_back({port.device + ": " + std::move(text), "dpdk-ports"});
  };
  if (port.addresses.empty()) wrong("needs addresses, such as 10.0.0.2/24");
  if (port.mtu < 1280 || port.mtu > 9600) wrong("mtu is from 1280 to 9600");
  if (port.vlan && (*port.vlan == 0 || *port.vlan > 4094)) wrong("vlan is from 1 to 4094");
  std::set<std::string> seen;
  for (const wire::Network& own : port.addresses) {
    const std::string text = own.address.to_string();
    if (!own.address.is_unicast()) wrong(text + " cannot be a host's address");
    if (!seen.insert(text).second) wrong(text + " is given twice");
  }
  for (const wire::Route& route : port.routes) {
    const bool near = std::any_of(port.addresses.begin(), port.addresses.end(), [&](auto& own) {
      return own.contains(route.gateway);
    });
    if (!near && !route.gateway.is_link_local()) {
      wrong(
          "the gateway " + route.gateway.to_string() + " is in the network of none of its addresses"
      );
    }
  }
}

void check_pci(const std::string& device, std::vector<Fault>& problems) {
  const std::string address = pci_name(device);
  const std::filesystem::path at = "/sys/bus/pci/devices/" + address;
  std::error_code ignored;
  if (!std::filesystem::exists(at, ignored)) {
    problems.push_back(
        {"there is no PCI device " + address + " (dpdk-devbind.py --status shows those there are)",
         "dpdk-ports"}
    );
    return;
  }
  const auto driver = std::filesystem::read_symlink(at / "driver", ignored).filename().string();
  const std::set<std::string> usable = {"vfio-pci", "uio_pci_generic", "igb_uio"};
  if (usable.contains(driver)) return;
  problems.push_back(
      {"the PCI device " + address + " is bound to " + (driver.empty() ? "no driver" : driver) +
           ": dpdk-devbind.py --bind=vfio-pci " + address + " gives it to DPDK",
       "dpdk-ports"}
  );
}

void check_interface(const std::string& name, std::vector<Fault>& problems) {
  if (if_nametoindex(name.c_str()) == 0) {
    problems.push_back(
        {"there is no network interface " + name + " here (ip link shows those there are)",
         "dpdk-ports"}
    );
    return;
  }
  const int fd = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, eth_p_all_be);
  const int error = errno;
  if (fd >= 0) {
    ::close(fd);
    return;
  }
  const std::string why = error == EPERM
                              ? "needs the capability CAP_NET_RAW: run as root, or once: setcap "
                                "cap_net_raw,cap_net_admin,cap_ipc_lock+ep gatehouse"
                              : std::strerror(error);
  problems.push_back({"frames of " + name + ": " + why, "dpdk-ports"});
}

}  // namespace

DeviceKind kind_of(std::string_view device) noexcept {
  const std::string_view name = device.substr(0, device.find(','));
  // dddd:bb:dd.f or bb:dd.f
  if (name.size() >= 7 && name[name.size() - 2] == '.' && is_hex(name.substr(name.size() - 1))) {
    const std::string_view rest = name.substr(0, name.size() - 2);
    const bool is_short = rest.size() == 5 && rest[2] == ':';
    const bool is_long = rest.size() == 10 && rest[4] == ':' && rest[7] == ':';
    if ((is_short || is_long) && is_hex(rest.substr(rest.size() - 2))) return DeviceKind::pci;
  }
  return device.starts_with("net_") ? DeviceKind::virtual_device : DeviceKind::interface;
}

std::string interface_of(std::string_view device) {
  switch (kind_of(device)) {
    case DeviceKind::interface:
      return std::string(device);
    case DeviceKind::pci:
      return {};
    case DeviceKind::virtual_device:
      break;
  }
  // A TAP or pcap device makes or names its own.
  if (!device.starts_with("net_af_")) return {};
  const auto key = device.find(",iface=");
  if (key == device.npos) return {};
  const auto value = device.substr(key + 7);
  return std::string(value.substr(0, value.find(',')));
}

// An interface by its name: af_packet, which every kernel has. Its ring holds whole frames.
EalDevice eal_device(
    std::string_view device, std::size_t index, std::size_t queues, std::uint16_t mtu
) {
  const std::string text(device);
  switch (kind_of(device)) {
    case DeviceKind::pci:
      return {"--allow=" + text, pci_name(device)};
    case DeviceKind::virtual_device:
      return {"--vdev=" + text, text.substr(0, text.find(','))};
    case DeviceKind::interface:
      break;
  }
  const std::string name = "net_af_packet_gh" + std::to_string(index);
  const std::size_t frame = mtu <= 1600 ? 2048 : 16'384;
  return {
      "--vdev=" + name + ",iface=" + text + ",qpairs=" + std::to_string(queues) +
          ",blocksz=" + std::to_string(std::max<std::size_t>(frame, 4096) * 4) + ",framesz=" +
          std::to_string(frame) + ",framecnt=" + std::to_string(frame == 2048 ? 2048 : 512),
      name
  };
}

std::vector<Fault> check(const Config& config) {
  std::vector<Fault> problems;
  if (config.ports.empty()) {
    problems.push_back({"the road dpdk needs at least one port", "dpdk-ports"});
  }
  std::set<std::string> devices, addresses;
  for (const stack::PortConfig& port : config.ports) {
    check_port(port, problems);
    if (!devices.insert(port.device).second) {
      problems.push_back({port.device + " is given twice", "dpdk-ports"});
    }
    for (const wire::Network& own : port.addresses) {
      const std::string text = own.address.to_string();
      if (!addresses.insert(text).second) {
        problems.push_back({text + " is an address of two ports", "dpdk-ports"});
      }
    }
  }
  return problems;
}

std::vector<Fault> check_host(const Config& config) {
  std::vector<Fault> problems;
  if (!available()) {
    problems.push_back(
        {"this gatehouse was built without DPDK: scripts/setup dpdk, then configure with "
         "-DGH_DPDK=ON",
         "road"}
    );
    return problems;
  }
  for (const stack::PortConfig& port : config.ports) {
    if (kind_of(port.device) == DeviceKind::pci) check_pci(port.device, problems);
    const std::string interface = interface_of(port.device);
    if (!interface.empty()) check_interface(interface, problems);
  }
  return problems;
}

}  // namespace gh::net::dpdk
