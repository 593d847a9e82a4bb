// SPDX-License-Identifier: Apache-2.0
#include "control/control_thread.h"

#include "control/admin_pages.h"
#include "control/admin_server.h"
#include "control/dpdk_road.h"
#include "control/file_watch.h"
#include "control/log.h"
#include "control/reloader.h"
#include "control/service_notify.h"
#include "control/status.h"
#include "control/version.h"
#include "dataplane/net/byte_stream.h"
#include "dataplane/worker/worker.h"
#include "tls/ssl_engine.h"

#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <deque>
#include <memory>
#include <thread>

namespace gh::control {
namespace {

constexpr std::array handled_signals = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};

std::size_t usable_cores() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0)
    return std::max(1u, std::thread::hardware_concurrency());
  return static_cast<std::size_t>(std::max(1, CPU_COUNT(&set)));
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// One thread and everything that is its own.
struct WorkerThread {
  worker::Metrics metrics;
  LogQueue log;
  std::unique_ptr<worker::Worker> worker;
  std::thread thread;
  std::atomic<bool> ended{false};
  Outcome<void> outcome;
};

class Gate {
 public:
  explicit Gate(const Config& config)
      : config_(config), workers_(config.workers > 0 ? config.workers : usable_cores()) {}

  ~Gate();

  int run();

 private:
  bool start();
  bool start_log();
  std::vector<Fault> choose_road();
  std::vector<Fault> choose_kernel_road();
  void set_judgement();
  std::vector<Fault> resolve_upstreams();
  std::vector<Fault> listen();
  std::vector<Fault> listen_at(const net::Endpoint& endpoint);
  std::vector<Fault> start_ports();

  bool past_kernel() const { return config_.road == RoadChoice::dpdk; }

  bool start_admin();
  Outcome<void> open_descriptors();
  void make_workers();
  void start_workers();
  int serve_until_stopped();
  int poll_timeout_ms(Instant now) const;
  void on_signals();
  void on_timers();
  void on_worker_ended();
  void reload(std::string_view why);
  void begin_stop(std::string_view why);
  void join();

  void say(LogLevel level, std::string text) { log_.push({level, false, std::move(text)}); }

  bool refuse(const std::vector<Fault>& problems);

  const Config& config_;
  std::size_t workers_;
  worker::Settings settings_;
  worker::Shared shared_;
  Status status_;
  View view_;
  LogQueue log_;
  std::unique_ptr<LogThread> log_thread_;
  std::unique_ptr<Reloader> reloader_;
  std::unique_ptr<FileWatch> watch_;
  std::unique_ptr<AdminServer> admin_;
  std::vector<std::vector<net::Listening>> listens_;  // by worker, until it takes them
  std::vector<std::string> addresses_;
  std::unique_ptr<net::dpdk::Ports> ports_;  // --road dpdk
  std::deque<WorkerThread> threads_;
  int signals_ = -1;
  int worker_ended_ = -1;  // eventfd
  Instant next_look_;
  Instant next_key_;
  Instant next_fetched_;
  bool failed_ = false;
};

Gate::~Gate() {
  admin_.reset();  // reads what follows
  if (log_thread_) log_thread_->stop();
  for (const auto& listens : listens_) {
    for (const net::Listening& each : listens) {
      if (each.socket >= 0) close(each.socket);
    }
  }
  if (signals_ >= 0) close(signals_);
  if (worker_ended_ >= 0) close(worker_ended_);
}

int Gate::run() {
  if (!start()) return 1;
  return serve_until_stopped();
}

// At start a person is watching: problems go to standard error as they are, in one list.
bool Gate::refuse(const std::vector<Fault>& problems) {
  for (const Fault& problem : problems)
    std::fprintf(stderr, "gatehouse: %s\n", problem.to_string().c_str());
  return problems.empty();
}

