// SPDX-License-Identifier: Apache-2.0
// RBAC: compile a policy, publish one change of it, resolve an identity, decide a request; rows by
// number of bindings. The policy is that of Kubernetes' own benchmark in Go: 20 ClusterRoles, one
// subject a binding (users, groups and service accounts in turn), the asking user in the last.
// decide/… has two more columns, p50_ns and p99_ns: single decisions timed one by one, less the
// median time of reading the clock twice (20 to 30 ns); resolve/… has them for first requests,
// which resolve an identity that was never seen and decide.
#include "authz/rbac/compiler.h"
#include "base/rcu.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
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

template <class Call>
std::vector<std::int64_t> times_of(std::size_t calls, Call call) {
  std::vector<std::int64_t> times(calls);
  for (std::size_t i = 0; i < calls; ++i) {
    const auto from = std::chrono::steady_clock::now();
    call(i);
    times[i] = (std::chrono::steady_clock::now() - from).count();
  }
  std::sort(times.begin(), times.end());
  return times;
}

template <class Call>
void report_percentiles(benchmark::State& state, std::size_t calls, Call call) {
  const auto clock = times_of(100'000, [](std::size_t) {});
  const auto times = times_of(calls, call);
  const auto net = [&](std::size_t at) {
    return static_cast<double>(std::max<std::int64_t>(times[at] - clock[clock.size() / 2], 0));
  };
  state.counters["p50_ns"] = net(times.size() / 2);
  state.counters["p99_ns"] = net(times.size() * 99 / 100);
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
  report_percentiles(state, 200'000, [&](std::size_t) {
    benchmark::DoNotOptimize(table.decide(permissions, what));
  });
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
  // Each user of the policy once, far apart in it, and decided at once: the first request.
  std::vector<identity::Identity> users;
  for (std::size_t i = 0; i < bindings / 3; ++i) {
    const std::size_t user = i * 7919 % (bindings / 3) * 3;
    users.push_back(caller(("user-" + std::to_string(user) + "@example.com").c_str()));
  }
  const Attributes what = list_pods();
  report_percentiles(state, users.size(), [&](std::size_t i) {
    const auto permissions = table.resolve(users[i]);
    benchmark::DoNotOptimize(table.decide(permissions, what));
  });
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

// ---- one change ----

PolicyChanges other_subject(std::size_t turn) {
  PolicyChanges changes;
  Binding binding;
  binding.name = "binding-" + std::to_string(turn * 7919 % 90);
  binding.role = {"ClusterRole", "role-1"};
  binding.subjects = {{"User", "new-" + std::to_string(turn) + "@example.com", ""}};
  changes.put.cluster_role_bindings.push_back(std::move(binding));
  return changes;
}

// role-1, which a twentieth of all bindings name.
PolicyChanges other_rules(std::size_t turn) {
  PolicyChanges changes;
  ClusterRole role;
  role.name = "role-1";
  role.rules = {rule({"get", turn % 2 == 0 ? "list" : "watch"}, "", {"pods", "services"})};
  changes.put.cluster_roles.push_back(std::move(role));
  return changes;
}

// From the changed object to the pointer that workers read, the table before freed. `most_us` is
// the slowest of all.
void publish_one(
    benchmark::State& state, std::size_t bindings, PolicyChanges (*change)(std::size_t turn)
) {
  PolicyCompiler compiler;
  if (!compiler.update(make_policy(Kind::cluster, bindings))) state.SkipWithError("no policy");
  Rcu<DecisionTable> published(std::make_unique<const DecisionTable>(compiler.table()));
  std::size_t turn = 0;
  std::int64_t most = 0;
  for (auto each : state) {
    static_cast<void>(each);
    state.PauseTiming();
    const PolicyChanges changes = change(turn++);
    state.ResumeTiming();
    const auto from = std::chrono::steady_clock::now();
    static_cast<void>(compiler.apply(changes));
    published.publish(std::make_unique<const DecisionTable>(compiler.table()));
    most = std::max<std::int64_t>(most, (std::chrono::steady_clock::now() - from).count());
  }
  state.counters["most_us"] = static_cast<double>(most) / 1000;
}

// A worker: reads the newest table once a turn of 64 decisions, resolves again when it is another.
class Reader {
 public:
  explicit Reader(const Rcu<DecisionTable>& published) : published_(published) {}

  void turn() {
    const DecisionTable& table = *published_.read();
    if (table.id() != table_) {
      permissions_ = table.resolve(who_);
      table_ = table.id();
      ++tables;
    }
    for (int i = 0; i < 64; ++i) benchmark::DoNotOptimize(table.decide(permissions_, what_));
    rcu_.quiet();
  }

  std::size_t tables = 0;

 private:
  RcuReader rcu_;
  const Rcu<DecisionTable>& published_;
  const identity::Identity who_ = caller("the-user@example.com");
  const Attributes what_ = list_pods();
  SubjectPermissions permissions_;
  std::uint64_t table_ = 0;
};

// ns a decision over 200 ms.
double pace(Reader& reader) {
  constexpr auto span = std::chrono::milliseconds(200);
  std::size_t turns = 0;
  const auto from = std::chrono::steady_clock::now();
  auto now = from;
  for (; now - from < span; now = std::chrono::steady_clock::now()) {
    for (int i = 0; i < 100; ++i) reader.turn();
    turns += 100;
  }
  return static_cast<double>((now - from).count()) / static_cast<double>(turns * 64);
}

class Publisher {
 public:
  explicit Publisher(std::size_t bindings) {
    static_cast<void>(compiler_.update(make_policy(Kind::cluster, bindings)));
    publish();
  }

  const Rcu<DecisionTable>& published() const { return published_; }

  // Changes a binding every 10 ms, on a thread of its own, while `busy` runs.
  template <class Busy>
  void run_beside(Reader& reader, Busy busy) {
    std::atomic<bool> stop{false};
    std::atomic<bool> done{false};
    std::thread control([&] {
      for (auto next = std::chrono::steady_clock::now(); !stop.load();) {
        static_cast<void>(compiler_.apply(other_subject(turn_++)));
        publish();
        std::this_thread::sleep_until(next += std::chrono::milliseconds(10));
      }
      done.store(true);
    });
    busy();
    stop.store(true);
    while (!done.load()) reader.turn();  // the last publish waits for this thread's quiet point
    control.join();
  }

 private:
  void publish() { published_.publish(std::make_unique<const DecisionTable>(compiler_.table())); }

  PolicyCompiler compiler_;
  Rcu<DecisionTable> published_;
  std::size_t turn_ = 0;
};

// One iteration: five times 200 ms in quiet, then 200 ms while another thread changes a binding and
// publishes the table every 10 ms. `of_quiet`: throughput of the second to that of the first, the
// median; 1 is full speed. It needs two cores for itself.
void decide_while_reloading(benchmark::State& state, std::size_t bindings) {
  Publisher publisher(bindings);
  Reader reader(publisher.published());
  std::vector<std::pair<double, double>> paces;  // quiet, busy
  for (auto each : state) {
    static_cast<void>(each);
    for (int i = 0; i < 5; ++i) {
      const double quiet = pace(reader);
      double busy = 0;
      publisher.run_beside(reader, [&] { busy = pace(reader); });
      paces.emplace_back(quiet, busy);
    }
  }
  std::sort(paces.begin(), paces.end(), [](const auto& a, const auto& b) {
    return a.first * b.second < b.first * a.second;
  });
  const auto [quiet, busy] = paces[paces.size() / 2];
  state.counters["of_quiet"] = quiet / busy;
  state.counters["quiet_ns"] = quiet;
  state.counters["busy_ns"] = busy;
  state.counters["tables"] = static_cast<double>(reader.tables);
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
  for (const std::size_t n : std::initializer_list<std::size_t>{100, 1000, 10'000, 100'000}) {
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
    RegisterBenchmark(("publish_one/" + size).c_str(), publish_one, n, other_subject)
        ->Unit(benchmark::kMicrosecond);
    RegisterBenchmark(("publish_one/role/" + size).c_str(), publish_one, n, other_rules)
        ->Unit(benchmark::kMicrosecond);
  }
  RegisterBenchmark("decide_while_reloading/100000", decide_while_reloading, 100'000)
      ->Unit(benchmark::kMillisecond);
  return true;
}();

}  // namespace
}  // namespace gh::authz::rbac
