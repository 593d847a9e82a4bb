// SPDX-License-Identifier: Apache-2.0
// Files of ticket keys, and what a ticket says: no input crashes; what is read is written back as
// it was.
#include "base/assert.h"
#include "tls/ticket_key_files.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gh;
  const ByteView bytes(data, size);
  if (const auto state = tls::TicketState::decode(bytes)) {
    const auto again = state->encode();
    GH_ASSERT(std::equal(again.begin(), again.end(), bytes.begin(), bytes.end()));
  }
  const auto keys = tls::parse_ticket_keys(as_text(bytes), "file");
  GH_ASSERT(!keys || !keys->empty());
  return 0;
}