bool Gate::start() {
  raise_descriptor_limit();
  if (const auto opened = open_descriptors(); !opened) return refuse({opened.error()});
  make_workers();
  if (!start_log()) return false;
  say(LogLevel::info,
      event_text(
          "gatehouse starts",
          {{"version", std::string(version())}, {"workers", std::to_string(workers_)}}
      ));
  if (!config_.ssl_engine.empty()) {
    if (const auto used = tls::use_ssl_engine(config_.ssl_engine); !used)
      return refuse({Fault{used.error().text, "--ssl-engine"}});
  }
  reloader_ = std::make_unique<Reloader>(config_, workers_, shared_, status_, log_);
  watch_->watch(reloader_->paths());  // before the first read: a change from here on is seen
  std::vector<Fault> problems = reloader_->start(wall_now());
  for (auto step :
       {&Gate::choose_road, &Gate::resolve_upstreams, &Gate::listen, &Gate::start_ports}) {
    for (Fault& problem : (this->*step)()) problems.push_back(std::move(problem));
  }
  if (!refuse(problems)) return false;
  for (std::size_t i = 0; i < workers_; ++i) {
    const CoreId id{static_cast<std::uint16_t>(i)};
    WorkerThread& own = threads_[i];
    own.worker = std::make_unique<worker::Worker>(
        id, settings_, shared_, own.metrics, own.log, std::move(listens_[i])
    );
    view_.workers.push_back(&own.metrics);
  }
  listens_.clear();
  view_.status = &status_;
  view_.config = render_config(config_);
  if (!start_admin()) return false;
  start_workers();
  return true;
}

Outcome<void> Gate::open_descriptors() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : handled_signals) sigaddset(&set, signal);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);  // inherited by every thread
  std::signal(SIGPIPE, SIG_IGN);
  signals_ = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  worker_ended_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (signals_ < 0 || worker_ended_ < 0)
    return fault(std::string("cannot start: ") + std::strerror(errno));
  GH_TRY(watch_, FileWatch::make(limits::reload_debounce, limits::reload_debounce_max));
  return {};
}

void Gate::make_workers() {
  for (std::size_t i = 0; i < workers_; ++i) threads_.emplace_back();
  listens_.resize(workers_);
}

bool Gate::start_log() {
  const LogLevel least = config_.verbosity > 0 ? LogLevel::debug : LogLevel::info;
  auto writer = LogWriter::make(config_.log_format, least, config_.access_log);
  if (!writer) return refuse({writer.error()});
  std::vector<LogQueue*> queues = {&log_};
  for (WorkerThread& own : threads_) queues.push_back(&own.log);
  view_.logs = {queues.begin(), queues.end()};
  log_thread_ = std::make_unique<LogThread>(std::move(*writer), std::move(queues));
  return true;
}

std::vector<Fault> Gate::choose_road() {
  settings_.pin = config_.pin_workers;
  set_judgement();
  settings_.access_log = !config_.access_log.empty();
  settings_.handshake_timeout = config_.handshake_timeout;
  settings_.shutdown_timeout = config_.shutdown_timeout;
  settings_.idle_timeout = config_.idle_timeout;
  settings_.head_timeout = config_.head_timeout;
  if (!past_kernel()) return choose_kernel_road();
  settings_.road = net::RoadKind::dpdk;
  settings_.make_road = [this](CoreId core, BufferPool& pool) {
    return ports_->make_road(core, pool);
  };
  return {};
}

std::vector<Fault> Gate::choose_kernel_road() {
  const std::string missing = config_.road == RoadChoice::epoll ? "" : net::uring_missing();
  if (config_.road == RoadChoice::uring && !missing.empty()) return {{"road: " + missing, "road"}};
  const bool uring = config_.road != RoadChoice::epoll && missing.empty();
  settings_.road = uring ? net::RoadKind::uring : net::RoadKind::epoll;
  if (!missing.empty())
    say(LogLevel::warn,
        event_text("io_uring cannot be used, epoll takes its place", {{"problem", missing}}));
  return {};
}

