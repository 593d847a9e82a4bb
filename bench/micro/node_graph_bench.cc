// SPDX-License-Identifier: Apache-2.0
// The Node authorizer's graph at 5 000 nodes × 30 pods × 6 references (service account, two config
// maps, two secrets, one claim with a bound volume and its secret): build, publish one event,
// decide. build has columns: graph_mb and snapshot_mb are memory, by the allocator's count and by
// the snapshot's own; pairs, of a node and an object it reaches. decide/… asks for 64 nodes in
// turn; its columns any_p50_ns and any_p99_ns are of single decisions for any of the nodes, timed
// one by one, the clock's own time (about 20 ns) in them: most of what they touch is in no near
// cache.
#include "authz/node/graph.h"
#include "authz/node/node_authorizer.h"

#include <benchmark/benchmark.h>
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace gh::authz::node {
namespace {

constexpr std::size_t nodes = 5'000;
constexpr std::size_t pods_per_node = 30;
constexpr std::size_t namespaces = 500;

std::string node_name(std::size_t i) { return "ip-10-0-" + std::to_string(i) + ".internal"; }

Pod make_pod(std::size_t i) {
  const std::string number = std::to_string(i);
  Pod pod;
  pod.namespace_ = "team-" + std::to_string(i % namespaces);
  pod.name = "workload-" + std::to_string(i / 10) + "-7d9c5b6f4-" + number;
  pod.uid = "8c1f0a52-2f1e-4a57-9a5c-0000" + std::to_string(10'000'000 + i);
  pod.node = node_name(i % nodes);
  pod.service_account = "workload-" + std::to_string(i / 10);
  pod.secrets = {"registry-pull-secret", "workload-" + std::to_string(i / 10) + "-credentials"};
  pod.config_maps = {"kube-root-ca.crt", "workload-" + std::to_string(i / 10) + "-config"};
  pod.volume_claims = {"data-" + number};
  return pod;
}

PersistentVolume make_volume(std::size_t i) {
  PersistentVolume volume;
  volume.name = "pvc-8c1f0a52-2f1e-4a57-9a5c-" + std::to_string(10'000'000 + i);
  volume.claim.emplace("team-" + std::to_string(i % namespaces), "data-" + std::to_string(i));
  volume.secrets = {{"storage", "csi-node-key"}};
  return volume;
}

std::size_t allocated() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

std::unique_ptr<Graph> make_graph() {
  auto graph = std::make_unique<Graph>();
  for (std::size_t i = 0; i < nodes * pods_per_node; ++i) {
    graph->apply(Event::added, make_pod(i));
    graph->apply(Event::added, make_volume(i));
  }
  return graph;
}

Graph& shared_graph() {
  static const std::unique_ptr<Graph> graph = make_graph();
  return *graph;
}

void build(benchmark::State& state) {
  double graph_bytes = 0;
  GraphSnapshot::Size size;
  for (auto _ : state) {
    const std::size_t before = allocated();
    auto graph = make_graph();
    graph_bytes = static_cast<double>(allocated() - before);
    const auto snapshot = graph->snapshot();
    state.PauseTiming();
    size = snapshot->size();
    graph.reset();
    state.ResumeTiming();
  }
  state.counters["graph_mb"] = graph_bytes / 1e6;
  state.counters["snapshot_mb"] = static_cast<double>(size.bytes) / 1e6;
  state.counters["pairs"] = static_cast<double>(size.pairs);
}

// A pod is gone and comes again, in turns; the snapshot before is freed, as a publisher does.
void publish_one_event(benchmark::State& state) {
  Graph& graph = shared_graph();
  auto snapshot = graph.snapshot();
  std::size_t i = 0;
  for (auto _ : state) {
    const Pod pod = make_pod(i / 2 * 7919 % (nodes * pods_per_node));
    graph.apply(i % 2 == 0 ? Event::deleted : Event::added, pod);
    snapshot = graph.snapshot();
    ++i;
  }
  if (i % 2 == 1) graph.apply(Event::added, make_pod(i / 2 * 7919 % (nodes * pods_per_node)));
}

struct Question {
  std::string space;
  std::string name;
  identity::Identity who;
  NodeCaller caller;
  Attributes what;
};

// A worker has just read the question: it is at hand.
int sum_of(std::string_view text) {
  int sum = 0;
  for (const char c : text) sum += c;
  return sum;
}

enum class Ask { secret, volume_secret, unrelated, service };

std::vector<std::unique_ptr<Question>> questions(Ask ask) {
  std::vector<std::unique_ptr<Question>> out;
  for (std::size_t i = 0; i < 4096; ++i) {
    const Pod pod = make_pod(i * 7919 % (nodes * pods_per_node));
    auto one = std::make_unique<Question>();
    one->who = {"system:node:" + pod.node, "", {"system:nodes", "system:authenticated"}, {}};
    one->caller = node_caller(one->who);
    one->space = ask == Ask::volume_secret ? "storage" : pod.namespace_;
    one->name = ask == Ask::volume_secret ? "csi-node-key" : pod.secrets[1];
    if (ask == Ask::unrelated) one->name += "x";
    one->what.resource_request = true;
    one->what.verb = ask == Ask::service ? "list" : "get";
    one->what.resource = ask == Ask::service ? "services" : "secrets";
    if (ask != Ask::service) one->what.namespace_ = one->space;
    if (ask != Ask::service) one->what.name = one->name;
    out.push_back(std::move(one));
  }
  return out;
}

void decide_one(benchmark::State& state, Ask ask) {
  static const auto snapshot = shared_graph().snapshot();
  const auto asked = questions(ask);
  std::size_t i = 0;
  std::size_t allowed = 0;
  for (auto _ : state) {
    const Question& one = *asked[i++ & 63];
    allowed += decide(*snapshot, one.caller, one.what, {}) == Decision::allow;
  }
  if ((allowed == 0) != (ask == Ask::unrelated)) state.SkipWithError("a wrong decision");
  std::vector<double> times(100'000);
  for (double& time : times) {
    const Question& one = *asked[i++ & 4095];
    benchmark::DoNotOptimize(sum_of(one.caller.node) + sum_of(one.space) + sum_of(one.name));
    const auto from = std::chrono::steady_clock::now();
    benchmark::DoNotOptimize(decide(*snapshot, one.caller, one.what, {}));
    const auto to = std::chrono::steady_clock::now();
    time = std::chrono::duration<double, std::nano>(to - from).count();
  }
  std::sort(times.begin(), times.end());
  state.counters["any_p50_ns"] = times[times.size() / 2];
  state.counters["any_p99_ns"] = times[times.size() * 99 / 100];
}

BENCHMARK(build)->Name("build/150000_pods")->Unit(benchmark::kMillisecond)->Iterations(1);
BENCHMARK(publish_one_event)->Name("publish_one_event/150000_pods")->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(decide_one, secret, Ask::secret)->Name("decide/secret/150000_pods");
BENCHMARK_CAPTURE(decide_one, volume_secret, Ask::volume_secret)
    ->Name("decide/secret_of_volume/150000_pods");
BENCHMARK_CAPTURE(decide_one, unrelated, Ask::unrelated)->Name("decide/unrelated/150000_pods");
BENCHMARK_CAPTURE(decide_one, service, Ask::service)->Name("decide/static_rule/150000_pods");

}  // namespace
}  // namespace gh::authz::node
