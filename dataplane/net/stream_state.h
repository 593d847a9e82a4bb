// SPDX-License-Identifier: Apache-2.0
// The life of a stream, the same on all roads.
#pragma once

#include <cstdint>

namespace gh::net {

// connecting → open → draining → lingering → dead; each may go to dead directly, open too.
enum class StreamState : std::uint8_t {
  connecting,
  open,
  draining,   // close(): what is in out() is sent, input is discarded
  lingering,  // FIN sent; input is discarded until the peer's FIN, so that no RST overtakes our
              // last bytes
  dead,       // the connection is gone or about to be; on_closed is owed
};

}  // namespace gh::net