// Who may be somebody, and who is asked what they may do.
void Gate::set_judgement() {
  settings_.authorizers.clear();
  for (const Authorizer authorizer : config_.authorization_mode) {
    settings_.authorizers.push_back(
        authorizer == Authorizer::node   ? worker::AuthorizerKind::node
        : authorizer == Authorizer::rbac ? worker::AuthorizerKind::rbac
                                         : worker::AuthorizerKind::always_allow
    );
  }
  settings_.shadow = config_.authorization_shadow;
  settings_.node_restriction = config_.node_restriction;
  settings_.anonymous = config_.anonymous_auth;
  settings_.review_tokens = config_.authentication_token_webhook;
  settings_.api_audiences = config_.api_audiences;
  if (auto mapping = identity::CertificateMapping::make(config_.certificate_mappings);
      mapping && !mapping->empty())
    settings_.mapping = std::make_shared<const identity::CertificateMapping>(std::move(*mapping));
  if (config_.requestheader_client_ca_file.empty()) return;
  settings_.front_proxy = std::make_shared<const identity::FrontProxy>(identity::FrontProxyConfig{
      config_.requestheader_username_headers,
      config_.requestheader_uid_headers,
      config_.requestheader_group_headers,
      config_.requestheader_extra_headers_prefix,
      config_.requestheader_allowed_names
  });
}

