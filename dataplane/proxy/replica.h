// SPDX-License-Identifier: Apache-2.0
// What control says of one kube-apiserver, and what workers count of it.
#pragma once

#include "base/counters.h"
#include "dataplane/net/byte_stream.h"

#include <string>
#include <vector>

namespace gh::proxy {

struct Replica {
  std::string name;       // "https://10.0.0.1:6443", as given; a metric label
  net::Endpoint address;  // resolved by control (the first address)
  std::string authority;  // "host:port" for Host / :authority
  bool tls = true;        // false only with --allow-plaintext-upstream
};

struct ReplicaMetrics {  // one a worker and replica
  Counter connections_opened, connections_failed, connections_open;
  Counter requests, responses_5xx, resets, retries;
  Counter ejections;
  Counter ejected;  // 1 while it is skipped
};

}  // namespace gh::proxy
