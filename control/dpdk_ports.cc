// SPDX-License-Identifier: Apache-2.0
#include "control/dpdk_ports.h"

#include "base/json_text.h"
#include "base/limits.h"

#include <simdjson.h>

#include <charconv>
#include <set>
#include <vector>

namespace gh::control {
namespace {

using net::stack::PortConfig;
using simdjson::dom::element;
using Taken = Result<void, std::string>;

constexpr std::size_t list_items_max = 256;  // addresses or routes of a port; more: refused

std::string in_quotes(std::string_view text) { return "\"" + std::string(text) + "\""; }

Taken take_text(element value, std::string_view key, std::string& into) {
  std::string_view text;
  if (value.get_string().get(text) != simdjson::SUCCESS)
    return fail("expected a text as " + std::string(key));
  into = text;
  return {};
}

// A list of texts, or one text.
Taken take_texts(element value, std::string_view key, std::vector<std::string>& into) {
  simdjson::dom::array list;
  if (value.get_array().get(list) != simdjson::SUCCESS)
    return take_text(value, key, into.emplace_back());
  for (const element each : list) {
    if (into.size() == list_items_max) return fail("too many " + std::string(key));
    GH_TRY_VOID(take_text(each, key, into.emplace_back()));
  }
  return {};
}

// A number, also as text: that is what YAML gives.
Taken take_number(element value, std::string_view key, std::uint16_t& into) {
  std::uint64_t number = 0;
  std::string_view text;
  bool good = value.get_uint64().get(number) == simdjson::SUCCESS;
  if (!good && value.get_string().get(text) == simdjson::SUCCESS) {
    const char* const end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, number);
    good = error == std::errc() && stopped == end;
  }
  if (!good || number > 65'535) return fail("expected a number as " + std::string(key));
  into = static_cast<std::uint16_t>(number);
  return {};
}

Taken take_addresses(element value, PortConfig& port) {
  std::vector<std::string> texts;
  GH_TRY_VOID(take_texts(value, "addresses", texts));
  for (const std::string& text : texts) {
    const auto network = wire::Network::parse(text);
    if (!network)
      return fail(
          "expected an address with its prefix, such as 10.0.0.2/24, found " + in_quotes(text)
      );
    port.addresses.push_back(*network);
  }
  return {};
}

// "default via 10.0.0.1", "10.1.0.0/16 via 10.0.0.1", as ip(8) writes them.
Result<wire::Route, std::string> parse_route(std::string_view text) {
  const std::string expected =
      "expected a route such as \"default via 10.0.0.1\", found " + in_quotes(text);
  const auto via = text.find(" via ");
  if (via == text.npos) return fail(expected);
  const auto gateway = wire::IpAddress::parse(text.substr(via + 5));
  if (!gateway || !gateway->is_unicast()) return fail(expected);
  const std::string_view to = text.substr(0, via);
  const auto network = to == "default"
                           ? wire::Network::parse(gateway->is_v4() ? "0.0.0.0/0" : "::/0")
                           : wire::Network::parse(to);
  if (!network || network->address.is_v4() != gateway->is_v4()) return fail(expected);
  return wire::Route{*network, *gateway};
}

Taken take_routes(element value, PortConfig& port) {
  std::vector<std::string> texts;
  GH_TRY_VOID(take_texts(value, "routes", texts));
  for (const std::string& text : texts) {
    GH_TRY(const wire::Route route, parse_route(text));
    port.routes.push_back(route);
  }
  return {};
}

Taken take_key(std::string_view key, element value, PortConfig& port) {
  if (key == "device") return take_text(value, key, port.device);
  if (key == "addresses") return take_addresses(value, port);
  if (key == "routes") return take_routes(value, port);
  if (key == "mtu") return take_number(value, key, port.mtu);
  if (key == "vlan") return take_number(value, key, port.vlan.emplace());
  return fail("expected device, addresses, routes, mtu or vlan, found " + in_quotes(key));
}

template <class List, class Text>
std::string show_list(const List& list, Text text) {
  std::string out = "[";
  for (const auto& each : list) {
    if (&each != list.data()) out += ", ";
    out += json_quoted(text(each));
  }
  return out + "]";
}

std::string show_network(const wire::Network& network) {
  return network.address.to_string() + "/" + std::to_string(network.prefix);
}

}  // namespace

Result<PortConfig, std::string> parse_dpdk_port(std::string_view json) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(simdjson::padded_string(json)).get_object().get(object) != simdjson::SUCCESS) {
    return fail(std::string(
        R"(expected a JSON object such as {"device": "veth0", "addresses": ["10.0.0.2/24"]})"
    ));
  }
  PortConfig port;
  std::set<std::string_view> seen;
  for (const auto& [key, value] : object) {
    if (!seen.insert(key).second) return fail(in_quotes(key) + " is there twice");
    GH_TRY_VOID(take_key(key, value, port));
  }
  const bool bad = port.device.empty() || port.device.size() > 512 ||
                   port.device.find_first_of(" \t\n") != port.device.npos ||
                   port.device.front() == '-';
  if (bad)
    return fail(std::string("expected an interface, a PCI address or a virtual device as device"));
  return port;
}

std::string show_dpdk_port(const PortConfig& port) {
  std::string out = "{\"device\": " + json_quoted(port.device) +
                    ", \"addresses\": " + show_list(port.addresses, show_network);
  out += ", \"routes\": " + show_list(port.routes, [](const wire::Route& route) {
           return show_network(route.to) + " via " + route.gateway.to_string();
         });
  out += ", \"mtu\": " + std::to_string(port.mtu);
  if (port.vlan) out += ", \"vlan\": " + std::to_string(*port.vlan);
  return out + "}";
}

}  // namespace gh::control
