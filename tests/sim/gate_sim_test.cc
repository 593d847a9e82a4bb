// SPDX-License-Identifier: Apache-2.0
// The whole gate by seed: clients ↔ TLS ↔ HTTP ↔ pipeline ↔ HTTP ↔ TLS ↔ API servers, on a network
// that cuts, delays and resets. Whatever happens: nothing that was not allowed arrives upstream, no
// broken answer looks whole, everything ends, no memory stays. Streams are pipes, or our own TCP
// over frames that are lost, doubled and spoilt. One seed: GH_SIM_SEED=7 gate_sim_test. More seeds:
// GH_SIM_SEEDS=1000.
#include "authz/rbac/compiler.h"
#include "authz/rbac/policy_yaml.h"
#include "dataplane/worker/core_loop.h"
#include "tests/sim/actors.h"
#include "tests/support/key_pair.h"
#include "tests/support/sim_net.h"
#include "tests/support/sim_tcp_host.h"
#include "tests/tls/crypto_fixture.h"
#include "tls/openssl/local_key.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>

#include <cstdlib>
#include <thread>

namespace gh::test {
namespace {

constexpr char policy_yaml[] = R"(
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: pods}
rules:
- {apiGroups: [""], resources: [pods], verbs: [get, list, create, update]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: pods, namespace: demo}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: pods}
subjects:
- {kind: Group, name: dev, apiGroup: rbac.authorization.k8s.io}
)";

// Made once: keys cost more than everything else here.
struct Pki {
  Authority clients{"client-ca"};
  Authority servers{"serving-ca"};
  Authority proxies{"front-proxy-ca"};
  Issued gate = servers.server("gate.test");
  Issued api = servers.server("api.test");
  Issued front_proxy = proxies.client("gatehouse");
  Issued alice = clients.client("alice", {"dev"});
  Issued bob = clients.client("bob", {"dev", "ops"});
};

const Pki& pki() {
  static const Pki made;
  return made;
}

std::shared_ptr<const tls::TrustStore> trust(const Authority& ca) {
  return *tls::TrustStore::from_pem(ca.pem());
}

