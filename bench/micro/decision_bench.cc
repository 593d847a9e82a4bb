// SPDX-License-Identifier: Apache-2.0
// RBAC: compile a policy, resolve an identity, decide a request; rows by number of bindings. The
// policy is that of Kubernetes' own benchmark in Go: 20 ClusterRoles, one subject a binding (users,
// groups and service accounts in turn), the asking user in the last. decide/… has two more columns,
// p50_ns and p99_ns: single decisions timed one by one, the clock's own time (about 20 ns) in them.
#include "authz/rbac/compiler.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace gh::authz::rbac {
namespace {

enum class Kind { cluster, one_namespace, hundred_namespaces };

PolicyRule rule(
    std::vector<std::string> verbs, std::string group, std::vector<std::string> resources
) {
  return {std::move(verbs), {std::move(group)}, std::move(resources), {}, {}};
}

Policy make_policy(Kind kind, std::size_t bindings) {
  Policy policy;
  for (std::size_t i = 0; i < 20; ++i) {
    ClusterRole role;
    role.name = "role-" + std::to_string(i);
    role.rules = {
        rule({"get", "list", "watch"}, "", {"pods", "services", "configmaps"}),
        rule(
            {"get", "list", "watch", "create", "update", "patch", "delete"},
            "apps",
            {"deployments", "deployments/scale", "replicasets"}
        ),
        rule({"get"}, "batch", {"jobs"}),
    };
    policy.cluster_roles.push_back(std::move(role));
  }
  for (std::size_t i = 0; i < bindings; ++i) {
    const std::string number = std::to_string(i);
    Subject subject{"User", "user-" + number + "@example.com", ""};
    if (i % 3 == 1) subject = {"Group", "group-" + number, ""};
    if (i % 3 == 2) subject = {"ServiceAccount", "sa-" + number, "ns-0"};
    if (i == bindings - 1) subject = {"User", "the-user@example.com", ""};
    Binding binding;
    binding.name = "binding-" + number;
    binding.role = {"ClusterRole", "role-" + std::to_string(i % 20)};
    binding.subjects.push_back(std::move(subject));
    if (kind == Kind::one_namespace) binding.namespace_ = "ns-0";
    if (kind == Kind::hundred_namespaces)
      binding.namespace_ = "ns-" + std::to_string((bindings - 1 - i) % 100);
    (kind == Kind::cluster ? policy.cluster_role_bindings : policy.role_bindings)
        .push_back(std::move(binding));
  }
  return policy;
}

const DecisionTable& table_of(Kind kind, std::size_t bindings) {
  static std::map<std::pair<Kind, std::size_t>, std::unique_ptr<DecisionTable>> tables;
  auto& table = tables[{kind, bindings}];
  if (!table)
    table = std::make_unique<DecisionTable>(std::move(*compile(make_policy(kind, bindings))));
  return *table;
}

identity::Identity caller(const char* user) {
  return {user, "", {"dev", "ops", "system:authenticated"}, {}};
}

Attributes list_pods() {
  Attributes what;
  what.resource_request = true;
  what.verb = "list";
  what.api_version = "v1";
  what.namespace_ = "ns-0";
  what.resource = "pods";
  return what;
}

void report_percentiles(
    benchmark::State& state, const DecisionTable& table, const SubjectPermissions& permissions
) {
  const Attributes what = list_pods();
  std::vector<std::int64_t> times(200'000);
  for (auto& time : times) {
    const auto from = std::chrono::steady_clock::now();
    benchmark::DoNotOptimize(table.decide(permissions, what));
    time = (std::chrono::steady_clock::now() - from).count();
  }
  std::sort(times.begin(), times.end());
  state.counters["p50_ns"] = static_cast<double>(times[times.size() / 2]);
  state.counters["p99_ns"] = static_cast<double>(times[times.size() * 99 / 100]);
}

void decide(benchmark::State& state, Kind kind, std::size_t bindings, bool allow) {
  const DecisionTable& table = table_of(kind, bindings);
  const auto permissions =
      table.resolve(caller(allow ? "the-user@example.com" : "nobody@example.com"));
  const Attributes what = list_pods();
  if ((table.decide(permissions, what).decision == Decision::allow) != allow)
    state.SkipWithError("wrong verdict");
  for (auto each : state) {
    static_cast<void>(each);
    benchmark::DoNotOptimize(table.decide(permissions, what));
  }
  report_percentiles(state, table, permissions);
}

// A caller of many namespaces asking here and there: the lookups miss the caches as they would in
// life.
void decide_spread(benchmark::State& state, std::size_t bindings) {
  const DecisionTable& table = table_of(Kind::hundred_namespaces, bindings);
  std::vector<SubjectPermissions> callers;
  for (std::size_t i = 0; i < 1000; ++i) {
    const std::size_t user = i * 3 * (bindings / 3000 + 1) % bindings / 3 * 3;
    callers.push_back(table.resolve(caller(("user-" + std::to_string(user) + "@example.com").c_str()
    )));
  }
  std::vector<std::string> spaces;
  for (std::size_t i = 0; i < 100; ++i) spaces.push_back("ns-" + std::to_string(i));
  Attributes what = list_pods();
  std::size_t n = 0;
  for (auto each : state) {
    static_cast<void>(each);
    n += 7919;
    what.namespace_ = spaces[n % 100];
    benchmark::DoNotOptimize(table.decide(callers[n % 1000], what));
  }
}

void resolve(benchmark::State& state, std::size_t bindings) {
  const DecisionTable& table = table_of(Kind::cluster, bindings);
  const auto who = caller("the-user@example.com");
  for (auto each : state) {
    static_cast<void>(each);
    benchmark::DoNotOptimize(table.resolve(who));
  }
}

void compile_policy(benchmark::State& state, Kind kind, std::size_t bindings) {
  const Policy policy = make_policy(kind, bindings);
  for (auto each : state) {
    static_cast<void>(each);
    const auto table = compile(policy);
    state.counters["bytes_per_binding"] =
        static_cast<double>(table->memory()) / static_cast<double>(bindings);
  }
}

void reason(benchmark::State& state, std::size_t bindings) {
  const DecisionTable& table = table_of(Kind::cluster, bindings);
  const auto permissions = table.resolve(caller("the-user@example.com"));
  for (auto each : state) {
    static_cast<void>(each);
    benchmark::DoNotOptimize(table.reason(permissions, list_pods()));
  }
}

const bool registered = [] {
  using benchmark::RegisterBenchmark;
  const std::map<Kind, std::string> kinds = {
      {Kind::cluster, ""},
      {Kind::one_namespace, "rolebinding/"},
      {Kind::hundred_namespaces, "rolebinding-100-namespaces/"}
  };
  for (const std::size_t n : {100, 1000, 10'000, 100'000}) {
    const std::string size = std::to_string(n);
    for (const auto& [kind, name] : kinds) {
      RegisterBenchmark(("decide/allow/" + name + size).c_str(), decide, kind, n, true);
      RegisterBenchmark(("decide/deny/" + name + size).c_str(), decide, kind, n, false);
      RegisterBenchmark(("compile/" + name + size).c_str(), compile_policy, kind, n)
          ->Unit(benchmark::kMillisecond);
    }
    RegisterBenchmark(("decide/spread/" + size).c_str(), decide_spread, n);
    RegisterBenchmark(("resolve/" + size).c_str(), resolve, n);
    RegisterBenchmark(("reason/" + size).c_str(), reason, n);
  }
  return true;
}();

}  // namespace
}  // namespace gh::authz::rbac
