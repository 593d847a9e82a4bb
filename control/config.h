// SPDX-License-Identifier: Apache-2.0
// The configuration of `gatehouse serve` as plain data, and how flags and a YAML file become one.
// In: settings as text, each with its place.   Out: a Config, or every problem found (not only the
// first). Owner: control. Flags win over the file, the file over the defaults; a list is replaced
// whole. Not here: the list of options (options.h), reading certificates and policy (tls_source.h,
// policy_source.h).
#pragma once

#include "authz/identity/certificate_mapping.h"
#include "base/limits.h"
#include "base/result.h"
#include "base/units.h"
#include "dataplane/net/stack/config.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace gh::control {

struct HostPort {
  std::string host;  // a name or an address without brackets; empty: all addresses
  std::uint16_t port = 0;
  std::string to_string() const;
};

struct UpstreamUrl {
  std::string url;  // as given, without a trailing slash
  HostPort at;
  bool tls = true;
};

struct CertificateFiles {
  std::string cert_file;
  std::string key_file;
  std::vector<std::string> names;  // --tls-sni-cert-key only; empty: those of the certificate
};

// --oidc-jwks-file
struct IssuerKeyFile {
  std::string issuer;
  std::string path;
};

enum class RoadChoice : std::uint8_t { automatic, uring, epoll, dpdk };
enum class ClientCertMode : std::uint8_t { require, request };
enum class CryptoBatching : std::uint8_t { automatic, on, off };
enum class MinVersion : std::uint8_t { tls_1_2, tls_1_3 };
enum class Authorizer : std::uint8_t { node, rbac, always_allow };
enum class LogFormat : std::uint8_t { text, json };

struct Config {
  std::string config_file;

  std::vector<HostPort> listen;
  std::uint32_t workers = 0;  // 0: one for each core this process may run on
  RoadChoice road = RoadChoice::automatic;
  bool pin_workers = true;

  // --road dpdk; in the file also the section `dpdk`
  std::vector<net::stack::PortConfig> dpdk_ports;
  std::vector<std::string> dpdk_eal_args;
  std::uint32_t dpdk_frames = 16'384;
  bool busy_poll = false;

  std::string tls_cert_file;
  std::string tls_private_key_file;
  std::vector<CertificateFiles> tls_sni_cert_key;
  MinVersion tls_min_version = MinVersion::tls_1_2;
  std::vector<std::string> tls_cipher_suites;  // Go's names; empty: the defaults of tls/context.h
  std::vector<std::string> tls_curve_preferences;  // the TLS library's names; empty: its defaults

  CryptoBatching crypto_batch = CryptoBatching::automatic;
  std::string ssl_engine;  // empty: none

  std::vector<std::string> session_ticket_key_file;  // empty: keys are made here, and rotated
  Duration session_ticket_rotate_interval = limits::ticket_key_period;
  Duration ticket_lifetime = limits::ticket_lifetime;            // zero: no tickets
  Duration resumption_lineage_max = limits::ticket_lineage_max;  // zero: no tickets

  std::string client_ca_file;
  ClientCertMode client_cert_mode = ClientCertMode::require;
  std::vector<identity::CertificateRule> certificate_mappings;  // in order; each compiles

  std::vector<UpstreamUrl> upstream;
  std::string upstream_ca_file;
  std::string upstream_server_name;
  std::string proxy_client_cert_file;
  std::string proxy_client_key_file;
  bool allow_plaintext_upstream = false;

  bool anonymous_auth = false;
  std::string requestheader_client_ca_file;  // empty: no front proxy is believed
  std::vector<std::string> requestheader_allowed_names;
  std::vector<std::string> requestheader_username_headers = {"X-Remote-User"};
  std::vector<std::string> requestheader_uid_headers = {"X-Remote-Uid"};
  std::vector<std::string> requestheader_group_headers = {"X-Remote-Group"};
  std::vector<std::string> requestheader_extra_headers_prefix = {"X-Remote-Extra-"};

  std::string token_auth_file;
  bool enable_bootstrap_token_auth = false;
  std::vector<std::string> bootstrap_token_secrets;
  std::vector<std::string> service_account_key_file;
  std::vector<std::string> service_account_issuer;
  std::vector<std::string> api_audiences;  // empty: the issuers
  bool service_account_lookup = false;
  std::string authentication_config;
  std::vector<IssuerKeyFile> oidc_jwks_file;
  bool authentication_token_webhook = false;

  std::vector<Authorizer> authorization_mode = {Authorizer::rbac};  // asked in this order
  bool authorization_shadow = false;
  std::vector<std::string> node_graph;
  bool node_restriction = false;  // --enable-admission-plugins
  std::vector<std::string> policy;
  bool bootstrap_policy =
      false;  // Kubernetes' default roles and bindings, beneath those of `policy`

  bool admin = true;
  HostPort admin_listen{"127.0.0.1", 9440};
  bool admin_allow_remote = false;

  Duration handshake_timeout = limits::handshake_timeout;
  Duration head_timeout = limits::head_timeout;
  Duration idle_timeout = limits::idle_timeout;
  Duration shutdown_timeout = limits::shutdown_timeout;

  std::string access_log;  // a file, "-" for standard output, empty: none
  LogFormat log_format = LogFormat::text;
  std::uint32_t verbosity = 0;

  bool uses(Authorizer authorizer) const {
    return std::find(authorization_mode.begin(), authorization_mode.end(), authorizer) !=
           authorization_mode.end();
  }

  std::map<std::string, std::string, std::less<>>
      origin;  // option name → "--flag" or "file:line" it came from
};

struct SettingValue {
  std::string text;
  std::string where;  // "--flag" or "file:line"
};

// One option as the user gave it.
struct Setting {
  std::string name;  // without dashes
  std::vector<SettingValue> values;
  std::string where;
  std::string folder;  // relative paths start here; empty: the working directory
};

struct Loaded {
  Config config;
  std::vector<Fault> problems;  // empty: the configuration may be used
};

// `flags` as the command line gave them (one of them may be "config"). Reads the file.
Loaded load_config(const std::vector<Setting>& flags);

// The settings of a YAML text; what is wrong with it goes to `problems`. `file` is for messages.
std::vector<Setting> parse_config_text(
    const std::string& text, const std::string& file, std::vector<Fault>& problems
);

// The effective configuration as YAML that --config reads back, each line with its origin.
std::string render_config(const Config& config);

// "host:port", "[::1]:port", ":port".
Result<HostPort, std::string> parse_host_port(std::string_view text);
bool is_loopback(const HostPort& at);  // a loopback literal or "localhost"

// A whole file, at most `bytes_max` long.
Outcome<std::string> read_file(const std::string& path, std::size_t bytes_max);

}  // namespace gh::control
