// SPDX-License-Identifier: Apache-2.0
// What parses as an address is written as one, and reads the same again.
#include "base/assert.h"
#include "dataplane/net/byte_stream.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using gh::net::Endpoint;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto at = Endpoint::parse(text);
  if (!at) {
    GH_ASSERT(!at.error().text.empty());
    return 0;
  }
  const std::string written = at->to_string();
  const auto again = Endpoint::parse(written);
  GH_ASSERT(again && again->to_string() == written);
  GH_ASSERT(again->port() == at->port() && again->is_loopback() == at->is_loopback());
  return 0;
}
