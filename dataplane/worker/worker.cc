// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/worker.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>

#include "base/assert.h"
#include "dataplane/worker/client_connection.h"
#include "dataplane/worker/core_state.h"
#include "dataplane/worker/pipeline.h"
#include "dataplane/worker/upstream_connection.h"

namespace gh::worker {

class Worker::Loop final : public net::AcceptHandler, public net::SleepObserver, public proxy::Dialer {
 public:
  Loop(CoreId id, const Settings& settings, const Shared& shared, Metrics& metrics, LogQueue& log, std::vector<int> sockets)
      : core_(id), settings_(settings), shared_(shared), metrics_(metrics), log_(log), sockets_(std::move(sockets)) {
    core_.set_now(monotonic_now(), wall_now());
    metrics_.replicas = std::vector<proxy::ReplicaMetrics>(settings_.replicas.size());
  }

  ~Loop() {
    for (const int socket : sockets_) ::close(socket);
  }

  Outcome<void> run();

  void request(int stop) noexcept {
    stop_wanted_.store(stop, std::memory_order_release);
    if (net::Road* road = wake_road_.load(std::memory_order_acquire)) road->wake();
  }

  // ---- what the layers below and beside ask ----
  net::StreamHandler* on_accept(net::Stream& stream) noexcept override;
  void on_sleep() noexcept override { rcu_->sleep(); }
  void on_awake() noexcept override {
    rcu_->awake();
    core_.set_now(monotonic_now(), wall_now());
  }
  proxy::Link* dial(std::size_t replica, bool h1_only) noexcept override;

 private:
  void pin() noexcept;
  void turn();
  void notice_new_tls();
  bool stopping();

  Core core_;
  const Settings settings_;
  const Shared& shared_;
  Metrics& metrics_;
  LogQueue& log_;
  std::vector<int> sockets_;
  std::atomic<int> stop_wanted_{0};  // 1 drain, 2 abort; written by control
  std::atomic<net::Road*> wake_road_{nullptr};

  // Alive while run() is: made on the worker's thread.
  RcuReader* rcu_ = nullptr;
  net::Road* road_ = nullptr;
  CoreState* state_ = nullptr;
  proxy::UpstreamPool* pool_ = nullptr;
  Pipeline* pipeline_ = nullptr;
  const TlsSnapshot* tls_seen_ = nullptr;  // compared, never read
  int stop_seen_ = 0;
  Instant stop_deadline_ = Instant::never();
};

Outcome<void> Worker::Loop::run() {
  if (settings_.pin) pin();
  BufferPool buffers;
  GH_TRY(auto road, net::make_road(settings_.road, buffers));
  RcuReader rcu;
  TimerWheel timers(core_.now());
  CoreState state{core_, timers, buffers, *road, settings_, shared_, metrics_, log_};
  proxy::UpstreamPool pool(core_, timers, *this, metrics_.replicas);
  Pipeline pipeline(state, pool);
  rcu_ = &rcu;
  road_ = road.get();
  state_ = &state;
  pool_ = &pool;
  pipeline_ = &pipeline;
  road->observe_sleep(this);
  for (const int socket : sockets_) road->listen(socket, *this);
  sockets_.clear();
  wake_road_.store(road.get(), std::memory_order_release);
  while (!stopping()) turn();
  wake_road_.store(nullptr, std::memory_order_release);
  return {};
}

void Worker::Loop::turn() {
  CoreState& state = *state_;
  const Instant deadline = std::min(state.timers.next_deadline(), stop_deadline_);
  road_->wait(core_.now(), deadline);
  core_.set_now(monotonic_now(), wall_now());
  notice_new_tls();
  state.timers.expire(core_.now());
  state.service_dirty();
  road_->submit();
  state.empty_graveyard();
  metrics_.loop_turns.add();
  rcu_->quiet();
}

// New certificates or CAs: upstream connections are made anew, callers are judged under the new trust at their next request.
void Worker::Loop::notice_new_tls() {
  const TlsSnapshot* now = shared_.tls.read();
  if (now == tls_seen_) return;
  if (tls_seen_ != nullptr) pool_->retire_all();
  tls_seen_ = now;
}

// Sees what control wants; true when the loop is to end.
bool Worker::Loop::stopping() {
  const int wanted = stop_wanted_.load(std::memory_order_acquire);
  if (wanted == 0) return false;
  if (stop_seen_ == 0) {
    stop_seen_ = 1;
    road_->stop_listening();
    pipeline_->drain_all();
    stop_deadline_ = core_.now() + settings_.shutdown_timeout;
    state_->service_dirty();
    road_->submit();
  }
  if (stop_seen_ == 1 && (wanted == 2 || core_.now() >= stop_deadline_)) {
    stop_seen_ = 2;
    pipeline_->abort_all();
    stop_deadline_ = core_.now() + std::chrono::seconds(1);  // for the aborts to get out
  }
  if (stop_seen_ == 2 && core_.now() >= stop_deadline_) return true;
  return pipeline_->clients() == 0;
}

void Worker::Loop::pin() noexcept {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  const int count = CPU_COUNT(&allowed);
  int nth = core_.id().value % std::max(count, 1);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed) || nth-- > 0) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    pthread_setaffinity_np(pthread_self(), sizeof one, &one);
    return;
  }
}

net::StreamHandler* Worker::Loop::on_accept(net::Stream& stream) noexcept {
  metrics_.connections_accepted.add();
  if (pipeline_->clients() >= limits::connections_per_worker_max || shared_.tls.read() == nullptr) {
    metrics_.connections_refused.add();
    return nullptr;
  }
  auto* client = new ClientConnection(*state_, *pipeline_, stream);
  pipeline_->remember(*client);
  return client;
}

proxy::Link* Worker::Loop::dial(std::size_t replica, bool h1_only) noexcept {
  auto connection = std::make_unique<UpstreamConnection>(*state_, *pool_, replica, h1_only);
  if (!connection->connect()) return nullptr;
  return connection.release();  // buried by itself when its stream closes
}

Worker::Worker(CoreId id, const Settings& settings, const Shared& shared, Metrics& metrics, LogQueue& log, std::vector<int> sockets)
    : loop_(std::make_unique<Loop>(id, settings, shared, metrics, log, std::move(sockets))) {}

Worker::~Worker() = default;

Outcome<void> Worker::run() { return loop_->run(); }

void Worker::request_stop() noexcept { loop_->request(1); }

void Worker::request_abort() noexcept { loop_->request(2); }

}  // namespace gh::worker
