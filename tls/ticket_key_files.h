// SPDX-License-Identifier: Apache-2.0
// Session ticket keys that several processes share, from files. In: paths as configured.   Out: a
// TicketKeys ring, or a Fault that says which file and why. Control only.
//
// A file holds one key of 80 raw bytes (`openssl rand 80`), or keys of 80 bytes as base64, one a
// line. The 80 bytes are: name 16, AES-256 key 32, HMAC-SHA-256 key 32. The first key of a file
// seals. A folder's files are taken in the order of their names; the last but one seals (a lone one
// too): a new key is accepted everywhere before anybody seals with it. Of several paths the first
// one's sealing key seals, all keys open.
#pragma once

#include "base/result.h"
#include "tls/session_tickets.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gh::tls {

struct TicketKeyFiles {
  std::shared_ptr<const TicketKeys> keys;
  std::vector<std::string> warnings;  // a file that others may read
};

Outcome<TicketKeyFiles> load_ticket_keys(const std::vector<std::string>& paths);

// The keys of one file's contents, in order. `where` is for Faults.
Outcome<std::vector<TicketKeys::Key>> parse_ticket_keys(
    std::string_view contents, const std::string& where
);

}  // namespace gh::tls
