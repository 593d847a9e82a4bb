// SPDX-License-Identifier: Apache-2.0
// The name of a key in a token (RFC 7512):
// pkcs11:token=gate;object=serving?pin-source=file:/run/pin In: the text of a flag.   Out: its
// parts, or a Fault that never quotes a PIN. What a name says that we do not understand is refused,
// for it might have meant another key.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gh::tls {

struct Pkcs11Uri {
  // Of the token; absent: any.
  std::optional<std::string> token, manufacturer, serial, model;
  std::optional<std::uint64_t> slot_id;
  // Of the key: CKA_LABEL and CKA_ID.
  std::optional<std::string> object, id;
  std::string module_path;  // empty: p11-kit's proxy, which knows the system's modules
  std::optional<std::string> pin_value;
  std::string pin_file;  // of pin-source
};

bool is_pkcs11_uri(std::string_view text);
Outcome<Pkcs11Uri> parse_pkcs11_uri(std::string_view text);
// For messages: without the PIN.
std::string without_pin(std::string_view text);

}  // namespace gh::tls
