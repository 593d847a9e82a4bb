// SPDX-License-Identifier: Apache-2.0
// An address and port as the worker's side writes it, and as our TCP does. Pure.
#pragma once

#include "dataplane/net/byte_stream.h"
#include "dataplane/tcp/connection.h"

namespace gh::net::stack {

tcp::Endpoint to_tcp(const Endpoint& endpoint) noexcept;
Endpoint from_tcp(const tcp::Endpoint& endpoint) noexcept;

}  // namespace gh::net::stack
