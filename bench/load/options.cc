// SPDX-License-Identifier: Apache-2.0
#include "bench/load/options.h"

#include "base/limits.h"
#include "control/go_duration.h"
#include "control/version.h"
#include "tls/name_syntax.h"

#include <CLI/CLI.hpp>
#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

namespace gh::load {
namespace {

constexpr std::array modes = {
    Mode::full, Mode::resume, Mode::requests, Mode::h2, Mode::watch, Mode::idle, Mode::storm
};

constexpr const char* description =
    R"(gatehouse-load: load for any TLS server, measured.

Modes (what one operation is):
  full      a new connection with a full handshake, one request if the URL has a path, and its end
  resume    the same with a resumed session; a full handshake counts as an error
  requests  one HTTP/1.1 request on a connection that is kept
  h2        one HTTP/2 request; --streams at once on each connection
  watch     one event (a line of the answer) of a watch; --streams above 1: HTTP/2, so many on each connection
  idle      connections that are opened and held for --duration
  storm     --connections new connections, all begun at once

Load is a closed loop (--connections at once, each asks again when answered) or, with --rate, an open loop: operations
begin when they are due, and their latency counts from then, whatever the server does.
)";

constexpr const char* examples =
    R"(Exit code: 0 all well and every --expect held; 1 errors, or an --expect that did not hold; 2 a usage error;
3 it could not run: nobody listens, or the bounds of this host are too small.
With --expect errors are judged by the expectations alone.

Examples:
  gatehouse-load full https://127.0.0.1:8443/readyz --ca ca.crt --cert me.crt --key me.key --connections 32
  gatehouse-load resume https://gate.example:8443/readyz --ca ca.crt --cert-dir identities/ --tls 1.3 --server-pid 4242
  gatehouse-load requests https://127.0.0.1:8443/api --ca ca.crt --bearer-token-file token --rate 5000 --expect 'p99<5ms'
  gatehouse-load h2 https://127.0.0.1:8443/api --insecure --connections 8 --streams 16 --html report.html --json report.json
  gatehouse-load storm https://127.0.0.1:8443/readyz --ca ca.crt --cert me.crt --key me.key --connections 5000
How to read the figures: docs/load-testing.md)";

// What the command line gives before it is checked.
struct Given {
  std::string mode, url, ca, cert, key, cert_dir, server_name, tls, tls_min, tls_max, groups,
      ciphers, ciphers_tls13, alpn, body, body_file, token, token_file, road = "auto";
  std::vector<std::string> headers, expectations, sources;
  std::string method = "GET", duration = "10s", warm_up, timeout = "10s", interval;
  std::vector<int> status;
  std::optional<std::string> expect_body;
  bool no_request = false, insecure = false;
  bool version = false;
};

void add_load_options(CLI::App& app, Given& given, Options& out) {
  app.add_option("MODE", given.mode, "full, resume, requests, h2, watch, idle or storm");
  app.add_option("URL", given.url, "https://HOST[:PORT][/PATH]; without a path: handshakes alone");
  const auto group = "Load";
  app.add_option(
         "-c,--connections,--concurrency",
         out.connections,
         "at once [32; watch, idle 100; storm 1000]"
  )
      ->group(group);
  app.add_option(
         "--streams", out.streams, "requests at once on a connection (HTTP/2) [h2: 4, else 1]"
  )
      ->group(group);
  app.add_option("-r,--rate", out.rate, "operations a second in all: an open loop")->group(group);
  app.add_option("-d,--duration", given.duration, "how long to measure [10s]")->group(group);
  app.add_option("-n,--requests", out.requests, "end after so many operations instead")
      ->group(group);
  app.add_option("-w,--warm-up", given.warm_up, "load before it, not measured [0s]")->group(group);
  app.add_option(
         "-t,--threads", out.threads, "threads, a loop each [number of processors it may use]"
  )
      ->group(group);
  app.add_option("--timeout", given.timeout, "of an operation [10s]")->group(group);
  app.add_option(
         "--expected-interval",
         given.interval,
         "closed loop: also percentiles corrected for a client that asks so often"
  )
      ->group(group);
  app.add_option("--road", given.road, "uring, epoll or auto [auto]")->group(group);
  app.add_option("--source", given.sources, "address to connect from, taken in turn; repeatable")
      ->group(group)
      ->allow_extra_args(false);
}

