// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/worker.h"

#include "dataplane/worker/core_loop.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>

namespace gh::worker {

class Worker::Loop final : public net::SleepObserver {
 public:
  Loop(
      CoreId id,
      const Settings& settings,
      const Shared& shared,
      Metrics& metrics,
      LogQueue& log,
      std::vector<net::Listening> listens
  )
      : core_(id),
        settings_(settings),
        shared_(shared),
        metrics_(metrics),
        log_(log),
        listens_(std::move(listens)) {
    metrics_.replicas = std::vector<proxy::ReplicaMetrics>(settings_.replicas.size());
  }

  ~Loop() {
    for (const net::Listening& each : listens_) {
      if (each.socket >= 0) ::close(each.socket);
    }
  }

  Outcome<void> run();

  void request(int stop) noexcept {
    stop_wanted_.store(stop, std::memory_order_release);
    if (net::Road* road = road_.load(std::memory_order_acquire)) road->wake();
  }

 private:
  enum class Stop : std::uint8_t { running, draining, aborting };

  void on_sleep() noexcept override { rcu_->sleep(); }

  void on_awake() noexcept override {
    rcu_->awake();
    core_.set_now(monotonic_now(), wall_now());
  }

  void pin() noexcept;
  bool over(net::Road& road, CoreLoop& loop);

  Core core_;
  const Settings settings_;
  const Shared& shared_;
  Metrics& metrics_;
  LogQueue& log_;
  std::vector<net::Listening> listens_;
  std::atomic<int> stop_wanted_{0};        // 1 drain, 2 abort; written by control
  std::atomic<net::Road*> road_{nullptr};  // for wake()
  RcuReader* rcu_ = nullptr;               // alive while run() is: made on the worker's thread
  Stop stop_ = Stop::running;
  Instant stop_deadline_ = Instant::never();
};

Outcome<void> Worker::Loop::run() {
  if (settings_.pin) pin();
  core_.set_now(monotonic_now(), wall_now());
  RcuReader rcu;
  rcu_ = &rcu;
  BufferPool buffers;
  GH_TRY(
      const auto road,
      settings_.make_road ? settings_.make_road(core_.id(), buffers)
                          : net::make_road(settings_.road, buffers)
  );
  CoreLoop loop(core_, *road, buffers, settings_, shared_, metrics_, log_);
  road->observe_sleep(this);
  for (const net::Listening& each : listens_) road->listen(each, loop);
  listens_.clear();
  road_.store(road.get(), std::memory_order_release);
  while (!over(*road, loop)) {
    road->wait(core_.now(), std::min(loop.next_deadline(), stop_deadline_));
    core_.set_now(monotonic_now(), wall_now());
    loop.after_wait();
    road->submit();
    loop.end_turn();
    rcu.quiet();
  }
  road_.store(nullptr, std::memory_order_release);
  return {};
}

// Sees what control wants; true when the loop is to end.
bool Worker::Loop::over(net::Road& road, CoreLoop& loop) {
  const int wanted = stop_wanted_.load(std::memory_order_acquire);
  if (wanted == 0) return false;
  if (stop_ == Stop::running) {
    stop_ = Stop::draining;
    stop_deadline_ = core_.now() + settings_.shutdown_timeout;
    road.stop_listening();
    loop.begin_drain();
    road.submit();
  }
  if (stop_ == Stop::draining && (wanted == 2 || core_.now() >= stop_deadline_)) {
    stop_ = Stop::aborting;
    stop_deadline_ = core_.now() + std::chrono::seconds(1);  // for the aborts to get out
    loop.abort_clients();
    road.submit();
  }
  return loop.clients() == 0 || (stop_ == Stop::aborting && core_.now() >= stop_deadline_);
}

// The nth processor this process may use, so that workers spread over what the container was given.
void Worker::Loop::pin() noexcept {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  int nth = core_.id().value % std::max(CPU_COUNT(&allowed), 1);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed) || nth-- > 0) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    pthread_setaffinity_np(pthread_self(), sizeof one, &one);
    return;
  }
}

Worker::Worker(
    CoreId id,
    const Settings& settings,
    const Shared& shared,
    Metrics& metrics,
    LogQueue& log,
    std::vector<net::Listening> listens
)
    : loop_(std::make_unique<Loop>(id, settings, shared, metrics, log, std::move(listens))) {}

Worker::~Worker() = default;

Outcome<void> Worker::run() { return loop_->run(); }

void Worker::request_stop() noexcept { loop_->request(1); }

void Worker::request_abort() noexcept { loop_->request(2); }

}  // namespace gh::worker