class Gate {
 public:
  // `front_proxy_key`: the gate's own, when it is not to be in its memory.
  Gate(
      std::uint64_t seed,
      std::size_t replicas,
      bool over_tcp,
      std::shared_ptr<const tls::PrivateKey> front_proxy_key = nullptr
  )
      : net_(seed),
        switch_(over_tcp ? std::make_unique<SimSwitch>(net_) : nullptr),
        front_proxy_key_(std::move(front_proxy_key)) {
    net_.core.set_now({1'000'000'000}, {now_seconds});
    for (std::size_t i = 0; i < replicas; ++i) {
      tls::ServerSettings server;
      server.certificates = {pair_of(pki().api)};
      server.client_trust = trust(pki().proxies);
      if (net_.chance(0.3)) server.alpn = {tls::Alpn::http_1_1};
      api_contexts_.push_back(*tls::ServerContext::make(server, {now_seconds}));
      api_hosts_.push_back(make_host(world_pool_));
      apis_.push_back(std::make_unique<SimUpstream>(net_, world_pool_, *api_contexts_.back()));
      const auto port = static_cast<std::uint16_t>(6443 + i);
      api_hosts_.back()->listen_at(port, *apis_.back());
      const net::Endpoint at = api_hosts_.back()->at(port);
      settings_.replicas.push_back({"https://" + at.to_string(), at, at.to_string(), true});
      net_.add_host(*api_hosts_.back(), [api = apis_.back().get()] { api->step(); });
    }
    metrics_.replicas = std::vector<proxy::ReplicaMetrics>(replicas);
    publish();
    gate_host_ = make_host(gate_pool_);
    loop_ = std::make_unique<worker::CoreLoop>(
        net_.core, gate_host_->road(), gate_pool_, settings_, shared_, metrics_, log_
    );
    gate_host_->listen_at(8443, *loop_);
    net_.add_host(*gate_host_, [this] {
      loop_->after_wait();
      gate_host_->submit();
      loop_->end_turn();
    });
    client_host_ = make_host(world_pool_);
    net_.add_host(*client_host_, [this] {
      for (auto& client : clients_) client->step();
    });
  }

  void add_client(const Issued& who, std::string user, std::vector<Ask> asks) {
    tls::ClientSettings client;
    client.trust = trust(pki().servers);
    client.certificate = pair_of(who);
    client.server_name = "gate.test";
    client.resume = net_.chance(0.5);
    if (net_.chance(0.5)) client.alpn = {tls::Alpn::http_1_1};
    if (net_.chance(0.3)) client.protocol.version_max = tls::ProtocolVersion::tls_1_2;
    client_contexts_.push_back(*tls::ClientContext::make(client, {now_seconds}));
    clients_.push_back(std::make_unique<SimClient>(
        net_,
        client_host_->road(),
        gate_host_->at(8443),
        world_pool_,
        *client_contexts_.back(),
        std::move(user),
        std::move(asks)
    ));
  }

  bool run(std::size_t turns) {
    return net_.run(
        [this] {
          return std::all_of(clients_.begin(), clients_.end(), [](auto& c) { return c->done(); });
        },
        turns
    );
  }

  // Every client gone, upstream connections idle: what memory does the gate still hold?
  std::size_t chunks_left() {
    net_.weather.cut = 0;
    if (switch_ != nullptr) switch_->weather = {};
    net_.run(
        [this] { return loop_->clients() == 0; }, 400'000
    );  // keep-alive finds who went unseen
    EXPECT_EQ(loop_->clients(), 0u);
    loop_.reset();
    gate_host_.reset();
    return gate_pool_.in_use();
  }

  SimNet& net() { return net_; }

  SimSwitch& network() { return *switch_; }  // over TCP

  worker::Metrics& metrics() { return metrics_; }

  const std::vector<std::unique_ptr<SimClient>>& clients() const { return clients_; }

  const std::vector<std::unique_ptr<SimUpstream>>& apis() const { return apis_; }

 private:
  std::unique_ptr<SimHosted> make_host(BufferPool& pool) {
    if (switch_ == nullptr) return std::make_unique<SimRoad>(net_, pool);
    return switch_->make_host(pool);
  }

  void publish() {
    auto snapshot = std::make_unique<worker::TlsSnapshot>();
    tls::ServerSettings server;
    server.certificates = {pair_of(pki().gate)};
    server.client_trust = trust(pki().clients);
    server.batch_crypto = net_.chance(0.5);
    server.ticket_keys = *tls::TicketKeys::generate();
    snapshot->server.push_back(*tls::ServerContext::make(server, {now_seconds}));
    snapshot->client_trust = server.client_trust;
    tls::ClientSettings upstream;
    upstream.trust = trust(pki().servers);
    upstream.certificate = pair_of(pki().front_proxy);
    upstream.certificate->outside_key = front_proxy_key_;
    upstream.batch_crypto = net_.chance(0.5);
    upstream.server_name = "api.test";
    for (std::size_t i = 0; i < settings_.replicas.size(); ++i) {
      upstream.alpn = {tls::Alpn::h2, tls::Alpn::http_1_1};
      snapshot->upstream.push_back(*tls::ClientContext::make(upstream, {now_seconds}));
      upstream.alpn = {tls::Alpn::http_1_1};
      snapshot->upstream_h1.push_back(*tls::ClientContext::make(upstream, {now_seconds}));
    }
    shared_.tls.publish(std::move(snapshot));
    authz::rbac::PolicyLoader loader;
    ASSERT_TRUE(loader.add(policy_yaml, "policy.yaml"));
    auto policy = std::make_unique<authz::PolicySnapshot>();
    policy->generation = 1;
    policy->table = *authz::rbac::compile(loader.take());
    shared_.policy.publish(std::move(policy));
  }

  SimNet net_;
  std::unique_ptr<SimSwitch> switch_;
  std::shared_ptr<const tls::PrivateKey> front_proxy_key_;
  BufferPool gate_pool_;
  BufferPool world_pool_;
  worker::Settings settings_;
  worker::Shared shared_;
  worker::Metrics metrics_;
  LogQueue log_;
  std::vector<std::unique_ptr<tls::ServerContext>> api_contexts_;
  std::vector<std::unique_ptr<tls::ClientContext>> client_contexts_;
  std::vector<std::unique_ptr<SimHosted>> api_hosts_;
  std::vector<std::unique_ptr<SimUpstream>> apis_;
  std::unique_ptr<SimHosted> gate_host_;
  std::unique_ptr<worker::CoreLoop> loop_;
  std::unique_ptr<SimHosted> client_host_;
  std::vector<std::unique_ptr<SimClient>> clients_;
};

std::vector<Ask> random_asks(SimNet& net, bool calm) {
  std::vector<Ask> asks(1 + net.below(25));
  for (std::size_t i = 0; i < asks.size(); ++i) {
    Ask& ask = asks[i];
    const std::size_t sizes[] = {0, 10, 1000, 16'384, 70'000, 300'000};
    ask.target = "/api/v1/namespaces/demo/pods?n=" + std::to_string(i) +
                 "&size=" + std::to_string(sizes[net.below(6)]);
    if (net.chance(0.3)) {
      ask.method = "POST";
      ask.body = std::string(sizes[1 + net.below(5)], static_cast<char>('a' + i % 26));
    }
    if (net.chance(0.2)) {
      ask.allowed = false;
      ask.target = "/api/v1/namespaces/demo/secrets?n=" + std::to_string(i);
    } else if (!calm && net.chance(0.1)) {
      ask.dies = true;
      ask.target += "&die=1";
    } else if (!calm && net.chance(0.1)) {
      ask.abandon = true;
    }
  }
  return asks;
}

// An answer that ended well is exactly the right one; in calm weather every one ends well.
void check(const SimClient& client, const Ask& ask, bool calm) {
  const std::string name = client.user() + " " + ask.method + " " + ask.target;
  ASSERT_TRUE(ask.closed) << name;
  if (calm && !ask.dies) {
    EXPECT_TRUE(ask.ended) << name << " reset: " << http::name_of(ask.reset);
    EXPECT_EQ(ask.status, ask.allowed ? 200 : 403) << name << " " << ask.answer;
  }
  if (!ask.ended) return;
  if (ask.status == 200) {
    EXPECT_TRUE(ask.allowed) << name;
    EXPECT_FALSE(ask.dies) << name << ": a broken answer looked whole";
    EXPECT_EQ(ask.answer, expected_answer(client.user(), ask)) << name;
  } else if (ask.status == 403) {
    EXPECT_FALSE(ask.allowed) << name;
    EXPECT_NE(ask.answer.find("secrets is forbidden: User \\\"" + client.user()), std::string::npos)
        << ask.answer;
  } else {
    EXPECT_TRUE(ask.status == 502 || ask.status == 503 || ask.status == 504)
        << name << " " << ask.status;
    EXPECT_FALSE(calm && !ask.dies) << name;
  }
}

void set_weather(SimNet& net, bool calm) {
  net.weather.deliver = 0.2 + 0.8 * net.chance(0.5);
  net.weather.pipe_max = 500 + net.below(100'000);
  net.weather.piece_max = net.chance(0.1) ? 200 : 1 + net.below(40'000);
  net.weather.cut = calm ? 0 : 0.002;
}

// Segments are lost, doubled, spoilt and overtake each other; at times nothing passes for a while.
void set_network(SimSwitch& network, bool calm) {
  SimNet& net = network.net;
  LinkWeather& weather = network.weather;
  const auto some = [&](double most) {
    return net.chance(0.5) ? 0 : most * static_cast<double>(net.below(1000)) / 1000;
  };
  net.weather.cut = calm ? 0 : 0.0005;
  weather.delay = std::chrono::microseconds(50 + net.below(10'000));
  if (net.chance(0.3)) weather.jitter = weather.delay;
  weather.reorder = some(0.1);
  weather.duplicate = some(0.05);
  if (calm) return;
  weather.loss = some(0.05);
  weather.corrupt = some(0.02);
  if (!net.chance(0.2)) return;
  weather.dark_from = net.core.now() + Duration(std::chrono::milliseconds(net.below(500)));
  weather.dark_until = weather.dark_from + Duration(std::chrono::milliseconds(net.below(3'000)));
}

void run_seed(std::uint64_t seed, bool over_tcp) {
  SCOPED_TRACE(
      std::string("replay: GH_SIM_SEED=") + std::to_string(seed) +
      " gate_sim_test --gtest_filter=*" + (over_tcp ? "tcp*" : "pipes*")
  );
  std::mt19937_64 pick(seed);
  const bool calm = pick() % 3 == 0;
  Gate gate(seed, 1 + pick() % 3, over_tcp);
  SimNet& net = gate.net();
  set_weather(net, calm);
  if (over_tcp) set_network(gate.network(), calm);
  const std::size_t clients = 1 + net.below(6);
  for (std::size_t i = 0; i < clients; ++i) {
    const bool alice = net.chance(0.5);
    gate.add_client(
        alice ? pki().alice : pki().bob, alice ? "alice" : "bob", random_asks(net, calm)
    );
  }
  ASSERT_TRUE(gate.run(400'000)) << "not everything ended";
  for (const auto& client : gate.clients()) {
    for (const Ask& ask : client->asks()) check(*client, ask, calm);
  }
  for (const auto& api : gate.apis()) {
    EXPECT_TRUE(api->complaints.empty()) << api->complaints.front();
  }
  EXPECT_EQ(gate.chunks_left(), 0u);
  EXPECT_EQ(gate.metrics().requests_active.read(), 0u);
  EXPECT_EQ(gate.metrics().connections_open.read(), 0u);
}

void run_seeds(bool over_tcp) {
  if (const char* one = std::getenv("GH_SIM_SEED"))
    return run_seed(std::strtoull(one, nullptr, 10), over_tcp);
  const char* more = std::getenv("GH_SIM_SEEDS");
  const std::uint64_t seeds = more == nullptr ? 60 : std::strtoull(more, nullptr, 10);
  for (std::uint64_t seed = 1; seed <= seeds && !::testing::Test::HasFailure(); ++seed)
    run_seed(seed, over_tcp);
}

TEST(GateSim, seeds_over_pipes_end_well) { run_seeds(false); }

// The same over our own TCP/IP on both sides, as on the dpdk road.
TEST(GateSim, seeds_over_tcp_end_well) { run_seeds(true); }

std::shared_ptr<tls::GatedKey> front_proxy_key() {
  const std::string pem = pki().front_proxy.key_pem();
  tls::BioHandle bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return std::make_shared<tls::GatedKey>(std::make_shared<tls::LocalKey>(
      tls::KeyHandle(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr))
  ));
}

Ask ask_for(std::string target, bool allowed) {
  Ask ask;
  ask.target = std::move(target);
  ask.allowed = allowed;
  return ask;
}

// The gate cannot reach an API server until its key, in another process, has signed.
TEST(GateSim, a_slow_key_holds_up_what_needs_it_and_nothing_else) {
  const auto key = front_proxy_key();
  Gate gate(1, 1, false, key);
  gate.net().weather.cut = 0;
  gate.add_client(pki().alice, "alice", {ask_for("/api/v1/namespaces/demo/pods?size=10", true)});
  gate.net().weather.turn_max = std::chrono::microseconds(1);  // nothing times out
  EXPECT_FALSE(gate.run(2000));
  key->wait_until_entered(1);
  gate.add_client(pki().bob, "bob", {ask_for("/api/v1/namespaces/demo/secrets", false)});
  gate.run(5000);
  EXPECT_TRUE(gate.clients()[1]->done());  // judged and answered meanwhile
  EXPECT_FALSE(gate.clients()[0]->done());
  key->open();
  while (!gate.run(100)) std::this_thread::yield();  // a test that hangs here has failed
  for (const auto& client : gate.clients()) {
    for (const Ask& ask : client->asks()) check(*client, ask, true);
  }
  EXPECT_EQ(gate.chunks_left(), 0u);
}

TEST(GateSim, a_key_that_fails_leaves_the_upstream_unavailable) {
  const auto key = front_proxy_key();
  key->fail_from_now_on();
  key->open();
  Gate gate(1, 1, false, key);
  gate.net().weather.cut = 0;
  gate.add_client(pki().alice, "alice", {ask_for("/api/v1/namespaces/demo/pods?size=10", true)});
  while (!gate.run(100)) std::this_thread::yield();
  EXPECT_GE(gate.clients()[0]->asks()[0].status, 502);
  EXPECT_GE(gate.metrics().crypto.failed.read(), 1u);
}

// The worker ends while a key is being asked: what was under way goes with it.
TEST(GateSim, a_gate_ends_while_its_key_is_being_asked) {
  const auto key = front_proxy_key();
  {
    Gate gate(1, 1, false, key);
    gate.net().weather.cut = 0;
    gate.add_client(pki().alice, "alice", {ask_for("/api/v1/namespaces/demo/pods?size=10", true)});
    gate.net().weather.turn_max = std::chrono::microseconds(1);
    EXPECT_FALSE(gate.run(2000));
    key->wait_until_entered(1);
  }
  key->open();
  // The thread that asked was left behind: it may still be at it when the process ends.
  while (key.use_count() > 1) std::this_thread::yield();
}

}  // namespace
}  // namespace gh::test