void add_tls_options(CLI::App& app, Given& given) {
  const auto group = "TLS";
  app.add_option("--ca", given.ca, "CA certificates that the server's must come from (PEM)")
      ->group(group);
  app.add_flag("-k,--insecure", given.insecure, "take whatever certificate the server has")
      ->group(group);
  app.add_option("--cert", given.cert, "client certificate (PEM, chain)")->group(group);
  app.add_option("--key", given.key, "its key")->group(group);
  app.add_option(
         "--cert-dir",
         given.cert_dir,
         "folder of NAME.crt with NAME.key: many identities, taken in turn"
  )
      ->group(group);
  app.add_option(
         "--server-name", given.server_name, "name to send (SNI) and to verify [host of the URL]"
  )
      ->group(group);
  app.add_option("--tls", given.tls, "1.2 or 1.3 only")->group(group);
  app.add_option("--tls-min", given.tls_min, "lowest version [1.2]")->group(group);
  app.add_option("--tls-max", given.tls_max, "highest version [1.3]")->group(group);
  app.add_option(
         "--groups", given.groups, "key exchange groups, best first [X25519:P-256:P-384:P-521]"
  )
      ->group(group);
  app.add_option("--ciphers", given.ciphers, "TLS 1.2 suites by OpenSSL's names")->group(group);
  app.add_option("--ciphers-tls13", given.ciphers_tls13, "TLS 1.3 suites")->group(group);
  app.add_option("--alpn", given.alpn, "h2, http/1.1, both with a comma, or none [by mode]")
      ->group(group);
}

void add_request_options(CLI::App& app, Given& given, Options& out) {
  const auto group = "Request";
  app.add_option("-X,--method", given.method, "method [GET]")->group(group);
  app.add_option("-H,--header", given.headers, "'Name: value'; repeatable")
      ->group(group)
      ->allow_extra_args(false);
  app.add_option("--bearer-token", given.token, "Authorization: Bearer TOKEN")->group(group);
  app.add_option("--bearer-token-file", given.token_file, "the same from a file")->group(group);
  app.add_option("--body", given.body, "body to send")->group(group);
  app.add_option("--body-file", given.body_file, "the same from a file")->group(group);
  app.add_flag("--no-request", given.no_request, "handshakes alone, whatever the URL")
      ->group(group);
  app.add_option(
         "--event-time",
         out.event_time,
         "watch: field that holds when an event was sent, RFC 3339 or Unix µs [renewTime]"
  )
      ->group(group);
}

void add_check_and_output_options(CLI::App& app, Given& given, Options& out) {
  const auto checks = "Checks";
  app.add_option("--expect-status", given.status, "status of a right answer; repeatable [200]")
      ->group(checks)
      ->allow_extra_args(false);
  app.add_option(
         "--expect-body",
         given.expect_body,
         "text that a right answer contains (in its first 64 KiB)"
  )
      ->group(checks);
  app.add_option(
         "--expect",
         given.expectations,
         "'p99<5ms', 'handshake-p99<=9ms', 'rate>1000', 'errors=0', 'cpu<400us', 'memory<12KiB'; "
         "repeatable"
  )
      ->group(checks)
      ->allow_extra_args(false);
  const auto output = "Output";
  app.add_option(
         "--server-pid",
         out.server_pids,
         "local server whose CPU time and memory are measured; repeatable"
  )
      ->group(output)
      ->allow_extra_args(false);
  app.add_option("--json", out.json, "write the figures as JSON to FILE, - for standard output")
      ->group(output);
  app.add_option("--html", out.html, "write a page with plots to FILE")->group(output);
  app.add_flag("-q,--quiet", out.quiet, "no progress, no summary: errors and exit code")
      ->group(output);
  app.add_flag("--version", given.version, "print the version")->group(output);
}

// ---- checks ----

Outcome<std::string> file_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  if (!in || !(text << in.rdbuf() || in.peek() == EOF)) return fault("cannot be read", path);
  return text.str();
}

Outcome<Duration> duration_of(const std::string& text, const char* flag, Duration least) {
  auto value = control::parse_duration(text);
  if (!value) return fault("\"" + text + "\" is not a duration such as 10s or 500ms", flag);
  if (*value < least) return fault("\"" + text + "\" is too short", flag);
  return *value;
}

