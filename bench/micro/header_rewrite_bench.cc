// SPDX-License-Identifier: Apache-2.0
// A client's head made ready for the API server: what only we may say is removed, the caller's
// identity set.
#include "dataplane/proxy/headers.h"

#include <benchmark/benchmark.h>

namespace {

void header_rewrite(benchmark::State& state) {
  const gh::proxy::IdentityFields who = {
      {"x-remote-user", "system:node:node-1"},
      {"x-remote-group", "system:nodes"},
      {"x-remote-group", "system:authenticated"},
      {"x-remote-extra-authentication.kubernetes.io%2fcredential-id",
       "X509SHA256=923fd9556ce28336826cf4838a62308be0d60874b3c9c444455a53504d289bb2"},
  };
  gh::http::RequestHead head;
  for (auto _ : state) {
    head.headers.clear();
    head.headers.add("user-agent", "kubelet/v1.36.3 (linux/amd64) kubernetes/abcdef0");
    head.headers.add("accept", "application/vnd.kubernetes.protobuf,application/json");
    head.headers.add("accept-encoding", "gzip");
    head.headers.add("x-remote-user", "root");
    head.headers.add("x-forwarded-for", "10.0.0.1");
    gh::proxy::prepare_request(head, who, "192.0.2.1");
    benchmark::DoNotOptimize(head.headers.size());
  }
}

BENCHMARK(header_rewrite);

}  // namespace
