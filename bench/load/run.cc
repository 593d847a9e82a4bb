// SPDX-License-Identifier: Apache-2.0
#include "bench/load/run.h"

#include "base/limits.h"
#include "bench/load/loop.h"
#include "bench/load/progress.h"

#include <sys/utsname.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <ctime>
#include <fstream>
#include <memory>
#include <thread>

namespace gh::load {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::atomic<bool> asked_to_stop = false;

void on_signal(int) { asked_to_stop = true; }

std::string machine() {
  std::string cpu = "unknown processor";
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("model name")) continue;
    cpu = line.substr(line.find(':') + 2);
    break;
  }
  utsname system{};
  uname(&system);
  return cpu + ", " + std::to_string(std::thread::hardware_concurrency()) + " processors, " +
         system.sysname + " " + system.release;
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

struct Sums {
  std::uint64_t done = 0, failed = 0, unreached = 0, ready = 0, under_way = 0;
};

// The threads, and what main does while they run.
class Runner {
 public:
  explicit Runner(const Options& options) : options_(options), progress_(options) {}

  ~Runner() {
    plan_.end = 0;
    for (auto& thread : threads_) thread.join();
  }

  Outcome<Report> run();

 private:
  Sums sums() const;

  bool all_ended() const { return ended_ == loops_.size(); }

  bool hopeless(Instant since, bool begun) const;
  void give_up();
  void get_ready();
  void set_plan();
  void follow();
  void sample(Instant now);
  void read_usage_at(std::optional<ServerUsage>& into);
  void conclude();

  const Options& options_;
  Plan plan_;
  std::vector<std::unique_ptr<Loop>> loops_;
  std::vector<std::thread> threads_;
  std::atomic<std::size_t> ended_ = 0;
  Progress progress_;
  Report report_;
  std::optional<ServerUsage> usage_before_, usage_begin_, usage_end_;
  Instant window_begin_{}, window_end_{}, sampled_{};
  Sums sampled_sums_;
  Duration sample_every_ = milliseconds(250);
};

Sums Runner::sums() const {
  Sums out;
  for (const auto& loop : loops_) {
    const Live& live = loop->live();
    out.done += live.done.read();
    out.failed += live.failed.read();
    out.unreached += live.unreached.read();
    out.ready += live.ready.read();
    out.under_way += live.under_way.read();
  }
  return out;
}

// Nothing has ever worked, and it was tried often enough. Once the load has begun, errors other
// than of TCP are what it measures.
bool Runner::hopeless(Instant since, bool begun) const {
  const Sums now = sums();
  return now.done == 0 && now.ready == 0 && (begun ? now.unreached : now.failed) >= 10 &&
         monotonic_now() - since > seconds(2);
}

void Runner::give_up() {
  report_.trouble = "nothing has worked";
  report_.gave_up = true;
}

void Runner::read_usage_at(std::optional<ServerUsage>& into) {
  if (options_.server_pids.empty()) return;
  if (auto usage = read_usage(options_.server_pids)) {
    into = *usage;
  } else if (report_.trouble.empty()) {
    report_.trouble = usage.error().to_string();
  }
}

// Kept connections and watches stand before the load begins, so that opening them is not measured.
void Runner::get_ready() {
  const bool stands = !options_.by_connection();
  if (!stands) return;
  const std::uint64_t wanted =
      options_.connections * (options_.mode == Mode::watch ? options_.streams : 1);
  const Instant begin = monotonic_now();
  const Duration patience = options_.timeout * 2 + milliseconds(10) * options_.connections;
  for (Sums now = sums(); now.ready < wanted; now = sums()) {
    if (asked_to_stop || all_ended() || monotonic_now() - begin > patience) return;
    if (hopeless(begin, false)) return give_up();
    progress_.show_opening(now.ready, wanted, now.failed);
    std::this_thread::sleep_for(milliseconds(10));
  }
}

void Runner::set_plan() {
  const bool storm = options_.mode == Mode::storm;
  const Instant go = monotonic_now() + (storm ? milliseconds(20) : milliseconds(1));
  const Instant measure = go + (storm ? Duration(0) : options_.warm_up);
  const bool until_done = storm || options_.requests > 0;
  plan_.measure = measure.ns;
  if (!until_done) plan_.end = (measure + options_.duration).ns;
  plan_.go = go.ns;
  window_begin_ = measure;
  window_end_ = Instant{plan_.end.load()};
  sampled_ = monotonic_now();
  sampled_sums_ = sums();
}

void Runner::follow() {
  const Instant begin = monotonic_now();
  for (;;) {
    const Instant now = monotonic_now();
    if (!usage_begin_ && now >= window_begin_) read_usage_at(usage_begin_);
    if (now >= window_end_ || all_ended() || asked_to_stop) break;
    if (hopeless(begin, true) && options_.mode != Mode::storm && options_.mode != Mode::watch) {
      give_up();
      break;
    }
    if (now - sampled_ >= sample_every_) sample(now);
    Instant next = std::min(now + milliseconds(options_.mode == Mode::storm ? 1 : 10), window_end_);
    if (!usage_begin_) next = std::min(next, window_begin_);
    std::this_thread::sleep_for(next - now);
  }
  read_usage_at(usage_end_);
  const Instant now = monotonic_now();
  window_end_ = std::min(now, window_end_);
  sample(now);
  report_.standing = sums().ready;
  report_.interrupted = asked_to_stop;
  plan_.end = 0;
}