Outcome<void> take_url(Options& out, const std::string& url, bool no_request) {
  constexpr std::string_view scheme = "https://";
  out.url = url;
  if (!url.starts_with(scheme)) return fault("\"" + url + "\" does not begin with https://", "URL");
  const std::string rest = url.substr(scheme.size());
  const auto slash = rest.find_first_of("/?#");
  std::string authority = rest.substr(0, slash);
  out.head.target = slash == std::string::npos ? "/" : rest.substr(slash);
  if (out.head.target[0] != '/') return fault("no path before ? or # in \"" + url + "\"", "URL");
  if (out.head.target.find('#') != std::string::npos ||
      std::any_of(url.begin(), url.end(), [](char c) { return c <= ' ' || c == 127; }))
    return fault("a character in \"" + url + "\" has no place in a request", "URL");
  out.head.authority = authority;
  out.head.scheme = "https";
  const bool needs_request =
      out.mode == Mode::requests || out.mode == Mode::h2 || out.mode == Mode::watch;
  out.ask = needs_request || (slash != std::string::npos && !no_request);
  const auto colon = authority.rfind(':');
  if (colon != std::string::npos && authority.find(']', colon) == std::string::npos) {
    const std::string port = authority.substr(colon + 1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), out.port);
    if (error != std::errc{} || end != port.data() + port.size() || out.port == 0)
      return fault("\"" + port + "\" is not a port", "URL");
    authority.resize(colon);
  }
  if (authority.starts_with('[') && authority.ends_with(']'))
    authority = authority.substr(1, authority.size() - 2);
  if (authority.empty() || authority.find('@') != std::string::npos)
    return fault("no host in \"" + url + "\"", "URL");
  out.host = authority;
  return {};
}

Outcome<void> take_version(const std::string& text, const char* flag, tls::ProtocolVersion& into) {
  if (text.empty()) return {};
  if (text != "1.2" && text != "1.3") return fault("\"" + text + "\" is neither 1.2 nor 1.3", flag);
  into = text == "1.2" ? tls::ProtocolVersion::tls_1_2 : tls::ProtocolVersion::tls_1_3;
  return {};
}

Outcome<void> take_alpn(Options& out, const std::string& given) {
  const bool h2 = out.mode == Mode::h2 || (out.mode == Mode::watch && out.streams > 1);
  out.tls.alpn = {h2 ? tls::Alpn::h2 : tls::Alpn::http_1_1};
  if (given.empty()) return {};
  out.tls.alpn.clear();
  std::stringstream list(given);
  for (std::string word; std::getline(list, word, ',');) {
    if (word == "h2") {
      out.tls.alpn.push_back(tls::Alpn::h2);
    } else if (word == "http/1.1") {
      out.tls.alpn.push_back(tls::Alpn::http_1_1);
    } else if (word != "none") {
      return fault("\"" + word + "\" is none of h2, http/1.1, none", "--alpn");
    }
  }
  const bool offers_h2 =
      std::find(out.tls.alpn.begin(), out.tls.alpn.end(), tls::Alpn::h2) != out.tls.alpn.end();
  if (h2 && !offers_h2) return fault("this mode needs h2", "--alpn");
  return {};
}

Outcome<void> take_identities(Options& out, const Given& given) {
  if (given.cert.empty() != given.key.empty())
    return fault("--cert and --key are given together or not at all");
  if (!given.cert.empty()) {
    GH_TRY(auto pair, tls::load_key_pair(given.cert, given.key));
    out.identities.push_back(std::move(pair));
  }
  if (given.cert_dir.empty()) return {};
  std::vector<std::filesystem::path> certificates;
  std::error_code error;
  for (std::filesystem::directory_iterator at(given.cert_dir, error), end; !error && at != end;
       at.increment(error)) {
    if (at->path().extension() != ".crt") continue;
    if (std::filesystem::exists(std::filesystem::path(at->path()).replace_extension(".key")))
      certificates.push_back(at->path());
  }
  if (error) return fault(error.message(), given.cert_dir);
  if (certificates.empty()) return fault("no NAME.crt with a NAME.key in it", given.cert_dir);
  std::sort(certificates.begin(), certificates.end());
  for (const auto& path : certificates) {
    if (out.identities.size() >= limits::load_identities_max)
      return fault("more identities than may be", given.cert_dir);
    GH_TRY(
        auto pair,
        tls::load_key_pair(
            path.string(), std::filesystem::path(path).replace_extension(".key").string()
        )
    );
    out.identities.push_back(std::move(pair));
  }
  return {};
}

