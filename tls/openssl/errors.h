// SPDX-License-Identifier: Apache-2.0
// OpenSSL's error queue as ours. Private to tls.
#pragma once

#include "tls/engine.h"

#include <string>

namespace gh::tls {

struct LibraryError {
  TlsError error = TlsError::protocol;
  int alert = -1;          // with peer_alert
  bool too_large = false;  // a message above its bound
  std::string text;        // OpenSSL's own words
};

// The last error of this thread's queue, which is emptied.
LibraryError take_library_error();

std::string_view sentence_of(TlsError error);

}  // namespace gh::tls
