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

// Empties this thread's queue, so that what it holds after a call is of that call. Nearly always it
// is empty: to look is cheaper than to clear it.
void forget_errors();

// The last error of this thread's queue, which is emptied.
LibraryError take_library_error();

std::string_view sentence_of(TlsError error);

}  // namespace gh::tls