Outcome<void> take_tls(Options& out, const Given& given) {
  if (given.insecure == !given.ca.empty())
    return fault("say either --ca FILE, to verify the server, or --insecure");
  out.tls.verify = !given.insecure;
  out.tls.trust = tls::TrustStore::nobody();
  if (!given.insecure) {
    GH_TRY(out.tls.trust, tls::TrustStore::load(given.ca));
  }
  out.tls.server_name = given.server_name.empty() ? out.host : given.server_name;
  out.tls.resume = out.mode == Mode::resume;
  auto& protocol = out.tls.protocol;
  GH_TRY_VOID(take_version(given.tls, "--tls", protocol.version_min));
  GH_TRY_VOID(take_version(given.tls, "--tls", protocol.version_max));
  GH_TRY_VOID(take_version(given.tls_min, "--tls-min", protocol.version_min));
  GH_TRY_VOID(take_version(given.tls_max, "--tls-max", protocol.version_max));
  if (!given.groups.empty()) protocol.groups = given.groups;
  if (!given.ciphers.empty()) protocol.ciphers_tls12 = given.ciphers;
  if (!given.ciphers_tls13.empty()) protocol.ciphers_tls13 = given.ciphers_tls13;
  GH_TRY_VOID(take_alpn(out, given.alpn));
  return take_identities(out, given);
}

// A field that could end the head or be read as another one.
bool is_field(std::string_view name, std::string_view value) {
  const auto token = [](char c) {
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  };
  return !name.empty() && std::all_of(name.begin(), name.end(), token) &&
         std::none_of(value.begin(), value.end(), [](char c) {
           return (c >= 0 && c < ' ' && c != '\t') || c == 127;
         });
}

std::string trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1));
}

Outcome<void> take_headers(Options& out, const Given& given) {
  bool agent = false, accept = false;
  for (const std::string& field : given.headers) {
    const auto colon = field.find(':');
    const std::string name = trim(field.substr(0, colon));
    const std::string value = colon == std::string::npos ? "" : trim(field.substr(colon + 1));
    if (colon == std::string::npos || !is_field(name, value))
      return fault("\"" + field + "\" is not 'Name: value'", "--header");
    std::string lower = name;
    std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) {
      return static_cast<char>(std::tolower(c));
    });
    agent |= lower == "user-agent";
    accept |= lower == "accept";
    if (lower == "host") {
      out.head.authority = value;
    } else if (lower == "content-length" || lower == "transfer-encoding" || lower == "connection") {
      return fault(name + " is ours to say", "--header");
    } else {
      out.head.headers.add(name, value);
    }
  }
  if (!agent) out.head.headers.add("user-agent", "gatehouse-load");
  if (!accept) out.head.headers.add("accept", "application/json, */*");
  return {};
}

Outcome<void> take_request(Options& out, const Given& given) {
  out.head.method = given.method;
  if (!is_field(given.method, ""))
    return fault("\"" + given.method + "\" is no method", "--method");
  GH_TRY_VOID(take_headers(out, given));
  std::string token = given.token;
  if (!given.token_file.empty()) {
    GH_TRY(token, file_text(given.token_file));
    token = trim(token);
  }
  if (!token.empty() && !is_field("authorization", token))
    return fault("the bearer token holds a character that no header can carry");
  if (!token.empty()) out.head.headers.add("authorization", "Bearer " + token);
  out.body = given.body;
  if (!given.body_file.empty()) {
    GH_TRY(out.body, file_text(given.body_file));
  }
  if (!out.body.empty()) out.head.content_length = out.body.size();
  if (!given.status.empty()) out.expect_status = given.status;
  out.expect_body = given.expect_body;
  return {};
}

Outcome<void> bounded(std::size_t value, std::size_t most, const char* flag) {
  if (value >= 1 && value <= most) return {};
  return fault("must be from 1 to " + std::to_string(most), flag);
}

std::size_t processors() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return static_cast<std::size_t>(std::max(1, CPU_COUNT(&set)));
}

