// SPDX-License-Identifier: Apache-2.0
// Method and target → what is asked: one reused RequestInfo, rows by kind of target.
#include "authz/request_info.h"

#include <benchmark/benchmark.h>

#include <string>
#include <utility>
#include <vector>

namespace gh::authz {
namespace {

void parse(benchmark::State& state, const std::string& method, const std::string& target) {
  RequestInfo info;
  for (auto each : state) {
    static_cast<void>(each);
    benchmark::DoNotOptimize(info.parse(method, target));
    benchmark::DoNotOptimize(info.attributes().resource.data());
  }
}

struct Row {
  const char* name;
  const char* method;
  const char* target;
};

const bool registered = [] {
  for (const Row& row : std::vector<Row>{
           {"get", "GET", "/api/v1/namespaces/kube-system/pods/coredns-7db6d8ff4d-x2x9c"},
           {"status", "PATCH", "/api/v1/namespaces/default/pods/web-0/status"},
           {"lease",
            "PUT",
            "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/node-17?timeout=10s"},
           {"list", "GET", "/apis/apps/v1/namespaces/default/deployments?limit=500"},
           {"watch",
            "GET",
            "/api/v1/"
            "pods?allowWatchBookmarks=true&fieldSelector=spec.nodeName%3Dnode-17&resourceVersion="
            "123456&timeoutSeconds=397&"
            "watch=true"},
           {"selectors",
            "GET",
            "/api/v1/namespaces/default/"
            "pods?fieldSelector=metadata.name%3Dweb-0&labelSelector=app%3Dweb%2Ctier+in+%28front%"
            "2Cback%29"},
           {"escaped", "GET", "/api/v1/namespaces/default/services/http%3Aweb%3A80/proxy/a%20b"},
           {"path", "GET", "/healthz"},
       }) {
    benchmark::RegisterBenchmark(
        (std::string("request_info/") + row.name).c_str(), parse, row.method, row.target
    );
  }
  return true;
}();

}  // namespace
}  // namespace gh::authz