// Whether somebody answers there within a moment.
bool answers(const net::Endpoint& at) {
  constexpr int moment_ms = 300;
  const int fd = socket(at.address()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int error = fd < 0 || connect(fd, at.address(), at.length()) == 0 ? 0 : errno;
  pollfd wait{fd, POLLOUT, 0};
  if (error == EINPROGRESS && poll(&wait, 1, moment_ms) == 1) {
    socklen_t length = sizeof error;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
  }
  if (fd >= 0) close(fd);
  return fd >= 0 && error == 0;
}

// Whether the address is one of this host's: "localhost" names ::1 also where there is no IPv6.
bool is_ours(const net::Endpoint& at) {
  sockaddr_storage any_port{};
  std::memcpy(&any_port, at.address(), at.length());
  if (at.is_ipv6()) {
    reinterpret_cast<sockaddr_in6*>(&any_port)->sin6_port = 0;
  } else {
    reinterpret_cast<sockaddr_in*>(&any_port)->sin_port = 0;
  }
  const int fd = socket(any_port.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool ours =
      fd >= 0 && bind(fd, reinterpret_cast<const sockaddr*>(&any_port), at.length()) == 0;
  if (fd >= 0) close(fd);
  return ours;
}

// Of several addresses the first that answers; when none does, or there is only one, the first.
net::Endpoint best_of(const std::vector<net::Endpoint>& addresses) {
  if (addresses.size() == 1) return addresses.front();
  const auto found = std::find_if(addresses.begin(), addresses.end(), answers);
  return found == addresses.end() ? addresses.front() : *found;
}

std::vector<Fault> Gate::resolve_upstreams() {
  std::vector<Fault> problems;
  for (const UpstreamUrl& upstream : config_.upstream) {
    const auto addresses = net::resolve(upstream.at.host, upstream.at.port);
    if (!addresses || addresses->empty()) {
      problems.push_back(
          {upstream.url + ": " + (addresses ? "has no address" : addresses.error().text), "upstream"
          }
      );
      continue;
    }
    auto best = past_kernel() ? dpdk_reachable(config_, *addresses)
                              : Outcome<net::Endpoint>(best_of(*addresses));
    if (!best) {
      problems.push_back({upstream.url + ": " + best.error().text, "upstream"});
      continue;
    }
    settings_.replicas.push_back({upstream.url, *best, upstream.at.to_string(), upstream.tls});
    view_.replicas.push_back(upstream.url);
  }
  return problems;
}

Outcome<std::vector<net::Endpoint>> addresses_of(const HostPort& at) {
  if (at.host.empty()) {
    GH_TRY(const auto any, net::Endpoint::parse(at.to_string()));
    return std::vector<net::Endpoint>{any};
  }
  GH_TRY(auto addresses, net::resolve(at.host, at.port));
  if (std::any_of(addresses.begin(), addresses.end(), is_ours)) {
    std::erase_if(addresses, [](const net::Endpoint& each) { return !is_ours(each); });
  }
  return addresses;
}

std::vector<Fault> Gate::listen() {
  std::vector<Fault> problems;
  for (const HostPort& at : config_.listen) {
    const auto endpoints = past_kernel() ? dpdk_addresses_of(config_, at) : addresses_of(at);
    if (!endpoints) problems.push_back({at.to_string() + ": " + endpoints.error().text, "listen"});
    for (const net::Endpoint& endpoint : endpoints ? *endpoints : std::vector<net::Endpoint>{}) {
      for (Fault& problem : listen_at(endpoint)) problems.push_back(std::move(problem));
    }
  }
  return problems;
}

std::vector<Fault> Gate::listen_at(const net::Endpoint& endpoint) {
  if (past_kernel()) {
    for (auto& listens : listens_) listens.push_back({endpoint});
    addresses_.push_back(endpoint.to_string());
    return {};
  }
  const auto sockets = net::listen_sockets(endpoint, workers_);
  if (!sockets) return {{sockets.error().text, "listen"}};
  for (std::size_t i = 0; i < workers_; ++i) listens_[i].push_back({endpoint, (*sockets)[i]});
  addresses_.push_back(net::local_endpoint(sockets->front(), endpoint).to_string());
  return {};
}

// The last step, since it takes the ports from whoever had them.
std::vector<Fault> Gate::start_ports() {
  if (!past_kernel()) return {};
  const net::dpdk::Config config = dpdk_config(config_);
  std::vector<Fault> problems = net::dpdk::check(config);
  for (Fault& problem : net::dpdk::check_host(config)) problems.push_back(std::move(problem));
  if (!problems.empty()) return problems;
  auto ports = net::dpdk::Ports::start(config, workers_);
  if (!ports) return {ports.error()};
  ports_ = std::move(*ports);
  view_.ports = ports_.get();
  for (const std::string& line : ports_->describe())
    say(LogLevel::info, event_text("port started", {{"port", line}}));
  return {};
}

// The default address is a convenience: that it is taken is no reason not to serve. One that was
// asked for is.
bool Gate::start_admin() {
  if (!config_.admin) return true;
  auto admin = AdminServer::make(config_.admin_listen, [this](const AdminRequest& request) {
    return admin_page(view_, request);
  });
  if (admin) {
    admin_ = std::move(*admin);
    return true;
  }
  const bool asked = config_.origin.contains("admin-listen");
  if (asked) return refuse({admin.error()});
  say(LogLevel::warn,
      event_text(
          "no admin listener: its default address cannot be had", {{"problem", admin.error().text}}
      ));
  return true;
}

void Gate::start_workers() {
  for (WorkerThread& own : threads_) {
    status_.workers_running.fetch_add(1);
    own.thread = std::thread([this, &own] {
      own.outcome = own.worker->run();
      own.ended.store(true, std::memory_order_release);
      status_.workers_running.fetch_sub(1);
      const std::uint64_t one = 1;
      [[maybe_unused]] const auto written = write(worker_ended_, &one, sizeof one);
    });
  }
}

int Gate::serve_until_stopped() {
  for (const std::string& address : addresses_) {
    say(LogLevel::info,
        event_text(
            "listening", {{"address", address}, {"road", std::string(net::name_of(settings_.road))}}
        ));
  }
  if (admin_)
    say(LogLevel::info,
        event_text("admin listening", {{"address", admin_->address().to_string()}}));
  notify_service_manager("READY=1");
  next_look_ = monotonic_now() + limits::reload_poll;
  next_key_ = monotonic_now() + config_.session_ticket_rotate_interval;
  next_fetched_ = config_.authentication_config.empty() ? Instant::never() : monotonic_now();
  while (status_.workers_running.load() > 0) {
    std::array<pollfd, 3> waits = {
        {{signals_, POLLIN, 0}, {watch_->fd(), POLLIN, 0}, {worker_ended_, POLLIN, 0}}
    };
    poll(waits.data(), waits.size(), poll_timeout_ms(monotonic_now()));
    if (waits[0].revents != 0) on_signals();
    if (waits[1].revents != 0) watch_->on_events(monotonic_now());
    if (waits[2].revents != 0) on_worker_ended();
    if (!status_.stopping.load()) on_timers();
  }
  join();
  say(LogLevel::info, event_text("gatehouse ends", {{"failed", failed_ ? "true" : "false"}}));
  return failed_ ? 1 : 0;
}

int Gate::poll_timeout_ms(Instant now) const {
  if (status_.stopping.load()) return -1;  // a worker's end or a signal
  const Instant next = std::min({watch_->next_deadline(), next_look_, next_key_, next_fetched_});
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - now).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

void Gate::on_timers() {
  const Instant now = monotonic_now();
  if (watch_->take_due(now)) {
    reload("files changed");
  } else if (now >= next_look_) {
    if (reloader_->changed_on_disk()) reload("files changed unannounced");
    next_look_ = monotonic_now() + limits::reload_poll;
  }
  if (now >= next_fetched_) {
    reloader_->take_fetched_keys();
    next_fetched_ = now + limits::fetched_keys_poll;
  }
  if (now >= next_key_) {
    reloader_->rotate_ticket_keys(wall_now());
    next_key_ = now + config_.session_ticket_rotate_interval;
  }
}

void Gate::reload(std::string_view why) {
  say(LogLevel::debug, event_text("reading policy and certificates", {{"why", std::string(why)}}));
  notify_service_manager(
      "RELOADING=1\nMONOTONIC_USEC=" + std::to_string(monotonic_now().ns / 1000)
  );
  watch_->watch(reloader_->paths());
  reloader_->reload(wall_now());
  notify_service_manager("READY=1");
}

void Gate::on_signals() {
  signalfd_siginfo info{};
  while (read(signals_, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    switch (static_cast<int>(info.ssi_signo)) {
      case SIGHUP:
        log_thread_->reopen();
        if (!status_.stopping.load()) reload("SIGHUP");
        break;
      case SIGUSR1:
        log_thread_->reopen();
        break;
      default:
        begin_stop(info.ssi_signo == SIGINT ? "SIGINT" : "SIGTERM");
        break;
    }
  }
}

void Gate::begin_stop(std::string_view why) {
  const bool again = status_.stopping.exchange(true);
  const char* text = again ? "stopping at once" : "stopping: running requests may finish";
  say(LogLevel::info, event_text(text, {{"why", std::string(why)}}));
  if (!again) notify_service_manager("STOPPING=1");
  for (WorkerThread& own : threads_)
    again ? own.worker->request_abort() : own.worker->request_stop();
}

void Gate::on_worker_ended() {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto taken = read(worker_ended_, &count, sizeof count);
  for (WorkerThread& own : threads_) {
    if (!own.ended.load(std::memory_order_acquire)) continue;
    if (own.outcome.has_value() && status_.stopping.load()) continue;
    if (!failed_) {
      const std::string problem = own.outcome ? "ended by itself" : own.outcome.error().to_string();
      say(LogLevel::error, event_text("a worker failed", {{"problem", problem}}));
    }
    failed_ = true;
    if (!status_.stopping.load()) begin_stop("a worker failed");
  }
}

void Gate::join() {
  for (WorkerThread& own : threads_) {
    if (own.thread.joinable()) own.thread.join();
  }
  on_worker_ended();  // one that failed as the last
}

}  // namespace

int serve(const Config& config) { return Gate(config).run(); }

}  // namespace gh::control