Outcome<void> take_load(Options& out, const Given& given) {
  const bool many = out.mode == Mode::watch || out.mode == Mode::idle;
  if (out.connections == 0) out.connections = many ? 100 : out.mode == Mode::storm ? 1000 : 32;
  if (out.threads == 0) out.threads = std::min(processors(), out.connections);
  GH_TRY_VOID(bounded(out.connections, limits::load_connections_max, "--connections"));
  GH_TRY_VOID(bounded(out.threads, limits::load_threads_max, "--threads"));
  GH_TRY_VOID(bounded(out.streams, limits::load_streams_max, "--streams"));
  if (out.threads > out.connections) return fault("more threads than connections", "--threads");
  if (out.streams > 1 && out.mode != Mode::h2 && out.mode != Mode::watch)
    return fault("only for h2 and watch", "--streams");
  if (!(out.rate >= 0 && out.rate <= 1e8)) return fault("must be from 0 to 100000000", "--rate");
  if (out.rate > 0 && (out.mode == Mode::storm || out.mode == Mode::watch))
    return fault("has no meaning for this mode", "--rate");
  if (out.requests > 0 && (many || out.mode == Mode::storm))
    return fault("has no meaning for this mode", "--requests");
  using std::chrono::milliseconds;
  GH_TRY(out.duration, duration_of(given.duration, "--duration", milliseconds(1)));
  GH_TRY(out.timeout, duration_of(given.timeout, "--timeout", milliseconds(1)));
  if (!given.warm_up.empty()) {
    GH_TRY(out.warm_up, duration_of(given.warm_up, "--warm-up", Duration(0)));
  }
  if (!given.interval.empty()) {
    GH_TRY(
        out.expected_interval,
        duration_of(given.interval, "--expected-interval", std::chrono::microseconds(100))
    );
    if (out.rate > 0) return fault("only for a closed loop", "--expected-interval");
  }
  const std::size_t contexts = out.mode == Mode::resume
                                   ? out.connections
                                   : out.threads * std::max<std::size_t>(1, out.identities.size());
  if (contexts > limits::load_contexts_max)
    return fault(
        "connections that resume, or identities times threads, may be " +
        std::to_string(limits::load_contexts_max) + " at most"
    );
  return {};
}

Outcome<void> take_addresses(Options& out, const Given& given) {
  GH_TRY(out.targets, net::resolve(out.host, out.port));
  for (const std::string& source : given.sources) {
    const bool v6 = source.find(':') != std::string::npos;
    GH_TRY(auto at, net::Endpoint::parse(v6 ? "[" + source + "]:1" : source + ":1"));
    out.sources.push_back(at);
  }
  const std::size_t wanted =
      (out.connections + limits::load_ports_per_source - 1) / limits::load_ports_per_source;
  const bool loopback = std::all_of(out.targets.begin(), out.targets.end(), [](const auto& at) {
    return at.is_loopback() && !at.is_ipv6();
  });
  if (!out.sources.empty() || wanted < 2) return {};
  if (!loopback)
    return fault(
        "one address has ports for about " + std::to_string(limits::load_ports_per_source) +
            " connections: name more with --source",
        "--connections"
    );
  for (std::size_t i = 0; i < wanted; ++i) {
    GH_TRY(auto at, net::Endpoint::parse("127.0.0." + std::to_string(1 + i) + ":1"));
    out.sources.push_back(at);
  }
  return {};
}

Outcome<void> take_road(Options& out, const std::string& given) {
  const std::string missing = net::uring_missing();
  if (given == "epoll" || (given == "auto" && !missing.empty())) {
    out.road = net::RoadKind::epoll;
  } else if (given == "uring" && !missing.empty()) {
    return fault("io_uring cannot be used: " + missing, "--road");
  } else if (given != "uring" && given != "auto") {
    return fault("\"" + given + "\" is none of uring, epoll, auto", "--road");
  }
  return {};
}

Outcome<void> complete(Options& out, const Given& given) {
  const auto mode = std::find_if(modes.begin(), modes.end(), [&](Mode each) {
    return name_of(each) == given.mode;
  });
  if (given.mode.empty()) return fault("no MODE given");
  if (mode == modes.end()) return fault("\"" + given.mode + "\" is no mode");
  out.mode = *mode;
  if (given.url.empty()) return fault("no URL given");
  GH_TRY_VOID(take_url(out, given.url, given.no_request));
  GH_TRY_VOID(take_tls(out, given));
  GH_TRY_VOID(take_request(out, given));
  GH_TRY_VOID(take_load(out, given));
  GH_TRY_VOID(take_road(out, given.road));
  for (const std::string& text : given.expectations) {
    GH_TRY(auto expectation, Expectation::parse(text));
    if ((expectation.figure == "cpu" || expectation.figure == "memory") && out.server_pids.empty())
      return fault("needs --server-pid", "--expect '" + text + "'");
    out.expectations.push_back(std::move(expectation));
  }
  return take_addresses(out, given);
}

