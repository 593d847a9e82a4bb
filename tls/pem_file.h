// SPDX-License-Identifier: Apache-2.0
// PEM files and the blocks in them (RFC 7468). Control only: reads files.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gh::tls {

Outcome<std::string> read_pem_file(const std::string& path);

// The blocks of one type, in order. Other blocks, and blocks with headers, are passed over. Fault:
// damaged base64.
Outcome<std::vector<std::vector<std::uint8_t>>> pem_blocks(
    std::string_view pem, std::string_view type, const std::string& where
);

}  // namespace gh::tls