void Runner::sample(Instant now) {
  const Sums sums_now = sums();
  const double passed = static_cast<double>((now - sampled_).count()) / 1e9;
  if (passed <= 0) return;
  Sample out;
  out.seconds = static_cast<double>((now - window_begin_).count()) / 1e9;
  out.rate = static_cast<double>(sums_now.done - sampled_sums_.done) / passed;
  out.errors = static_cast<double>(sums_now.failed - sampled_sums_.failed) / passed;
  out.under_way = static_cast<double>(sums_now.under_way);
  report_.samples.push_back(out);
  if (report_.samples.size() > limits::load_samples_max) {
    std::size_t kept = 0;
    for (std::size_t i = 1; i < report_.samples.size(); i += 2)
      report_.samples[kept++] = report_.samples[i];
    report_.samples.resize(kept);
    sample_every_ *= 2;
  }
  progress_.show(out, sums_now.done, sums_now.failed);
  sampled_ = now;
  sampled_sums_ = sums_now;
}

void Runner::conclude() {
  for (auto& thread : threads_) thread.join();
  threads_.clear();
  progress_.clear();
  for (const auto& loop : loops_) {
    report_.total.add(loop->tally());
    if (!loop->trouble().empty()) report_.trouble = loop->trouble();
  }
  if (!report_.trouble.empty() && !report_.total.texts.empty())
    report_.trouble += " (" + report_.total.texts.begin()->first + ")";
  if (options_.expected_interval > Duration(0)) {
    report_.uncorrected = report_.total.latency;
    report_.total.latency = report_.uncorrected->corrected(options_.expected_interval);
  }
  report_.seconds = std::max(0.0, static_cast<double>((window_end_ - window_begin_).count()) / 1e9);
  if (!usage_before_ || !usage_begin_ || !usage_end_) return;
  report_.used = *usage_end_;
  report_.used->cpu_ns -= usage_begin_->cpu_ns;
  report_.used->user_ns -= usage_begin_->user_ns;
  report_.used->system_ns -= usage_begin_->system_ns;
  // The window of idle begins when all are open.
  report_.cpu_is_of_operations = options_.mode != Mode::idle;
  if (report_.standing > 0 && options_.mode == Mode::idle)
    report_.memory_each = (usage_end_->memory_bytes - usage_before_->memory_bytes) /
                          static_cast<double>(report_.standing);
}

Outcome<Report> Runner::run() {
  for (std::size_t i = 0; i < options_.threads; ++i) {
    loops_.push_back(std::make_unique<Loop>(options_, plan_, i));
    GH_TRY_VOID(loops_.back()->prepare());
  }
  if (!options_.server_pids.empty()) {
    GH_TRY(usage_before_, read_usage(options_.server_pids));
  }
  report_.started = utc_now();
  report_.machine = machine();
  for (auto& loop : loops_) {
    threads_.emplace_back([this, &loop] {
      loop->run();
      ++ended_;
    });
  }
  get_ready();
  if (report_.trouble.empty()) {
    set_plan();
    follow();
  } else {
    plan_.end = 0;
  }
  conclude();
  return std::move(report_);
}

}  // namespace

std::optional<double> Report::cpu_each() const noexcept {
  if (!used || total.done == 0 || !cpu_is_of_operations) return {};
  return used->cpu_ns / static_cast<double>(total.done);
}

std::optional<double> Report::figure(std::string_view name) const {
  if (name == "rate") return rate();
  if (name == "errors") return static_cast<double>(total.errors());
  if (name == "operations") return static_cast<double>(total.done);
  if (name == "cpu") return cpu_each();
  if (name == "memory") return memory_each;
  constexpr std::string_view prefix = "handshake-";
  const bool handshake = name.starts_with(prefix);
  if (handshake) name.remove_prefix(prefix.size());
  const Histogram& histogram = handshake ? total.handshake : total.latency;
  if (histogram.count() == 0) return {};
  const auto ns = [](Duration duration) { return static_cast<double>(duration.count()); };
  if (name == "mean") return ns(histogram.mean());
  if (name == "min") return ns(histogram.min());
  if (name == "max") return ns(histogram.max());
  const auto percent = percentile_of(name);
  return percent ? std::optional(ns(histogram.percentile(*percent))) : std::nullopt;
}

std::vector<Verdict> judge(const Options& options, const Report& report) {
  std::vector<Verdict> out;
  for (const Expectation& each : options.expectations) {
    const auto measured = report.figure(each.figure);
    out.push_back({each, measured, measured && each.holds(*measured)});
  }
  return out;
}

int exit_code(const Options& options, const Report& report, const std::vector<Verdict>& verdicts) {
  const auto connect = report.total.failed[static_cast<std::size_t>(Failure::connect)];
  const bool only_connect = report.total.errors() > 0 && connect == report.total.errors();
  if (report.total.done == 0 && only_connect) return 3;
  if (!report.trouble.empty() && !report.gave_up) return 3;
  for (const Verdict& verdict : verdicts)
    if (!verdict.held) return 1;
  if (report.gave_up) return 1;
  if (!options.expectations.empty()) return 0;
  // A watch may be quiet; anything else that did nothing did not work.
  const bool nothing = report.total.done == 0 && options.mode != Mode::watch;
  return report.total.errors() > 0 || nothing ? 1 : 0;
}

Outcome<Report> run(const Options& options) {
  struct sigaction action{};
  action.sa_handler = on_signal;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return Runner(options).run();
}

}  // namespace gh::load