std::string quoted(std::string_view word) {
  const bool plain = !word.empty() && std::all_of(word.begin(), word.end(), [](unsigned char c) {
    return std::isalnum(c) ||
           std::string_view("-_=/.:,@%+").find(static_cast<char>(c)) != std::string_view::npos;
  });
  return plain ? std::string(word) : "'" + std::string(word) + "'";
}

// The command as typed, without secrets: a report is shown around.
std::string typed(int argc, const char* const* argv) {
  std::string out = "gatehouse-load";
  for (int i = 1; i < argc; ++i) {
    std::string_view word = argv[i];
    const std::string_view before = argv[i - 1];
    const auto secret = [](std::string_view text) {
      return text.size() >= 7 && (text.find("uthorization:") != std::string_view::npos ||
                                  text.find("ookie:") != std::string_view::npos);
    };
    if (word.starts_with("--bearer-token=")) word = "--bearer-token=…";
    if (before == "--bearer-token" || secret(word)) word = "…";
    out += " " + quoted(word);
  }
  return out;
}

std::uint64_t memory_available() {
  std::ifstream in("/proc/meminfo");
  for (std::string name, unit; in >> name;) {
    std::uint64_t kib = 0;
    in >> kib;
    std::getline(in, unit);
    if (name == "MemAvailable:") return kib * 1024;
  }
  return UINT64_MAX;
}

}  // namespace

std::string_view name_of(Mode mode) {
  switch (mode) {
    case Mode::full:
      return "full";
    case Mode::resume:
      return "resume";
    case Mode::requests:
      return "requests";
    case Mode::h2:
      return "h2";
    case Mode::watch:
      return "watch";
    case Mode::idle:
      return "idle";
    case Mode::storm:
      return "storm";
  }
  return "";
}

Parsed parse_command_line(int argc, const char* const* argv) {
  Given given;
  Options out;
  out.streams = 0;
  CLI::App app(description, "gatehouse-load");
  app.footer(examples);
  add_load_options(app, given, out);
  add_tls_options(app, given);
  add_request_options(app, given, out);
  add_check_and_output_options(app, given, out);
  app.set_help_flag("--help", "this text")->group("Output");
  app.get_formatter()->column_width(30);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return {std::nullopt, app.help(), 0};
  } catch (const CLI::Error& error) {
    return {
        std::nullopt,
        std::string("gatehouse-load: ") + error.what() + " (--help tells the rest)\n",
        2
    };
  }
  if (given.version)
    return {
        std::nullopt,
        "gatehouse-load " + std::string(control::version()) + " (" + control::compiler() + ")\n",
        0
    };
  if (out.streams == 0) out.streams = given.mode == "h2" ? 4 : 1;
  out.command = typed(argc, argv);
  if (const auto done = complete(out, given); !done)
    return {
        std::nullopt,
        "gatehouse-load: " + done.error().to_string() + " (--help tells the rest)\n",
        2
    };
  return {std::move(out), "", 0};
}

Outcome<void> make_room(const Options& options) {
  // Connections that end linger for a moment, so those by connection need more.
  const std::size_t wanted =
      options.connections * (options.by_connection() ? 2 : 1) + options.threads * 8 + 64;
  const std::size_t least = options.connections + options.threads * 8 + 32;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return fault("the limit of descriptors is unknown");
  if (limit.rlim_max < least)
    return fault(
        std::to_string(options.connections) + " connections need " + std::to_string(least) +
            " descriptors, and this process may have " + std::to_string(limit.rlim_max) +
            " (RLIMIT_NOFILE, ulimit -Hn)",
        "--connections"
    );
  if (limit.rlim_cur < wanted) {
    limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, std::max<rlim_t>(wanted, limit.rlim_cur));
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
      return fault("the limit of descriptors cannot be raised", "RLIMIT_NOFILE");
  }
  constexpr std::uint64_t bytes_each = 64 * 1024;  // TLS and HTTP state of a connection, generously
  if (options.connections * bytes_each > memory_available())
    return fault("so many connections do not fit in the memory at hand", "--connections");
  return {};
}

}  // namespace gh::load
